"""What patients fill in to sign in with password and code, and to choose a password."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic_admin.countries import CodeChannel, rules_of
from identity.choices import EidProof
from identity.form_fields import PATIENTS_PASSWORD, CodeField, NationalIdField, NewPasswordField
from portal.mobile_field import MobileField, of_country


class _CountryForm(forms.Form):
    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country
        field = self.fields["number"]
        assert isinstance(field, NationalIdField)
        field.country = country
        field.widget.attrs["data-national-id"] = country


class CodeSignInForm(_CountryForm):
    """The first step: who, and the password."""

    number = NationalIdField()
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class CodeForm(forms.Form):
    """The second step."""

    code = CodeField()


class PasswordForm(forms.Form):
    """A password of one's own, twice, and the code where one is asked for."""

    code = CodeField()
    password = NewPasswordField(_("New password"), help_text=PATIENTS_PASSWORD)
    again = NewPasswordField(_("The same password again"))

    def __init__(self, *args: Any, asks_for_code: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_for_code:
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        """Refuse two different passwords."""
        words = super().clean() or {}
        if words.get("password") and words.get("again") and words["password"] != words["again"]:
            self.add_error("again", _("The two passwords differ. Write the same in both."))
        return words


class ResetForm(_CountryForm):
    """Who asks for a new password. All must be as the clinic has it; the mobile is asked for where codes go there."""

    number = NationalIdField()
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    mobile = MobileField()

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, country=country, **kwargs)
        of_country(self, country)
        if rules_of(country).code_channel is not CodeChannel.SMS:
            del self.fields["mobile"]


class NoEidForm(forms.Form):
    """How the clinic made sure who a patient without eID is."""

    proof = forms.ChoiceField(
        label=_("How do you know who it is?"),
        choices=EidProof.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how the clinic made sure who it is.")},
    )


class AccountForm(forms.Form):
    """What staff fill in to make a patient's account. There is no field for a password, and never will be."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_("The link goes here. It becomes the patient's address in the contact details, too."),
    )
    consent = forms.BooleanField(
        label=_("The patient has agreed to this account"),
        error_messages={"required": _("Ask the patient first. Without their consent there is no account.")},
    )
