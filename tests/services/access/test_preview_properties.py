"""What a save would do is what a plain loop over the rules says, before and after, on random clinics."""

from collections import Counter
from copy import copy
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic_admin.choices import Service
from delegation.policy import Away, Tick
from identity.choices import Assurance
from services.access import preview
from services.access.choices import Column
from services.access.policy import Rights
from tests.services.access import reference
from tests.services.access.reference import DAYS, worlds

pytestmark = pytest.mark.django_db

stored = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def answers(world, patient, services, day):
    return {
        (service, provider.pk)
        for service in services
        for provider in world.providers
        if not reference.answer(world, patient, service, provider, Assurance.HIGH, day)[0]
    }


def expected(before, after, services, days):
    """Return (gains, losses of the first day, patients left with nobody by service, GP and day)."""
    gain, lose, endings = Counter(), Counter(), Counter()
    for place, patient in enumerate(before.patients):
        then = after.patients[place]
        for day in days:
            had, gets = answers(before, patient, services, day), answers(after, then, services, day)
            if day == days[0]:
                gain.update(gets - had)
                lose.update(had - gets)
            for service in {service for service, _ in had} - {service for service, _ in gets}:
                endings[service, patient.gp.pk if patient.gp else None, day] += 1
    return dict(gain), dict(lose), dict(endings)


def found(effect, days):
    endings = Counter()
    for ending in effect.endings:
        for day in days:
            if ending.first_day <= day <= ending.last_day:
                endings[ending.service, ending.owner.pk if ending.owner else None, day] += ending.patients
    return (
        {(one.service, one.provider.pk): one.gain for one in effect.changes if one.gain},
        {(one.service, one.provider.pk): one.lose for one in effect.changes if one.lose},
        dict(endings),
    )


@stored
@given(world=worlds(), data=st.data())
def test_ticks(db, world, data):
    service = data.draw(st.sampled_from(Service))
    boxes = [
        Tick(service, row, provider.pk)
        for row in [*(p.pk for p in world.providers), None]
        for provider in world.providers
    ]
    now = {Tick(service, one.row_id, one.provider_id) for one in world.ticks if one.service == service}
    switched = set(data.draw(st.lists(st.sampled_from(boxes), max_size=6)))
    on, off = frozenset(switched - now), frozenset(switched & now)
    after = copy(world)
    by_pk = {provider.pk: provider for provider in world.providers}
    after.ticks = [
        one for one in world.ticks if Tick(Service(one.service), one.row_id, one.provider_id) not in off
    ] + [SimpleNamespace(service=t.service, row=by_pk.get(t.row), provider=by_pk[t.provider]) for t in on]
    trial = preview.of_ticks(
        clinic=world.clinic, service=service, on=on, off=off, day=DAYS[2], last_day=DAYS[-1]
    )
    assert found(preview.effect(trial), DAYS[2:]) == expected(world, after, [service], DAYS[2:])


@stored
@given(world=worlds(), data=st.data())
def test_a_providers_services(db, world, data):
    provider = data.draw(st.sampled_from([one for one in world.providers if one.is_active] or [None]))
    if provider is None:
        return
    columns = {
        column: Rights(*data.draw(st.tuples(st.booleans(), st.booleans(), st.booleans())))
        for column in Column
    }
    allowed = data.draw(st.booleans())
    after = copy(world)
    changed = copy(provider)
    changed.has_portal_access = allowed
    after.providers = [changed if one == provider else one for one in world.providers]
    after.patients = [copy(patient) for patient in world.patients]
    for patient in after.patients:
        if patient.gp == provider:
            patient.gp = changed
    after.columns = world.columns | {
        (provider.pk, column.value): SimpleNamespace(
            renewal=rights.renewal,
            consultation=rights.consultation,
            booking=rights.booking,
            approval=rights.approval.value,
            cancelling=rights.cancelling,
        )
        for column, rights in columns.items()
    }
    trial = preview.of_provider(
        clinic=world.clinic, provider_id=provider.pk, allowed=allowed, columns=columns, day=DAYS[2]
    )
    assert found(preview.effect(trial), DAYS[2:3]) == expected(world, after, list(Service), DAYS[2:3])


@stored
@given(world=worlds(), data=st.data())
def test_absences_day_by_day(db, world, data):
    provider = data.draw(st.sampled_from(world.providers))
    first = data.draw(st.integers(0, 5))
    last = data.draw(st.integers(first, 5))
    others = [one for one in world.providers if one != provider]
    covers = {}
    for service in Service:
        cover = data.draw(st.sampled_from([*others, None]))
        if cover is not None:
            covers[service] = cover
    absence = SimpleNamespace(pk="new", provider=provider, first_day=DAYS[first], last_day=DAYS[last])
    after = copy(world)
    after.absences = [*world.absences, absence]
    after.covers = world.covers | {("new", service.value): cover for service, cover in covers.items()}
    wanted = Away(
        provider.pk, DAYS[first], DAYS[last], {service: cover.pk for service, cover in covers.items()}
    )
    trial = preview.of_absence(clinic=world.clinic, wanted=wanted, today=DAYS[0])
    days = DAYS[first : last + 1]
    assert found(preview.effect(trial), days) == expected(world, after, list(Service), days)
