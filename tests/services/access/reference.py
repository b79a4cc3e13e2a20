"""The rules once more, written from the table of access-model.md with plain loops over stored rows.

It shares nothing with services.access.policy: two readings of the same page must give the same answers.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from clinic_admin.choices import Service
from delegation.models import Absence, AbsenceCover, MatrixTick
from identity.choices import Assurance
from services.access.models import ProviderRights, SpecialRights
from tests.build import make_clinic, make_patient, make_provider

FIRST_DAY = date(2026, 3, 27)
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(6)]
"""Six days around a change of clocks; they are days, so it must not matter."""


@dataclass
class World:
    """A clinic with everything that decides, as it was stored."""

    clinic: Any
    providers: list
    patients: list
    columns: dict = field(default_factory=dict)
    specials: dict = field(default_factory=dict)
    ticks: list = field(default_factory=list)
    absences: list = field(default_factory=list)
    covers: dict = field(default_factory=dict)
    """(absence id, service) -> provider."""


def answer(world, patient, service, provider, assurance, day):
    """Return (names of the rules that fail, approval, may cancel)."""
    failed = []
    if not world.clinic.is_active:
        failed.append("R1")
    if patient.portal_withdrawn_at is not None or patient.national_id is None or not patient.is_active:
        failed.append("R2")
    right = "booking" if service == "urgent" else str(service.value)
    if not _value(world, patient, provider, right):
        failed.append("R3")
    if not _has_access(provider):
        failed.append("R4")
    if not _ticked(world, patient, service, provider, day):
        failed.append("R5")
    if service == "consultation" and world.clinic.requires_eid_for_consultation and assurance < 3:
        failed.append("R6")
    approval = _value(world, patient, provider, "approval") or "by-hand"
    return failed, approval, bool(_value(world, patient, provider, "cancelling"))


def _has_access(provider):
    return provider.is_active and provider.has_portal_access


def _value(world, patient, provider, name):
    exception = world.specials.get(patient.pk)
    if exception is not None and getattr(exception, name) is not None:
        return getattr(exception, name)
    if patient.gp is None:
        column = world.columns.get((provider.pk, "without-gp"))
    elif _has_access(patient.gp):
        column = world.columns.get((patient.gp.pk, "with-gp"))
    else:
        column = None
    return getattr(column, name) if column is not None else None


def _ticked(world, patient, service, provider, day):
    away_today = [absence for absence in world.absences if absence.first_day <= day <= absence.last_day]
    for absence in away_today:
        if absence.provider == provider:
            return False
    for stored in world.ticks:
        if stored.service != service or stored.row != patient.gp:
            continue
        if stored.provider == provider:
            return True
        for absence in away_today:
            if (
                absence.provider == stored.provider
                and world.covers.get((absence.pk, str(service.value))) == provider
            ):
                return True
    return False


# -- random clinics ----------------------------------------------------------------------------------------
usually = st.sampled_from([True, True, True, False])
mostly = st.sampled_from([True] * 9 + [False])
approvals = st.sampled_from(["by-hand", "automatic"])
exceptions = st.sampled_from([None, None, True, False])


@st.composite
def worlds(draw):
    """Store a random clinic and return it."""
    clinic = make_clinic(is_active=draw(mostly), requires_eid_for_consultation=draw(usually))
    providers = [
        make_provider(
            clinic, is_active=draw(mostly), has_portal_access=draw(usually), position=draw(st.integers(0, 2))
        )
        for _ in range(draw(st.integers(1, 4)))
    ]
    world = World(clinic, providers, [])
    world.patients = [_patient(draw, world) for _ in range(draw(st.integers(1, 5)))]
    for provider in providers:
        for column in ("with-gp", "without-gp"):
            if draw(mostly):
                world.columns[provider.pk, column] = _column(draw, provider, column)
    rows = [*providers, None]
    world.ticks = MatrixTick.objects.bulk_create(
        MatrixTick(clinic=clinic, service=service, row=row, provider=provider)
        for service in Service
        for row in rows
        for provider in providers
        if draw(st.booleans())
    )
    world.absences = [_absence(draw, world) for _ in range(draw(st.integers(0, 3)))]
    return world


def _patient(draw, world):
    values = {"gp": draw(st.sampled_from([*world.providers, None])), "is_active": draw(mostly)}
    if not draw(mostly):
        values["national_id"] = None
    if not draw(mostly):
        values["portal_withdrawn_at"] = "2026-01-01T00:00Z"
    patient = make_patient(world.clinic, **values)
    if draw(st.booleans()):
        world.specials[patient.pk] = SpecialRights.objects.create(
            patient=patient,
            renewal=draw(exceptions),
            consultation=draw(exceptions),
            booking=draw(exceptions),
            approval=draw(st.sampled_from([None, "by-hand", "automatic"])),
            cancelling=draw(exceptions),
        )
    return patient


def _column(draw, provider, column):
    return ProviderRights.objects.create(
        provider=provider,
        column=column,
        renewal=draw(usually),
        consultation=draw(usually),
        booking=draw(usually),
        approval=draw(approvals),
        cancelling=draw(st.booleans()),
    )


def _absence(draw, world):
    provider = draw(st.sampled_from(world.providers))
    others = [other for other in world.providers if other != provider]
    first = draw(st.integers(-1, 5))
    absence = Absence.objects.create(
        clinic=world.clinic,
        provider=provider,
        first_day=FIRST_DAY + timedelta(days=first),
        last_day=FIRST_DAY + timedelta(days=first + draw(st.integers(0, 3))),
    )
    one_for_all = draw(st.sampled_from([*others, None]))
    for service in Service:
        cover = one_for_all if draw(st.booleans()) else draw(st.sampled_from([*others, None]))
        if cover is not None:
            world.covers[absence.pk, service.value] = AbsenceCover.objects.create(
                clinic=world.clinic, absence=absence, service=service, provider=cover
            ).provider
    return absence


assurances = st.sampled_from(
    [Assurance.HIGH, Assurance.SUBSTANTIAL, Assurance.TWO_FACTORS, Assurance.ONE_FACTOR]
)
