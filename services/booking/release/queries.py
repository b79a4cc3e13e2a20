"""What patients and staff see of the draws: the window that is open, one's own request, and the record."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, QuerySet

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Closure, Provider
from identity.choices import Assurance
from patients.models import Patient
from services.access import facts_queries
from services.access import policy as rules
from services.access import queries as access
from services.access.queries import ProviderChoice
from services.booking.choices import SlotKind, SlotState
from services.booking.models import Appointment, Draw, DrawRequest, Slot
from services.booking.own_times import LONGEST, beside_of
from services.booking.policy import overlap
from services.booking.release import policy
from services.booking.release.choices import Outcome
from services.booking.release.policy import Entry, PoolSlot, Record, Window

_URGENT = (Service.URGENT,)
LATEST_DRAWS = 14


# -- the window --------------------------------------------------------------------------------------------
def window_now(clinic: Clinic, now: datetime) -> Window | None:
    """Return the window in which patients can ask now; None where the clinic draws nothing. No query."""
    if not clinic.draws_urgent:
        return None
    return policy.window_now(
        now, release_at=clinic.urgent_release_at, zone=clinic.zone, asking=clinic.asking_time
    )


def window_of(clinic: Clinic, day: date) -> Window:
    """Return the window of the day by the clinic's settings as they are. No query."""
    return policy.window_of(
        day, release_at=clinic.urgent_release_at, zone=clinic.zone, asking=clinic.asking_time
    )


def window_of_draw(clinic: Clinic, draw: Draw) -> Window:
    """Return when the draw is asked into and held: by the settings as they are; as prepared where nothing is drawn any
    more. No query.
    """
    if clinic.draws_urgent:
        return window_of(clinic, draw.day)
    return Window(draw.day, draw.opens_at, draw.closes_at)


def not_drawn(clinic: Clinic) -> list[Draw]:
    """Return the clinic's draws that are still to be held, the earliest first: one or two. One query."""
    return list(Draw.objects.filter(clinic=clinic, drawn_at=None).order_by("day"))


def waits_for_draw(clinic: Clinic, day: date) -> bool:
    """Return whether the urgent slots of the day are still to be drawn, so that nobody can book them. One query."""
    return Draw.objects.filter(clinic=clinic, day=day, drawn_at=None).exists()


def clinics_that_draw() -> list[Clinic]:
    """Return the clinics that draw their urgent times, and those where a draw is left over from before. One query."""
    left_over = Draw.objects.filter(clinic=OuterRef("pk"), drawn_at=None)
    return list(Clinic.objects.filter(Exists(left_over) | Exists(_switched_on())).order_by("pk"))


def _switched_on() -> QuerySet[Clinic]:
    return Clinic.objects.filter(pk=OuterRef("pk"), draws_urgent=True, is_active=True)


# -- for a patient -----------------------------------------------------------------------------------------
def whom_to_ask(*, patient: Patient, day: date, assurance: Assurance, now: datetime) -> list[ProviderChoice]:
    """Return with whom the patient may have an urgent time that day and who has one free. Two queries."""
    choices = access.with_whom(patient=patient, service=Service.URGENT, assurance=assurance, day=day)
    having = set(
        free_slots(patient.clinic_id, day, now).values_list("provider_id", flat=True) if choices else ()
    )
    return [choice for choice in choices if choice.provider_id in having]


def free_slots(clinic_id: int, day: date, now: datetime) -> QuerySet[Slot]:
    """Return the free urgent slots of a local day on which the clinic is open."""
    closed = Closure.objects.filter(clinic=clinic_id, first_day__lte=day, last_day__gte=day)
    return Slot.objects.filter(
        ~Exists(closed),
        clinic=clinic_id,
        day=day,
        kind=SlotKind.URGENT,
        state=SlotState.FREE,
        starts_at__gt=now,
    )


@dataclass(frozen=True, slots=True)
class PassedOver:
    """What the draw passes over for a patient, as things are now."""

    own: tuple[Appointment, ...]
    """The patient's appointments at the time of one that is drawn, the first one first."""
    left: int
    """How many of the times drawn lie at none of them."""


def passed_over(*, patient: Patient, day: date, providers: Collection[int], now: datetime) -> PassedOver:
    """Return which of the patient's own appointments are in the way of the day's times with these providers.

    By the rule by which the draw passes over them. Two queries; one where there is no such time.
    """
    slots = list(free_slots(patient.clinic_id, day, now).filter(provider__in=providers))
    if not slots:
        return PassedOver((), 0)
    span = min(one.starts_at for one in slots), max(one.ends_at for one in slots)
    coming = beside_of(patient.pk, *span).select_related("provider").order_by("starts_at")
    own = tuple(one for one in coming if any(overlap(slot, one) for slot in slots))
    return PassedOver(own, sum(not any(overlap(slot, one) for one in own) for slot in slots))


def own_request(*, patient: Patient, request_id: UUID) -> DrawRequest | None:
    """Return the patient's own request with its draw and appointment, or None. One query."""
    rows = DrawRequest.objects.filter(pk=request_id, patient=patient)
    return rows.select_related("draw", "appointment__provider").first()


def request_for(*, patient: Patient, day: date) -> DrawRequest | None:
    """Return what the patient asked for of a day, also when it was taken back. One query."""
    return DrawRequest.objects.filter(draw__clinic=patient.clinic_id, draw__day=day, patient=patient).first()


def latest_of(*, patient: Patient, today: date) -> DrawRequest | None:
    """Return the patient's request of today or later that was not taken back. One query."""
    rows = DrawRequest.objects.filter(draw__clinic=patient.clinic_id, draw__day__gte=today, patient=patient)
    return rows.exclude(outcome=Outcome.WITHDRAWN).select_related("draw").order_by("-draw__day").first()


def providers_named(clinic: Clinic, provider_ids: Collection[int]) -> list[str]:
    """Return the names of these providers of the clinic, as lists show them. One query, none for nobody."""
    if not provider_ids:
        return []
    return list(
        Provider.objects.for_clinic(clinic).filter(pk__in=provider_ids).values_list("name", flat=True)
    )


def number_asked(draw: Draw) -> int:
    """Return how many asked and did not take it back. One query."""
    return draw.requests.exclude(outcome=Outcome.WITHDRAWN).count()


# -- for the draw ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Asker:
    """A request in the draw, and whom the access decision allows it."""

    request: DrawRequest
    allowed: frozenset[int]


def askers(draw: Draw, providers: Collection[int]) -> dict[UUID, Asker]:
    """Return those who wait for the draw, each with the providers, of these, whom they may have. Two queries.

    However many they are: the clinic's settings once, and one row for each with what decides about the patient.
    """
    waiting = draw.requests.filter(outcome=Outcome.WAITING)
    facts = {
        row["pk"]: facts_queries.patient_facts(row)
        for row in waiting.values("pk", **facts_queries.facts_of_patient("patient"))
    }
    setting = access.setting_facts(draw.clinic, draw.day, services=_URGENT)
    found = {}
    for one in waiting.select_related("patient", "asked_by"):
        pairs = rules.allowed(
            replace(setting, patient=facts[one.pk]),
            _URGENT,
            Assurance(one.assurance),
            draw.day,
            asked=sorted(providers),
        )
        found[one.pk] = Asker(one, frozenset(provider_id for _service, provider_id in pairs))
    return found


def own_times(draw: Draw, slots: Collection[Slot]) -> dict[UUID, list[Appointment]]:
    """Return the live appointments, of those who wait for the draw, that lie among these slots. One query.

    By patient; none for no slots.
    """
    found: dict[UUID, list[Appointment]] = {}
    if not slots:
        return found
    first = min(one.starts_at for one in slots)
    last = max(one.ends_at for one in slots)
    rows = (
        Appointment.objects.live()
        .filter(
            patient__in=draw.requests.filter(outcome=Outcome.WAITING).values("patient"),
            starts_at__gt=first - LONGEST,
            starts_at__lt=last,
            ends_at__gt=first,
        )
        .only("patient", "starts_at", "ends_at")
    )
    for one in rows:
        found.setdefault(one.patient_id, []).append(one)
    return found


# -- the rehearsal -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ListShare:
    """How many patients of one list may take a provider's urgent times; no name is everyone without a GP here."""

    name: str
    allowed: int
    patients: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What one provider has that day, and for whom."""

    name: str
    slots: tuple[Slot, ...]
    patients: int
    lists: tuple[ListShare, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What comes out at the release of a day."""

    window: Window
    openings: tuple[Opening, ...]
    is_closed: bool
    """The clinic is closed that day, so nothing comes out."""

    @property
    def number(self) -> int:
        """Return how many times come out."""
        return 0 if self.is_closed else sum(len(one.slots) for one in self.openings)

    @property
    def unreachable(self) -> list[str]:
        """Return the providers whose times nobody may take."""
        return [one.name for one in self.openings if one.slots and not one.patients]


def rehearsal(*, clinic: Clinic, day: date, now: datetime) -> Rehearsal:
    """Return what the day's release brings, as things are now. Five queries, however many patients.

    For whom follows from the same decision that patients meet, for patients signed in with eID.
    """
    slots = Slot.objects.filter(
        clinic=clinic, day=day, kind=SlotKind.URGENT, state=SlotState.FREE, starts_at__gt=now
    ).order_by("starts_at")
    by_provider: dict[int, list[Slot]] = {}
    for slot in slots:
        by_provider.setdefault(slot.provider_id, []).append(slot)
    names = dict(Provider.objects.for_clinic(clinic).values_list("pk", "name"))
    shares = _shares(clinic, day, sorted(by_provider), names)
    return Rehearsal(
        window=window_of(clinic, day),
        openings=tuple(
            Opening(
                names[provider_id],
                tuple(found),
                sum(share.allowed for share in shares[provider_id]),
                shares[provider_id],
            )
            for provider_id, found in by_provider.items()
        ),
        is_closed=Closure.objects.filter(clinic=clinic, first_day__lte=day, last_day__gte=day).exists(),
    )


def _shares(
    clinic: Clinic, day: date, providers: Collection[int], names: dict[int, str]
) -> dict[int, tuple[ListShare, ...]]:
    setting = access.setting_facts(clinic, day, services=_URGENT)
    allowed: Counter[tuple[int, int | None]] = Counter()
    everyone: Counter[int | None] = Counter()
    for kind, count in access.kinds_of_patients(clinic):
        if not kind.is_active:
            continue
        everyone[kind.gp_id] += count
        facts = replace(setting, patient=kind)
        for _service, provider_id in rules.allowed(facts, _URGENT, Assurance.HIGH, day, asked=providers):
            allowed[provider_id, kind.gp_id] += count
    return {
        provider_id: tuple(
            ListShare(names.get(gp_id or 0, ""), count, everyone[gp_id])
            for (owner, gp_id), count in sorted(
                allowed.items(), key=lambda item: (item[0][1] is None, -item[1], item[0][1] or 0)
            )
            if owner == provider_id
        )
        for provider_id in providers
    }


@dataclass(frozen=True, slots=True)
class Coming:
    """A day whose urgent times come out soon."""

    day: date
    opens_at: datetime
    number: int


def coming(*, clinic: Clinic, now: datetime) -> list[Coming]:
    """Return the next days of two weeks with free urgent times still to come out, not closed ones. One query."""
    first = policy.next_day(now, release_at=clinic.urgent_release_at, zone=clinic.zone)
    closed = Closure.objects.filter(
        clinic=clinic, first_day__lte=OuterRef("day"), last_day__gte=OuterRef("day")
    )
    rows = (
        Slot.objects.filter(~Exists(closed), clinic=clinic, day__gte=first, day__lt=first + policy.LOOK_AHEAD)
        .filter(kind=SlotKind.URGENT, state=SlotState.FREE)
        .values_list("day")
        .annotate(number=Count("pk"))
        .order_by("day")
    )
    return [Coming(day, window_of(clinic, day).opens_at, number) for day, number in rows]


# -- the report --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Taken:
    """An urgent time that a patient took after the release, and how long after it."""

    appointment: Appointment
    after: timedelta


@dataclass(frozen=True, slots=True)
class Report:
    """What happened at the release of a day."""

    draw: Draw | None
    """None where nothing was drawn: first come, first served."""
    requests: tuple[DrawRequest, ...]
    taken: tuple[Taken, ...]
    """What was booked otherwise, in the order of time."""
    left: int
    """Times that are free still, or were until they passed."""

    @property
    def asked(self) -> int:
        """Return how many asked and did not take it back."""
        return sum(one.outcome != Outcome.WITHDRAWN for one in self.requests)

    @property
    def won(self) -> int:
        """Return how many got a time."""
        return sum(one.outcome == Outcome.WON for one in self.requests)


def report(*, clinic: Clinic, day: date) -> Report:
    """Return what happened at the release of the day. Four queries at most."""
    draw = Draw.objects.filter(clinic=clinic, day=day).first()
    requests: Iterable[DrawRequest] = ()
    if draw is not None and draw.drawn_at is not None:
        requests = draw.requests.select_related("patient", "appointment__provider").order_by(
            F("rank").asc(nulls_last=True), "asked_at"
        )
    opens_at = draw.opens_at if draw else window_of(clinic, day).opens_at
    requests = tuple(requests)
    booked = (
        Appointment.objects.for_clinic(clinic)
        .filter(slot__day=day, slot__clinic=clinic, kind=SlotKind.URGENT, requested_by__kind="patient")
        .exclude(pk__in=[one.appointment_id for one in requests if one.appointment_id])
        .select_related("patient", "provider")
        .defer("reason")
        .order_by("requested_at")
    )
    return Report(
        draw=draw,
        requests=requests,
        taken=tuple(Taken(one, one.requested_at - opens_at) for one in booked),
        left=Slot.objects.filter(clinic=clinic, day=day, kind=SlotKind.URGENT, state=SlotState.FREE).count(),
    )


def latest_draws(*, clinic: Clinic) -> list[Draw]:
    """Return the clinic's last draws at which there was something to draw, latest first. One query."""
    rows = Draw.objects.filter(clinic=clinic, drawn_at__isnull=False).exclude(pool=[])
    return list(rows.order_by("-day")[:LATEST_DRAWS])


def draw_of(*, clinic: Clinic, day: date) -> Draw | None:
    """Return the clinic's draw of the day."""
    return Draw.objects.filter(clinic=clinic, day=day).first()


def faults_of(draw: Draw) -> list[str]:
    """Return what is wrong with the record of a draw that was held, in words; nothing when all is right. One query."""
    return [str(fault.label) for fault in policy.faults(record_of(draw))]


def record_of(draw: Draw) -> Record:
    """Return what is kept of a draw that was held. One query."""
    return Record(
        seed=draw.seed or "",
        published=draw.seed_hash,
        committed_at=draw.committed_at,
        closes_at=draw.closes_at,
        drawn_at=draw.drawn_at or draw.committed_at,
        pool=tuple(
            PoolSlot(datetime.fromisoformat(starts_at), slot_id, provider_id)
            for slot_id, provider_id, starts_at in draw.pool
        ),
        entries=tuple(
            Entry(
                request_id=one.pk,
                asked_at=one.asked_at,
                asked=frozenset(one.providers),
                allowed=frozenset(one.allowed),
                own_times=frozenset(one.own_times),
                outcome=Outcome(one.outcome),
                rank=one.rank,
                slot_id=one.slot_number,
            )
            for one in draw.requests.all()
        ),
    )
