"""What the demo's staff have done by hand: a time for somebody who came in, another put aside, a block, a refusal."""

import uuid
from datetime import datetime, time, timedelta

from clinic_admin.models import Clinic, Provider
from identity.models import User
from patients.models import Patient
from services.booking import operations as booking
from services.booking.choices import AppointmentStatus, SlotKind, SlotState
from services.booking.desk import operations, queries
from services.booking.desk.choices import Attendance, Rule
from services.booking.models import Appointment, Slot
from services.booking.operations import BookingRefused
from services.booking.staff import queries as staff_queries

_REASONS = {"NO": "Kurs i sårstell", "DK": "Kursus i sårpleje"}
_REFUSALS = {
    "NO": "Dette trenger en lengre time. Ring oss, så finner vi en sammen.",
    "DK": "Det kræver en længere tid. Ring til os, så finder vi en sammen.",
}
_BLOCK_FROM, _BLOCK_MINUTES = time(12), 60


def load(clinic: Clinic, provider: Provider, patients: list[Patient], actor: User, now: datetime) -> None:
    """Let `actor` book for the first two of the patients, one of them against a rule, and close an hour."""
    arrives, urgent = patients[:2]
    today = now.astimezone(clinic.zone).date()
    free = Slot.objects.filter(provider=provider, state=SlotState.FREE, starts_at__gt=now).order_by(
        "starts_at"
    )
    _book(arrives, free.filter(day=today).first(), actor, now)
    later = free.filter(kind=SlotKind.URGENT, day__gt=today + timedelta(days=1)).first()
    _book(urgent, later, actor, now)
    _block(clinic, provider, actor, now)
    _refuse(clinic, actor, now)


def say_who_came(clinic: Clinic, actor: User, now: datetime) -> None:
    """Note that the patient of the last time up to today arrived, take it back as pressed by mistake, and note it again."""
    today = now.astimezone(clinic.zone).date()
    before, _ = staff_queries.bounds(clinic, today + timedelta(days=1))
    booked = Appointment.objects.for_clinic(clinic).filter(status=AppointmentStatus.BOOKED)
    appointment = booked.filter(starts_at__lt=before).order_by("-starts_at", "pk").first()
    if appointment is None:
        return
    for seen, mark in (("", Attendance.ARRIVED), (Attendance.ARRIVED, ""), ("", Attendance.ARRIVED)):
        operations.mark(
            clinic=clinic,
            appointment_id=appointment.pk,
            mark=mark,
            seen=seen,
            actor=actor,
            now=now,
        )


def _refuse(clinic: Clinic, actor: User, now: datetime) -> None:
    """Refuse the request that lies furthest ahead, with words that the patient reads."""
    waiting = Appointment.objects.for_clinic(clinic).filter(status=AppointmentStatus.REQUESTED)
    last = waiting.order_by("-starts_at", "pk").first()
    if last is not None:
        booking.refuse_request(
            clinic=clinic, appointment_id=last.pk, actor=actor, now=now, words=_REFUSALS[clinic.country]
        )


def _book(patient: Patient, slot: Slot | None, actor: User, now: datetime) -> Appointment | None:
    place = queries.place_of_slot(clinic=patient.clinic, slot_id=slot.pk) if slot else None
    if place is None:
        return None
    return operations.book(
        patient=patient,
        place=place,
        reason="",
        tells=False,
        confirmed=Rule.values,
        known=[one.pk for one in queries.beside(patient, place)],
        form_key=uuid.uuid4(),
        actor=actor,
        now=now,
    )


def _block(clinic: Clinic, provider: Provider, actor: User, now: datetime) -> None:
    day = now.astimezone(clinic.zone).date() + timedelta(days=1)
    place = queries.free_place(
        clinic=clinic, provider_id=provider.pk, day=day, clock=_BLOCK_FROM, minutes=_BLOCK_MINUTES
    )
    if place is None:
        return
    try:
        operations.block(clinic=clinic, place=place, reason=_REASONS[clinic.country], actor=actor, now=now)
    except BookingRefused:
        return  # the hour is full: nothing to close
