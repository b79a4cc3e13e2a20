"""Every change of booking."""

from services.booking.operations.answers import approve, refuse_request
from services.booking.operations.appointments import BookingRefused, book, cancel
from services.booking.operations.calendars import CalendarChange, extend_calendar

__all__ = [
    "BookingRefused",
    "CalendarChange",
    "approve",
    "book",
    "cancel",
    "extend_calendar",
    "refuse_request",
]
