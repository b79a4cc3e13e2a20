"""What is measured, and how. Each measure gives figures; what must never happen raises Broken."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median, quantiles
from typing import Any, NamedTuple

import requests
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench import load, people, web
from bench.people import Guest, Practice
from clinic_admin.choices import ProviderKind
from clinic_admin.models import Clinic, Provider
from identity.choices import Assurance
from notifications import dispatch
from notifications.choices import Channel, MessageKind, State
from notifications.models import OutboxMessage
from notifications.operations import NewMessage, queue_messages
from services.booking import free_times
from services.booking.choices import LIVE, SlotKind, SlotState
from services.booking.models import Appointment, Slot

CLIENTS = 8
WARM_UP = 32
RUSH_CLIENTS = 64
LOST_IN_PLACE = 422
LATER_URGENT = 40
"""Free urgent times on each later day: four for each provider."""
MOST_BOOKED = 14_000
"""Five days of the practice: enough for 700 bookings a second during the usual turns."""
SLOT_DAYS = 84
SLOTS_OF_A_FILLER = SLOT_DAYS * 72


class Broken(AssertionError):
    """The product did something that it must never do."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result. A figure is good when it is at least the target, or at most if `less_is_better`."""

    name: str
    ratio: float
    target: float
    less_is_better: bool = False
    measured: dict[str, Any] = field(default_factory=dict)
    also: bool = True
    """A second condition of the target, as an absolute time."""

    @property
    def is_met(self) -> bool:
        """Return whether the target is met."""
        good = self.ratio <= self.target if self.less_is_better else self.ratio >= self.target
        return good and self.also

    def __str__(self) -> str:
        return f"{self.name} ratio {self.ratio:.3g} target {self.target:g} {'ok' if self.is_met else 'short'}"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where base and product listen, and how long each turn lasts."""

    base: web.Server
    product: web.Server
    rounds: int
    seconds: float


def _expect(answers: Sequence[load.Answer], *statuses: int) -> None:
    found = Counter(answer.status for answer in answers)
    if set(found) - set(statuses):
        raise Broken(f"expected only {statuses}, got {dict(found)}")


# -- pages and posts, in turns with the base ---------------------------------------------------------------
def in_turns(
    name: str,
    servers: Servers,
    request_of: Callable[[int], bytes],
    *,
    target: float,
    statuses: tuple[int, ...],
) -> Figure:
    """Measure requests per second of base and product, one after the other, several times over.

    Both are asked in the same way: by the same clients, over a connection for each request, as all crowds come and as the
    targets were found (ADR 12). Every worker answers a few times before, so that no turn pays for compiled templates
    and opened connections to Postgres. Beside the rate stand the ratio over connections that stay open, and the
    processor time of the web server for each answer, which others on the machine disturb less.
    """
    sent = _warm_up(servers, request_of)

    def turn(server: web.Server, *, each_anew: bool) -> tuple[float, float]:
        nonlocal sent
        first, is_base = sent, server is servers.base
        with web.processor_time(server) as spent:
            answers, rate = load.send_for(
                server.port,
                (lambda _number: load.get("/")) if is_base else (lambda number: request_of(first + number)),
                clients=CLIENTS,
                seconds=servers.seconds,
                each_anew=each_anew,
            )
        _expect(answers, *((200,) if is_base else statuses))
        sent += 0 if is_base else len(answers)
        return rate, spent.milliseconds / len(answers)

    def turns(*, each_anew: bool) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        return [
            (turn(servers.base, each_anew=each_anew), turn(servers.product, each_anew=each_anew))
            for _ in range(servers.rounds)
        ]

    found, kept = turns(each_anew=True), turns(each_anew=False)
    return Figure(
        name,
        _ratio(found),
        target,
        measured={
            "base_per_second": [base for (base, _cpu), _ours in found],
            "product_per_second": [product for _theirs, (product, _cpu) in found],
            "base_cpu_ms": [cpu for (_rate, cpu), _ours in found],
            "product_cpu_ms": [cpu for _theirs, (_rate, cpu) in found],
            "ratio_over_kept_connections": _ratio(kept),
            "base_per_second_over_kept_connections": [base for (base, _cpu), _ours in kept],
        },
    )


def _ratio(turns: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> float:
    return median(ours / theirs for (theirs, _cpu), (ours, _our_cpu) in turns)


def _warm_up(servers: Servers, request_of: Callable[[int], bytes]) -> int:
    """Send some requests that don't count. Return how many."""
    load.send_all(servers.base.port, [load.get("/")] * WARM_UP, clients=CLIENTS)
    load.send_all(servers.product.port, [request_of(number) for number in range(WARM_UP)], clients=CLIENTS)
    return WARM_UP


def pages(servers: Servers, practice: Practice) -> list[Figure]:
    """Measure the start page and the page of free times."""
    guests = practice.guests

    def of(path: str) -> Callable[[int], bytes]:
        return lambda number: practice.page(guests[number % len(guests)], path)

    return [
        in_turns("page_start", servers, of("start/"), target=0.15, statuses=(200,)),
        in_turns("page_slots", servers, of("book/"), target=0.12, statuses=(200,)),
    ]


def bookings(servers: Servers, practice: Practice) -> list[Figure]:
    """Measure booking a free time, and losing one that is taken."""
    guests = practice.guests
    free = people.make_slots(practice, MOST_BOOKED, hour=0, days_ahead=2)

    def win(number: int) -> bytes:
        if number >= len(free):
            raise Broken("more was booked in a turn than there are times: shorten the turns")
        return practice.booking(guests[number % len(guests)], free[number], in_place=True)

    won = in_turns("book_post", servers, win, target=0.10, statuses=(204,))
    booked = Appointment.objects.filter(slot__in=free, status__in=LIVE)
    if booked.count() != Slot.objects.filter(pk__in=free, state=SlotState.TAKEN).count():
        raise Broken("booked appointments and taken slots differ")
    _no_double_booking()
    taken = Slot.objects.filter(pk__in=free, state=SlotState.TAKEN).values_list("pk", flat=True)[0]
    owner = booked.get(slot=taken).patient_id
    others = [guest for guest in guests if guest.patient.pk != owner]

    def lose(number: int) -> bytes:
        return practice.booking(others[number % len(others)], taken, in_place=True)

    return [won, in_turns("book_lose", servers, lose, target=0.15, statuses=(409, 422))]


def _no_double_booking() -> None:
    live = Appointment.objects.filter(status__in=LIVE, slot__isnull=False)
    if live.count() != live.values("slot").distinct().count():
        raise Broken("a slot is booked twice")


def rushes(servers: Servers, practice: Practice) -> list[Figure]:
    """Measure how long it takes until everyone knows who wants one of few urgent times at the same moment.

    All of them ask for a time they have seen, or press "the first free urgent time". As at any clinic, there are free
    urgent times of later days that are not out yet.
    """
    for day in range(20, 32):
        people.make_slots(practice, LATER_URGENT, kind=SlotKind.URGENT, hour=9, days_ahead=day)

    def of_the_list(slots: list[int]) -> Callable[[int, Guest], bytes]:
        return lambda number, guest: practice.booking(guest, slots[number % len(slots)], in_place=True)

    def any_of_them(_slots: list[int]) -> Callable[[int, Guest], bytes]:
        return lambda _number, guest: practice.any_urgent(guest, in_place=True)

    return [
        _rush("rush_all_answered", servers, practice, of_the_list, patients=1000, times=10, hour=6, target=6),
        _rush("rush_2000_on_50", servers, practice, of_the_list, patients=2000, times=50, hour=8, target=6),
        _rush(
            "rush_any",
            servers,
            practice,
            any_of_them,
            patients=1000,
            times=10,
            hour=17,
            target=3,
            shows_nearest=False,
        ),
    ]


def _rush(
    name: str,
    servers: Servers,
    practice: Practice,
    request_of: Callable[[list[int]], Callable[[int, Guest], bytes]],
    *,
    patients: int,
    times: int,
    hour: int,
    target: float,
    shows_nearest: bool = True,
) -> Figure:
    """Let each patient ask once, over a connection of their own, and the base answer as many, in turns.

    A crowd is over in a second, in which much else can happen on the machine: the median of the turns counts. Beside it
    stands how long those who lost one time of a list then wait for the nearest others, which the page asks for by itself.
    """
    turns, nearest = [], []
    for turn in range(servers.rounds):
        minute = turn * 5 * -(-times // len(practice.providers))
        slots = people.make_slots(practice, times, kind=SlotKind.URGENT, hour=hour, minute=minute)
        ask = request_of(slots)
        wanted = [ask(number, guest) for number, guest in enumerate(practice.guests[:patients])]
        base = _seconds(servers.base, [load.get("/")] * len(wanted), 200)
        product = _seconds(servers.product, wanted, 204, 409, 422)
        _as_many_winners_as_times(product.answers, slots)
        turns.append((base.seconds, product.seconds))
        lost = [
            practice.page(guest, f"book/{slots[number % len(slots)]}/nearest/", in_place=True)
            for number, guest in enumerate(practice.guests[:patients])
            if shows_nearest and product.answers[number].status == LOST_IN_PLACE
        ]
        nearest.append(_seconds(servers.product, lost, 200).seconds if lost else 0)
    return Figure(
        name,
        median(product / base for base, product in turns),
        target,
        less_is_better=True,
        measured={
            "base_seconds": [base for base, _product in turns],
            "product_seconds": [product for _base, product in turns],
            "seconds_until_nearest_times": nearest,
            "patients": patients,
        },
    )


def _as_many_winners_as_times(answers: Sequence[load.Answer], slots: Sequence[int]) -> None:
    winners = Appointment.objects.filter(slot__in=slots, status__in=LIVE)
    told = sum(answer.status == 204 for answer in answers)
    if not told == winners.count() == winners.values("patient").distinct().count() == len(slots):
        raise Broken(f"{told} were told they won and {winners.count()} are booked, of {len(slots)} times")
    _no_double_booking()


class _Took(NamedTuple):
    """How long a crowd waited, and what it heard."""

    seconds: float
    answers: list[load.Answer]


def _seconds(server: web.Server, wanted: Sequence[bytes], *statuses: int) -> _Took:
    began = time.perf_counter()
    answers = load.send_all(server.port, wanted, clients=RUSH_CLIENTS, each_anew=True)
    took = _Took(time.perf_counter() - began, answers)
    _expect(answers, *statuses)
    return took


# -- the database --------------------------------------------------------------------------------------------
def search(practice: Practice, *, few: int, many: int, times: int = 400) -> Figure:
    """Measure the search for free times among few slots and among many: it must not notice."""
    filler = Clinic.objects.create(
        name="Others", portal_identifier="others", country="NO", time_zone="Europe/Oslo", is_active=True
    )
    first_day = timezone.now().date() + timedelta(days=1)
    for provider in practice.providers:
        people.fill_slots(practice.clinic, [provider.pk], days=2, first_day=first_day + timedelta(days=7))
    found: dict[int, float] = {}
    for rows in (few, many):
        _fill_up_to(filler, rows)
        found[rows] = _p95(practice, times)
    return Figure(
        "search_flat",
        found[many] / found[few],
        2,
        less_is_better=True,
        measured={f"p95_ms_at_{rows}": value * 1000 for rows, value in found.items()},
        also=found[many] < 0.005,
    )


def _fill_up_to(clinic: Clinic, rows: int) -> None:
    """Add providers with full calendars until there are so many slots. The constraint is built once, at the end."""
    missing = (rows - Slot.objects.count()) // SLOTS_OF_A_FILLER + 1
    had = Provider.objects.filter(clinic=clinic).count()
    made = Provider.objects.bulk_create(
        Provider(clinic=clinic, name="Other", initials=f"O{had + number}", kind=ProviderKind.GP)
        for number in range(missing)
    )
    fence = next(one for one in Slot._meta.constraints if one.name == "slot_no_overlap")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Slot, fence)
    for provider in made:
        people.fill_slots(clinic, [provider.pk], days=SLOT_DAYS, first_day=timezone.now().date())
    with connection.schema_editor() as editor:
        editor.add_constraint(Slot, fence)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE booking_slot")


def _p95(practice: Practice, times: int) -> float:
    """Return the 95th percentile of the seconds that one search spends in the database, with both its queries."""
    seconds = []
    now = timezone.now()
    today = now.astimezone(practice.clinic.zone).date()
    for number in range(times):
        guest = practice.guests[number % len(practice.guests)]
        guest.patient.clinic = practice.clinic
        spent = _Spent()
        with connection.execute_wrapper(spent):
            free_times.free_slots(
                patient=guest.patient,
                assurance=Assurance.HIGH,
                first_day=today,
                last_day=today + timedelta(days=14),
                now=now,
            )
        seconds.append(spent.seconds)
    return quantiles(seconds, n=20)[-1]


class _Spent:
    """Adds up how long the database took, from the question until all of the answer was there."""

    seconds = 0.0

    def __call__(self, execute: Callable[..., Any], *question: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*question)
        finally:
            self.seconds += time.perf_counter() - began


def query_counts(practice: Practice) -> Figure:
    """Count the queries of the decision "with whom", of the free times, of the start page and of the staff's inbox."""
    guest, staff = practice.guests[0], people.make_administrator(practice.clinic)
    now = timezone.now()
    today = now.astimezone(practice.clinic.zone).date()

    def look_for_times() -> None:
        free_times.free_slots(
            patient=guest.patient,
            assurance=Assurance.HIGH,
            first_day=today,
            last_day=today + timedelta(days=7),
            now=now,
        )

    limits: dict[str, tuple[Callable[[], object], int]] = {
        "free_slots": (look_for_times, 2),
        "start_page": (lambda: _visit(practice, guest, "start/"), 8),
        "page_of_free_times": (lambda: _visit(practice, guest, "book/"), 8),
        "inbox_page": (lambda: _look(staff.client, practice, "staff/inbox/"), 8),
    }
    found = {name: _count(act) for name, (act, _limit) in limits.items()}
    worst = max(found[name] / limit for name, (_act, limit) in limits.items())
    return Figure("decide_queries", worst, 1, less_is_better=True, measured=found)


def _count(act: Callable[[], object]) -> int:
    """Count the queries of a session that goes on: once a minute one more notes that it was used."""
    act()
    with CaptureQueriesContext(connection) as caught:
        act()
    return len(caught)


def _visit(practice: Practice, guest: Guest, path: str) -> None:
    _look(Client(headers={"cookie": guest.cookies}), practice, path)


def _look(client: Client, practice: Practice, path: str) -> None:
    answer = client.get(f"/{practice.clinic.portal_identifier}/{path}")
    if answer.status_code != 200:
        raise Broken(f"{path} answers {answer.status_code}")


# -- messages ------------------------------------------------------------------------------------------------
def sending(practice: Practice, *, rounds: int, messages: int = 300) -> Figure:
    """Measure messages claimed, given to a provider and settled, to a bare loop that posts the same.

    One round more than asked for: the first opens connections and compiles, and is not counted.
    """
    ours, bare = [], []
    _send_everything()
    for _ in range(rounds + 1):
        bare.append(messages / _post_in_a_loop(messages))
        _queue(practice, messages)
        began = time.perf_counter()
        taken = _send_everything()
        ours.append(taken / (time.perf_counter() - began))
        if taken != messages:
            raise Broken(f"{messages} messages were due and {taken} were taken out")
    lost = OutboxMessage.objects.filter(kind=MessageKind.TIME_OFFERED).exclude(state=State.ACCEPTED).count()
    if lost:
        raise Broken(f"{lost} messages were not handed over")
    ours, bare = ours[1:], bare[1:]
    ratio = median(one / other for one, other in zip(ours, bare, strict=True))
    return Figure("outbox_rate", ratio, 0.5, measured={"bare_per_second": bare, "product_per_second": ours})


def _queue(practice: Practice, number: int) -> None:
    now = timezone.now()
    with transaction.atomic():
        queue_messages(
            [
                NewMessage(
                    clinic=practice.clinic,
                    kind=MessageKind.TIME_OFFERED,
                    channel=Channel.SMS,
                    to="+4791234567",
                    subject=Appointment(pk=uuid.uuid4()),
                    version=1,
                    title="",
                    body="Bench: a time has come free.",
                    due_at=now,
                    not_after=None,
                )
                for _ in range(number)
            ],
            now=now,
        )


def _send_everything() -> int:
    with dispatch.Sender() as sender:
        return dispatch.drain(sender)


def _post_in_a_loop(number: int) -> float:
    address = f"{settings.TWILIO_BASE_URL}/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages.json"
    began = time.perf_counter()
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(number):
            session.post(
                address,
                data={
                    "To": "+4791234567",
                    "From": settings.TWILIO_FROM,
                    "Body": "Bench: a time has come free.",
                },
                timeout=10,
            ).raise_for_status()
    return time.perf_counter() - began
