"""What patients fill in about themselves."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.choices import MessageLanguage
from patients.models import Patient
from portal import phone_numbers
from portal.phone_numbers import BadPhoneNumber


class ContactForm(forms.Form):
    """How the clinic reaches the patient. Everything may be empty: it is pointed out, never forced (000 §9)."""

    mobile = forms.CharField(
        label=_("Mobile"),
        required=False,
        max_length=phone_numbers.LONGEST,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
        help_text=_(
            "For reminders and confirmations by SMS. Foreign numbers begin with + and the country code."
        ),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("For confirmations. We never write about your health in an e-mail."),
        error_messages={"invalid": _("This is not an e-mail address. It looks like name@example.com.")},
    )
    language = forms.ChoiceField(
        label=_("Language of messages"), required=False, choices=MessageLanguage.choices
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country

    @classmethod
    def of(cls, patient: Patient) -> "ContactForm":
        """Return the form filled in with what is stored, the number as people write it."""
        country = patient.clinic.country
        initial = {
            "mobile": phone_numbers.as_people_write(patient.mobile, country),
            "email": patient.email,
            "language": patient.language,
        }
        return cls(initial=initial, country=country)

    def moves_contact_of(self, patient: Patient) -> bool:
        """Return whether saving would change where codes and links go."""
        return (self.cleaned_data["mobile"], self.cleaned_data["email"]) != (patient.mobile, patient.email)

    def clean_mobile(self) -> str:
        """Return the number as E.164, or empty."""
        text: str = self.cleaned_data["mobile"]
        if not text:
            return ""
        try:
            return phone_numbers.parse_mobile(text, self.country)
        except BadPhoneNumber as bad:
            raise forms.ValidationError(str(bad.message), code=bad.reason.value) from None
