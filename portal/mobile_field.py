"""A mobile number in a form: written as people write it, stored as E.164."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal import phone_numbers
from portal.phone_numbers import BadPhoneNumber


class MobileField(forms.CharField):
    """A mobile number of the country that the form sets, or a foreign one with its country code."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"})
        super().__init__(label=_("Mobile"), max_length=phone_numbers.LONGEST, widget=widget, **kwargs)
        self.country = ""

    def clean(self, value: Any) -> str:
        """Return the number as E.164, or empty where it may be left out."""
        text: str = super().clean(value)
        if not text:
            return ""
        try:
            return phone_numbers.parse_mobile(text, self.country)
        except BadPhoneNumber as bad:
            raise forms.ValidationError(str(bad.message), code=bad.reason.value) from None


def of_country(form: forms.BaseForm, country: str, name: str = "mobile") -> None:
    """Let the form's mobile number be read as one of this country, if the form has the field."""
    field = form.fields.get(name)
    if isinstance(field, MobileField):
        field.country = country
