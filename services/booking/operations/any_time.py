"""Any free urgent time, as one press: the first that is free and not just being taken by somebody else."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.choices import Assurance
from patients.models import Patient
from services.booking import free_times
from services.booking.choices import BookingRefusal
from services.booking.models import Appointment
from services.booking.operations.appointments import decide, hold_form, hold_times, refuse_over_limit, store
from services.booking.operations.refusals import BookingRefused, fences, or_refused


@fences()
def book_any_urgent(
    *,
    patient: Patient,
    reason: str,
    wants_reminder: bool,
    form_key: UUID,
    assurance: Assurance,
    actor: Any,
    now: datetime,
) -> Appointment:
    """Take the patient the first free urgent time of those they may have, with whomever it is.

    Whoever presses at the same moment gets the next one: nobody waits, and nobody loses while one is free. One
    at the time of another appointment of the patient is passed over. The same form_key again gives the same
    appointment. Raises BookingRefused when there is none, or the patient has enough.
    """
    return or_refused(
        _book_any_urgent(
            patient=patient,
            reason=reason,
            wants_reminder=wants_reminder,
            form_key=form_key,
            assurance=assurance,
            actor=actor,
            now=now,
        )
    )


@transaction.atomic
def _book_any_urgent(
    *,
    patient: Patient,
    reason: str,
    wants_reminder: bool,
    form_key: UUID,
    assurance: Assurance,
    actor: Any,
    now: datetime,
) -> Appointment | BookingRefused:
    done = hold_form(patient, form_key)
    if done is not None:
        return done
    slot = free_times.take_first_urgent(patient=patient, assurance=assurance, now=now)
    if isinstance(slot, BookingRefusal):
        return BookingRefused(slot)
    decision = decide(patient, slot, assurance=assurance, now=now)
    hold_times(patient)
    refuse_over_limit(patient, slot.kind, now=now)
    return store(
        patient,
        slot,
        decision,
        reason=reason,
        wants_reminder=wants_reminder,
        form_key=form_key,
        actor=actor,
        now=now,
    )
