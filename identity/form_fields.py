"""Fields that several forms share: a national ID, the code of a message, and a password that is chosen."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from identity import national_id, policy
from identity.national_id import BadNationalId, NationalId


class NationalIdField(forms.CharField):
    """A national ID as people write it; cleans to a NationalId."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"})
        widget.template_name = "home/code/national_id.html"
        super().__init__(label=_("National ID"), max_length=20, widget=widget, **kwargs)
        self.country = ""

    def clean(self, value: Any) -> NationalId | None:
        """Return the number, or say what is wrong with its shape. Whether we know it is never said."""
        text: str = super().clean(value)
        try:
            return national_id.parse(text, self.country)
        except BadNationalId as bad:
            raise forms.ValidationError(str(bad.message)) from None


PATIENTS_PASSWORD = _(
    "At least 8 characters with upper and lower case letters and a digit, or at least 15 of any kind."
)
"""What identity.by_code.passwords asks of a patient's password, to be read before it is chosen (003)."""


class NewPasswordField(forms.CharField):
    """A password that is chosen now: kept with its spaces, and known to password managers as a new one."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(label=label, max_length=200, strip=False, widget=widget, **kwargs)


class CodeField(forms.CharField):
    """The six digits of a message, with or without spaces."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {
            "inputmode": "numeric",
            "autocomplete": "one-time-code",
            "spellcheck": "false",
            "size": "10",
        }
        super().__init__(
            label=_("Code from the message"),
            max_length=20,
            widget=forms.TextInput(attrs=attributes),
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        """Return the digits. Something else is told apart before it costs a try."""
        text = "".join(str(super().clean(value)).split())
        if not (text.isascii() and text.isdigit() and len(text) == policy.CODE_DIGITS):
            raise forms.ValidationError(_("The code has six digits."))
        return text
