"""Acts that follow one another in a clinic's life, and seldom do by chance: a time that goes down the line, a draw.

Each act is one of the machine, and after each of them everything is looked at.
"""

import uuid
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from clinic_admin import operations as clinics
from clinic_admin.models import Clinic
from clinic_admin.operations import ClinicChangeRefused
from delegation import operations as delegation
from delegation.operations import DelegationRefused
from services.access.choices import Approval
from services.booking import operations, policy
from services.booking.choices import SlotKind, SlotState
from services.booking.desk import operations as desk
from services.booking.desk import queries as places
from services.booking.earlier import operations as earlier
from services.booking.earlier.choices import OfferStatus, PartOfDay
from services.booking.earlier.models import EarlierOffer, PassedOver
from services.booking.earlier.operations import EarlierRefused, Suits
from services.booking.guests import operations as guests
from services.booking.guests.choices import GuestStatus
from services.booking.guests.operations import GuestRefused
from services.booking.models import Appointment, Draw, GuestRequest, Slot
from services.booking.operations import BookingRefused
from services.booking.release import operations as release
from services.booking.release import queries as draws
from services.booking.release.choices import Outcome
from tests.faults.booking.desk import ALL_RULES
from tests.faults.booking.machine import Clinics
from tests.faults.booking.world import DAY, chosen, mostly, picks
from tests.services.booking.build_booking import allow

MINUTE = timedelta(minutes=1)
LONGER_THAN_A_HOLD = 4 * MINUTE
ways_to_lose = st.sampled_from(["block", "close", "away", "given away", "given", "deleted", "closed list"])
answers_to_guests = st.sampled_from(["approve", "approve", "refuse", "withdraw", "too late"])
lines = st.lists(st.booleans(), min_size=2, max_size=3)
moments = st.sampled_from([timedelta(seconds=1), timedelta(0), -LONGER_THAN_A_HOLD])
ways_down = st.lists(st.sampled_from(["decline", "expire", "leave", "take"]), min_size=1, max_size=4)


class Stories(Clinics):
    """A clinic in which what people wait for does happen."""

    def _look(self) -> None:
        self.everything_agrees()
        self.patients_are_told_what_is_true()
        self.draws_can_be_repeated()

    # -- earlier times -------------------------------------------------------------------------------------
    @rule(who=picks, pick=picks, about=lines, late=st.booleans(), by_hand=mostly, answers=ways_down)
    def a_time_comes_free_and_goes_down_the_line(self, who, pick, about, late, by_hand, answers):
        approval = Approval.BY_HAND if by_hand else Approval.AUTOMATIC
        if (offer := self._comes_free(who, pick, about, late, approval)) is not None:
            self._down_the_line(offer, answers)

    @rule(who=picks, pick=picks, about=lines, late=st.booleans(), how=ways_to_lose, takes=mostly)
    def a_time_comes_free_and_is_lost(self, who, pick, about, late, how, takes):
        if (offer := self._comes_free(who, pick, about, late, Approval.AUTOMATIC)) is not None:
            self._lost_meanwhile(offer, how, takes)

    @rule(who=picks, pick=picks, about=lines, late=st.booleans(), early=moments)
    def a_time_comes_free_and_is_taken_at_the_last_moment(self, who, pick, about, late, early):
        if (offer := self._comes_free(who, pick, about, late, Approval.AUTOMATIC)) is not None:
            self._at_the_last_moment(offer, early)

    def _comes_free(self, who, pick, about, late, approval) -> EarlierOffer | None:
        """Let somebody give a time up for which others wait, some of them with an appointment to move."""
        self._switch("offers_earlier", is_on=True)
        self._pass_on()  # what came free before goes to who waits already, or to all
        slot = self._later_slot(pick)
        giver = self._patient(who)
        mine = slot and self._staff_book(giver, slot)
        if mine is None:
            return None
        for doctor in self.doctors:
            allow(doctor, approval=approval)
        for place, moves in enumerate(about, start=1):
            self._wait(self._patient(who + place), moves, after=slot)
        self.do(
            lambda: operations.cancel(**self._as(giver), appointment_id=mine.pk),
            BookingRefused,
            event="appointment.cancelled",
        )
        self._look()
        if late:
            self.now += MINUTE
        self._pass_on()
        self._look()
        offers = EarlierOffer.objects.filter(slot=slot, status=OfferStatus.OPEN)
        return offers.select_related("patient", "slot", "wish__appointment").first() or self._open_offer(pick)

    def _switch(self, setting: str, *, is_on: bool) -> None:
        Clinic.objects.filter(pk=self.clinic.pk).update(**{setting: is_on})
        setattr(self.clinic, setting, is_on)

    def _later_slot(self, pick: int) -> Slot | None:
        coming = Slot.objects.filter(kind=SlotKind.PORTAL, state=SlotState.FREE, by_hand=False)
        coming = coming.filter(starts_at__gt=self.now + DAY, held_until=None)
        return chosen(coming.order_by("starts_at", "pk")[:20], pick)

    def _staff_book(self, patient: Any, slot: Slot) -> Appointment | None:
        place = places.place_of_slot(clinic=self.clinic, slot_id=slot.pk)
        known = [one.pk for one in places.beside(patient, place)]
        return self.do(
            lambda: desk.book(
                patient=patient,
                place=place,
                reason="",
                tells=False,
                confirmed=ALL_RULES,
                known=known,
                form_key=uuid.uuid4(),
                actor=self.staff,
                now=self.now,
            ),
            BookingRefused,
            event="appointment.booked",
        )

    def _wait(self, patient: Any, moves: bool, *, after: Slot) -> None:
        later = Appointment.objects.live().filter(
            patient=patient, kind=SlotKind.PORTAL, starts_at__gt=after.starts_at
        )
        free = Slot.objects.filter(kind=SlotKind.PORTAL, state=SlotState.FREE, held_until=None)
        if moves and not later.exists() and (slot := free.filter(starts_at__gt=after.ends_at + DAY).first()):
            self._staff_book(patient, slot)
        suits = Suits((), tuple("0123456"), PartOfDay.ANY, self.today, self.today + 40 * DAY)
        self.do(
            lambda: earlier.join(
                **self._as(patient),
                suits=suits,
                appointment=later.order_by("starts_at").first() if moves else None,
                reason="",
                wants_reminder=True,
            ),
            EarlierRefused,
            event=("earlier.joined", "earlier.changed"),
        )

    @rule(pick=picks, answers=ways_down)
    def a_time_goes_down_the_line(self, pick, answers):
        self._down_the_line(self._open_offer(pick), answers)

    def _down_the_line(self, offer: EarlierOffer | None, answers: list[str]) -> None:
        for answer in answers:
            if offer is None or offer.status != OfferStatus.OPEN:
                return
            if answer == "expire":
                self.now = max(self.now, offer.expires_at)
            elif answer == "leave":
                asked = self._as(offer.patient)
                del asked["assurance"]
                wish_id = offer.wish_id
                self.do(lambda asked=asked, wish_id=wish_id: earlier.leave(**asked, wish_id=wish_id))
            else:
                self._answer(offer, answer == "take")
            self._look()
            self._pass_on()
            self._look()
            now_offered = EarlierOffer.objects.filter(slot=offer.slot_id, status=OfferStatus.OPEN)
            offer = now_offered.select_related("patient", "slot", "wish__appointment").first()

    @rule(pick=picks, early=moments)
    def a_patient_answers_at_the_last_moment(self, pick, early):
        offer = self._open_offer(pick)
        if offer is not None:
            self._at_the_last_moment(offer, early)

    def _at_the_last_moment(self, offer: EarlierOffer, early: timedelta) -> None:
        self.now = max(self.now, offer.expires_at - early)
        is_late = self.now >= offer.expires_at
        self._answer(offer, takes=True)
        offer.refresh_from_db()
        assert not (is_late and offer.status == OfferStatus.ACCEPTED)

    @rule(pick=picks, how=ways_to_lose, takes=mostly)
    def what_is_offered_is_lost_meanwhile(self, pick, how, takes):
        offer = self._open_offer(pick)
        if offer is not None and offer.slot is not None and offer.slot.starts_at > self.now:
            self._lost_meanwhile(offer, how, takes)

    def _lost_meanwhile(self, offer: EarlierOffer, how: str, takes: bool) -> None:
        self._lose(offer, how)
        self._look()
        if takes:
            self._answer(offer, takes=True)
            self._look()
        self._pass_on()

    def _lose(self, offer: EarlierOffer, how: str) -> None:
        slot, day = offer.slot, offer.slot.day
        doctor = next(one for one in self.doctors if one.pk == slot.provider_id)
        done: Any = True
        if how == "block":
            place = places.place_of_slot(clinic=self.clinic, slot_id=slot.pk)
            done = self.do(
                lambda: desk.block(**self._desk, place=place, reason="Meeting"),
                BookingRefused,
                event="calendar.blocked",
            )
        elif how == "close":
            done = self.do(
                lambda: clinics.add_closure(**self._desk, first_day=day, last_day=day),
                ClinicChangeRefused,
                event="closure.added",
            )
        elif how in {"given away", "given"}:
            other = next(one for one in self.patients if (one.pk == offer.patient_id) == (how == "given"))
            done = self._staff_book(other, slot)
        elif how == "closed list":
            self._switch("offers_earlier", is_on=False)
        else:
            if how == "deleted":  # nobody works, so that what has run out is open still when its time goes
                self.now = max(self.now, offer.expires_at + LONGER_THAN_A_HOLD)
            done = self.do(
                lambda: delegation.add_absence(
                    **self._desk, provider=doctor, first_day=day, last_day=day, covers={}
                ),
                DelegationRefused,
                event="absence.added",
            )
        if done is not None:
            self.acts[f"offered, then {how}"] += 1

    # -- own times -----------------------------------------------------------------------------------------
    @rule(pick=picks, goes=st.booleans())
    def staff_put_a_patient_in_two_places(self, pick, goes):
        """Knowingly; whoever takes the first one back can't have it again online."""
        mine = self._appointment(pick, starts_at__gt=self.now)
        slot = mine and self._beside(mine)
        done = slot and self._staff_book(mine.patient, slot)
        if not done:
            return
        assert "own-time" in done.overruled
        self.acts["put beside another knowingly"] += 1
        self._look()
        if goes:
            given_back = self.do(
                lambda: operations.cancel(**self._as(mine.patient), appointment_id=mine.pk),
                BookingRefused,
                event="appointment.cancelled",
            )
            again = given_back and self._book(mine.patient, mine.slot, reminds=False)
            assert not again, "in two places"

    def _beside(self, one: Any) -> Slot | None:
        """Return a free time of somebody else that overlaps this one."""
        free = Slot.objects.filter(state=SlotState.FREE, held_until=None, starts_at__gt=self.now)
        at_once = free.filter(starts_at__lt=one.ends_at, ends_at__gt=one.starts_at)
        return at_once.exclude(provider=one.provider_id).order_by("starts_at", "pk").first()

    @rule(who=picks, pick=picks)
    def a_time_comes_free_beside_what_who_waits_has(self, who, pick):
        self._switch("offers_earlier", is_on=True)
        giver, waits, slot = self._patient(who), self._patient(who + 1), self._later_slot(pick)
        other = slot and self._beside(slot)
        given = other and self._staff_book(waits, other) and self._staff_book(giver, slot)
        if not given:
            return
        self._wait(waits, moves=False, after=slot)
        offers = EarlierOffer.objects.filter(slot=slot, patient=waits, wish__appointment=None)
        before = list(offers.values_list("pk", flat=True))  # while they had nothing else then
        self.do(
            lambda: operations.cancel(**self._as(giver), appointment_id=given.pk),
            BookingRefused,
            event="appointment.cancelled",
        )
        self._pass_on()
        self._look()
        passed = PassedOver.objects.filter(slot=slot, wish__patient=waits, wish__appointment=None)
        self.acts.update(f"passed over: {reason}" for reason in passed.values_list("reason", flat=True))
        assert not offers.exclude(pk__in=before).exists(), (
            "offered at a time at which they have something else"
        )

    # -- draws ---------------------------------------------------------------------------------------------
    @rule(
        who=st.lists(st.integers(0, 3), min_size=2, max_size=4, unique=True),
        with_one=st.lists(st.booleans(), min_size=4, max_size=4),
        takes_back=st.booleans(),
        loses=st.sampled_from(["", "", "away", "block", "too many", "own time", "own time"]),
        late=st.sampled_from([timedelta(0), MINUTE, 30 * MINUTE]),
        two=st.booleans(),
    )
    def urgent_times_are_drawn(self, who, with_one, takes_back, loses, late, two):
        self._switch("draws_urgent", is_on=True)
        window = self._next_window()
        if window is None:
            return
        release.keep_up(self.clinic, min(self.now, window.opens_at - MINUTE))
        self.now = max(self.now, window.opens_at)
        for place in who:
            self._ask(self.patients[place], with_one[place], place)
        self._look()
        draw = Draw.objects.filter(clinic=self.clinic, day=window.day).first()
        if draw is None:
            return
        if takes_back:
            self._take_back(draw)
        self._lose_before_the_draw(draw, loses)
        self._nobody_books_before(draw)
        self.now = max(self.now, window.closes_at + late)
        for _ in range(1 + two):
            release.keep_up(self.clinic, self.now)
        self._has_been_drawn(draw)
        self._look()
        self._what_is_left_is_for_all(draw)

    def _next_window(self) -> Any:
        """Return the next window of a day that has urgent times, of the days to come soon."""
        for number in range(1, 6):
            window = draws.window_of(self.clinic, self.today + number * DAY)
            is_ahead = window.opens_at > self.now - window.closes_at + window.opens_at
            if is_ahead and draws.free_slots(self.clinic.pk, window.day, self.now).exists():
                return window
        return None

    def _ask(self, patient: Any, with_one: bool, place: int) -> None:
        self.do(
            lambda: release.ask(
                **self._as(patient),
                reason="",
                wants_reminder=False,
                providers=[self.doctors[place % 2].pk] if with_one else [],
            ),
            release.DrawRefused,
            event=("draw.asked", "draw.asked_again"),
        )

    def _take_back(self, draw: Draw) -> None:
        request = draw.requests.order_by("asked_at", "pk").first()
        if request is not None:
            asked = self._as(request.patient)
            del asked["assurance"]
            self.do(
                lambda: release.withdraw(**asked, request_id=request.pk),
                release.DrawRefused,
                event="draw.withdrawn",
            )

    def _lose_before_the_draw(self, draw: Draw, how: str) -> None:
        slot = draws.free_slots(self.clinic.pk, draw.day, self.now).order_by("starts_at").first()
        if slot is None or not how:
            return
        if how == "own time":
            self._keep_busy(draw, slot.provider_id)
        elif how == "away":
            self.do(
                lambda: delegation.add_absence(
                    **self._desk, provider=slot.provider, first_day=draw.day, last_day=draw.day, covers={}
                ),
                DelegationRefused,
                event="absence.added",
            )
        elif how == "block":
            place = places.place_of_slot(clinic=self.clinic, slot_id=slot.pk)
            self.do(
                lambda: desk.block(**self._desk, place=place, reason="Meeting"),
                BookingRefused,
                event="calendar.blocked",
            )
        else:
            Clinic.objects.filter(pk=self.clinic.pk).update(most_upcoming=1)
            self.clinic.most_upcoming = 1

    def _keep_busy(self, draw: Draw, provider_id: int) -> None:
        """Let staff give one of those who asked all that one of the doctors has, so that they are busy at the other's."""
        asked = draw.requests.exclude(outcome=Outcome.WITHDRAWN).order_by("asked_at", "pk")
        request = next((one for one in asked if one.providers != [provider_id]), None)
        if request is None:
            return
        patient = next(one for one in self.patients if one.pk == request.patient_id)
        for slot in draws.free_slots(self.clinic.pk, draw.day, self.now).filter(provider=provider_id):
            self._staff_book(patient, slot)

    def _nobody_books_before(self, draw: Draw) -> None:
        done = self.do(
            lambda: operations.book_any_urgent(
                **self._as(self.patients[0]), reason="", wants_reminder=True, form_key=uuid.uuid4()
            ),
            BookingRefused,
            event=("appointment.booked", "appointment.requested"),
        )
        assert done is None or done.slot.day != draw.day, "booked what is to be drawn"

    def _has_been_drawn(self, draw: Draw) -> None:
        draw.refresh_from_db()
        assert draw.drawn_at is not None
        for request in draw.requests.select_related("appointment__slot"):
            self.acts[f"draw: {request.outcome}"] += 1
            if request.outcome == Outcome.WON:
                won = request.appointment
                assert (won.slot_id, won.patient_id) == (request.slot_number, request.patient_id)
                assert won.slot.state == SlotState.TAKEN

    def _what_is_left_is_for_all(self, draw: Draw) -> None:
        left = draws.free_slots(self.clinic.pk, draw.day, self.now).order_by("starts_at").first()
        if left is None:
            return
        for patient in self.patients:
            if (done := self._book(patient, left, reminds=True)) is not None:
                self.acts["drawn, and what is left is booked"] += 1
                assert done.slot_id == left.pk
                return

    # -- the release of urgent times -----------------------------------------------------------------------
    @rule(who=picks)
    def the_hour_of_release_comes(self, who):
        self._switch("draws_urgent", is_on=False)
        for number in range(1, 6):
            day = self.today + number * DAY
            at = policy.releases_at(day, release_at=self.clinic.urgent_release_at, zone=self.clinic.zone)
            if at > self.now and Slot.objects.filter(day=day, kind=SlotKind.URGENT, state="free").exists():
                break
        else:
            return
        slot = Slot.objects.filter(day=day, kind=SlotKind.URGENT, state="free").order_by("starts_at").first()
        self.now = at - timedelta(seconds=1)
        early = self._book(self._patient(who), slot, reminds=False)
        assert early is None, "booked before its release"
        self.now = at
        if self._book(self._patient(who), slot, reminds=False) is not None:
            self.acts["urgent time booked at its release"] += 1

    # -- people without an account -------------------------------------------------------------------------
    @rule(pick=picks, answer=answers_to_guests)
    def somebody_without_an_account_asks_and_is_answered(self, pick, answer):
        self._switch("books_without_account", is_on=True)
        self.somebody_without_an_account_asks(pick=pick - pick % 5 + 1, knows_code=True, late=False)
        self._look()
        self.a_request_that_waits_is_answered(pick=pick, answer=answer)

    @rule(pick=picks, answer=answers_to_guests)
    def a_request_that_waits_is_answered(self, pick, answer):
        waiting = GuestRequest.objects.filter(status=GuestStatus.WAITING).order_by("created_at", "pk")
        guest = chosen(waiting, pick)
        if guest is None:
            return
        is_late = answer == "too late"
        if is_late:
            self.now = max(self.now, guest.starts_at)
            answer = "approve"
        asked = {"clinic": self.clinic, "request_id": guest.pk, "now": self.now}
        if answer != "withdraw":
            asked["actor"] = self.staff
        done = self.do(
            lambda: getattr(guests, answer)(**asked),
            GuestRefused,
            event={"approve": "guest.approved", "refuse": "guest.refused"}.get(answer, "guest.withdrawn"),
        )
        assert not (is_late and done), "approved of a time that is over"

    @rule(pick=picks)
    def a_request_is_finished_too_late(self, pick):
        started = GuestRequest.objects.filter(status=GuestStatus.STARTED).order_by("created_at", "pk")
        guest, slot = chosen(started, pick), self._later_slot(pick)
        if guest is None or slot is None:
            return
        self.now = max(self.now, guest.created_at + timedelta(minutes=30))
        done = self.do(
            lambda: guests.choose(clinic=self.clinic, request_id=guest.pk, slot_id=slot.pk, now=self.now),
            GuestRefused,
        )
        assert done is None


HAPPENS = (
    *("appointment.booked", "appointment.requested", "appointment.approved", "appointment.refused"),
    *("appointment.moved", "appointment.cancelled", "appointment.marked", "appointment.absence_answered"),
    *("calendar-template.saved", "calendar-template.deleted", "calendar.blocked", "calendar.unblocked"),
    *("absence.added", "absence.removed", "closure.added", "closure.removed"),
    *("refused: BookingRefused.taken", "refused: BookingRefused.no-access", "refused: RuleInTheWay.rule"),
    *("earlier.joined", "earlier.changed", "earlier.left"),
    *("earlier.offered", "earlier.accepted", "earlier.declined", "earlier.expired", "earlier.failed"),
    *("offer taken: booked", "offer taken: moved", "offer taken: asked for"),
    *("offered after: declined", "offered after: expired", "refused: EarlierRefused.over"),
    *("offered, then block", "offered, then close", "offered, then away", "offered, then deleted"),
    *("offered, then given", "offered, then given away", "offered, then closed list"),
    *("draw.prepared", "draw.asked", "draw.asked_again", "draw.withdrawn", "draw.held"),
    *(
        "put beside another knowingly",
        "refused: BookingRefused.own-time",
        "passed over: own-time",
        "draw: own-time",
    ),
    *("draw: won", "draw: none-left", "draw: not-allowed", "draw: too-many", "draw: withdrawn"),
    *("drawn, and what is left is booked", "urgent time booked at its release"),
    *("guest.requested", "guest.approved", "guest.refused", "guest.withdrawn"),
    *("refused: GuestRefused.past", "refused: GuestRefused.over", "refused: GuestRefused.wrong-code"),
)
"""What comes about in three hundred stories (`make faults`), each of it: else the stories prove nothing about it."""
