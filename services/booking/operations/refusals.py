"""Saying no: what a rule refuses, and what it means when a constraint of the database stops an act."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from django.db import IntegrityError

from portal.refusals import Refusal, Refused
from services.booking.choices import BookingRefusal
from services.booking.models import Appointment

ONE_PER_SLOT, ONE_PER_TIME = "appointment_one_live_per_slot", "appointment_provider_not_double_booked"
"""The fences behind everyone who takes a time: one live appointment per slot, none beside another of the provider."""
ONE_PER_PATIENT = "appointment_patient_not_in_two_places"
"""The fence behind the rule of own_times; it never waits, because who gets here holds the patient's times."""
TAKEN: Mapping[str, Refusal] = {
    ONE_PER_SLOT: BookingRefusal.TAKEN,
    ONE_PER_TIME: BookingRefusal.TAKEN,
    ONE_PER_PATIENT: BookingRefusal.OWN_TIME,
}


class BookingRefused(Refused):
    """A time can't be had, given back, approved or moved. Nothing was changed."""


def refuse(reason: Refusal, **details: Any) -> NoReturn:
    """Raise BookingRefused. `details` saves the page from reading again what was read: the slot, with its provider."""
    raise BookingRefused(reason, **details)


def or_refused(made: Appointment | BookingRefused) -> Appointment:
    """Return the appointment, or raise the refusal: outside of the transaction, which has nothing to take back.

    Where everyone comes at once, most are refused. psycopg forgets all prepared statements at every rollback
    (docs/developers/performance.md).
    """
    if isinstance(made, BookingRefused):
        raise made
    return made


def constraint_of(error: IntegrityError) -> str:
    """Return the name of the constraint that stopped a statement, empty if the database names none."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""


@contextmanager
def fences(
    meanings: Mapping[str, Refusal] = TAKEN, refused: type[Refused] = BookingRefused
) -> Iterator[None]:
    """Say what it means when a constraint stops us; stands around the transaction. Others pass as they are."""
    try:
        yield
    except IntegrityError as error:
        constraint = constraint_of(error)
        if constraint not in meanings:
            raise
        raise refused(meanings[constraint]) from error
