"""A guardian makes a child's own sign-in: the checks before and after the guardian's eID (F8, F10)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clinic_admin.choices import Country
from patients.guardianship import children, operations
from patients.guardianship.children import ChildRefusal, Outcome
from patients.guardianship.choices import Source, Status
from patients.guardianship.port import GuardianResult
from portal import audit
from portal.models import AuditEvent
from tests.build import make_clinic, make_staff_member
from tests.patients.build_guardians import adult, in_register, make_person, number_of, years_ago

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _from_a_file(settings):
    settings.GUARDIANSHIP_SOURCE = "file"


@pytest.fixture
def clinic():
    return make_clinic(country=Country.DENMARK)


FATHER = number_of(years_ago(41), country="DK")
CHILD = number_of(years_ago(10), country="DK", serial=2)


@pytest.fixture
def child(clinic):
    return make_person(clinic, years_ago(10), serial=2, given_name="Emil")


def asks(clinic, *, number=CHILD, typed=FATHER, proven=FATHER):
    return children.answer(
        clinic=clinic,
        child=number,
        guardian=typed,
        proven=adult(proven),
        actor=audit.SYSTEM,
        now=timezone.now(),
    )


def test_a_guardian_whom_the_register_names_opens_it(clinic, child):
    in_register(child, FATHER)
    assert asks(clinic).outcome is Outcome.OPEN


def test_a_child_without_a_record_is_asked_about_all_the_same(clinic):
    other = make_person(make_clinic(country=Country.DENMARK), years_ago(10), serial=2)
    in_register(other, FATHER)
    assert asks(clinic).outcome is Outcome.OPEN


def test_g1_the_number_typed_must_be_that_of_the_eid(clinic, child):
    in_register(child, FATHER)
    other = number_of(years_ago(44), country="DK", serial=5)
    in_register(child, other)
    for typed, proven in ((other, FATHER), (FATHER, other)):
        found = asks(clinic, typed=typed, proven=proven)
        assert (found.outcome, found.refusal) == (Outcome.REFUSED, ChildRefusal.OTHER_PERSON)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Status.VALID, Outcome.OPEN),
        (Status.NOT_VALID, Outcome.REFUSED),
        (Status.UNKNOWN, Outcome.BY_HAND),
        (Status.ERROR, Outcome.BY_HAND),
        (Status.BLOCKED, Outcome.REFUSED),
    ],
)
@pytest.mark.parametrize("has_record", [True, False])
def test_g2_no_is_no_and_what_nobody_knows_is_for_staff(clinic, monkeypatch, status, outcome, has_record):
    class Answers:
        def check(self, child, adult, on, *, now):
            return GuardianResult(status, Source.NSP_CPR, now)

    monkeypatch.setattr("patients.guardianship.sources.source", Answers)
    if has_record:
        make_person(clinic, years_ago(10), serial=2)
    found = asks(clinic)
    assert found.outcome is outcome
    event = AuditEvent.objects.get(action="guardian.child_sign_in")
    assert event.details["outcome"] == outcome
    assert CHILD.number not in str(event.details)


def test_g3_on_the_birthday_there_is_no_childs_sign_in_any_more(clinic):
    fifteen = number_of(years_ago(15), country="DK", serial=3)
    day_before = number_of(years_ago(15, days=-1), country="DK", serial=3)
    assert asks(clinic, number=fifteen).refusal is ChildRefusal.NOT_A_CHILD
    assert asks(clinic, number=day_before).outcome is Outcome.BY_HAND


def test_g3_the_birth_date_of_the_record_goes_before_the_number(clinic, child):
    in_register(child, FATHER)
    child.birth_date = years_ago(15)
    child.save()
    assert asks(clinic).refusal is ChildRefusal.NOT_A_CHILD


def test_c11_only_the_guardian_hears_that_the_record_knows_another_age(clinic, child):
    child.birth_date = years_ago(15)
    child.save()
    assert asks(clinic).refusal is ChildRefusal.NOT_POSSIBLE


def test_c11_before_the_eid_no_record_is_looked_at(clinic, child, django_assert_num_queries):
    child.birth_date = years_ago(15)
    child.save()
    with django_assert_num_queries(0):
        refusal = children.refuse_form(clinic=clinic, child=CHILD, guardian=FATHER, now=timezone.now())
    assert refusal is None


def test_g5_under_eighteen_and_the_child_itself_are_refused(clinic, child):
    young = number_of(years_ago(17), country="DK", serial=4)
    assert asks(clinic, typed=young, proven=young).refusal is ChildRefusal.TOO_YOUNG
    assert asks(clinic, typed=CHILD, proven=CHILD).refusal is ChildRefusal.SAME_PERSON


def test_g7_a_blocked_guardian_is_refused_without_a_reason(clinic, child):
    in_register(child, FATHER)
    row = operations.check(patient=child, adult=adult(FATHER), now=timezone.now())
    staff = make_staff_member(clinic)
    operations.set_blocked(
        clinic=clinic, relation_id=row.pk, blocked=True, actor=staff.user, now=timezone.now()
    )
    assert asks(clinic).refusal is ChildRefusal.NOT_POSSIBLE


def test_staff_who_saw_proof_open_it(clinic, child):
    assert asks(clinic).outcome is Outcome.BY_HAND
    operations.confirm_guardian(
        patient=child,
        adult=adult(FATHER),
        proof="passport",
        until=timezone.localdate() + timedelta(days=9),
        actor=make_staff_member(clinic).user,
        now=timezone.now(),
    )
    assert asks(clinic).outcome is Outcome.OPEN


def test_where_children_have_no_sign_in_there_is_none():
    clinic = make_clinic(country=Country.NORWAY)
    found = asks(
        clinic,
        number=number_of(years_ago(10)),
        typed=number_of(years_ago(40)),
        proven=number_of(years_ago(40)),
    )
    assert found.refusal is ChildRefusal.NOT_OFFERED
