"""What a patient fills in to wait for an earlier time."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic_admin.choices import Weekday
from portal.day_field import DayField
from services.access.queries import ProviderChoice
from services.booking.earlier.choices import PartOfDay
from services.booking.earlier.operations import Suits
from services.booking.forms import ReasonField
from services.booking.reminders.choosing import ReminderForm
from services.booking.reminders.words import Choice

LONGEST_WAIT = timedelta(days=366)
"""A year ahead nobody's calendar is open; and what is shown without its year can't be misread."""


class JoinForm(ReminderForm):
    """With whom, on which days, and, where there is no appointment yet, why."""

    providers = forms.MultipleChoiceField(
        label=_("With whom?"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: with anyone."),
        error_messages={"invalid_choice": _("This provider can't be booked any more. Choose again.")},
    )
    weekdays = forms.MultipleChoiceField(
        label=_("Which days suit?"),
        choices=Weekday.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=list("01234"),
        error_messages={"required": _("Tick at least one day.")},
    )
    part = forms.ChoiceField(
        label=_("When on the day?"),
        choices=PartOfDay.choices,
        widget=forms.RadioSelect,
        initial=PartOfDay.ANY.value,
    )
    first_day = DayField(label=_("From"))
    last_day = DayField(label=_("Until"))
    reason = ReasonField(help_text=_("A few words are enough. The clinic reads them when a time is booked."))
    field_order = ("providers", "weekdays", "part", "first_day", "last_day", "reason", "wants_reminder")

    def __init__(
        self,
        *args: Any,
        choices: Sequence[ProviderChoice],
        today: date,
        appointment_on: date | None,
        reminder: Choice,
        **kwargs: Any,
    ) -> None:
        """Take whom the patient may book, the clinic's day, and what is known already: then it is not asked.

        `appointment_on` is the day of the appointment that is to be earlier, None where there is none yet.
        """
        super().__init__(*args, reminder=Choice() if appointment_on else reminder, **kwargs)
        self.today, self.appointment_on = today, appointment_on
        for name in ("first_day", "last_day"):
            self.fields[name].widget.attrs["max"] = (today + LONGEST_WAIT).isoformat()
        providers = self.fields["providers"]
        assert isinstance(providers, forms.MultipleChoiceField)
        providers.choices = [(str(one.provider_id), one.name) for one in choices]
        if appointment_on:
            del self.fields["reason"]

    def clean(self) -> dict[str, Any]:
        """Refuse days that are over, far away or in the wrong order, at the day that must be changed."""
        first, last = self.cleaned_data.get("first_day"), self.cleaned_data.get("last_day")
        for name, day in (("first_day", first), ("last_day", last)):
            if day and day > self.today + LONGEST_WAIT:
                self.add_error(name, _("Choose a day within a year from now."))
        if first and self.appointment_on and first > self.appointment_on:
            self.add_error("first_day", _("This day is after the appointment that is to be earlier."))
        if last and last < self.today:
            self.add_error("last_day", _("This day is over."))
        elif first and last and last < first:
            self.add_error("last_day", _("This day is before the first one."))
        return self.cleaned_data

    def suits(self) -> Suits:
        """Return what a valid form says."""
        values = self.cleaned_data
        return Suits(
            provider_ids=tuple(int(one) for one in values["providers"]),
            weekdays=tuple(values["weekdays"]),
            part=PartOfDay(values["part"]),
            first_day=values["first_day"],
            last_day=values["last_day"],
        )
