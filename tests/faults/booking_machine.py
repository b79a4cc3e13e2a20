"""A clinic to which anything can happen, in any order: what hypothesis draws its stories from.

Every rule calls the real operation. Refused means the documented exception and nothing written; done means that the
trail has its event. After every act booking_model says what must be true of all rows.

No rule has a precondition: what a draw gives to whom differs each time, and hypothesis wants to hear the same
story twice. A rule that finds nothing to act on does nothing.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clinic_admin import operations as clinics
from clinic_admin.choices import Country, Service
from clinic_admin.models import Clinic, Closure
from clinic_admin.operations import ClinicChangeRefused
from delegation import operations as delegation
from delegation.models import Absence
from delegation.operations import DelegationRefused
from identity.choices import Assurance, UserKind
from notifications.choices import MessageKind, State
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from portal.refusals import Refused
from services.access.choices import Approval
from services.booking import operations, policy
from services.booking.absences import operations as absence_operations
from services.booking.absences import queries as absence_queries
from services.booking.choices import LIVE, AppointmentStatus
from services.booking.desk import operations as desk
from services.booking.desk import queries as places
from services.booking.desk.choices import Rule
from services.booking.earlier import operations as earlier
from services.booking.earlier.choices import OfferStatus, PartOfDay, WishStatus
from services.booking.earlier.models import EarlierOffer, EarlierWish, PassedOver
from services.booking.earlier.operations import EarlierRefused, Suits
from services.booking.guests import operations as guests
from services.booking.guests.choices import GuestStatus
from services.booking.guests.operations import GuestRefused
from services.booking.models import (
    Appointment,
    Block,
    CalendarTemplate,
    Draw,
    DrawRequest,
    GuestRequest,
    Slot,
)
from services.booking.operations import BookingRefused
from services.booking.release import operations as release
from services.booking.release import queries as draws
from services.booking.release.choices import Outcome
from services.booking.release.operations import DrawRefused
from services.booking.weekly import operations as template_operations
from services.booking.weekly.operations import TemplateRefused
from services.booking.weekly.policy import WeekBlock
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.faults import booking_model
from tests.faults.booking_model import Picture, Row, Week
from tests.services.booking.build_booking import allow
from tests.services.booking.build_guests import code_sent, open_to_guests, wish

DAY = timedelta(days=1)
BEGINNINGS = (
    datetime(
        2026, 3, 26, 9, 30, tzinfo=UTC
    ),  # the Thursday before the clocks go forward, a week before Easter
    datetime(2026, 10, 22, 13, 50, tzinfo=UTC),  # the Thursday before they go back
    datetime(2026, 5, 12, 6, 0, tzinfo=UTC),  # Norway has a holiday more than Denmark
    datetime(2026, 12, 22, 20, 45, tzinfo=UTC),  # Christmas
)
SEEN_AHEAD = 14
"""Slots of which people choose: those to come soonest."""
ALL_RULES = tuple(Rule.values)
TABLES = (
    *("booking_slot", "booking_appointment", "booking_guestrequest", "booking_earlierwish"),
    *(
        "booking_earlieroffer",
        "booking_draw",
        "booking_drawrequest",
        "booking_block",
        "booking_calendartemplate",
    ),
    *("booking_templateblock", "booking_receipt", "delegation_absence", "clinic_admin_closure"),
    *("notifications_outboxmessage", "portal_auditevent", "patients_patient"),
)
PRINT = (
    " UNION ALL ".join(
        f"SELECT '{table}', count(*), sum(hashtextextended(one::text, 0)) FROM {table} one"
        for table in TABLES
    )
    + " ORDER BY 1"  # of a long run the tables are read by several workers, in any order
)

picks = st.integers(0, 200)
kinds = st.sampled_from(["portal", "portal", "urgent", "internal"])
rows = st.builds(
    Row,
    weekday=st.integers(0, 6),
    clock=st.sampled_from([time(1, 30), time(2, 0), time(8, 0), time(8, 30), time(11, 30), time(15, 20)]),
    minutes=st.sampled_from([20, 30, 60]),
    number=st.integers(1, 3),
    kind=kinds,
)
weeks_of_rows = st.lists(rows, min_size=1, max_size=5).map(tuple)
mostly = st.sampled_from([True, True, False])
USUAL = (
    *(Row(weekday, time(9, 0), 20, 3, "portal") for weekday in range(5)),
    *(Row(weekday, time(12, 0), 30, 2, "urgent") for weekday in range(5)),
    *(Row(weekday, time(14, 0), 60, 1, "internal") for weekday in (1, 3)),
    Row(6, time(1, 40), 20, 6, "portal"),  # across the hour that is left out, or comes twice
)
LASTS = 17 * DAY
SETTINGS = ("offers_earlier", "draws_urgent", "books_without_account", "reminds_everyone")


def chosen(things: Iterable[Any], pick: int) -> Any:
    """Return one of the things, None when there are none."""
    known = list(things)
    return known[pick % len(known)] if known else None


class Clinics(RuleBasedStateMachine):
    """One clinic, two doctors, four patients, staff, people from the street, and the clock."""

    acts: Counter[str] = Counter()
    """How often what happened, over all stories: the events of the trail, the reasons of refusals, and what came of it."""

    def __init__(self) -> None:
        super().__init__()
        self.atom = transaction.atomic()
        self.atom.__enter__()
        self.planned: dict[int, set[tuple[Any, ...]]] = {}
        self.told: dict[uuid.UUID, tuple[tuple[int, str], datetime | None]] = {}
        self.before: Picture | None = None
        self.filled = False
        self.serial = 0
        self.counted = AuditEvent.objects.order_by("pk").values_list("pk", flat=True).last() or 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atom.__exit__(None, None, None)

    # -- the beginning -------------------------------------------------------------------------------------
    @initialize(
        country=st.sampled_from([Country.NORWAY, Country.DENMARK]),
        now=st.sampled_from(BEGINNINGS),
        earlier_times=mostly,
        draws_urgent=st.booleans(),
        limits=st.sampled_from([(None, None), (None, None), (3, 1)]),
        notice=st.sampled_from([0, 0, 24]),
        reminds_everyone=st.booleans(),
    )
    def open_the_clinic(self, country, now, earlier_times, draws_urgent, limits, notice, reminds_everyone):
        self.now = now
        self.clinic = make_clinic(
            country=country,
            offers_earlier=earlier_times,
            draws_urgent=draws_urgent,
            most_upcoming=limits[0],
            most_urgent=limits[1],
            cancel_notice_hours=notice,
            reminds_everyone=reminds_everyone,
            books_without_account=True,
        )
        self.doctors = [make_provider(self.clinic) for _ in range(2)]
        for doctor, approval in zip(self.doctors, (Approval.AUTOMATIC, Approval.BY_HAND), strict=True):
            allow(doctor, approval=approval)
            allow(doctor, row=next(one for one in self.doctors if one != doctor), approval=approval)
            open_to_guests(doctor)
        self.staff = make_user(kind=UserKind.STAFF)
        self.patients = [make_patient(self.clinic, gp=self.doctors[place % 2]) for place in range(4)]
        for patient in self.patients:
            patient.clinic = self.clinic
        self.users = {
            patient.pk: make_user(kind=UserKind.PATIENT, name=patient.full_name) for patient in self.patients
        }
        for doctor in self.doctors:
            done = self._save(doctor, USUAL, self.today, self.today + LASTS, None)
            self._look_at_the_calendar(doctor, done)
        for place, patient in enumerate(self.patients):
            self._book(patient, self._slot(4 * place + 1, kind="portal"), reminds=True)

    @property
    def today(self):
        return self.now.astimezone(self.clinic.zone).date()

    # -- doing and being refused ---------------------------------------------------------------------------
    def do(
        self,
        act: Callable[[], Any],
        *refusals: type[Refused],
        event: str | tuple[str, ...] = (),
        may_write: bool = False,
    ) -> Any:
        """Do it and return what it gives, or None when it was refused as documented."""
        before, events = self._print(), AuditEvent.objects.count()
        try:
            done = act()
        except refusals as refused:
            self.acts[f"refused: {type(refused).__name__}.{refused.reason}"] += 1
            written = [after for after, row in zip(self._print(), before, strict=True) if after != row]
            assert may_write or not written, f"refused, and something was written: {written}"
            return None
        written = set(AuditEvent.objects.order_by("pk")[events:].values_list("action", flat=True))
        wanted = {event} if isinstance(event, str) else set(event)
        if self._print() != before:
            assert not wanted or written & wanted, f"no event of {wanted}, only {written}"
        return done

    def _print(self) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(PRINT)
            return cursor.fetchall()

    def _patient(self, pick: int) -> Any:
        return self.patients[pick % len(self.patients)]

    def _slot(self, pick: int, **values: Any) -> Slot | None:
        """Choose a slot: mostly a free one, among those to come soonest."""
        coming = Slot.objects.filter(starts_at__gt=self.now, **values).order_by("starts_at", "pk")
        free = coming.filter(state="free")[:SEEN_AHEAD] if pick % 5 else coming[:SEEN_AHEAD]
        return chosen(free, pick)

    def _appointment(self, pick: int, **values: Any) -> Appointment | None:
        coming = Appointment.objects.live().filter(**values).order_by("requested_at", "starts_at")
        found = chosen(coming.select_related("patient", "provider", "slot"), pick)
        if found is not None:
            found.clinic = found.patient.clinic = self.clinic
        return found

    def _as(self, patient: Any) -> dict[str, Any]:
        actor = self.users.get(patient.pk) or self.staff
        return {"patient": patient, "assurance": Assurance.HIGH, "actor": actor, "now": self.now}

    @property
    def _desk(self) -> dict[str, Any]:
        return {"clinic": self.clinic, "actor": self.staff, "now": self.now}

    # -- weekly calendars, absences, closures --------------------------------------------------------------
    def _save(self, doctor, week, valid_from, valid_until, template_id):
        blocks = [WeekBlock(row.weekday, row.clock, row.ends_at, row.minutes, row.kind) for row in week]
        self.filled = True
        return template_operations.save_template(
            **self._desk,
            provider=doctor,
            name="Week",
            valid_from=valid_from,
            valid_until=valid_until,
            blocks=blocks,
            template_id=template_id,
        )

    @rule(
        pick=picks,
        week=weeks_of_rows,
        begins=st.integers(-3, 20),
        lasts=st.none() | st.integers(0, 30),
        changes=st.booleans(),
    )
    def a_weekly_calendar_is_written(self, pick, week, begins, lasts, changes):
        doctor = self.doctors[pick % 2]
        old = (
            chosen(CalendarTemplate.objects.filter(provider=doctor).order_by("pk"), pick) if changes else None
        )
        valid_from = self.today + begins * DAY
        valid_until = None if lasts is None else valid_from + lasts * DAY
        done = self.do(
            lambda: self._save(doctor, week, valid_from, valid_until, old and old.pk),
            TemplateRefused,
            event="calendar-template.saved",
        )
        self._look_at_the_calendar(doctor, done)

    @rule(pick=picks)
    def a_weekly_calendar_is_deleted(self, pick):
        template = chosen(CalendarTemplate.objects.order_by("pk"), pick)
        if template is None:
            return
        doctor = next(one for one in self.doctors if one.pk == template.provider_id)
        self.filled = True
        done = self.do(
            lambda: template_operations.delete_template(**self._desk, template_id=template.pk),
            event="calendar-template.deleted",
        )
        self._look_at_the_calendar(doctor, done)

    @rule(pick=picks, begins=st.integers(0, 12), lasts=st.integers(0, 9), has_cover=st.booleans())
    def a_doctor_goes_away(self, pick, begins, lasts, has_cover):
        doctor, other = self.doctors[pick % 2], self.doctors[(pick + 1) % 2]
        first = self.today + begins * DAY
        covers = dict.fromkeys((Service.BOOKING, Service.URGENT), other) if has_cover else {}
        self.do(
            lambda: delegation.add_absence(
                **self._desk, provider=doctor, first_day=first, last_day=first + lasts * DAY, covers=covers
            ),
            DelegationRefused,
            event="absence.added",
        )

    @rule(pick=picks)
    def a_doctor_comes_back(self, pick):
        absence = chosen(Absence.objects.order_by("pk"), pick)
        if absence is not None:
            self.do(
                lambda: delegation.remove_absence(**self._desk, absence_id=absence.pk),
                event="absence.removed",
            )

    @rule(pick=picks, answer=st.sampled_from(["move", "keep", "tell"]))
    def staff_answer_what_an_absence_does(self, pick, answer):
        absence = chosen(Absence.objects.prefetch_related("covers__provider").order_by("pk"), pick)
        if absence is None:
            return
        absence.clinic = self.clinic
        touched = chosen(absence_queries.of_absence(absence, now=self.now).order_by("starts_at"), pick)
        touched = touched or self._appointment(pick)
        if touched is None:
            return
        asked = {
            "absence": absence,
            "appointment_id": touched.pk,
            "version": touched.version,
            "actor": self.staff,
            "now": self.now,
        }
        if answer == "move":
            slot = self._slot(pick, kind=touched.kind)
            if slot is not None:
                act = absence_operations.move_to_cover
                self.do(lambda: act(**asked, slot_id=slot.pk), BookingRefused, event="appointment.moved")
            return
        act = absence_operations.keep if answer == "keep" else absence_operations.tell_patient
        self.do(lambda: act(**asked), BookingRefused, event="appointment.absence_answered")

    @rule(begins=st.integers(-1, 12), lasts=st.integers(0, 4))
    def the_clinic_closes(self, begins, lasts):
        first = self.today + begins * DAY
        self.do(
            lambda: clinics.add_closure(**self._desk, first_day=first, last_day=first + lasts * DAY),
            ClinicChangeRefused,
            event="closure.added",
        )

    @rule(pick=picks)
    def the_clinic_opens_again(self, pick):
        closure = chosen(Closure.objects.order_by("pk"), pick)
        if closure is not None:
            self.do(
                lambda: clinics.remove_closure(**self._desk, closure_id=closure.pk), event="closure.removed"
            )

    # -- time ----------------------------------------------------------------------------------------------
    @rule(minutes=st.sampled_from([1, 4, 5, 10, 30, 60, 180, 600, 24 * 60, 3 * 24 * 60]), works=st.booleans())
    def time_goes_by(self, minutes, works):
        self.now += timedelta(minutes=minutes)
        if works:
            self._every_minute()

    @rule(times=st.integers(1, 2))
    def a_minute_passes_and_workers_work(self, times):
        self.now += timedelta(minutes=1)
        for _ in range(times):
            self._every_minute()

    def _every_minute(self) -> None:
        self._pass_on()
        release.keep_up(self.clinic, self.now)

    def _pass_on(self) -> None:
        earlier.pass_on(clinic=self.clinic, now=self.now)

    @rule(times=st.integers(1, 2), hours=st.integers(0, 9))
    def a_night_passes(self, times, hours):
        local = (self.now.astimezone(self.clinic.zone) + DAY).replace(
            hour=3, minute=0, second=0, microsecond=0
        )
        self.now = max(local.astimezone(UTC), self.now) + timedelta(hours=hours)
        self._every_minute()
        self.filled = True
        for doctor in self.doctors:
            operations.extend_calendar(provider=doctor, now=self.now)
            self._look_at_the_calendar(doctor, True)
        if times == 2:
            for doctor in self.doctors:
                again = operations.extend_calendar(provider=doctor, now=self.now)
                assert (again.added, again.removed) == (0, 0), "twice is once"
        guests.forget(now=self.now)
        release.forget_reasons(self.now)

    def _look_at_the_calendar(self, doctor, done) -> None:
        if not done:
            return
        weeks = [
            Week(
                tuple(
                    Row(
                        int(block.weekday),
                        block.starts_at,
                        block.minutes,
                        _minutes(block.starts_at, block.ends_at) // block.minutes,
                        block.kind,
                    )
                    for block in template.blocks.all()
                ),
                template.valid_from,
                template.valid_until,
            )
            for template in CalendarTemplate.objects.filter(provider=doctor).prefetch_related("blocks")
        ]
        away = [
            *Absence.objects.filter(provider=doctor).values_list("first_day", "last_day"),
            *Closure.objects.filter(clinic=self.clinic).values_list("first_day", "last_day"),
        ]
        times = booking_model.wanted(
            weeks, country=self.clinic.country, zone=self.clinic.zone, away=away, now=self.now
        )
        self.planned[doctor.pk] = {(one.starts_at, one.ends_at, one.kind) for one in times}
        picture = self._picture()
        wrong = booking_model.the_calendar_is_what_was_wanted(picture, doctor.pk, times, self.clinic.zone)
        assert not (found := list(wrong)), found

    @rule(pick=picks, setting=st.sampled_from(SETTINGS))
    def a_setting_changes(self, pick, setting):
        if pick % 4:  # now and then
            return
        value = not getattr(self.clinic, setting)
        Clinic.objects.filter(pk=self.clinic.pk).update(**{setting: value})
        setattr(self.clinic, setting, value)

    @rule(pick=picks, approval=st.sampled_from(Approval))
    def a_list_is_approved_otherwise(self, pick, approval):
        allow(self.doctors[pick % 2], approval=approval)

    # -- patients ------------------------------------------------------------------------------------------
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
        assert done.kind != "internal"
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

    # -- people without an account -------------------------------------------------------------------------
    @rule(pick=picks, knows_code=mostly, late=mostly.map(lambda often: not often))
    def somebody_without_an_account_asks(self, pick, knows_code, late):
        slot = self._slot(pick, kind="portal")
        if slot is None:
            return
        self.serial += 1
        form = wish(self.serial % 3 + 1, country=self.clinic.country, mobile=f"+4799{self.serial % 2:06d}")
        started = self.do(
            lambda: guests.start(clinic=self.clinic, slot_id=slot.pk, wish=form, now=self.now), GuestRefused
        )
        if started is None:
            return
        code = code_sent(started.request_id) if knows_code else "000000"
        if late:
            self.now += timedelta(minutes=11)
        self.do(
            lambda: guests.confirm(
                clinic=self.clinic, request_id=started.request_id, code=code, now=self.now
            ),
            GuestRefused,
            event="guest.requested" if knows_code else (),
            may_write=True,  # every try counts
        )

    @rule(pick=picks, where=picks)
    def somebody_without_an_account_takes_another_time(self, pick, where):
        guest = chosen(GuestRequest.objects.filter(status=GuestStatus.STARTED).order_by("created_at"), pick)
        slot = self._slot(where)
        if guest is not None and slot is not None:
            self.do(
                lambda: guests.choose(clinic=self.clinic, request_id=guest.pk, slot_id=slot.pk, now=self.now),
                GuestRefused,
                event="guest.requested",
            )

    @rule(pick=picks, answer=st.sampled_from(["approve", "approve", "refuse", "withdraw"]))
    def a_guests_request_is_answered(self, pick, answer):
        guest = chosen(GuestRequest.objects.exclude(status=GuestStatus.STARTED).order_by("created_at"), pick)
        if guest is None:
            return
        events = {"approve": "guest.approved", "refuse": "guest.refused", "withdraw": "guest.withdrawn"}
        asked = {"clinic": self.clinic, "request_id": guest.pk, "now": self.now}
        if answer != "withdraw":
            asked["actor"] = self.staff
        self.do(lambda: getattr(guests, answer)(**asked), GuestRefused, event=events[answer])

    # -- earlier times -------------------------------------------------------------------------------------
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
        had = offer.wish.appointment and _plain(offer.wish.appointment)
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

    # -- draws ---------------------------------------------------------------------------------------------
    @rule(who=picks, with_one=st.booleans(), waits_until_open=mostly)
    def a_patient_asks_for_an_urgent_time(self, who, with_one, waits_until_open):
        if waits_until_open and not draws.window_now(self.clinic, self.now):
            days = (self.today + number * DAY for number in (1, 2))
            opens = (
                (draws.window_of(self.clinic, day).opens_at for day in days)
                if self.clinic.draws_urgent
                else ()
            )
            self.now = next((at + timedelta(minutes=2) for at in opens if at > self.now), self.now)
        release.keep_up(self.clinic, self.now)
        patient = self._patient(who)
        self.do(
            lambda: release.ask(
                **self._as(patient),
                reason="",
                wants_reminder=False,
                providers=[self.doctors[who % 2].pk] if with_one else [],
            ),
            DrawRefused,
            event=("draw.asked", "draw.asked_again"),
        )

    @rule(pick=picks)
    def a_patient_does_not_want_it_any_more(self, pick):
        request = chosen(DrawRequest.objects.order_by("asked_at", "pk"), pick)
        if request is not None:
            asked = self._as(request.patient)
            del asked["assurance"]
            self.do(
                lambda: release.withdraw(**asked, request_id=request.pk), DrawRefused, event="draw.withdrawn"
            )

    # -- the desk ------------------------------------------------------------------------------------------
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

    # -- what must be true ---------------------------------------------------------------------------------
    def _undrawn(self) -> set[Any]:
        return set(Draw.objects.filter(drawn_at=None).values_list("day", flat=True))

    def _picture(self) -> Picture:
        offers = EarlierOffer.objects.filter(status=OfferStatus.OPEN).select_related("wish")
        return Picture(
            now=self.now,
            zone=self.clinic.zone,
            wishes={
                one.pk: _plain(one, moves=one.appointment and _plain(one.appointment))
                for one in EarlierWish.objects.filter(status=WishStatus.WAITING)
                .select_related("appointment")
                .defer("reason")
            },
            asked=set(EarlierOffer.objects.values_list("slot", "wish")),
            passed=set(PassedOver.objects.values_list("slot", "wish")),
            had=set(Appointment.objects.values_list("slot", "patient")),
            slots={slot.pk: _plain(slot) for slot in Slot.objects.all()},
            appointments=[_plain(one) for one in Appointment.objects.live().defer("reason")],
            guests=[_plain(one) for one in GuestRequest.objects.filter(status=GuestStatus.WAITING)],
            offers=[_plain(one, wish_waits=one.wish.status == WishStatus.WAITING) for one in offers],
            undrawn=self._undrawn(),
        )

    @invariant()
    def everything_agrees(self):
        if not hasattr(self, "clinic"):
            return
        connection.check_constraints()
        picture = self._picture()
        found = [fault for sentence in booking_model.SENTENCES for fault in sentence(picture)]
        self._count(picture)
        if self.before is not None:
            found += booking_model.nobody_gets_a_second_place_unless_staff_put_them_there(
                self.before, picture
            )
            found += booking_model.offers_go_in_the_order_of_joining(self.before, picture)
            found += booking_model.nothing_was_touched(self.before, picture, filled=self.filled)
            found += booking_model.nothing_comes_free_that_no_calendar_has(self.before, picture, self.planned)
        assert not found, found
        self.before, self.filled = picture, False

    def _count(self, picture: Picture) -> None:
        """Count what the trail has since the last look, and offers that went to the next in line."""
        events = AuditEvent.objects.filter(pk__gt=self.counted).order_by("pk").values_list("pk", "action")
        for pk, action in events:
            self.acts[action] += 1
            self.counted = pk
        known = {one.pk for one in self.before.offers} if self.before else set()
        for offer in picture.offers:
            others = EarlierOffer.objects.filter(slot=offer.slot_id).exclude(pk=offer.pk)
            if offer.pk not in known:
                self.acts.update(
                    f"offered after: {status}" for status in others.values_list("status", flat=True)
                )

    @invariant()
    def patients_are_told_what_is_true(self):
        """Each booked appointment has the reminder it should, of its version; all others have none waiting."""
        if not hasattr(self, "clinic"):
            return
        waiting: dict[str, list[OutboxMessage]] = {}
        queued = OutboxMessage.objects.filter(state=State.QUEUED).defer("recipient", "title", "body")
        for message in queued:
            waiting.setdefault(message.subject_id, []).append(message)
        for one in Appointment.objects.select_related("patient").defer("reason"):
            due_at = self._due(one)
            reminders = [m for m in waiting.get(str(one.pk), ()) if m.kind == MessageKind.REMINDER]
            assert [(m.version, m.due_at) for m in reminders] == (
                [(one.version, due_at)] if due_at else []
            ), f"{one} ({one.status}, version {one.version}) has reminders {reminders}, should at {due_at}"
            if one.status not in LIVE:
                kinds = {m.kind for m in waiting.get(str(one.pk), ())}
                assert kinds <= {MessageKind.BOOKING_CANCELLED, MessageKind.BOOKING_REFUSED}, (one, kinds)
        for offer in EarlierOffer.objects.all():
            queued = [(one.kind, one.not_after) for one in waiting.get(str(offer.pk), ())]
            is_open = offer.status == OfferStatus.OPEN
            assert queued == ([(MessageKind.TIME_OFFERED, offer.expires_at)] if is_open else []), offer
        told = self._told_once(MessageKind.TIME_OFFERED)
        assert told == {str(pk) for pk in EarlierOffer.objects.values_list("pk", flat=True)}
        lost = DrawRequest.objects.exclude(outcome__in=[Outcome.WAITING, Outcome.WITHDRAWN, Outcome.WON])
        assert self._told_once(MessageKind.DRAW_LOST) == {str(pk) for pk in lost.values_list("pk", flat=True)}

    def _told_once(self, kind: MessageKind) -> set[str]:
        told = Counter(OutboxMessage.objects.filter(kind=kind).values_list("subject_id", flat=True))
        assert set(told.values()) <= {1}, f"told twice: {told}"
        return set(told)

    def _due(self, one: Appointment) -> datetime | None:
        """Return when the reminder of the appointment is due, as it was to be at the act that gave it its version."""
        key = (one.version, one.status)
        if one.pk not in self.told or self.told[one.pk][0] != key:
            wants = one.status == AppointmentStatus.BOOKED and (
                one.wants_reminder or self.clinic.reminds_everyone
            )
            due_at = policy.reminder_time(
                one.starts_at,
                hours_ahead=self.clinic.reminder_hours_ahead,
                zone=self.clinic.zone,
                now=self.now,
            )
            self.told[one.pk] = (key, due_at if wants and one.patient.mobile else None)
        return self.told[one.pk][1]

    @invariant()
    def draws_can_be_repeated(self):
        if not hasattr(self, "clinic"):
            return
        for draw in Draw.objects.filter(drawn_at__isnull=False):
            assert draws.faults_of(draw) == []
            requests = [_plain(one) for one in draw.requests.defer("reason")]
            wrong = list(booking_model.the_draw_is_what_its_seed_says(_plain(draw), requests))
            assert not wrong, wrong


def _plain(row: Any, **more: Any) -> SimpleNamespace:
    """Return a row's columns, so that it stays as it was."""
    return SimpleNamespace(
        **{name: value for name, value in vars(row).items() if name[0] != "_"}, pk=row.pk, **more
    )


def _minutes(begin: time, end: time) -> int:
    return (end.hour - begin.hour) * 60 + end.minute - begin.minute
