"""What somebody without an account fills in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic_admin.countries import CodeChannel
from identity import policy as identity
from identity.form_fields import CodeField, NationalIdField
from portal import phone_numbers
from portal.phone_numbers import BadPhoneNumber
from services.booking import policy
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
    mobile = forms.CharField(
        label=_("Mobile"),
        max_length=phone_numbers.LONGEST,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
        help_text=_("You get a code by SMS now, and the clinic's answer later."),
    )
    reason = ReasonField(
        label=_("What is it about?"),
        help_text=_("A few words are enough. The clinic reads them before you come."),
        max_length=policy.LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={
            "required": _("Write in a few words why you want to come."),
            "max_length": _(
                "Shorten the text to at most %(limit_value)d characters. Now it has %(show_value)d."
            ),
        },
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country
        field = self.fields["number"]
        assert isinstance(field, NationalIdField)
        field.country = country
        field.widget.attrs["data-national-id"] = country

    def clean_mobile(self) -> str:
        """Return the number as E.164; codes go to Norwegian and Danish mobiles only (C9)."""
        try:
            number = phone_numbers.parse_mobile(self.cleaned_data["mobile"], self.country)
        except BadPhoneNumber as bad:
            raise forms.ValidationError(str(bad.message)) from None
        if not identity.can_be_reached(CodeChannel.SMS, number):
            raise forms.ValidationError(_("Codes can be sent to Norwegian and Danish mobiles only."))
        return number


class ConfirmForm(forms.Form):
    """The code of the message."""

    code = CodeField()
