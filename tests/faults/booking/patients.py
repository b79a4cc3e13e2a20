"""Patients book, move and cancel; staff answer their requests."""

import uuid

from hypothesis import strategies as st
from hypothesis.stateful import rule

from clinic_admin.models import Closure
from services.booking import operations, policy
from services.booking.choices import LIVE, AppointmentStatus
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from tests.faults.booking.clock import Clock
from tests.faults.booking.world import picks


class Patients(Clock):
    """What patients do with their appointments."""

    @rule(who=picks, pick=picks, reminds=st.booleans())
    def a_patient_books(self, who, pick, reminds):
        slot, patient = self._slot(pick), self._patient(who)
        if slot is None:
            return
        self._book(patient, slot, reminds)

    def _book(self, patient, slot, reminds) -> Appointment | None:
        done = self.do(
            lambda: operations.book(
                **self._as(patient), slot_id=slot.pk, reason="", wants_reminder=reminds, form_key=uuid.uuid4()
            ),
            BookingRefused,
            event=("appointment.booked", "appointment.requested"),
        )
        self._could_be_had(done)
        return done

    def _could_be_had(self, done: Appointment | None) -> None:
        """Say of what a patient got online that it was out, not to be drawn, and of a day on which the clinic is open."""
        if done is None:
            return
        day = done.starts_at.astimezone(self.clinic.zone).date()
        assert not Closure.objects.filter(first_day__lte=day, last_day__gte=day).exists()
        assert done.kind in {"portal", "urgent"}
        if done.kind == "urgent":
            out = policy.released_until(
                self.now - self.clinic.asking_time,
                release_at=self.clinic.urgent_release_at,
                zone=self.clinic.zone,
            )
            assert day <= out
            assert not self.clinic.draws_urgent or day not in self._undrawn()

    @rule(who=picks)
    def a_patient_takes_any_urgent_time(self, who):
        done = self.do(
            lambda: operations.book_any_urgent(
                **self._as(self._patient(who)), reason="", wants_reminder=True, form_key=uuid.uuid4()
            ),
            BookingRefused,
            event=("appointment.booked", "appointment.requested"),
        )
        self._could_be_had(done)

    @rule(pick=picks, where=picks)
    def a_patient_moves(self, pick, where):
        mine, slot = self._appointment(pick), self._slot(where)
        if mine is None or slot is None:
            return
        replaced = mine.replaces
        done = self.do(
            lambda: operations.move(
                **self._as(mine.patient),
                appointment_id=mine.pk,
                slot_id=slot.pk,
                version=mine.version,
                form_key=uuid.uuid4(),
            ),
            BookingRefused,
            event=("appointment.moved", "appointment.requested"),
        )
        if slot.pk != mine.slot_id:
            self._could_be_had(done)
        if done is not None and done.pk == mine.pk and done.status == AppointmentStatus.BOOKED and replaced:
            replaced.refresh_from_db()
            assert replaced.status not in LIVE, "what it replaces was not given up"

    @rule(pick=picks, is_passed_on=st.booleans())
    def a_patient_cancels(self, pick, is_passed_on):
        mine = self._appointment(pick)
        if mine is not None:
            self.do(
                lambda: operations.cancel(**self._as(mine.patient), appointment_id=mine.pk),
                BookingRefused,
                event="appointment.cancelled",
            )
        if is_passed_on:
            self._pass_on()

    @rule(pick=picks, says_yes=st.booleans())
    def staff_answer_a_request(self, pick, says_yes):
        asked = self._appointment(pick, status=AppointmentStatus.REQUESTED)
        if asked is None:
            return
        act = operations.approve if says_yes else operations.refuse_request
        event = "appointment.approved" if says_yes else "appointment.refused"
        done = self.do(lambda: act(**self._desk, appointment_id=asked.pk), BookingRefused, event=event)
        if done is not None and says_yes and asked.replaces_id:
            assert Appointment.objects.get(pk=asked.replaces_id).status not in LIVE
