"""A query that is put together once answers as the queryset it was made of, for every value and in every thread."""

import threading

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.test.utils import CaptureQueriesContext

from clinic_admin.choices import Country
from clinic_admin.models import Clinic, Provider
from patients.models import Patient
from portal.ready import Given, Ready
from tests.build import make_clinic, make_patient, make_provider

pytestmark = pytest.mark.django_db

BY_NAME = Ready(lambda: Clinic.objects.filter(portal_identifier=Given("identifier")))


def test_each_value_finds_its_own_row():
    one, other = make_clinic(), make_clinic()
    for clinic in (one, other, one):
        found = BY_NAME.first(identifier=clinic.portal_identifier)
        assert found == clinic
        assert found.__dict__.keys() == Clinic.objects.get(pk=clinic.pk).__dict__.keys()
        assert {name: value for name, value in vars(found).items() if name != "_state"} == {
            name: value for name, value in vars(Clinic.objects.get(pk=clinic.pk)).items() if name != "_state"
        }


def test_nothing_is_none_and_an_empty_list():
    assert BY_NAME.first(identifier="nowhere") is None
    assert BY_NAME.all(identifier="nowhere") == []


def test_a_value_is_never_read_as_sql():
    make_clinic()
    assert BY_NAME.all(identifier="' OR true --") == []
    assert BY_NAME.all(identifier="%s") == []


def test_a_forgotten_value_is_told():
    with pytest.raises(KeyError):
        BY_NAME.first()


def test_a_row_found_can_be_changed_and_saved_like_any_other():
    clinic = make_clinic()
    found = BY_NAME.first(identifier=clinic.portal_identifier)
    found.name = "Changed"
    found.save()
    clinic.refresh_from_db()
    assert clinic.name == "Changed"


def test_related_rows_and_what_was_reckoned_come_along():
    clinic = make_clinic()
    gp = make_provider(clinic, name="Dr Berg")
    patient = make_patient(clinic, gp=gp)
    colleague = Provider.objects.filter(clinic=OuterRef("clinic"), name=Given("name"))
    with_gp = Ready(
        lambda: (
            Patient.objects.filter(clinic=Given("clinic"))
            .select_related("gp")
            .annotate(has_berg=Exists(colleague))
        )
    )
    with CaptureQueriesContext(connection) as asked:
        (found,) = with_gp.all(clinic=clinic.pk, name="Dr Berg")
        assert found.gp.name == "Dr Berg"
        assert found.has_berg
    assert len(asked) == 1
    (found,) = with_gp.all(clinic=clinic.pk, name="Dr Nobody")
    assert not found.has_berg
    assert found.national_id == patient.national_id


@pytest.mark.django_db(transaction=True)
def test_threads_that_ask_at_once_each_get_their_own():
    clinics = [make_clinic() for _ in range(6)]
    fresh = Ready(lambda: Clinic.objects.filter(portal_identifier=Given("identifier")))
    wrong: list[str] = []
    begin = threading.Barrier(len(clinics))

    def ask(clinic: Clinic) -> None:
        begin.wait()
        for _ in range(20):
            found = fresh.first(identifier=clinic.portal_identifier)
            if found is None or found.pk != clinic.pk:
                wrong.append(clinic.portal_identifier)
        connection.close()

    threads = [threading.Thread(target=ask, args=[clinic]) for clinic in clinics]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_never_differs_stands_in_the_statement_as_it_was_written():
    always = Ready(
        lambda: Clinic.objects.filter(
            name="100 % 'ours' \\ %s",
            is_active=True,
            cancel_notice_hours=7,
            country=Country.NORWAY,
            pk=Given("id"),
        )
    )
    assert [one.name for one in always.made.parameters] == ["id"]
    clinic = make_clinic(name="100 % 'ours' \\ %s", cancel_notice_hours=7, country=Country.NORWAY)
    assert always.first(id=clinic.pk) == clinic
    Clinic.objects.update(name="100 % 'ours' \\ x")
    assert always.first(id=clinic.pk) is None
