"""Every change of booking."""

from services.booking.operations.answers import approve, refuse_request
from services.booking.operations.appointments import BookingRefused, book, cancel, drop_reminders
from services.booking.operations.calendars import CalendarChange, extend_calendar
from services.booking.operations.trials import make_slots_for_trials

__all__ = [
    "BookingRefused",
    "CalendarChange",
    "approve",
    "book",
    "cancel",
    "drop_reminders",
    "extend_calendar",
    "make_slots_for_trials",
    "refuse_request",
]
