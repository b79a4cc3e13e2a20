"""Shape of what the pages of rights send."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clinic_admin.choices import Service
from clinic_admin.models import Provider
from portal.day_field import DayField
from portal.field_words import OLD_PAGE
from services.access.choices import Approval, Column, SignedIn
from services.access.policy import Rights, Services


class PortalAccessForm(forms.Form):
    """The switch that stands above everything else."""

    allowed = forms.BooleanField(
        label=_("Patients can reach this provider through the portal"),
        required=False,
        help_text=_(
            "Off: nobody can choose this provider, and patients on the list have no standard rights."
        ),
    )
    seen = forms.RegexField(
        r"^[yn]{11}$", required=False, widget=forms.HiddenInput, error_messages={"invalid": OLD_PAGE}
    )
    """What the page was made from (policy.Services.token)."""

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
    sent: Any,
    *,
    provider: Provider,
    stored: Mapping[Column, Rights],
    may_save: bool,
    shown: Services | None = None,
) -> tuple[PortalAccessForm, dict[Column, ColumnForm]]:
    """Return the switch and the columns of a provider. Without a list there are no patients for the first column.

    `shown`, if given, stands in the form in place of what is stored.
    """
    token = Services(provider.has_portal_access, stored).token
    access = PortalAccessForm(
        sent,
        initial={"allowed": shown.allowed if shown else provider.has_portal_access, "seen": token},
        may_save=may_save,
    )
    columns = {
        column: ColumnForm(sent, prefix=column.value, initial=asdict(rights), may_save=may_save)
        for column, rights in (shown.columns if shown else stored).items()
        if provider.has_patient_list or column is Column.WITHOUT_GP
    }
    return access, columns


class QuestionForm(forms.Form):
    """Why can't this patient…?"""

    service = forms.ChoiceField(
        label=_("Service"),
        choices=Service.choices,
        error_messages={"invalid_choice": _("Choose one of these services.")},
    )
    provider = forms.ChoiceField(
        label=_("With whom"), error_messages={"invalid_choice": _("Choose one of the clinic's providers.")}
    )
    day = DayField(label=_("On which day"))
    signed_in = forms.ChoiceField(label=_("The patient signs in"), choices=SignedIn.choices)
    at = forms.DateTimeField(
        label=_("As it was on (date and time)"),
        required=False,
        help_text=_("Asks the settings that applied then. Empty: as they are now."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Write a date and a time, such as 24.11.2026 10:20.")},
    )

    def __init__(self, *args: Any, providers: list[Provider], now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._now = now
        field, moment = self.fields["provider"], self.fields["at"]
        assert isinstance(field, forms.ChoiceField)
        assert isinstance(moment, forms.DateTimeField)
        field.choices = [(str(provider.pk), _named(provider)) for provider in providers]
        moment.input_formats = _MOMENTS
        local = timezone.localtime(now)
        moment.widget.attrs |= {"min": f"{_EARLIEST_YEAR}-01-01T00:00", "max": f"{local:%Y-%m-%dT%H:%M}"}

    def clean_at(self) -> datetime | None:
        """Return the moment, which must have been, or None for now."""
        moment: datetime | None = self.cleaned_data["at"]
        if moment is None:
            return None
        if moment > self._now:
            raise forms.ValidationError(
                _("This moment is still to come. Choose one that has been, or leave it empty.")
            )
        if moment.year < _EARLIEST_YEAR:
            raise forms.ValidationError(_("The history does not go back so far. Choose a later moment."))
        return moment


_MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%d.%m.%Y %H.%M", "%d.%m.%Y kl. %H.%M"]
"""As browsers send it, and as people write it where a browser has no field for it."""
_EARLIEST_YEAR = 2000


def _named(provider: Provider) -> str:
    return provider.name if provider.is_active else gettext("%(name)s (has left)") % {"name": provider.name}
