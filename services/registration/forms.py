"""What people fill in to register, and staff to decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from identity import national_id
from identity.by_code import passwords
from identity.form_fields import PATIENTS_PASSWORD, NewPasswordField
from identity.national_id import BadNationalId, NationalId
from portal.mobile_field import MobileField, of_country


class ContactPart(forms.Form):
    """How the person is reached, and the terms: what everyone fills in who registers."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    email_again = forms.CharField(
        label=_("The same e-mail again"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    mobile = MobileField(required=False)
    terms = forms.BooleanField(
        label=_("I have read and accept the terms"),
        error_messages={"required": _("Without the terms you can't register.")},
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country
        of_country(self, country)

    def clean(self) -> dict[str, Any]:
        """Refuse two different addresses."""
        words = super().clean() or {}
        mail, again = words.get("email", ""), words.get("email_again", "").strip()
        if mail and again and mail.casefold() != again.casefold():
            self.add_error("email_again", _("The two addresses differ. Write the same in both."))
        return words


class RegisterForm(ContactPart):
    """The whole form of someone who is not signed in (003, "Opret bruger")."""

    number = forms.CharField(
        label=_("National ID"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}),
    )
    given_name = forms.CharField(
        label=_("Given name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    family_name = forms.CharField(
        label=_("Family name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )
    password = NewPasswordField(_("Password"), help_text=PATIENTS_PASSWORD)
    again = NewPasswordField(_("The same password again"))
    field_order = (
        "number",
        "given_name",
        "family_name",
        "email",
        "email_again",
        "mobile",
        "password",
        "again",
        "terms",
    )

    def __init__(self, *args: Any, country: str, clinic_name: str, **kwargs: Any) -> None:
        super().__init__(*args, country=country, **kwargs)
        self.clinic_name = clinic_name
        widget = self.fields["number"].widget
        widget.attrs["data-national-id"] = country
        widget.template_name = "home/code/national_id.html"

    def clean_number(self) -> NationalId:
        """Return the number, or say what is wrong with its shape. Whether we know it is never said."""
        try:
            return national_id.parse(self.cleaned_data["number"], self.country)
        except BadNationalId as bad:
            raise forms.ValidationError(str(bad.message)) from None

    def clean(self) -> dict[str, Any]:
        """Refuse two different passwords, and one that is easy to guess."""
        words = super().clean()
        password, again = words.get("password"), words.get("again")
        if password and again and password != again:
            self.add_error("again", _("The two passwords differ. Write the same in both."))
        if password and (problem := passwords.problem(password, self._context(words))) is not None:
            self.add_error("password", str(problem.label))
        return words

    def _context(self, words: dict[str, Any]) -> list[str]:
        number = words.get("number")
        dates = [f"{number.birth_date:%d%m%Y}", f"{number.birth_date:%d%m%y}"] if number else []
        return [
            words.get("given_name", ""),
            words.get("family_name", ""),
            words.get("email", "").partition("@")[0],
            self.clinic_name,
            number.number if number else "",
            *dates,
        ]


class ProofForm(forms.Form):
    """What the guardian of a child has shown, before staff accept."""

    proof = forms.CharField(
        label=_("What was shown"),
        max_length=200,
        help_text=_("For example passport and birth certificate, or the court's decision. No numbers."),
        error_messages={"required": _("Write what the guardian has shown.")},
    )


class RefuseForm(forms.Form):
    """Why the clinic refuses; the person reads it."""

    reason = forms.CharField(
        label=_("What shall the person know?"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Goes out by e-mail. Write nothing about health."),
    )
