"""What staff fill in about guardians and proxies."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from identity.form_fields import NationalIdField
from patients.guardianship.choices import PROXY_AREAS
from patients.guardianship.operations import Adult
from portal.day_field import DayField


class _AdultForm(forms.Form):
    """An adult, by name and national ID, and what was shown."""

    prefix_of_ids = ""

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"auto_id": f"id_{self.prefix_of_ids}_%s"})
        field = self.fields["number"]
        assert isinstance(field, NationalIdField)
        field.country = country

    @property
    def adult(self) -> Adult:
        """Return the adult of a valid form."""
        return Adult(self.cleaned_data["number"], self.cleaned_data["name"].strip())


def _day(label: Any, *, required: bool, help_text: Any = "") -> DayField:
    return DayField(label=label, required=required, help_text=help_text)


class GuardianForm(_AdultForm):
    """A guardian whose proof the clinic has seen."""

    prefix_of_ids = "guardian"

    name = forms.CharField(label=_("Name"), max_length=160)
    number = NationalIdField()
    proof = forms.CharField(
        label=_("What was shown"),
        max_length=200,
        help_text=_("For example passport and birth certificate, or the court's decision. No numbers."),
    )
    until = _day(
        _("Last day"),
        required=False,
        help_text=_("Empty: until the birthday from which the child decides alone."),
    )

    field_order = ("name", "number", "proof", "until")


class ProxyForm(_AdultForm):
    """A proxy that the patient asked for."""

    prefix_of_ids = "proxy"

    name = forms.CharField(label=_("Name"), max_length=160)
    number = NationalIdField()
    areas = forms.MultipleChoiceField(
        label=_("For what"),
        choices=[(area.value, area.label) for area in PROXY_AREAS],
        widget=forms.CheckboxSelectMultiple,
    )
    last_day = _day(_("Last day"), required=True)
    proof = forms.CharField(
        label=_("How the patient asked for it"),
        max_length=200,
        help_text=_("For example in person with passport, or in writing. No numbers."),
    )

    field_order = ("name", "number", "areas", "last_day", "proof")

    def clean_last_day(self) -> date:
        """Return the day; years that no calendar here holds are refused."""
        day: date = self.cleaned_data["last_day"]
        if day.year > 2100:
            raise forms.ValidationError(_("Choose an earlier day."))
        return day
