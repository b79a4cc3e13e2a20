"""What is asked of the patient's own view."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from services.own.choices import Coming
from services.own.log_queries import BY_ITSELF, Asked, Filters


class LogForm(forms.Form):
    """Whose looks and changes, of which month."""

    person = forms.ChoiceField(label=_("By"), required=False)
    month = forms.ChoiceField(label=_("Month"), required=False)

    def __init__(self, *args: Any, filters: Filters, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = [("", _("Everybody")), *filters.people]  # type: ignore[attr-defined]
        self.fields["month"].choices = [("", _("All months")), *filters.months]  # type: ignore[attr-defined]

    def asked(self, before: int | None) -> Asked:
        """Return what a valid form asks for."""
        person, month = self.cleaned_data["person"], self.cleaned_data["month"]
        return Asked(
            person=UUID(person) if person and person != BY_ITSELF else None,
            by_itself=person == BY_ITSELF,
            month=date.fromisoformat(f"{month}-01") if month else None,
            before=before,
        )


class LeaveForm(forms.Form):
    """What becomes of coming appointments, and that the patient means it."""

    coming = forms.ChoiceField(
        label=_("Your coming appointments"),
        choices=Coming.choices,
        widget=forms.RadioSelect,
        initial=Coming.KEEP,
        error_messages={"required": _("Choose what happens to your appointments.")},
    )
    sure = forms.BooleanField(
        label=_("Yes, I want to leave the portal of this clinic"),
        error_messages={"required": _("Tick this if you want to leave.")},
    )

    def __init__(self, *args: Any, has_appointments: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_appointments:
            del self.fields["coming"]

    @property
    def cancels(self) -> bool:
        """Return whether a valid form asks to cancel what can be cancelled."""
        return bool(self.cleaned_data.get("coming") == Coming.CANCEL)
