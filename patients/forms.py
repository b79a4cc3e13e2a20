"""What patients fill in about themselves."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.choices import MessageLanguage
from patients.models import Patient
from portal import phone_numbers
from portal.mobile_field import MobileField, of_country


class LanguageForm(forms.Form):
    """The language of messages."""

    language = forms.ChoiceField(
        label=_("Language of messages"), required=False, choices=MessageLanguage.choices
    )


class ContactForm(forms.Form):
    """How the clinic reaches the patient. Everything may be empty: it is pointed out, never forced (000 §9)."""

    mobile = MobileField(
        required=False,
        help_text=_(
            "For reminders and confirmations by SMS. Foreign numbers begin with + and the country code."
        ),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("For confirmations. We never write about health in an e-mail."),
    )
    language = forms.ChoiceField(
        label=_("Language of messages"), required=False, choices=MessageLanguage.choices
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country
        of_country(self, country)

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


class CodeForm(forms.Form):
    """The code that was sent to a new mobile number."""

    code = forms.CharField(
        label=_("Code from the SMS"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
        error_messages={"required": _("Write the code from the SMS.")},
    )

    def clean_code(self) -> str:
        """Return the code without the spaces that people write."""
        return "".join(str(self.cleaned_data["code"]).split())


class CheckForm(forms.Form):
    """Which of two differing values is right: the record's, or what the patient said earlier."""

    def __init__(self, *args: Any, differing: Iterable[tuple[str, Any, str, str]], **kwargs: Any) -> None:
        """Take kind, label, the record's value and the patient's word, as they are shown."""
        super().__init__(*args, **kwargs)
        for kind, label, record, word in differing:
            self.fields[kind] = forms.ChoiceField(
                label=label,
                widget=forms.RadioSelect,
                choices=[
                    ("record", _("%(value)s (the clinic has this)") % {"value": record or _("nothing")}),
                    ("word", _("%(value)s (you told us this earlier)") % {"value": word}),
                ],
                error_messages={"required": _("Choose which one is right.")},
            )
