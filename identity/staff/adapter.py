"""How allauth serves our staff."""

import io
from typing import Any

import qrcode.main
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from qrcode.image.svg import SvgPathFillImage

from identity import csrf, operations, policy, queries, sessions
from identity.session import clock as session_clock
from identity.session import kept_forms, open_sessions
from identity.staff import passkeys
from portal import crypto, proof, session_reference

_SECRETS = "mfa_authenticator.data"


class StaffAccountAdapter(DefaultAccountAdapter):
    """Staff are added by an administrator: nobody signs up, and nobody becomes staff by signing in."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _(
            "The e-mail address or the password is wrong. Check both and try again."
        ),
        "too_many_login_attempts": _("Too many attempts. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request: object) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Allow paths of our own only."""
        return bool(url) and policy.own_path(str(url)) == url

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: our pages show what happened."""

    def login(self, request: HttpRequest, user: Any) -> None:
        """Open the session. Whoever has a second factor comes here after showing it, and the session notes that."""
        now, before, secret = timezone.now(), sessions.take_before(request), csrf.secret_of(request)
        super().login(request, user)
        csrf.carry(request, user=user, before=before, secret=secret)
        session_reference.store(request)
        session_clock.start(request, now)
        shown = [one for one in get_authentication_records(request, user) if one.get("method") == "mfa"]
        operations.note_staff_sign_in(user, factor=shown[-1].get("type", "") if shown else "", now=now)
        if shown:
            proof.note(request, now=now)
        kept_forms.remember(request, user.pk, now)
        open_sessions.note_new(request, user, now=now)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        operations.note_failed_staff_sign_in(
            email=str(credentials.get("email", "")), reason="password", now=timezone.now()
        )

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, str]]:
        """Ask for a code or a passkey: they prove more than the password."""
        if not queries.has_second_factor(user):
            return []
        return [{"id": "mfa_reauthenticate", "description": "", "url": reverse("mfa_reauthenticate")}]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again when the last proof is old; setting up the first factor follows the password directly."""
        request = context.request
        return queries.has_second_factor(request.user) and not proof.is_fresh(request, now=timezone.now())


class StaffMfaAdapter(DefaultMFAAdapter):
    """Second factor of staff: secrets are stored encrypted, and nobody goes without."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("The code is wrong, or was used already. Wait for the next one and write that."),
        "cannot_generate_recovery_codes": _("Set up a code app or a passkey first."),
        "incorrect_passkey": _("This passkey was not accepted. Try again, or use another way."),
    }

    def build_totp_svg(self, url: str) -> str:
        """Draw the picture for the code app on white, so that it can be scanned in the dark look too."""
        drawn = io.BytesIO()
        picture = qrcode.main.make(url, image_factory=SvgPathFillImage)  # type: ignore[no-untyped-call]
        picture.save(drawn)
        return drawn.getvalue().decode()

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text, context=_SECRETS)

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text, context=_SECRETS)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Refuse: what is taken away goes through identity.staff.factors, which leaves the last one."""
        return False

    def generate_authenticator_name(self, user: AbstractBaseUser, type: str) -> str:
        """Name a passkey that was given no name."""
        return gettext("Passkey %(number)d") % {"number": len(queries.passkeys_of(user)) + 1}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Bind passkeys to the host of BASE_URL, whatever the request claims."""
        return {"id": passkeys.host(), "name": settings.MFA_TOTP_ISSUER}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        """Say whose passkey it is: the id of the login, and what the person signs in with."""
        return {"id": user.pk.bytes, "display_name": user.name, "name": user.email}
