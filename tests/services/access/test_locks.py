"""A right that is taken away before an act is committed stops the act; those who only decide don't wait (I10)."""

import re
import threading

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation import operations as delegation
from delegation.models import Absence, AbsenceCover, MatrixTick
from identity.choices import Assurance
from patients.models import Patient
from services.access import facts_queries, operations, queries
from services.access.choices import Column
from services.access.models import ProviderRights, SpecialRights
from services.access.policy import Rights
from services.access.policy import SpecialRights as Special
from tests.build import make_clinic, make_patient, make_provider
from tests.services.access.build_access import TUESDAY, away, give, special, tick

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


def question(patient, provider):
    return {
        "patient": patient,
        "service": Service.BOOKING,
        "provider_id": provider.pk,
        "assurance": Assurance.HIGH,
        "day": TUESDAY,
    }


def decide(patient, provider):
    return queries.decision(**question(patient, provider), for_share=True)


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


# -- what was seen without a lock -------------------------------------------------------------------------------
def look(patient, provider):
    return queries.seen(**question(patient, provider))


def is_still_so(seen):
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {seen.STILL_SO} SELECT FROM still_so", seen.values)
        return cursor.rowcount == 1


@pytest.mark.parametrize("name", NAMES)
def test_what_was_seen_holds_until_it_is_changed(koman, patient, name):
    seen = look(patient, koman)
    assert seen.decision.allowed
    assert is_still_so(seen)
    changes(koman, patient)[name]()
    assert not is_still_so(seen)
    assert is_still_so(look(patient, koman))


@pytest.mark.parametrize("name", NAMES)
def test_what_was_seen_to_hold_is_held_until_the_act_is_committed(koman, patient, name):
    seen = look(patient, koman)
    with transaction.atomic():
        assert is_still_so(seen)
        assert blocked(changes(koman, patient)[name])


def bare_writes(koman, patient):
    """Return every way to write a table that decides, past all operations; and what must stand there before."""
    rows = {
        "columns": (ProviderRights.objects.filter(provider=koman), lambda: None),
        "special": (SpecialRights.objects.filter(patient=patient), lambda: special(patient, booking=True)),
        "ticks": (MatrixTick.objects.filter(provider=koman), lambda: None),
        "absences": (Absence.objects.filter(provider=koman), lambda: away(koman, TUESDAY, TUESDAY)),
        "covers": (
            AbsenceCover.objects.filter(provider=koman),
            lambda: away(make_provider(koman.clinic), TUESDAY, TUESDAY, cover=koman),
        ),
    }
    fields = {"columns": "booking", "special": "booking", "ticks": "service", "absences": "last_day"}
    return rows, fields | {"covers": "service"}


@pytest.mark.parametrize("act", ["insert", "update", "delete"])
@pytest.mark.parametrize("table", ["columns", "special", "ticks", "absences", "covers"])
def test_whoever_writes_what_decides_is_noticed_also_past_all_operations(koman, patient, table, act):
    rows, fields = bare_writes(koman, patient)
    found, prepare = rows[table]
    prepare()
    row = found.first()
    if act == "insert":
        found._raw_delete(found.db)
    seen = look(patient, koman)
    if act == "insert":
        row.save(force_insert=True)
    elif act == "update":
        value = getattr(row, fields[table])
        found.filter(pk=row.pk).update(**{fields[table]: value})
    else:
        found._raw_delete(found.db)
    assert not is_still_so(seen)


def test_every_table_that_decides_is_watched():
    """What is read of a table that nothing watches would change unnoticed."""
    read = set(re.findall(r"(?:FROM|JOIN) ([a-z]+_[a-z]+)", facts_queries._OF_QUESTION))
    held = set(re.findall(r"(?:FROM|JOIN) ([a-z]+_[a-z]+)", queries.Seen.STILL_SO))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, count(*) FROM pg_trigger WHERE tgname LIKE %s GROUP BY 1",
            ["%_note_%"],
        )
        watched = dict(cursor.fetchall())
    assert read == held | set(watched)
    assert set(watched.values()) == {3}


def test_the_column_of_the_gp_is_seen_also_when_another_provider_is_asked(koman, patient):
    lent = make_provider(koman.clinic)
    tick(lent, koman)
    seen = look(patient, lent)
    assert seen.decision.allowed
    assert is_still_so(seen)
    changes(koman, patient)["rights"]()
    assert not is_still_so(seen)


def test_who_waits_for_a_change_finds_it_changed(koman, patient):
    """The row is read again once whoever writes it is done, not as it was when the statement began."""
    seen, waits, answers = look(patient, koman), threading.Event(), []

    def ask():
        waits.set()
        answers.append(is_still_so(seen))
        connection.close()

    with transaction.atomic():
        changes(koman, patient)["matrix"]()
        asking = threading.Thread(target=ask)
        asking.start()
        assert waits.wait(10)
        asking.join(0.5)
        assert asking.is_alive()
    asking.join(10)
    assert answers == [False]
