"""What staff fill in at the desk."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clinic_admin.models import Provider
from services.booking.desk import policy
from services.booking.desk.choices import Attendance
from services.booking.forms import KeyedForm, ReasonField
from services.booking.models import LONGEST_BLOCK_REASON
from services.booking.staff.forms import DayForm

_DAY = {
    "label": _("Day"),
    "error_messages": {"required": _("Choose a day."), "invalid": _("That is not a day of the calendar.")},
}
_CLOCK_ERRORS = {"required": _("Write a time of day."), "invalid": _("Write the time as 10:20.")}
_USUAL_MINUTES = 20


def _day_field() -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **_DAY)  # type: ignore[arg-type]


def _clock_field(label: Any) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        input_formats=["%H:%M", "%H.%M"],
        widget=forms.TimeInput(attrs={"type": "time", "step": 300}, format="%H:%M"),
        error_messages=_CLOCK_ERRORS,
    )


class SlotForm(forms.Form):
    """A time of the calendar, as an address names it."""

    slot = forms.IntegerField(min_value=1, max_value=2**63 - 1)


class ProvidersDayForm(forms.Form):
    """With whom, and on which day within the years that the calendar shows."""

    provider = forms.TypedChoiceField(label=_("With"), coerce=int)
    day = _day_field()

    def __init__(self, *args: Any, providers: Sequence[Provider], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shown = DayForm({}, today=today)
        field = self.fields["provider"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.pk, one.name) for one in providers]
        attrs = self.fields["day"].widget.attrs
        attrs |= {"min": self.shown.first.isoformat(), "max": self.shown.last.isoformat()}

    def clean_day(self) -> date:
        """Return the day."""
        day: date = self.cleaned_data["day"]
        if not self.shown.first <= day <= self.shown.last:
            raise forms.ValidationError(_("That day is too far away."))
        return day


class FreeTimeForm(ProvidersDayForm):
    """A time that no calendar offers: with whom, when and how long, by the clinic's clock."""

    at = _clock_field(_("Time"))
    minutes = forms.IntegerField(
        label=_("Minutes"),
        min_value=policy.SHORTEST,
        max_value=policy.LONGEST,
        initial=_USUAL_MINUTES,
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, minutes: int = 0, **kwargs: Any) -> None:
        """Take how long it lasts, where that is settled: then it is not asked."""
        super().__init__(data, **kwargs)
        self.settled = minutes
        if minutes:
            del self.fields["minutes"]

    def wanted(self) -> dict[str, Any]:
        """Return provider_id, day, clock and minutes of a valid form."""
        values = self.cleaned_data
        return {
            "provider_id": values["provider"],
            "day": values["day"],
            "clock": values["at"],
            "minutes": self.settled or values["minutes"],
        }


@dataclass(frozen=True, slots=True)
class PutAside:
    """What the page named and staff put aside. Words and numbers that are none say nothing."""

    rules: tuple[str, ...] = ()
    beside: frozenset[uuid.UUID] = frozenset()
    """The patient's other appointments at that time."""

    @classmethod
    def of(cls, sent: QueryDict) -> "PutAside":
        """Read `overrule` and `beside` of what was sent."""
        return cls(tuple(sent.getlist("overrule")), frozenset(_ids(sent.getlist("beside"))))


def _ids(words: Sequence[str]) -> Iterator[uuid.UUID]:
    for word in words:
        with suppress(ValueError):
            yield uuid.UUID(word)


class ActForm(forms.Form):
    """Whether the patient is told, and what staff put aside."""

    tells = forms.BooleanField(label=_("Tell the patient by SMS and e-mail"), required=False, initial=True)

    @property
    def put_aside(self) -> PutAside:
        """Return what was put aside."""
        return PutAside.of(self.data) if isinstance(self.data, QueryDict) else PutAside()


class BookForm(KeyedForm, ActForm):
    """Why the patient comes, as far as staff know."""

    reason = ReasonField(required=False, rows=3)
    field_order = ("reason", "tells")


class VersionForm(forms.Form):
    """Which version of the appointment the page showed."""

    version = forms.IntegerField(min_value=1, max_value=2**31 - 1)


class BlockForm(ProvidersDayForm):
    """What to close, and why."""

    starts = _clock_field(_("From"))
    ends = _clock_field(_("Until"))
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_BLOCK_REASON,
        help_text=_("Staff see it in the calendar; patients don't."),
        error_messages={"required": _("Write why: others read it in the calendar.")},
    )

    def clean(self) -> dict[str, Any]:
        """Return the fields, in order."""
        starts, ends = self.cleaned_data.get("starts"), self.cleaned_data.get("ends")
        if isinstance(starts, time) and isinstance(ends, time) and ends <= starts:
            self.add_error("ends", _("The end must come after the beginning."))
        return self.cleaned_data

    def wanted(self) -> dict[str, Any]:
        """Return provider_id, day, clock and minutes of a valid form."""
        values = self.cleaned_data
        starts, ends = values["starts"], values["ends"]
        minutes = (ends.hour - starts.hour) * 60 + ends.minute - starts.minute
        return {"provider_id": values["provider"], "day": values["day"], "clock": starts, "minutes": minutes}


class MarkForm(forms.Form):
    """Whether the patient came; empty takes it back. `seen` is what the page showed."""

    mark = forms.ChoiceField(choices=[("", ""), *Attendance.choices], required=False)
    seen = forms.ChoiceField(choices=[("", ""), *Attendance.choices], required=False)
