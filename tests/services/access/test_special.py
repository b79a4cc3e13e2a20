"""The list of special rights, putting patients back to the standard, and the patient's own answer."""

import re
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import given as forall
from hypothesis import strategies as st

from clinic_admin.choices import Role, Service
from identity.choices import Assurance
from portal.models import AuditEvent
from portal.refusals import NextStep
from services.access import operations, queries, special_queries
from services.access.choices import Approval, Column, Reason
from services.access.models import SpecialRights
from services.access.own_answer import _PLAIN, own_answer
from services.access.policy import SpecialRights as Values
from services.access.special_choices import OwnReason
from services.access.special_forms import SpecialRightsForm, encoded
from tests.build import make_clinic, make_patient, make_provider
from tests.delegation.build_delegation import sign_in
from tests.patients.build_patients import number
from tests.services.access.build_access import TUESDAY, away, give, special, tick

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Magnard Koman", initials="MK")


@pytest.fixture
def admin(client, clinic):
    sign_in(client, clinic)
    client.cookies["django_language"] = "en"
    return client


def address(clinic, name="special", *args):
    return reverse(f"access_admin:{name}", args=[clinic.portal_identifier, *args])


def names(page):
    return [row.patient.family_name for row in page.context["page"].rows]


@pytest.fixture
def people(clinic, koman):
    """Four patients with exceptions and one without."""
    colleague = make_provider(clinic, name="Sjef Lege", initials="SL")
    special(make_patient(clinic, gp=koman, family_name="Own", national_id=number()), consultation=True)
    special(make_patient(clinic, gp=koman, family_name="Less"), renewal=False)
    special(make_patient(clinic, gp=colleague, family_name="Other"), booking=True)
    special(make_patient(clinic, family_name="None"), approval=Approval.AUTOMATIC)
    make_patient(clinic, gp=koman, family_name="Standard")
    special(make_patient(make_clinic(), family_name="Foreign"), booking=True)


def reset_everyone(admin, clinic):
    return admin.post(address(clinic, "special_reset"), {"everyone": "yes", "sure": "yes", "number": 4})


def undo_address(admin, clinic):
    return address(clinic, "special_undo", admin.get(address(clinic)).context["last_reset"].event_id)


def test_putting_many_back_is_undone_in_one_step_with_everything_they_had(admin, clinic, people):
    before = {row.patient_id: row.values for row in SpecialRights.objects.filter(patient__clinic=clinic)}
    reset_everyone(admin, clinic)
    undo = undo_address(admin, clinic)
    assert "4 patients who were put back" in admin.get(undo).content.decode()
    done = admin.post(undo, {"number": 4}, follow=True)
    assert "4 patients have their special rights back." in done.content.decode()
    assert before == {
        row.patient_id: row.values for row in SpecialRights.objects.filter(patient__clinic=clinic)
    }
    assert admin.get(address(clinic)).context["last_reset"] is None


def test_who_has_got_other_rights_since_keeps_them(admin, clinic, people):
    reset_everyone(admin, clinic)
    undo = undo_address(admin, clinic)
    patient = queries.Patient.objects.get(clinic=clinic, family_name="Own")
    special(patient, booking=False)
    page = admin.get(undo)
    assert (page.context["number"], page.context["kept"]) == (3, 1)
    assert admin.post(undo, {"number": 4}).status_code == 422
    admin.post(undo, {"number": 3})
    changed = SpecialRights.objects.get(patient=patient)
    assert changed.values == Values(booking=False)
    assert SpecialRights.objects.filter(patient__clinic=clinic).count() == 4


def test_an_undone_reset_is_undone_once_and_a_foreign_or_other_event_is_no_page(admin, clinic, people):
    reset_everyone(admin, clinic)
    undo = undo_address(admin, clinic)
    admin.post(undo, {"number": 4})
    assert admin.post(undo, {"number": 4}).status_code == 422
    other = AuditEvent.objects.filter(action="special_rights.changed").latest("pk")
    assert admin.get(address(clinic, "special_undo", other.pk)).status_code == 404
    assert admin.get(address(make_clinic(), "special_undo", other.pk)).status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Less", "None", "Other", "Own"]),
        ({"right": "consultation"}, ["Own"]),
        ({"right": ["consultation", "renewal"]}, ["Less", "Own"]),
        ({"right": "booking"}, ["None", "Other"]),
        ({"right": "renewal", "having": "no"}, ["Less"]),
        ({"right": "renewal", "having": "yes"}, []),
        ({"having": "yes"}, ["Other", "Own"]),
        ({"type": "own"}, ["Less", "Other", "Own"]),
        ({"type": "none"}, ["None"]),
        ({"provider": "koman", "type": "own"}, ["Less", "Own"]),
        ({"provider": "koman", "type": "other"}, ["Other"]),
        ({"provider": "koman", "type": ["other", "none"]}, ["None", "Other"]),
        ({"q": "ow"}, ["Own"]),
    ],
)
def test_filters_show_whom_they_say(admin, clinic, koman, people, query, expected):
    if "provider" in query:
        query = query | {"provider": koman.pk}
    assert names(admin.get(address(clinic), query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"right": "surgery"},
        {"type": "x"},
        {"provider": "99999999"},
        {"provider": "x"},
        {"after": "x"},
        {"q": number()},
        {"having": "x"},
    ],
)
def test_forged_filters_show_everyone_and_do_not_fail(admin, clinic, people, query):
    page = admin.get(address(clinic), query)
    assert page.status_code == 200
    assert len(names(page)) == 4


def test_the_list_says_what_each_has_and_masks_the_national_id(admin, clinic, koman, people):
    give(koman, consultation=True)
    page = admin.get(address(clinic))
    assert number()[6:] not in page.text
    assert f"{number()[:6]} •••••" in page.text
    own = next(row for row in page.context["page"].rows if row.patient.family_name == "Own")
    consultation = next(box for box in own.boxes if box.name == "e-Consultation")
    assert (consultation.cell.label, consultation.is_same) == ("Yes", True)
    assert "same as the standard now" in page.text


def test_the_list_turns_pages_and_takes_as_many_queries_for_many_as_for_one(
    admin, clinic, koman, django_assert_max_num_queries
):
    for place in range(40):
        special(make_patient(clinic, gp=koman, given_name=f"Ola{place}"), booking=True)
    first = admin.get(address(clinic)).context["page"]
    assert (len(first.rows), first.total) == (25, 40)
    with django_assert_max_num_queries(17):
        second = admin.get(address(clinic), {"after": first.following}).context["page"]
    assert len(second.rows) == 15
    assert not {row.patient.pk for row in first.rows} & {row.patient.pk for row in second.rows}


def test_from_a_column_the_exceptions_are_counted_both_ways(admin, clinic, koman, people):
    give(koman, renewal=True)
    page = admin.get(address(clinic), {"provider": koman.pk, "type": "own"})
    ((column, rights),) = page.context["columns"]
    assert column == Column.WITH_GP
    counted = {one.right.value: (one.is_on, one.others) for one in rights}
    assert counted["renewal"] == (True, 1)
    assert counted["consultation"] == (False, 1)
    assert counted["booking"] == (False, 0)


# -- back to the standard ----------------------------------------------------------------------------------
def test_one_is_put_back_after_asking_once_more(admin, clinic, people):
    row = SpecialRights.objects.get(patient__family_name="Less")
    sent = {"patient": row.patient_id}
    asked = admin.post(address(clinic, "special_reset"), sent)
    assert "1 patient loses the special rights" in asked.text
    assert SpecialRights.objects.count() == 5
    done = admin.post(address(clinic, "special_reset"), sent | {"sure": "yes", "number": 1})
    assert (done.status_code, done.url) == (302, address(clinic))
    assert not SpecialRights.objects.filter(pk=row.pk).exists()
    event = AuditEvent.objects.get(action="special_rights.changed")
    assert (event.patient_id, event.details["before"]["renewal"]) == (row.patient_id, False)


def test_all_of_the_filter_are_put_back_and_nobody_else(admin, clinic, koman, people):
    target = address(clinic, "special_reset") + f"?provider={koman.pk}&type=own"
    assert "2 patients lose" in admin.post(target, {"everyone": "yes"}).text
    admin.post(target, {"everyone": "yes", "sure": "yes", "number": 2})
    left = set(SpecialRights.objects.values_list("patient__family_name", flat=True))
    assert left == {"Other", "None", "Foreign"}


def test_another_number_than_was_told_asks_again(admin, clinic, people):
    page = admin.post(address(clinic, "special_reset"), {"everyone": "yes", "sure": "yes", "number": 3})
    assert page.status_code == 422
    assert "The list has changed in the meantime" in page.text
    assert SpecialRights.objects.count() == 5


@pytest.mark.parametrize("number", ["", "-1", "x", "9" * 40])
def test_forged_numbers_reset_nobody(admin, clinic, people, number):
    sent = {"everyone": "yes", "sure": "yes", "number": number}
    assert admin.post(address(clinic, "special_reset"), sent).status_code == 422
    assert SpecialRights.objects.count() == 5


def test_nobody_chosen_and_other_clinics_patients_are_refused_in_words(admin, clinic, people):
    foreign = SpecialRights.objects.get(patient__family_name="Foreign").patient_id
    for chosen in ([], ["x"], [str(uuid.uuid4())], [str(foreign)]):
        page = admin.post(
            address(clinic, "special_reset"), {"patient": chosen, "sure": "yes", "number": len(chosen)}
        )
        assert page.status_code == 422
        assert "Choose at least one patient." in page.text
    assert SpecialRights.objects.count() == 5


def test_staff_who_are_no_administrators_look_and_do_not_save(client, clinic, people):
    sign_in(client, clinic, Role.ASSISTANT)
    assert "save-bar" not in client.get(address(clinic)).text
    assert client.post(address(clinic, "special_reset"), {"everyone": "yes"}).status_code == 403
    patient = SpecialRights.objects.get(patient__family_name="Own").patient_id
    assert client.get(address(clinic, "special_patient", patient)).status_code == 200
    assert client.post(address(clinic, "special_patient", patient), {}).status_code == 403


def test_the_editor_of_the_list_saves_and_returns_to_it(admin, clinic, people):
    patient = SpecialRights.objects.get(patient__family_name="Own").patient_id
    page = admin.get(address(clinic, "special_patient", patient))
    form = page.context["editor"].form
    sent = {name: form[name].value() for name in form.fields} | {"renewal": "yes"}
    done = admin.post(address(clinic, "special_patient", patient), sent)
    assert (done.status_code, done.url) == (302, address(clinic))
    stored = SpecialRights.objects.get(patient=patient)
    assert (stored.consultation, stored.renewal) == (True, True)


def test_the_editor_knows_no_patient_of_another_clinic(admin, clinic, people):
    foreign = SpecialRights.objects.get(patient__family_name="Foreign").patient_id
    assert admin.get(address(clinic, "special_patient", foreign)).status_code == 404
    assert admin.post(address(clinic, "special_patient", foreign), {}).status_code == 404


# -- the editor's form -------------------------------------------------------------------------------------
SWITCH = st.sampled_from([None, True, False])
SPECIAL = st.builds(
    Values,
    renewal=SWITCH,
    consultation=SWITCH,
    booking=SWITCH,
    approval=st.sampled_from([None, *Approval]),
    cancelling=SWITCH,
)


@forall(SPECIAL)
def test_what_the_form_shows_is_what_it_reads(values):
    standards = tuple(special_queries.Standard(name, True, "", None) for name in special_queries.EDITED)
    shown = SpecialRightsForm(standards=standards, special=values, may_save=True)
    sent = {name: shown[name].value() for name in shown.fields}
    read = SpecialRightsForm(sent, standards=standards, special=Values(), may_save=True)
    assert read.is_valid(), read.errors
    assert read.special == read.shown == values
    assert len(encoded(values)) == 5


def test_the_effect_agrees_with_the_decision(clinic, koman):
    patient = make_patient(clinic, gp=koman)
    tick(koman, koman, services=list(Service))
    picture = special_queries.picture(patient=patient, day=TUESDAY)
    wanted = Values(booking=True, cancelling=True)
    effect = special_queries.effect(patient=patient, before=picture, special=wanted, day=TUESDAY)
    assert len(effect.gains) == 3  # booking, urgent, cancelling
    special(patient, booking=True, cancelling=True)
    assert queries.decision(
        patient=patient,
        service=Service.URGENT,
        provider_id=koman.pk,
        assurance=Assurance.HIGH,
        day=TUESDAY,
    ).allowed


# -- the patient's own answer ------------------------------------------------------------------------------
def answer(patient, service=Service.BOOKING, assurance=Assurance.HIGH):
    return own_answer(patient=patient, services=[service], assurance=assurance, day=TUESDAY)


def test_every_reason_that_stops_has_plain_words():
    passing = {"clinic-on", "record-in-order", "special-yes", "column-yes", "provider-on", "ticked", "covers"}
    passing |= {"eid-not-needed", "signed-in-with-eid"}
    assert {reason.value for reason in Reason} - passing == {reason.value for reason in _PLAIN}


def test_the_own_answer_names_the_nearest_miss_in_plain_words(clinic, koman, django_assert_num_queries):
    make_provider(clinic, has_portal_access=False)
    patient = make_patient(clinic, gp=koman)
    assert answer(patient) == OwnReason.NO_RIGHT
    rights = give(koman, booking=True, consultation=True)
    assert answer(patient) == OwnReason.NOBODY
    tick(koman, koman, services=[Service.BOOKING, Service.CONSULTATION])
    with django_assert_num_queries(1):
        assert answer(patient) is None
    refused = answer(patient, Service.CONSULTATION, Assurance.ONE_FACTOR)
    assert (refused, refused.next_step) == (OwnReason.EID, NextStep.SIGN_IN_WITH_EID)
    away(koman, TUESDAY, TUESDAY)
    assert answer(patient) == OwnReason.AWAY
    rights.delete()
    patient.is_active = False
    patient.save()
    assert answer(patient) == OwnReason.RECORD


def test_a_gp_without_access_and_a_clinic_without_providers_are_told_too(clinic):
    gp = make_provider(clinic, has_portal_access=False)
    assert answer(make_patient(clinic, gp=gp)) == OwnReason.NO_GP
    assert answer(make_patient(make_clinic())) == OwnReason.NOBODY


# -- undo and two at once ----------------------------------------------------------------------------------
def changed(clinic, patient, **rights):
    operations.set_special_rights(patient=patient, special=Values(**rights), actor=None, now=timezone.now())


def stored(patient):
    found = SpecialRights.objects.filter(patient=patient).first()
    return found.values if found else Values()


def test_undo_shows_what_stood_before_and_saves_it_when_told_to(admin, clinic, koman):
    patient = make_patient(clinic, gp=koman)
    changed(clinic, patient, booking=True)
    changed(clinic, patient, booking=False, consultation=True)
    page = admin.get(address(clinic, "special_patient", patient.pk))
    link = re.search(r'href="(\?undo=\d+)"', page.text)[1]
    again = admin.get(address(clinic, "special_patient", patient.pk) + link)
    assert "Nothing is saved yet" in again.text
    assert stored(patient) == Values(booking=False, consultation=True)
    form = again.context["editor"].form
    sent = {name: form[name].value() for name in form.fields}
    assert (
        admin.post(address(clinic, "special_patient", patient.pk), sent | {"sure": "yes"}).status_code == 302
    )
    assert stored(patient) == Values(booking=True)
    assert AuditEvent.objects.filter(action="special_rights.changed", patient_id=patient.pk).count() == 3


def test_an_undo_of_what_was_changed_since_brings_nothing_back(admin, clinic, koman):
    patient = make_patient(clinic, gp=koman)
    changed(clinic, patient, booking=True)
    first = AuditEvent.objects.latest("pk").pk
    changed(clinic, patient, booking=False)
    for asked in (first, "x", 10**30, ""):
        page = admin.get(address(clinic, "special_patient", patient.pk), {"undo": asked})
        assert "Nothing to undo" in page.text
        assert page.context["editor"].form["booking"].value() == "no"


def test_two_who_save_the_same_patient_both_see_what_the_other_chose(admin, clinic, koman):
    patient = make_patient(clinic, gp=koman)
    form = admin.get(address(clinic, "special_patient", patient.pk)).context["editor"].form
    sent = {name: form[name].value() for name in form.fields} | {"renewal": "yes"}
    changed(clinic, patient, booking=True)
    page = admin.post(address(clinic, "special_patient", patient.pk), sent)
    assert page.status_code == 422
    assert "Booking: on" in page.text
    assert page.context["editor"].form["renewal"].value() == "yes"
    again = {name: page.context["editor"].form[name].value() for name in form.fields}
    assert admin.post(address(clinic, "special_patient", patient.pk), again).status_code == 302
    assert stored(patient) == Values(renewal=True)
