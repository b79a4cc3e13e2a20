"""Saving the matrix, and absences."""

from datetime import date

import pytest
from django.utils import timezone

from clinic_admin.choices import Service
from delegation import operations
from delegation.choices import DelegationRefusal
from delegation.models import Absence, Matrix, MatrixTick
from delegation.operations import DelegationRefused, MatrixChanged
from delegation.policy import Tick
from portal.models import AuditEvent
from tests.build import make_clinic, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic)


@pytest.fixture
def lent(clinic):
    return make_provider(clinic)


@pytest.fixture
def by():
    return {"actor": make_user(), "now": timezone.now()}


def save(clinic, by, *pairs, version=0, service=Service.BOOKING):
    ticks = {Tick(service, row, provider) for row, provider in pairs}
    return operations.save_matrix(clinic=clinic, service=service, ticks=ticks, version=version, **by)


def stored(clinic):
    return set(MatrixTick.objects.filter(clinic=clinic).values_list("service", "row", "provider"))


def test_what_is_saved_is_what_stands_and_the_trail_tells_what_went_on_and_off(clinic, koman, lent, by):
    assert save(clinic, by, (koman.pk, koman.pk), (None, lent.pk)) == 1
    assert save(clinic, by, (koman.pk, koman.pk), (koman.pk, lent.pk), version=1) == 2
    assert stored(clinic) == {("booking", koman.pk, koman.pk), ("booking", koman.pk, lent.pk)}
    event = AuditEvent.objects.filter(action="matrix.saved").latest("id")
    assert event.details["on"] == [{"service": "booking", "row": koman.pk, "provider": lent.pk}]
    assert event.details["off"] == [{"service": "booking", "row": None, "provider": lent.pk}]
    assert (event.details["before"], event.details["after"]) == (1, 2)
    assert event.actor_id == by["actor"].pk


def test_other_services_are_left_alone(clinic, koman, by):
    save(clinic, by, (koman.pk, koman.pk))
    save(clinic, by, version=1, service=Service.URGENT)
    assert stored(clinic) == {("booking", koman.pk, koman.pk)}


def test_saving_what_stands_already_changes_nothing(clinic, koman, by):
    save(clinic, by, (koman.pk, koman.pk))
    assert save(clinic, by, (koman.pk, koman.pk), version=1) == 1
    assert AuditEvent.objects.filter(action="matrix.saved").count() == 1


def test_a_stale_page_is_refused_with_both_versions(clinic, koman, lent, by):
    save(clinic, by, (koman.pk, koman.pk))
    with pytest.raises(MatrixChanged) as refused:
        save(clinic, by, (koman.pk, lent.pk))
    assert (refused.value.yours, refused.value.theirs) == (0, 1)
    assert stored(clinic) == {("booking", koman.pk, koman.pk)}


def test_a_provider_of_another_clinic_can_not_be_ticked(clinic, koman, by):
    with pytest.raises(DelegationRefused) as refused:
        save(clinic, by, (koman.pk, make_provider(make_clinic()).pk))
    assert refused.value.reason is DelegationRefusal.UNKNOWN_PROVIDER
    assert stored(clinic) == set()


def test_ticks_of_a_provider_who_left_stay_as_they_are(clinic, koman, lent, by):
    save(clinic, by, (koman.pk, koman.pk), (lent.pk, lent.pk))
    lent.is_active = False
    lent.save()
    save(clinic, by, version=1)
    assert stored(clinic) == {("booking", lent.pk, lent.pk)}


def test_one_tick_can_be_set_without_the_others(clinic, koman, lent, by):
    for _ in range(2):
        operations.tick(clinic=clinic, service=Service.URGENT, row=None, provider=lent, **by)
    operations.tick(clinic=clinic, service=Service.URGENT, row=koman, provider=lent, **by)
    assert stored(clinic) == {("urgent", None, lent.pk), ("urgent", koman.pk, lent.pk)}
    assert Matrix.objects.get(clinic=clinic).version == 2


# -- absences ----------------------------------------------------------------------------------------------
def add(clinic, by, provider, first, last, cover=None):
    return operations.add_absence(
        clinic=clinic,
        provider=provider,
        first_day=date(2026, 7, first),
        last_day=date(2026, 7, last),
        covers=dict.fromkeys(Service, cover) if cover else {},
        **by,
    )


def test_an_absence_is_stored_audited_and_removed(clinic, koman, lent, by):
    absence = add(clinic, by, koman, 1, 14, cover=lent)
    assert AuditEvent.objects.get(action="absence.added").details["after"] == {
        "absence": absence.pk,
        "provider": koman.pk,
        "first_day": "2026-07-01",
        "last_day": "2026-07-14",
        "cover": lent.pk,
        "covers": dict.fromkeys(Service.values, lent.pk),
    }
    for _ in range(2):
        operations.remove_absence(clinic=clinic, absence_id=absence.pk, **by)
    assert not Absence.objects.exists()
    assert AuditEvent.objects.filter(action="absence.removed").count() == 1


def test_an_absence_of_another_clinic_can_not_be_removed(clinic, koman, by):
    absence = add(clinic, by, koman, 1, 2)
    with pytest.raises(Absence.DoesNotExist):
        operations.remove_absence(clinic=make_clinic(), absence_id=absence.pk, **by)
    assert Absence.objects.filter(pk=absence.pk).exists()


def refusal(*args, **kwargs):
    with pytest.raises(DelegationRefused) as refused:
        add(*args, **kwargs)
    return refused.value.reason


def test_absences_that_leave_a_gap_or_a_loop_are_refused(clinic, koman, lent, by):
    third = make_provider(clinic)
    add(clinic, by, koman, 10, 14, cover=lent)
    assert refusal(clinic, by, koman, 14, 20) is DelegationRefusal.ALREADY_AWAY
    assert refusal(clinic, by, lent, 14, 20) is DelegationRefusal.COVERS_MEANWHILE
    assert refusal(clinic, by, third, 1, 10, cover=koman) is DelegationRefusal.COVER_IS_AWAY
    assert refusal(clinic, by, third, 1, 10, cover=third) is DelegationRefusal.COVERS_ONESELF
    assert refusal(clinic, by, third, 9, 8) is DelegationRefusal.DAYS_NOT_IN_ORDER
    assert refusal(clinic, by, make_provider(make_clinic()), 1, 2) is DelegationRefusal.UNKNOWN_PROVIDER
    assert add(clinic, by, third, 15, 16, cover=koman), "the day after is free"
    assert Absence.objects.count() == 2


@pytest.mark.parametrize("reason", DelegationRefusal)
def test_every_refusal_has_a_way_on(reason):
    assert reason.next_step.label
