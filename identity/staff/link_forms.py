"""What staff fill in around their password."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from identity.form_fields import NewPasswordField


class PasswordForm(forms.Form):
    """The password, twice."""

    password = NewPasswordField(
        _("Password"),
        help_text=_("At least 12 characters. Some words in a row are easy to remember and hard to guess."),
    )
    again = NewPasswordField(_("The same password again"))

    def clean(self) -> dict[str, Any]:
        """Refuse two different passwords."""
        words = super().clean() or {}
        if words.get("password") and words.get("again") and words["password"] != words["again"]:
            self.add_error("again", _("The two passwords differ. Write the same in both."))
        return words


class OwnPasswordForm(PasswordForm):
    """A new password of one's own, and the one so far."""

    old = forms.CharField(
        label=_("Your password so far"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ["old", "password", "again"]


class ForgottenForm(forms.Form):
    """Whose password was forgotten."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=200,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        help_text=_("The address that you sign in with."),
    )
