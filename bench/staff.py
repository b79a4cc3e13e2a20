"""What staff wait for: the inbox however full it is, and what a save of the matrix would do in a large practice."""

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from http import HTTPStatus
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.test import Client
from django.utils import timezone

from bench import people
from bench.measures import Broken, Figure
from clinic_admin.choices import Country, Service
from clinic_admin.models import Clinic, Provider, StaffMember
from delegation import queries as delegation
from delegation.models import Absence, AbsenceCover
from patients.models import Patient
from portal import crypto
from services.access import preview
from services.access.models import SpecialRights
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from services.inbox.models import InboxItem

FEW, MANY = 10_000, 1_000_000
TIMES = 40
MATRIX_PATIENTS, MATRIX_PROVIDERS = 20_000, 40
MATRIX_MILLISECONDS = 300


# -- the inbox -----------------------------------------------------------------------------------------------
VIEWS = {
    "all": {"box": "all"},
    "mine": {"box": "mine"},
    "nobodys": {"box": "unassigned"},
    "done": {"box": "done"},
    "name": {"box": "all", "name": "Kari Bergseth"},
    "common_name": {"box": "all", "name": "Hansen"},
    "done_name": {"box": "done", "name": "Bergseth"},
}
"""How the inbox is looked at. The last page of all and of done comes beside them, as `all_late` and `done_late`."""


def inbox(practice: people.Practice, *, few: int = FEW, many: int = MANY, times: int = TIMES) -> Figure:
    """Measure the inbox's pages among few items of the clinic, and among many: none of them must notice.

    The ratio is that of the page that suffers most, asked as a browser does, through every layer but the network.
    """
    one = people.make_administrator(practice.clinic)
    found = {}
    for items in (few, many):
        _fill_inbox(one.post, items)
        found[items] = _in_turns(_pages(one), times)
    ratios = {view: found[many][view] / found[few][view] for view in found[few]}
    return Figure(
        "inbox_flat",
        max(ratios.values()),
        1.5,
        less_is_better=True,
        measured={
            "ratios": ratios,
            **{f"ms_at_{items}": {view: s * 1000 for view, s in row.items()} for items, row in found.items()},
        },
    )


def _views(clinic: Clinic) -> dict[str, dict[str, str]]:
    """Return the addresses' queries; the late pages begin with what is nine tenths down the list."""
    waiting = InboxItem.objects.filter(clinic=clinic, closed_at=None).order_by("opened_at", "pk")
    done = InboxItem.objects.filter(clinic=clinic, closed_at__isnull=False).order_by("-closed_at", "-pk")
    late = {
        f"{box}_late": {"box": box, "after": str(rows.values_list("pk", flat=True)[rows.count() * 9 // 10])}
        for box, rows in (("all", waiting), ("done", done))
    }
    return VIEWS | late


def _pages(one: people.Administrator) -> dict[str, Callable[[], Any]]:
    address = f"/{one.post.clinic.portal_identifier}/staff/inbox/"
    return {view: partial(one.client.get, address, query) for view, query in _views(one.post.clinic).items()}


def _in_turns(pages: dict[str, Callable[[], Any]], times: int) -> dict[str, float]:
    """Return how many seconds each page takes: asked in turns, so that whatever else the machine does meets all alike.

    Of so many it is the lower quarter, which others disturb less than the median. Three turns before don't count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(times + 3):
        for name, ask in pages.items():
            began = time.perf_counter()
            answer = ask()
            seconds[name].append(time.perf_counter() - began)
            if answer.status_code != HTTPStatus.OK:
                raise Broken(f"a page of staff answers {answer.status_code}")
    return {name: quantiles(found[3:], n=4)[0] for name, found in seconds.items()}


_FILL = """
INSERT INTO inbox_inboxitem (id, clinic_id, kind, subject_id, who, opened_at, seen_at, assigned_to_id, closed_at)
SELECT gen_random_uuid(), %s, 'registration', gen_random_uuid(),
       (ARRAY['Kari', 'Ola', 'Anne', 'Per', 'Nora', 'Lars', 'Ingrid', 'Jens'])[1 + n %% 8] || ' '
       || CASE WHEN n %% 100 = 0 THEN 'Hansen' WHEN n <= 10000 AND n %% 56 = 8 THEN 'Bergseth'
               ELSE (ARRAY['Berg', 'Lund', 'Dahl', 'Moen', 'Vik'])[1 + n / 8 %% 5] || left(md5(n::text), 3) END,
       now() - n * interval '30 seconds', now(), CASE WHEN n %% 5 < 3 THEN %s END,
       CASE WHEN hashint4(n) & 1 = 1 THEN now() - n * interval '29 seconds' END
FROM generate_series(%s::int, %s::int) AS n
"""


def _fill_inbox(post: StaffMember, items: int) -> None:
    """Add items until the clinic has so many: half wait, three fifths are somebody's. One index is made at the end.

    One in a hundred is called Hansen; of the rare name there are always as many, so that its pages are as long.
    """
    had = InboxItem.objects.filter(clinic=post.clinic).count()
    by_name = next(one for one in InboxItem._meta.indexes if one.name == "inbox_item_by_name")
    with connection.schema_editor() as editor:
        editor.remove_index(InboxItem, by_name)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [post.clinic_id, post.pk, had + 1, items])
    with connection.schema_editor() as editor:
        editor.add_index(InboxItem, by_name)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE inbox_inboxitem")


# -- the matrix ----------------------------------------------------------------------------------------------
def matrix(*, patients: int = MATRIX_PATIENTS, providers: int = MATRIX_PROVIDERS, times: int = 15) -> Figure:
    """Measure the page that tells what a save would do: a row and a column of the matrix are switched off.

    Everybody has coming appointments and some have rights of their own; two providers are away.
    """
    practice = people.make_practice(providers=providers, patients=0, name="matrix")
    _fill_practice(practice, patients)
    one = people.make_administrator(practice.clinic)
    today = timezone.now().astimezone(practice.clinic.zone).date()
    grid = delegation.grid(clinic=practice.clinic, service=Service.BOOKING, day=today)
    row, column = practice.providers[0].pk, practice.providers[-1].pk
    kept = [tick for tick in grid.stored if row != tick.row and column != tick.provider]
    sent = urlencode({"version": grid.version, "tick": [delegation.key(tick) for tick in kept]}, doseq=True)
    address = f"/{practice.clinic.portal_identifier}/admin/effects/matrix/{Service.BOOKING}/"
    page = _in_turns({"effect": lambda: _send(one.client, address, sent)}, times)["effect"]
    trial = preview.of_ticks(
        clinic=practice.clinic,
        service=Service.BOOKING,
        on=frozenset(),
        off=grid.stored - frozenset(kept),
        day=today,
        last_day=today + timedelta(weeks=12),
    )
    told = preview.effect(trial.on_first_day)
    if told.lose < patients // providers:
        raise Broken(f"the preview tells of {told.lose} patients who lose something")
    return Figure(
        "preview_matrix",
        page * 1000 / MATRIX_MILLISECONDS,
        1,
        less_is_better=True,
        measured={"ms": page * 1000, "patients": patients, "providers": providers, "lose": told.lose},
    )


def _send(client: Client, address: str, sent: str) -> Any:
    """Send the form as a browser does when a box is ticked."""
    kind = "application/x-www-form-urlencoded"
    return client.post(address, sent, content_type=kind, headers={"hx-request": "true"})


def _fill_practice(practice: people.Practice, number: int) -> None:
    """Store patients of all lists, a fiftieth with rights of their own, each with a coming appointment; two doctors away."""
    clinic, doctors = practice.clinic, practice.providers
    made = _patients(clinic, doctors, number)
    SpecialRights.objects.bulk_create(
        SpecialRights(patient=patient, booking=place % 2 == 0) for place, patient in enumerate(made[::50])
    )
    _appointments(clinic, doctors, made)
    today = timezone.now().astimezone(clinic.zone).date()
    for away, cover in ((doctors[1], doctors[2]), (doctors[3], doctors[4])):
        absence = Absence.objects.create(
            clinic=clinic, provider=away, first_day=today, last_day=today + timedelta(days=9)
        )
        AbsenceCover.objects.create(clinic=clinic, absence=absence, service=Service.BOOKING, provider=cover)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE patients_patient, booking_appointment")


def _patients(clinic: Clinic, doctors: Sequence[Provider], number: int) -> list[Patient]:
    """Every twentieth is on nobody's list."""
    return Patient.objects.bulk_create(
        (
            Patient(
                clinic=clinic,
                national_id=f"matrix-{one}",
                national_id_index=crypto.blind_index(f"{Country.NORWAY}:matrix-{one}", purpose="national-id"),
                birth_date=date(1980, 5, 17),
                given_name="Line",
                family_name="Danser",
                gp=None if one % 20 == 0 else doctors[one % len(doctors)],
            )
            for one in range(number)
        ),
        batch_size=2000,
    )


def _appointments(clinic: Clinic, doctors: Sequence[Provider], patients: Sequence[Patient]) -> None:
    user = people.make_user("Line Danser")
    begins = timezone.now() + timedelta(hours=1)
    Appointment.objects.bulk_create(
        (
            Appointment(
                clinic=clinic,
                patient=patient,
                provider=doctors[number % len(doctors)],
                starts_at=(at := begins + timedelta(minutes=20) * (number // len(doctors))),
                ends_at=at + timedelta(minutes=20),
                kind="portal",
                status=AppointmentStatus.BOOKED,
                reason="",
                form_key=uuid.uuid4(),
                requested_at=begins,
                requested_by=user,
                decided_at=begins,
                decided_by=user,
            )
            for number, patient in enumerate(patients)
        ),
        batch_size=2000,
    )
