"""What a guardian fills in for a child (003, "Opret bruger under 15 år")."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from identity import national_id
from identity.by_code import passwords
from identity.form_fields import PATIENTS_PASSWORD, NewPasswordField
from identity.national_id import BadNationalId, NationalId
from portal.mobile_field import MobileField, of_country

TERMS = "2026-11"
"""The version of the terms that the form shows."""


class _Number(forms.CharField):
    """A national ID as people write it; cleans to a NationalId."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}
        super().__init__(max_length=20, widget=forms.TextInput(attrs=attributes), **kwargs)
        self.country = ""

    def clean(self, value: Any) -> NationalId | None:
        """Return the number, or say what is wrong with its shape."""
        text: str = super().clean(value)
        try:
            return national_id.parse(text, self.country)
        except BadNationalId as bad:
            raise forms.ValidationError(str(bad.message)) from None


class ConfirmChildForm(forms.Form):
    """Who the child is, and who the guardian: for a sign-in that is there already (004)."""

    child = _Number(label=_("The child's national ID"))
    guardian = _Number(
        label=_("Your own national ID"),
        help_text=_("You then sign in with eID. The numbers must be the same."),
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country
        of_country(self, country)
        for name in ("child", "guardian"):
            field = self.fields[name]
            assert isinstance(field, _Number)
            field.country = country
            field.widget.attrs["data-national-id"] = country  # puts its own hyphen in
            field.widget.template_name = "home/code/national_id.html"


class MakeChildForm(ConfirmChildForm):
    """A new sign-in for the child. Only the mobile number may be left out."""

    given_name = forms.CharField(label=_("The child's given name"), max_length=80)
    family_name = forms.CharField(label=_("The child's family name"), max_length=80)
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("Codes for signing in go here, each time."),
    )
    email_again = forms.CharField(
        label=_("The same e-mail again"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    mobile = MobileField(required=False)
    password = NewPasswordField(_("The child's password"), help_text=PATIENTS_PASSWORD)
    again = NewPasswordField(_("The same password again"))
    terms = forms.BooleanField(
        label=_("I have read and accept the terms"),
        error_messages={"required": _("Without the terms there is no sign-in.")},
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what was written twice and differs, and passwords that are easy to guess."""
        words = super().clean() or {}
        mail, again = words.get("email", ""), words.get("email_again", "").strip()
        if mail and again and mail.casefold() != again.casefold():
            self.add_error("email_again", _("The two addresses differ. Write the same in both."))
        if words.get("password") and words.get("again") and words["password"] != words["again"]:
            self.add_error("again", _("The two passwords differ. Write the same in both."))
        if words.get("password"):
            self._check_password(words)
        return words

    def _check_password(self, words: dict[str, Any]) -> None:
        child = words.get("child")
        known = [
            words.get("given_name", ""),
            words.get("family_name", ""),
            words.get("email", "").partition("@")[0],
        ]
        if child is not None:
            known += [child.number, f"{child.birth_date:%d%m%Y}", f"{child.birth_date:%d%m%y}"]
        problem = passwords.problem(words["password"], known)
        if problem is not None:
            self.add_error("password", str(problem.label))
