"""The pages of rights."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from clinic_admin import operations as register
from clinic_admin.choices import Role, Service
from portal import audit
from portal.models import AuditEvent
from services.access import operations, past_queries
from services.access.choices import Approval, Column
from services.access.models import ProviderRights
from services.access.policy import Rights
from tests.build import make_clinic, make_patient, make_provider
from tests.delegation.build_delegation import sign_in
from tests.services.access.build_access import give, special, tick

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Magnard Koman", position=1)


@pytest.fixture
def admin(client, clinic):
    sign_in(client, clinic)
    client.cookies["django_language"] = "en"
    return client


def page_of(clinic, name, *args):
    return reverse(f"access_admin:{name}", args=[clinic.portal_identifier, *args])


ALL_OFF = {"with-gp-approval": "by-hand", "without-gp-approval": "by-hand"}


def test_the_list_shows_what_each_offers_and_warns_of_patients_left_with_nobody(admin, clinic, koman):
    without = make_provider(clinic, name="Sjef Lege", has_portal_access=False)
    give(koman, booking=True, approval=Approval.AUTOMATIC)
    make_patient(clinic, gp=koman)
    make_patient(clinic, gp=without)
    page = admin.get(page_of(clinic, "services"))
    assert "approved automatically" in page.text
    assert "Sjef Lege has 1 patient but no portal access" in page.text
    assert "Nobody can serve Magnard Koman's patients today" in page.text
    tick(koman, koman)
    assert "Nobody can serve" not in admin.get(page_of(clinic, "services")).text


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    admin, clinic, koman, django_assert_max_num_queries
):
    for _ in range(10):
        make_patient(clinic, gp=make_provider(clinic))
    with django_assert_max_num_queries(12):
        admin.get(page_of(clinic, "services"))


def test_a_provider_is_opened_with_one_save(admin, clinic):
    provider = make_provider(clinic, has_portal_access=False)
    address = page_of(clinic, "provider", provider.pk)
    sent = ALL_OFF | {"allowed": "on", "with-gp-booking": "on", "with-gp-approval": "automatic"}
    answer = admin.post(address, sent)
    assert (answer.status_code, answer.url) == (302, address)
    provider.refresh_from_db()
    assert provider.has_portal_access
    assert ProviderRights.objects.get(column=Column.WITH_GP).values == Rights(
        booking=True, approval=Approval.AUTOMATIC
    )
    page = admin.get(address)
    assert page.context["columns"][0][1]["booking"].initial is True
    assert "Saved. It applies from now on." in page.text


def test_a_provider_without_a_list_has_no_column_for_a_list(admin, clinic):
    provider = make_provider(clinic, has_patient_list=False)
    page = admin.get(page_of(clinic, "provider", provider.pk))
    assert [column for column, _ in page.context["columns"]] == [Column.WITHOUT_GP]
    sent = {
        "allowed": "on",
        "without-gp-approval": "by-hand",
        "without-gp-booking": "on",
        "with-gp-booking": "on",
    }
    assert admin.post(page_of(clinic, "provider", provider.pk), sent).status_code == 302
    assert ProviderRights.objects.get().column == Column.WITHOUT_GP


def test_a_forged_approval_is_refused_by_the_field_and_nothing_typed_is_lost(admin, clinic, koman):
    answer = admin.post(
        page_of(clinic, "provider", koman.pk),
        ALL_OFF | {"with-gp-approval": "never", "with-gp-renewal": "on"},
    )
    assert answer.status_code == 422
    form = answer.context["columns"][0][1]
    assert form.errors["approval"]
    assert form["renewal"].value()
    assert not ProviderRights.objects.exists()


def test_a_provider_of_another_clinic_or_one_who_left_is_not_there(admin, clinic):
    for provider in (make_provider(make_clinic()), make_provider(clinic, is_active=False)):
        assert admin.get(page_of(clinic, "provider", provider.pk)).status_code == 404
        assert admin.post(page_of(clinic, "provider", provider.pk), ALL_OFF).status_code == 404
    assert admin.get(page_of(clinic, "provider", 10**30)).status_code == 404


def test_staff_who_are_no_administrators_look_and_do_not_save(client, clinic, koman):
    sign_in(client, clinic, Role.ASSISTANT)
    page = client.get(page_of(clinic, "provider", koman.pk))
    assert "save-bar" not in page.text
    assert all(field.field.disabled for _, form in page.context["columns"] for field in form)


# -- undo and two at once ----------------------------------------------------------------------------------
def saved(clinic, provider, *, allowed=True, **rights):
    operations.save_services(
        clinic=clinic,
        provider_id=provider.pk,
        allowed=allowed,
        columns={Column.WITH_GP: Rights(**rights), Column.WITHOUT_GP: Rights()},
        actor=None,
        now=timezone.now(),
    )


def shown(page):
    """What the page's form would send."""
    fields = [
        *page.context["access"],
        *(field for _column, form in page.context["columns"] for field in form),
    ]
    return {field.html_name: field.value() for field in fields if field.value() not in (False, None)}


def test_undo_shows_the_services_before_the_last_save_and_saves_them_when_told_to(admin, clinic, koman):
    saved(clinic, koman, booking=True, approval=Approval.AUTOMATIC)
    saved(clinic, koman, allowed=False, consultation=True)
    address = page_of(clinic, "provider", koman.pk)
    event = AuditEvent.objects.latest("pk").pk
    assert f"?undo={event}" in admin.get(address).text
    page = admin.get(address, {"undo": event})
    assert "Nothing is saved yet" in page.text
    koman.refresh_from_db()
    assert not koman.has_portal_access
    assert admin.post(address, shown(page)).status_code == 302
    koman.refresh_from_db()
    assert koman.has_portal_access
    assert ProviderRights.objects.get(provider=koman, column=Column.WITH_GP).values == Rights(
        booking=True, approval=Approval.AUTOMATIC
    )
    assert "Nothing to undo" in admin.get(address, {"undo": event}).text


def test_two_who_save_the_same_provider_both_see_what_the_other_chose(admin, clinic, koman):
    address = page_of(clinic, "provider", koman.pk)
    sent = shown(admin.get(address)) | {"with-gp-renewal": "on"}
    saved(clinic, koman, booking=True)
    page = admin.post(address, sent)
    assert page.status_code == 409
    assert "Patients with a GP here, Booking: on" in page.text
    assert ProviderRights.objects.get(provider=koman, column=Column.WITH_GP).values == Rights(booking=True)
    assert admin.post(address, shown(page)).status_code == 302
    assert ProviderRights.objects.get(provider=koman, column=Column.WITH_GP).values == Rights(renewal=True)


def test_saving_twice_what_is_stored_already_is_no_conflict(admin, clinic, koman):
    address = page_of(clinic, "provider", koman.pk)
    sent = shown(admin.get(address)) | {"with-gp-renewal": "on"}
    assert [admin.post(address, sent).status_code for _time in range(2)] == [302, 302]


# -- why can't this patient --------------------------------------------------------------------------------
@pytest.fixture
def danser(clinic, koman):
    return make_patient(clinic, gp=koman, given_name="Line", family_name="Danser")


def ask(client, clinic, patient, **more):
    return client.get(page_of(clinic, "explain"), {"patient": patient.pk, **more})


def test_every_rule_is_a_sentence_and_the_first_failing_one_is_marked(admin, clinic, koman, danser):
    page = ask(admin, clinic, danser)
    assert "No, this patient can&#x27;t" in page.text or "No, this patient can't" in page.text
    answers = page.context["explanation"].answers
    assert [answer.sentence for answer in answers] == [
        "The clinic's portal is on.",
        "The record is active, with a full national ID and with the portal.",
        "Magnard Koman, “Patients with a GP here”: Booking is off.",
        "Magnard Koman has portal access.",
        "The service matrix has no tick for Magnard Koman's list with Magnard Koman.",
        "This service doesn't need eID here.",
    ]
    assert [answer.is_first_failure for answer in answers] == [False, False, True, False, False, False]
    assert page_of(clinic, "provider", koman.pk) in page.text
    assert reverse("delegation_admin:matrix", args=[clinic.portal_identifier, "booking"]) in page.text


def test_when_all_rules_hold_the_answer_is_yes(admin, clinic, koman, danser):
    special(danser, booking=True, cancelling=True)
    tick(koman, koman)
    page = ask(admin, clinic, danser, service="booking", provider=koman.pk, day="2026-07-01")
    assert "Yes, this patient can" in page.text
    assert "The patient may cancel." in page.text


def test_a_consultation_by_code_fails_on_the_way_of_signing_in(admin, clinic, koman, danser):
    give(koman, consultation=True)
    tick(koman, koman, services=[Service.CONSULTATION])
    page = ask(admin, clinic, danser, service="consultation", signed_in="code")
    assert page.context["explanation"].decision.failed == ("R6",)
    page = ask(admin, clinic, danser, service="consultation", signed_in="eid")
    assert page.context["explanation"].decision.allowed


@pytest.mark.parametrize(
    "more",
    [
        {"service": "surgery"},
        {"provider": "0"},
        {"provider": "x"},
        {"day": "soon"},
        {"at": "lately"},
        {"at": "2999-01-01T10:00"},
        {"at": "0001-01-01T00:00"},
    ],
)
def test_a_question_that_makes_no_sense_tells_by_the_field(admin, clinic, danser, more):
    page = ask(admin, clinic, danser, **more)
    assert page.status_code == 422
    assert page.context["form"].errors.keys() == more.keys()


def test_a_past_moment_is_answered_with_the_settings_of_then(admin, clinic, koman, danser):
    moment = timezone.now()
    special(danser, booking=True)
    tick(koman, koman)
    operations.save_services(
        clinic=clinic, provider_id=koman.pk, allowed=False, columns={}, actor=None, now=moment
    )
    hour_before = (moment - timedelta(hours=1)).astimezone(clinic.zone).strftime("%Y-%m-%dT%H:%M")
    asked = {"service": "booking", "provider": koman.pk, "day": "2026-07-01"}
    now, then = ask(admin, clinic, danser, **asked), ask(admin, clinic, danser, **asked, at=hour_before)
    assert not now.context["explanation"].decision.allowed
    assert "As it was on" not in now.text.replace("As it was on (date and time)", "")
    assert then.context["explanation"].decision.allowed
    assert "Yes, this patient could" in then.text
    assert "As it was on" in then.text.replace("As it was on (date and time)", "")


def test_a_moment_before_the_clinic_is_told_at_the_field(admin, clinic, danser):
    with transaction.atomic():
        audit.record(
            action="clinic.created", subject=clinic, actor=None, now=timezone.now(), clinic_id=clinic.pk
        )
    page = ask(admin, clinic, danser, at="2020-01-01T10:00")
    assert page.status_code == 422
    assert "was not here yet then" in page.text


def test_too_much_changed_since_is_told_at_the_field(admin, clinic, danser, monkeypatch):
    monkeypatch.setattr(past_queries, "MOST_CHANGES", 0)
    register.switch_portal(clinic=clinic, is_active=False, actor=None, now=timezone.now())
    page = ask(admin, clinic, danser, at="2020-01-01T10:00")
    assert page.status_code == 422
    assert "Too much has changed since then" in page.text


def test_someone_who_has_left_can_be_asked_about_but_has_no_page(admin, clinic, danser):
    left = make_provider(clinic, name="Konsu Lent", is_active=False)
    page = ask(admin, clinic, danser, provider=left.pk)
    assert "Konsu Lent (has left)" in page.text
    assert page_of(clinic, "provider", left.pk) not in page.text


def test_without_a_patient_the_page_says_where_to_begin(admin, clinic):
    assert "Choose a patient first" in admin.get(page_of(clinic, "explain")).text


def test_other_clinics_patients_and_made_up_ids_are_not_there(admin, clinic):
    assert ask(admin, clinic, make_patient(make_clinic())).status_code == 404
    for made_up in (uuid.uuid4(), "danser", ""):
        assert admin.get(page_of(clinic, "explain"), {"patient": made_up}).status_code == 404


def test_patients_do_not_see_why(client, clinic, danser):
    assert ask(client, clinic, danser).status_code == 302
