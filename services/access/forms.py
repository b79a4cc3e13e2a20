"""Shape of what the pages of rights send."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic_admin.choices import Service
from clinic_admin.models import Provider
from services.access.choices import Approval, Column, SignedIn
from services.access.policy import Rights


class PortalAccessForm(forms.Form):
    """The switch that stands above everything else."""

    allowed = forms.BooleanField(
        label=_("Patients can reach this provider through the portal"),
        required=False,
        help_text=_(
            "Off: nobody can choose this provider, and patients on the list have no standard rights."
        ),
    )

    def __init__(self, *args: Any, may_save: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["allowed"].disabled = not may_save


class ColumnForm(forms.Form):
    """One column of a provider's rights."""

    renewal = forms.BooleanField(
        label=_("Prescription renewal"),
        required=False,
        help_text=_("Patients can ask to have a prescription renewed."),
    )
    consultation = forms.BooleanField(
        label=_("e-Consultation"),
        required=False,
        help_text=_("Patients can write a question and get an answer in the portal."),
    )
    booking = forms.BooleanField(
        label=_("Booking"), required=False, help_text=_("Patients can book a time, also urgent ones.")
    )
    approval = forms.ChoiceField(
        label=_("What a patient books"),
        choices=Approval.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how booked times become final.")},
    )
    cancelling = forms.BooleanField(
        label=_("Cancelling"), required=False, help_text=_("Patients can cancel a booked time themselves.")
    )

    def __init__(self, *args: Any, may_save: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.disabled = not may_save

    @property
    def rights(self) -> Rights:
        """Return the column as the rules see it."""
        return Rights(**{**self.cleaned_data, "approval": Approval(self.cleaned_data["approval"])})


def services_forms(
    sent: Any, *, provider: Provider, stored: Mapping[Column, Rights], may_save: bool
) -> tuple[PortalAccessForm, dict[Column, ColumnForm]]:
    """Return the switch and the columns of a provider. Without a list there are no patients for the first column."""
    access = PortalAccessForm(sent, initial={"allowed": provider.has_portal_access}, may_save=may_save)
    columns = {
        column: ColumnForm(sent, prefix=column.value, initial=asdict(rights), may_save=may_save)
        for column, rights in stored.items()
        if provider.has_patient_list or column is Column.WITHOUT_GP
    }
    return access, columns


class QuestionForm(forms.Form):
    """Why can't this patient…?"""

    service = forms.ChoiceField(label=_("Service"), choices=Service.choices)
    provider = forms.ChoiceField(
        label=_("With whom"), error_messages={"invalid_choice": _("Choose one of the clinic's providers.")}
    )
    day = forms.DateField(
        label=_("On which day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    signed_in = forms.ChoiceField(label=_("The patient signs in"), choices=SignedIn.choices)

    def __init__(self, *args: Any, providers: list[Provider], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["provider"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(provider.pk), provider.name) for provider in providers]
