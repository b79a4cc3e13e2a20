"""allauth's forms for passkeys, with our own reading of what the browser sends."""

import json
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from identity.staff import passkeys
from identity.staff.passkeys import BadPasskey

MOST_CHARACTERS = 30_000
"""An answer with the longest certificate chains has some thousands."""
LONGEST_NAME = 60


class AnswerField(forms.JSONField):
    """What the browser's passkey dialog gave back: a JSON object."""

    widget = forms.HiddenInput
    default_error_messages = {"required": _("The browser sent no passkey. Try again.")}

    def to_python(self, value: Any) -> dict[str, Any] | None:  # type: ignore[override]  # what JSON fields return
        """Return it as a dictionary, however nonsensical what was sent is."""
        if value in self.empty_values:
            return None
        try:
            read = json.loads(value) if len(value) <= MOST_CHARACTERS else None
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict):
            raise get_adapter().validation_error("incorrect_passkey")
        return read


class NameForm(forms.Form):
    """What a passkey is called."""

    name = forms.CharField(
        label=_("Name of the passkey"),
        max_length=LONGEST_NAME,
        help_text=_("So that you know later which one it is, for example “Phone” or “Key ring”."),
    )


class NewPasskeyForm(AddWebAuthnForm):
    """A passkey that was just made, and its name."""

    name = forms.CharField(
        label=_("Name of the passkey"),
        max_length=LONGEST_NAME,
        required=False,
        help_text=_("So that you know later which one it is, for example “Phone” or “Key ring”."),
    )
    credential = AnswerField()

    def clean_credential(self) -> dict[str, Any]:
        """Keep only what is needed of the answer."""
        try:
            return passkeys.read_new(self.cleaned_data["credential"])
        except BadPasskey:
            raise get_adapter().validation_error("incorrect_passkey") from None

    def clean(self) -> dict[str, Any]:
        """Check that the answer fits the question. The words of a refusal stand by the button."""
        try:
            cleaned: dict[str, Any] = passkeys.checked(super().clean)
        except (BadPasskey, ValidationError):
            raise get_adapter().validation_error("incorrect_passkey") from None
        return cleaned


class PasskeyForm(AuthenticateWebAuthnForm):
    """A passkey, shown at sign-in."""

    credential = AnswerField()

    def clean_credential(self) -> Authenticator:
        """Return whose passkey it is; each try counts."""
        return _shown(self, super().clean_credential)


class PasskeyAgainForm(ReauthenticateWebAuthnForm):
    """A passkey, shown before something that matters."""

    credential = AnswerField()

    def clean_credential(self) -> Authenticator:
        """Return whose passkey it is; each try counts."""
        return _shown(self, super().clean_credential)


def _shown(form: forms.Form, check: Any) -> Authenticator:
    try:
        passkeys.check_shown(form.cleaned_data["credential"])
        shown: Authenticator = passkeys.checked(check)
        return shown
    except BadPasskey:
        raise get_adapter().validation_error("incorrect_passkey") from None
    except ValidationError as refused:
        if refused.code == "too_many_login_attempts":
            raise
        raise get_adapter().validation_error("incorrect_passkey") from None
