"""What patients fill in when they book."""

import contextlib
import uuid
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from services.booking import policy
from services.booking.day_parts import DayPart
from services.booking.reminders.choosing import ReminderForm


class FindForm(forms.Form):
    """With whom, from which day on, when on a day. What can't be read is left out: a list of times is no error page."""

    provider = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    # "from" is no name in Python
    from_day = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
    part = forms.TypedChoiceField(required=False, choices=DayPart.choices, coerce=DayPart, empty_value=None)

    def add_prefix(self, field_name: str) -> str:
        """Call the day "from" in the address."""
        return "from" if field_name == "from_day" else field_name

    def wanted(self) -> dict[str, Any]:
        """Return provider, from_day and part, each None where nothing sensible was asked for."""
        self.is_valid()
        return {name: self.cleaned_data.get(name) for name in ("provider", "from_day", "part")}


class ReasonField(forms.CharField):
    """Why somebody wants to come. Line ends count as one character, as the reader's counter counts them."""

    def __init__(self, *, rows: int = 4, **kwargs: Any) -> None:
        super().__init__(
            label=_("What is it about?"),
            max_length=policy.LONGEST_REASON,
            widget=forms.Textarea(attrs={"rows": rows}),
            error_messages={"required": _("Write in a few words what it is about.")},
            **kwargs,
        )

    def to_python(self, value: Any) -> str:
        """Return the text with plain line ends."""
        return str(super().to_python(value)).replace("\r\n", "\n")


def key_of(sent: QueryDict) -> uuid.UUID | None:
    """Return the key of a form that was sent, before the form is looked at; None if it has none that can be read."""
    with contextlib.suppress(ValueError):
        return uuid.UUID(sent.get("form_key", ""))
    return None


class KeyedForm(forms.Form):
    """A form that is carried out once, however often it is sent: a key comes along, which no reader sees."""

    @cached_property
    def key(self) -> uuid.UUID:
        """Return the key to send along: the one that came, else a new one."""
        return self._sent_key or uuid.uuid4()

    @cached_property
    def _sent_key(self) -> uuid.UUID | None:
        return key_of(self.data) if isinstance(self.data, QueryDict) else None

    def clean(self) -> dict[str, Any]:
        """Say what to do about a form without a usable key, which no reader can correct."""
        if self._sent_key is None:
            self.add_error(None, _("The page was too old. Check what you wrote, and press the button again."))
        return self.cleaned_data


class BookForm(KeyedForm, ReminderForm):
    """Why the patient comes, and whether to be reminded."""

    reason = ReasonField(help_text=_("A few words are enough. The clinic reads them before the appointment."))
    field_order = ("reason", "wants_reminder")


class MoveForm(KeyedForm):
    """Which version of the appointment the page showed."""

    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
