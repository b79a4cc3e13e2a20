"""What somebody without an account fills in."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic_admin.code_countries import all_names
from identity import policy as identity
from identity.form_fields import CodeField, NationalIdField
from portal.mobile_field import MobileField, of_country
from services.booking.forms import ReasonField
from services.booking.guests.choices import RefusedBecause


class WishForm(forms.Form):
    """Who asks for the time, how they are reached, and why they want to come (F8)."""

    given_name = forms.CharField(
        label=_("Given name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    family_name = forms.CharField(
        label=_("Family name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )
    number = NationalIdField()
    mobile = MobileField(help_text=_("You get a code by SMS now, and the clinic's answer later."))
    reason = ReasonField(help_text=_("A few words are enough. The clinic reads them before the appointment."))

    def __init__(self, *args: Any, country: str, code_countries: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country, self.code_countries = country, code_countries
        of_country(self, country)
        field = self.fields["number"]
        assert isinstance(field, NationalIdField)
        field.country = country
        field.widget.attrs["data-national-id"] = country

    def clean_mobile(self) -> str:
        """Return the number; codes go to Norwegian and Danish mobiles, and to those that the clinic allows (C9)."""
        number: str = self.cleaned_data["mobile"]
        if not identity.may_receive_code(number, self.code_countries):
            names = {"countries": all_names(self.code_countries)}
            raise forms.ValidationError(
                _("The clinic sends codes to mobiles of these countries only: %(countries)s."), params=names
            )
        return number


class ConfirmForm(forms.Form):
    """The code of the message."""

    code = CodeField()


class RefusalForm(forms.Form):
    """Which sentence the person's page shows when staff refuse; none is chosen beforehand."""

    because = forms.ChoiceField(
        label=_("Reason shown to the person"),
        required=False,
        choices=[("", _("None")), *RefusedBecause.choices],
        widget=forms.RadioSelect,
        initial="",
        help_text=_(
            "No reason tells whether somebody is a patient here. Choose by what is asked for, not by whose record "
            "it may be."
        ),
    )

    @property
    def chosen(self) -> RefusedBecause | None:
        """Return what a valid form asks for."""
        because = self.cleaned_data["because"]
        return RefusedBecause(because) if because else None
