"""A draw of urgent times that was held lately, in the demo's clinic that draws: won, lost, and busy at every time."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import cycle

from clinic_admin.models import Clinic, Provider
from identity.choices import Assurance
from identity.models import User
from patients.models import Patient
from services.booking import operations as booking
from services.booking import policy
from services.booking.desk import operations as desk
from services.booking.desk import queries as places
from services.booking.desk.choices import Rule
from services.booking.operations import BookingRefused
from services.booking.release import operations, queries
from services.booking.release.operations import DrawRefused
from services.home.demo import records
from services.home.demo.reasons import REASONS

MANY, FEW = ("KH", 6), ("JK", 2)
"""On whose lists they are who ask, and how many: more than Karen Holm has urgent times, and no more than Jens Kjær has."""
BUSY_WITH, BUSY_FROM, BUSY_MINUTES = "UL", time(12), 40
"""What keeps the last of the few from all of Jens Kjær's urgent times: staff have put it there by hand."""
SATURDAY = 5


def load(clinic: Clinic, actor: User, now: datetime) -> None:
    """Let some patients have asked for the urgent times that came out last, and hold the draw, if the clinic draws.

    On a weekend it is Friday's: its times are made as they would have been on Thursday.
    """
    clinic = Clinic.objects.get(pk=clinic.pk)
    if not clinic.draws_urgent:
        return
    day = _day(clinic, now)
    window = queries.window_of(clinic, day)
    before = window.opens_at - timedelta(hours=8)
    providers = {one.initials: one for one in Provider.objects.for_clinic(clinic)}
    for provider in providers.values():
        booking.extend_calendar(provider=provider, now=before)
    operations.prepare(clinic, day, now=before)
    (many, how_many), (few, how_few) = MANY, FEW
    people = records.on_list_of(providers[many], how_many)
    people += (rare := records.on_list_of(providers[few], how_few))
    _make_busy(rare[-1], providers[BUSY_WITH], day, actor, before)
    _ask(clinic, people, window.opens_at)
    operations.hold(clinic=clinic, day=day, now=window.closes_at)


def _day(clinic: Clinic, now: datetime) -> date:
    """Return the last weekday whose draw is over."""
    asked_until = now - clinic.asking_time
    day = policy.released_until(asked_until, release_at=clinic.urgent_release_at, zone=clinic.zone)
    while day.weekday() >= SATURDAY:
        day -= timedelta(days=1)
    return day


def _make_busy(patient: Patient, provider: Provider, day: date, actor: User, now: datetime) -> None:
    place = places.free_place(
        clinic=patient.clinic, provider_id=provider.pk, day=day, clock=BUSY_FROM, minutes=BUSY_MINUTES
    )
    if place is None:
        return
    try:
        desk.book(
            patient=patient,
            place=place,
            reason="",
            tells=False,
            confirmed=Rule.values,
            form_key=uuid.uuid4(),
            actor=actor,
            now=now,
        )
    except BookingRefused:
        return  # the day has something else there


def _ask(clinic: Clinic, people: Iterable[Patient], opens_at: datetime) -> None:
    reasons = cycle(REASONS[clinic.country])
    for number, patient in enumerate(people, start=1):
        try:
            operations.ask(
                patient=patient,
                reason=next(reasons),
                wants_reminder=False,
                providers=(),
                assurance=Assurance.HIGH,
                actor=records.login_of(patient, opens_at),
                now=opens_at + timedelta(seconds=20 * number),
            )
        except DrawRefused:
            continue  # whoever may have nobody with an urgent time that day
