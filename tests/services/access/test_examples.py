"""The examples of access-model.md, row by row."""

from datetime import date

import pytest

from clinic_admin.choices import ProviderKind, Service
from identity.choices import Assurance
from services.access import queries
from services.access.choices import Approval, Column, Rule
from services.access.models import ProviderRights
from tests.build import make_clinic, make_patient, make_provider
from tests.services.access.build_access import EVERYONE, TUESDAY, away, give, special, tick

pytestmark = pytest.mark.django_db

LIST = {"has_patient_list": True}


def ask(patient, provider, service=Service.BOOKING, day=TUESDAY, assurance=Assurance.HIGH):
    return queries.decision(
        patient=patient, service=service, provider_id=provider.pk, assurance=assurance, day=day
    )


def names(patient, service=Service.BOOKING, day=TUESDAY, assurance=Assurance.HIGH):
    choices = queries.with_whom(patient=patient, service=service, assurance=assurance, day=day)
    return [choice.name for choice in choices]


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Koman", position=2)


@pytest.fixture
def lent(clinic):
    return make_provider(clinic, name="Lent", kind=ProviderKind.LOCUM, position=1)


@pytest.fixture
def danser(clinic, koman):
    return make_patient(clinic, gp=koman)


def test_in_a_new_clinic_nobody_may_do_anything(clinic, koman, danser):
    for service in Service:
        assert ask(danser, koman, service).failed == (Rule.RIGHT, Rule.MATRIX)
        assert names(danser, service) == []
    assert queries.reach(clinic=clinic, day=TUESDAY) == {}


def test_komans_patients_book_with_koman_approved_at_once_and_nobody_elses_do(clinic, koman, lent, danser):
    give(koman, booking=True, approval=Approval.AUTOMATIC)
    give(lent, booking=True)
    tick(koman, koman)
    decision = ask(danser, koman)
    assert decision.allowed
    assert decision.approval is Approval.AUTOMATIC
    assert not decision.may_cancel
    assert ask(make_patient(clinic, gp=lent), koman).failed == (Rule.MATRIX,)
    assert ask(make_patient(clinic, gp=None), koman).failed == (Rule.RIGHT, Rule.MATRIX)
    assert names(danser) == ["Koman"]


def test_with_the_locum_ticked_they_choose_between_both_and_approval_stays_komans(koman, lent, danser):
    give(koman, booking=True, approval=Approval.AUTOMATIC)
    give(lent, booking=True, approval=Approval.BY_HAND)
    tick(koman, koman)
    tick(lent, koman)
    assert names(danser) == ["Koman", "Lent"], "the own GP stands first, though Lent's position is lower"
    assert ask(danser, lent).approval is Approval.AUTOMATIC


def test_the_intern_takes_everyones_urgent_slots_and_all_services_of_those_without_a_gp(
    clinic, koman, lent, danser
):
    test = make_provider(clinic, name="Test", kind=ProviderKind.INTERN, has_patient_list=False)
    tick(test, koman, lent, EVERYONE, services=[Service.URGENT])
    tick(test, EVERYONE, services=[Service.BOOKING, Service.CONSULTATION, Service.RENEWAL])
    give(koman, booking=True)
    give(lent, booking=True)
    give(test, Column.WITHOUT_GP, booking=True, consultation=True, renewal=True)
    without = make_patient(clinic, gp=None)
    for patient in (danser, make_patient(clinic, gp=lent), without):
        assert names(patient, Service.URGENT) == ["Test"]
    assert names(danser, Service.BOOKING) == []
    for service in Service:
        assert names(without, service) == ["Test"]


def test_only_danser_may_write_to_koman(clinic, koman, danser):
    give(koman, consultation=False)
    special(danser, consultation=True)
    tick(koman, koman, services=[Service.CONSULTATION])
    assert ask(danser, koman, Service.CONSULTATION).allowed
    assert ask(make_patient(clinic, gp=koman), koman, Service.CONSULTATION).failed == (Rule.RIGHT,)
    assert queries.reach(clinic=clinic, day=TUESDAY) == {(Service.CONSULTATION, koman.pk): 1}


def test_signed_in_by_code_danser_books_but_does_not_consult(koman, danser):
    give(koman, booking=True, consultation=True)
    tick(koman, koman, services=[Service.BOOKING, Service.CONSULTATION])
    assert ask(danser, koman, Service.BOOKING, assurance=Assurance.ONE_FACTOR).allowed
    refused = ask(danser, koman, Service.CONSULTATION, assurance=Assurance.ONE_FACTOR)
    assert refused.failed == (Rule.ASSURANCE,)
    assert ask(danser, koman, Service.CONSULTATION, assurance=Assurance.SUBSTANTIAL).allowed


def test_while_koman_is_away_lent_takes_the_list_and_afterwards_all_is_as_before(koman, lent, danser):
    give(koman, booking=True, approval=Approval.AUTOMATIC, cancelling=True)
    tick(koman, koman)
    away(koman, date(2026, 7, 1), date(2026, 7, 14), cover=lent)
    for day, expected in [
        (date(2026, 6, 30), ["Koman"]),
        (date(2026, 7, 1), ["Lent"]),
        (date(2026, 7, 14), ["Lent"]),
        (date(2026, 7, 15), ["Koman"]),
    ]:
        assert names(danser, day=day) == expected
    windows = queries.windows(
        patient=danser,
        services=[Service.BOOKING],
        assurance=Assurance.HIGH,
        first_day=date(2026, 6, 1),
        last_day=date(2026, 7, 31),
    )
    assert [(w.provider.name, w.first_day, w.last_day) for w in windows] == [
        ("Koman", date(2026, 6, 1), date(2026, 6, 30)),
        ("Koman", date(2026, 7, 15), date(2026, 7, 31)),
        ("Lent", date(2026, 7, 1), date(2026, 7, 14)),
    ]
    assert {w.provider.approval for w in windows} == {Approval.AUTOMATIC}
    assert all(w.provider.may_cancel for w in windows)


def test_when_the_right_is_removed_no_new_appointment_can_be_made(koman, danser):
    give(koman, booking=True, cancelling=True)
    tick(koman, koman)
    ProviderRights.objects.update(booking=False)
    decision = ask(danser, koman)
    assert decision.failed == (Rule.RIGHT,)
    assert decision.may_cancel, "what is booked may still be cancelled"


# -- what follows ------------------------------------------------------------------------------------------
def test_patients_of_a_gp_without_portal_access_have_only_special_rights(clinic, lent):
    gone = make_provider(clinic, name="Gone", has_portal_access=False)
    give(gone, booking=True, approval=Approval.AUTOMATIC, cancelling=True)
    give(lent, Column.WITHOUT_GP, booking=True, approval=Approval.AUTOMATIC, cancelling=True)
    tick(lent, gone)
    standard, chosen = make_patient(clinic, gp=gone), make_patient(clinic, gp=gone)
    special(chosen, booking=True)
    refused = ask(standard, lent)
    assert (refused.failed, refused.approval, refused.may_cancel) == (
        (Rule.RIGHT,),
        Approval.BY_HAND,
        False,
    )
    granted = ask(chosen, lent)
    assert granted.allowed
    assert (granted.approval, granted.may_cancel) == (Approval.BY_HAND, False)


def test_a_provider_who_left_has_no_portal_access(clinic, koman, danser):
    give(koman, booking=True)
    tick(koman, koman)
    koman.is_active = False
    koman.save()
    assert ask(danser, koman).failed == (Rule.RIGHT, Rule.PROVIDER)


def test_a_provider_of_another_clinic_is_denied_by_the_provider_rule(danser):
    stranger = make_provider(make_clinic())
    give(stranger, Column.WITHOUT_GP, booking=True)
    assert Rule.PROVIDER in ask(danser, stranger).failed


def test_cover_that_is_away_too_stands_in_for_nobody_and_covering_does_not_pass_on(
    clinic, koman, lent, danser
):
    third = make_provider(clinic, name="Third")
    give(koman, booking=True)
    tick(koman, koman)
    away(koman, TUESDAY, TUESDAY, cover=lent)
    away(lent, TUESDAY, TUESDAY, cover=third)
    assert names(danser) == []


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"national_id": None}, {"portal_withdrawn_at": "2026-01-01T00:00Z"}]
)
def test_a_record_that_is_not_in_order_fails_the_patient_rule(clinic, koman, change):
    give(koman, booking=True)
    tick(koman, koman)
    assert ask(make_patient(clinic, gp=koman, **change), koman).failed == (Rule.PATIENT,)


def test_a_closed_portal_fails_the_clinic_rule(clinic, koman, danser):
    give(koman, booking=True)
    tick(koman, koman)
    clinic.is_active = False
    clinic.save()
    assert ask(danser, koman).failed == (Rule.CLINIC,)


def test_every_answer_about_one_patient_is_one_query(koman, danser, django_assert_num_queries):
    give(koman, booking=True)
    tick(koman, koman)
    with django_assert_num_queries(1):
        assert ask(danser, koman).allowed
    with django_assert_num_queries(1):
        assert names(danser) == ["Koman"]
    with django_assert_num_queries(1):
        queries.windows(
            patient=danser,
            services=list(Service),
            assurance=Assurance.HIGH,
            first_day=TUESDAY,
            last_day=date(2026, 12, 31),
        )
    with django_assert_num_queries(2):
        queries.decision(
            patient=danser,
            service=Service.BOOKING,
            provider_id=koman.pk,
            assurance=Assurance.HIGH,
            day=TUESDAY,
            for_share=True,
        )
