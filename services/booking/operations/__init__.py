"""Every change of booking."""

from services.booking.operations.answers import approve, refuse_request
from services.booking.operations.any_time import book_any_urgent
from services.booking.operations.appointments import book, cancel, drop_reminders, look, settled
from services.booking.operations.calendars import CalendarChange, Foreseen, extend_calendar, foresee
from services.booking.operations.moving import move
from services.booking.operations.refusals import BookingRefused
from services.booking.operations.trials import make_slots_for_trials

__all__ = [
    "BookingRefused",
    "CalendarChange",
    "Foreseen",
    "approve",
    "book",
    "book_any_urgent",
    "cancel",
    "drop_reminders",
    "extend_calendar",
    "foresee",
    "look",
    "make_slots_for_trials",
    "move",
    "refuse_request",
    "settled",
]
