"""Staff at the calendar: book, move, block, mark."""

import uuid
from datetime import time

from hypothesis import strategies as st
from hypothesis.stateful import rule

from portal.models import AuditEvent
from services.booking.desk import operations as desk
from services.booking.desk import queries as places
from services.booking.desk.choices import Rule
from services.booking.models import Block
from services.booking.operations import BookingRefused
from tests.faults.booking.world import DAY, World, chosen, picks

ALL_RULES = tuple(Rule.values)


class Desk(World):
    """What a secretary does."""

    def _place(self, pick: int, by_hand: bool):
        slot = self._slot(pick)
        if slot is not None and not by_hand:
            return places.place_of_slot(clinic=self.clinic, slot_id=slot.pk)
        return places.free_place(
            clinic=self.clinic,
            provider_id=self.doctors[pick % 2].pk,
            day=self.today + (pick % 9) * DAY,
            clock=time(7 + pick % 10, 10 * (pick % 6)),
            minutes=(10, 25, 90)[pick % 3],
        )

    @rule(who=picks, pick=picks, by_hand=st.booleans(), overrides=st.booleans())
    def staff_book(self, who, pick, by_hand, overrides):
        place, patient = self._place(pick, by_hand), self._patient(who)
        known = [one.pk for one in places.beside(patient, place)]
        done = self.do(
            lambda: desk.book(
                patient=patient,
                place=place,
                reason="",
                tells=bool(pick % 2),
                confirmed=ALL_RULES if overrides else (),
                known=known,
                form_key=uuid.uuid4(),
                actor=self.staff,
                now=self.now,
            ),
            BookingRefused,
            event="appointment.booked",
        )
        if done is not None and done.overruled:
            event = AuditEvent.objects.filter(subject_id=str(done.pk)).latest("pk")
            assert overrides
            assert event.details["overruled"] == done.overruled, "put aside without a trace"

    @rule(pick=picks, where=picks, by_hand=st.booleans())
    def staff_move(self, pick, where, by_hand):
        appointment = self._appointment(pick)
        if appointment is None:
            return
        place = self._place(where, by_hand)
        known = [one.pk for one in places.beside(appointment.patient, place, moved=appointment)]
        self.do(
            lambda: desk.move(
                **self._desk,
                appointment_id=appointment.pk,
                place=place,
                version=appointment.version,
                tells=bool(where % 2),
                confirmed=ALL_RULES,
                known=known,
            ),
            BookingRefused,
            event="appointment.moved",
        )

    @rule(pick=picks, by_hand=st.booleans())
    def staff_block(self, pick, by_hand):
        place = self._place(pick, by_hand)
        self.do(
            lambda: desk.block(**self._desk, place=place, reason="Meeting"),
            BookingRefused,
            event="calendar.blocked",
        )

    @rule(pick=picks)
    def staff_open_a_block(self, pick):
        block = chosen(Block.objects.order_by("pk"), pick)
        if block is not None:
            self.do(lambda: desk.unblock(**self._desk, block_id=block.pk), event="calendar.unblocked")

    @rule(pick=picks, mark=st.sampled_from(["arrived", "missed", ""]))
    def staff_say_who_came(self, pick, mark):
        near = {"starts_at__lt": self.now + DAY}
        appointment = self._appointment(pick, **near)
        if appointment is not None:
            self.do(
                lambda: desk.mark(
                    **self._desk, appointment_id=appointment.pk, mark=mark, seen=appointment.attendance
                ),
                BookingRefused,
                event="appointment.marked",
            )
