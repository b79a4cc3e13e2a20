"""What somebody without an account fills in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic_admin.countries import CodeChannel
from identity import policy as identity
from identity.form_fields import CodeField, NationalIdField
from portal.mobile_field import MobileField, of_country
from services.booking.forms import ReasonField


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
    reason = ReasonField(help_text=_("A few words are enough. The clinic reads them before you come."))

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country
        of_country(self, country)
        field = self.fields["number"]
        assert isinstance(field, NationalIdField)
        field.country = country
        field.widget.attrs["data-national-id"] = country

    def clean_mobile(self) -> str:
        """Return the number; codes go to Norwegian and Danish mobiles only (C9)."""
        number: str = self.cleaned_data["mobile"]
        if not identity.can_be_reached(CodeChannel.SMS, number):
            raise forms.ValidationError(_("Codes can be sent to Norwegian and Danish mobiles only."))
        return number


class ConfirmForm(forms.Form):
    """The code of the message."""

    code = CodeField()
