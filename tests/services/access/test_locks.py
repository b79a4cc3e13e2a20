"""A right that is taken away before an act is committed stops the act; those who only decide don't wait (I10)."""

import threading

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation import operations as delegation
from identity.choices import Assurance
from patients.models import Patient
from services.access import operations, queries
from services.access.choices import Column
from services.access.policy import Rights
from services.access.policy import SpecialRights as Special
from tests.build import make_clinic, make_patient, make_provider
from tests.services.access.build_access import TUESDAY, give, tick

pytestmark = pytest.mark.django_db(transaction=True)

BY = {"actor": None, "now": timezone.now()}


@pytest.fixture
def koman():
    provider = make_provider(make_clinic())
    give(provider, booking=True)
    tick(provider, provider)
    return provider


@pytest.fixture
def patient(koman):
    return make_patient(koman.clinic, gp=koman)


def decide(patient, provider):
    return queries.decision(
        patient=patient,
        service=Service.BOOKING,
        provider_id=provider.pk,
        assurance=Assurance.HIGH,
        day=TUESDAY,
        for_share=True,
    )


def blocked(change):
    """Return whether the change, tried on another connection, has to wait."""
    waited = []

    def attempt():
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '100ms'")
                change()
        except OperationalError:
            waited.append(True)
        finally:
            connection.close()

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    return bool(waited)


def changes(provider, patient):
    """Return every change that could turn an answer."""
    clinic = provider.clinic
    own = {"clinic": clinic, **BY}
    return {
        "rights": lambda: operations.set_provider_rights(
            provider_id=provider.pk, column=Column.WITH_GP, rights=Rights(), **own
        ),
        "portal access": lambda: operations.set_portal_access(provider=provider, allowed=False, **BY),
        "special": lambda: operations.set_special_rights(
            patient=patient, special=Special(booking=False), **BY
        ),
        "matrix": lambda: delegation.save_matrix(service=Service.BOOKING, ticks=set(), version=0, **own),
        "absence": lambda: delegation.add_absence(
            provider=provider, first_day=TUESDAY, last_day=TUESDAY, covers={}, **own
        ),
        "provider leaves": lambda: Provider.objects.filter(pk=provider.pk).update(is_active=False),
        "record ends": lambda: Patient.objects.filter(pk=patient.pk).update(is_active=False),
        "portal off": lambda: Clinic.objects.filter(pk=clinic.pk).update(is_active=False),
    }


NAMES = [
    "rights",
    "portal access",
    "special",
    "matrix",
    "absence",
    "provider leaves",
    "record ends",
    "portal off",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_was_decided_holds_until_the_act_is_committed(koman, patient, name):
    change = changes(koman, patient)[name]
    with transaction.atomic():
        assert decide(patient, koman).allowed
        assert blocked(change)
    assert not blocked(change)
    with transaction.atomic():
        assert not decide(patient, koman).allowed


def test_two_acts_decide_at_the_same_time(koman, patient):
    with transaction.atomic():
        decide(patient, koman)
        assert not blocked(lambda: decide(patient, koman))


def test_the_column_of_the_gp_is_held_also_when_another_provider_is_asked(koman, patient):
    lent = make_provider(koman.clinic)
    tick(lent, koman)
    with transaction.atomic():
        assert decide(patient, lent).allowed
        assert blocked(changes(koman, patient)["rights"])
