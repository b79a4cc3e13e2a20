"""Patients wait for earlier times, and answer offers."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from services.booking.choices import AppointmentStatus
from services.booking.earlier import operations as earlier
from services.booking.earlier.choices import OfferStatus, PartOfDay, WishStatus
from services.booking.earlier.models import EarlierOffer, EarlierWish
from services.booking.earlier.operations import EarlierRefused, Suits
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from tests.faults.booking.world import DAY, World, chosen, picks, plain


class Waiting(World):
    """What those who wait do."""

    @rule(who=picks, pick=picks, about=st.booleans(), lasts=st.sampled_from([0, 3, 40]))
    def a_patient_waits_for_an_earlier_time(self, who, pick, about, lasts):
        mine = self._appointment(pick) if about else None
        patient = mine.patient if mine else self._patient(who)
        suits = Suits((), tuple("0123456"), PartOfDay.ANY, self.today, self.today + lasts * DAY)
        self.do(
            lambda: earlier.join(
                **self._as(patient), suits=suits, appointment=mine, reason="", wants_reminder=True
            ),
            EarlierRefused,
            event=("earlier.joined", "earlier.changed"),
        )

    @rule(pick=picks)
    def a_patient_waits_no_longer(self, pick):
        wish = chosen(EarlierWish.objects.filter(status=WishStatus.WAITING).order_by("joined_at", "pk"), pick)
        if wish is not None:
            asked = self._as(wish.patient)
            del asked["assurance"]
            self.do(lambda: earlier.leave(**asked, wish_id=wish.pk), event="earlier.left")

    @rule(pick=picks, takes=st.booleans())
    def a_patient_answers_an_offer(self, pick, takes):
        offer = self._open_offer(pick)
        if offer is None:
            return
        self._answer(offer, takes)

    def _open_offer(self, pick: int) -> EarlierOffer | None:
        offers = EarlierOffer.objects.filter(status=OfferStatus.OPEN).select_related("patient", "slot")
        return chosen(offers.order_by("offered_at", "pk"), pick)

    def _answer(self, offer: EarlierOffer, takes: bool) -> None:
        patient = offer.patient
        patient.clinic = self.clinic
        asked = self._as(patient) | {"offer_id": offer.pk}
        if not takes:
            del asked["assurance"]
            self.do(lambda: earlier.decline(**asked), EarlierRefused, event="earlier.declined")
            return
        had = offer.wish.appointment and plain(offer.wish.appointment)
        done = self.do(
            lambda: earlier.accept(**asked),
            BookingRefused,
            EarlierRefused,
            event="earlier.accepted",
            may_write=True,  # what can't be taken is passed on
        )
        if done is not None:
            self._has_taken(offer, had, done, lambda: earlier.accept(**asked))

    def _has_taken(self, offer: EarlierOffer, had: Any, done: Appointment, again: Callable[[], Any]) -> None:
        """Say that a taken offer is one appointment, that what it moves was given up, and that twice is once."""
        slot_id = offer.slot_id
        offer.refresh_from_db()
        live = Appointment.objects.live()
        assert (offer.status, offer.appointment_id) == (OfferStatus.ACCEPTED, done.pk)
        assert [one.pk for one in live.filter(slot=slot_id)] == [done.pk]
        assert offer.wish.status == WishStatus.FULFILLED
        if had is None:
            self.acts["offer taken: booked"] += 1
        elif done.pk == had.pk:
            self.acts["offer taken: moved"] += 1
            assert not live.filter(slot=had.slot_id).exists()
        else:
            self.acts["offer taken: asked for"] += 1
            assert (done.status, done.replaces_id) == (AppointmentStatus.REQUESTED, had.pk)
        before = self._print()
        assert again().pk == done.pk
        assert self._print() == before, "taken twice"
