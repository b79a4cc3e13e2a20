"""What was typed when a session ended is kept, and shown again to who typed it (ADR 8)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from clinic_admin.models import Clinic
from identity import operations
from identity.models import IdentityProvider, KeptForm
from identity.session import kept_forms
from patients.models import ContactChange, Patient
from portal.models import AuditEvent
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_identity import OTHER_NUMBER, FakeIdp, begin, come_back, enter, record_for
from tests.identity.build_session_end import (
    TYPED,
    address,
    ends_and_sends,
    field_values,
    form_token,
    is_signed_in,
    left,
    move_clock,
    patient,
    signs_in,
)

pytestmark = pytest.mark.django_db
__all__ = ["patient"]


def test_what_is_sent_after_the_end_comes_back_after_signing_in_and_is_not_carried_out(
    patient: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    before = Patient.objects.get()
    answer = ends_and_sends(patient, clinic)
    details = address("patients:details", clinic)
    assert (answer.status_code, answer["Location"]) == (
        303,
        f"{address('clinic_front', clinic)}?next={details.replace('/', '%2F')}",
    )
    front = patient.get(answer["Location"]).content.decode()
    assert "you come back to the page with what you had typed" in front
    assert "ny@x.example" not in front
    assert signs_in(patient, clinic, idp, next=details)["Location"] == details
    page = patient.get(details).content.decode()
    assert all(field_values(page).values()), field_values(page)
    assert "This is what you had typed" in page
    after = Patient.objects.get()
    assert (after.mobile, after.email) == (before.mobile, before.email)
    assert patient.post(details, TYPED)["Location"] == details
    assert ContactChange.objects.get(kind="email").value == "ny@x.example"
    assert KeptForm.objects.count() == 0
    assert "had typed" not in patient.get(details).content.decode()


def test_it_is_stored_encrypted_and_without_passwords_and_codes(patient: Client, clinic: Clinic) -> None:
    secret = {
        "password": "Hemmelig-7",
        "new_password1": "Hemmelig-8",
        "code": "123456",
        "reason": "14048812345",
    }
    ends_and_sends(patient, clinic, typed=secret)
    with connection.cursor() as cursor:
        cursor.execute("SELECT kept::text FROM identity_keptform kept")
        (stored,) = cursor.fetchone()
    assert not any(word in stored for word in (*secret.values(), "reason"))
    assert KeptForm.objects.get().fields == '[["reason", "14048812345"]]'
    assert not any("14048812345" in str(event.details) for event in AuditEvent.objects.all())


def test_nobody_else_sees_it(patient: Client, clinic: Clinic, idp: FakeIdp) -> None:
    record_for(clinic, OTHER_NUMBER)
    ends_and_sends(patient, clinic)
    idp.claims = {"nnin_altsub": OTHER_NUMBER, "birthdate": "1970-01-02", "bankid_altsub": "another"}
    signs_in(patient, clinic, idp)
    page = patient.get(address("patients:details", clinic)).content.decode()
    assert not any(field_values(page).values())
    assert "had typed" not in page
    assert "had begun" not in page
    kept = KeptForm.objects.get()
    patient.post(reverse("session:drop_kept", args=[kept.pk]))
    assert KeptForm.objects.count() == 1


def test_another_clinic_does_not_show_it(
    patient: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    other = make_clinic()
    record_for(other)
    ends_and_sends(patient, clinic)
    signs_in(patient, clinic, idp)
    page = patient.get(address("patients:details", other)).content.decode()
    assert not any(field_values(page).values())
    assert "had begun" not in page
    elsewhere = patient.get(address("home:start", clinic)).content.decode()
    assert "You had begun to write" in elsewhere
    assert f'href="{address("patients:details", clinic)}"' in elsewhere


def test_it_comes_back_only_while_one_acts_for_the_same_person(
    patient: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    relation = uuid4()
    session = patient.session
    session["acting_for"] = {"clinic": clinic.pk, "kind": "proxy", "relation": str(relation)}
    session.save()
    ends_and_sends(patient, clinic)
    assert KeptForm.objects.get().acted_by == relation
    signs_in(patient, clinic, idp)
    page = patient.get(address("patients:details", clinic)).content.decode()
    assert not any(field_values(page).values())
    assert "You had begun to write for someone else" in page


def test_it_can_be_thrown_away(patient: Client, clinic: Clinic, idp: FakeIdp) -> None:
    ends_and_sends(patient, clinic)
    signs_in(patient, clinic, idp)
    details = address("patients:details", clinic)
    drop = reverse("session:drop_kept", args=[KeptForm.objects.get().pk])
    assert f'action="{drop}"' in patient.get(details).content.decode()
    answer = patient.post(drop, headers={"referer": f"http://testserver{details}"})
    assert answer["Location"] == details
    assert KeptForm.objects.count() == 0
    assert not any(field_values(patient.get(details).content.decode()).values())


@pytest.mark.parametrize(("name", "more", "status"), [("any_urgent", (), 409), ("book", (1,), 404)])
def test_a_time_that_is_lost_meanwhile_shows_what_was_typed_to_be_copied(
    patient: Client, clinic: Clinic, idp: FakeIdp, name: str, more: tuple[int, ...], status: int
) -> None:
    page = reverse(f"booking:{name}", args=[clinic.portal_identifier, *more])
    move_clock(patient, seen=timedelta(minutes=21))
    key = str(uuid4())
    patient.post(page, {"reason": "A <b>long</b> story", "form_key": key})
    signs_in(patient, clinic, idp)
    answer = patient.get(page)
    assert answer.status_code == status
    shown = answer.content.decode()
    assert "This has no place on the page any more:" in shown
    assert "A &lt;b&gt;long&lt;/b&gt; story" in shown
    assert key not in shown


def test_a_form_that_must_be_corrected_is_still_kept(patient: Client, clinic: Clinic, idp: FakeIdp) -> None:
    ends_and_sends(patient, clinic)
    signs_in(patient, clinic, idp)
    assert patient.post(address("patients:details", clinic), TYPED | {"email": "@"}).status_code == 422
    assert KeptForm.objects.count() == 1


def test_it_is_gone_after_a_day(patient: Client, clinic: Clinic, idp: FakeIdp) -> None:
    ends_and_sends(patient, clinic)
    KeptForm.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    signs_in(patient, clinic, idp)
    assert not any(field_values(patient.get(address("patients:details", clinic)).content.decode()).values())
    operations.sweep(now=timezone.now())
    assert KeptForm.objects.count() == 0


def test_another_tab_that_ended_the_session_changes_nothing(patient: Client, clinic: Clinic) -> None:
    move_clock(patient, seen=timedelta(minutes=21))
    patient.get(address("home:start", clinic))
    assert not is_signed_in(patient)
    patient.post(address("patients:details", clinic), TYPED)
    assert KeptForm.objects.count() == 1


def test_after_signing_in_in_another_tab_the_open_page_can_still_be_sent(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    browser = Client(enforce_csrf_checks=True)

    def signs_in_strictly() -> None:
        begin(browser, clinic, csrfmiddlewaretoken=form_token(browser, address("clinic_front", clinic)))
        come_back(browser, idp)
        enter(browser, clinic)

    details = address("patients:details", clinic)
    signs_in_strictly()
    open_page = form_token(browser, details)
    move_clock(browser, seen=timedelta(minutes=21))
    browser.get(details)
    signs_in_strictly()
    sent = browser.post(details, TYPED | {"csrfmiddlewaretoken": open_page})
    assert (sent.status_code, sent["Location"]) == (302, details)
    assert KeptForm.objects.count() == 0

    relation, open_page = uuid4(), form_token(browser, details)
    session = browser.session
    session["acting_for"] = {"clinic": clinic.pk, "kind": "proxy", "relation": str(relation)}
    session.save()
    move_clock(browser, seen=timedelta(minutes=21))
    browser.get(details)
    signs_in_strictly()
    sent = browser.post(details, TYPED | {"email": "barn@x.example", "csrfmiddlewaretoken": open_page})
    assert (sent.status_code, sent["Location"]) == (303, details)  # never for oneself: kept for the other
    assert ContactChange.objects.get(kind="email").value == "ny@x.example"
    assert KeptForm.objects.get().acted_by == relation
    assert "barn@x.example" not in browser.get(details).content.decode()
    refused = browser.post(details, TYPED | {"csrfmiddlewaretoken": "x" * 64})
    assert refused.status_code == 403


def test_a_step_up_in_another_tab_leaves_open_pages_usable(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    browser = Client(enforce_csrf_checks=True)
    front, details = address("clinic_front", clinic), address("patients:details", clinic)
    begin(browser, clinic, csrfmiddlewaretoken=form_token(browser, front))
    come_back(browser, idp)
    enter(browser, clinic)
    before, open_page = browser.session.session_key, form_token(browser, details)
    again = reverse("identity:step_up", args=[clinic.portal_identifier, "bankid-test"])
    browser.post(again, {"csrfmiddlewaretoken": open_page})
    come_back(browser, idp)
    enter(browser, clinic)
    assert browser.session.session_key != before
    assert browser.post(details, TYPED | {"csrfmiddlewaretoken": open_page}).status_code == 302


def test_a_form_of_somebody_else_is_refused(clinic: Clinic, provider: IdentityProvider, idp: FakeIdp) -> None:
    record_for(clinic, OTHER_NUMBER)
    browser = Client(enforce_csrf_checks=True)
    front, details = address("clinic_front", clinic), address("patients:details", clinic)
    begin(browser, clinic, csrfmiddlewaretoken=form_token(browser, front))
    come_back(browser, idp)
    enter(browser, clinic)
    open_page = form_token(browser, details)
    move_clock(browser, seen=timedelta(minutes=21))
    browser.get(details)
    idp.claims = {"nnin_altsub": OTHER_NUMBER, "birthdate": "1970-01-02", "bankid_altsub": "another"}
    begin(browser, clinic, csrfmiddlewaretoken=form_token(browser, front))
    come_back(browser, idp)
    enter(browser, clinic)
    assert browser.post(details, TYPED | {"csrfmiddlewaretoken": open_page}).status_code == 403
    assert KeptForm.objects.count() == 0


def test_someone_who_never_was_signed_in_leaves_nothing(clinic: Clinic) -> None:
    answer = Client().post(address("patients:details", clinic), TYPED)
    assert answer.status_code == 302
    assert KeptForm.objects.count() == 0


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}, {"X-Keep-Form": "1"}])
def test_what_is_sent_from_a_tab_after_signing_out_in_another_comes_back_to_the_same_person(
    patient: Client, clinic: Clinic, idp: FakeIdp, headers: dict[str, str]
) -> None:
    details, before = address("patients:details", clinic), Patient.objects.get().email
    patient.post(address("identity:sign_out", clinic))
    patient.post(address("identity:sign_out", clinic))  # from the other tab's dialog: twice is once
    assert "You have signed out." not in patient.get(address("clinic_front", clinic)).content.decode()
    answer = patient.post(details, TYPED, headers=headers)
    front = patient.get(f"{address('clinic_front', clinic)}?next={details}").content.decode()
    assert "You have signed out." in front
    assert "you come back to the page with what you had typed" in front
    assert "ny@x.example" not in front
    assert "ny@x.example" not in str(dict(patient.session))
    assert (answer.status_code, Patient.objects.get().email) == (
        {(): 303, ("HX-Request",): 403, ("X-Keep-Form",): 204}[tuple(headers)],
        before,
    )
    signs_in(patient, clinic, idp)
    assert all(field_values(patient.get(details).content.decode()).values())


def test_a_page_that_slept_all_night_keeps_its_text(patient: Client, clinic: Clinic) -> None:
    patient.get(address("home:start", clinic))
    with time_machine.travel(timezone.now() + timedelta(hours=14)):
        operations.sweep(now=timezone.now())
        assert left(patient) == {"left": 0}
        answer = patient.post(address("patients:details", clinic), TYPED, headers={"X-Keep-Form": "1"})
        assert (answer.status_code, KeptForm.objects.count()) == (204, 1)
        assert not is_signed_in(patient)


def test_after_signing_out_and_in_again_an_open_page_can_still_be_sent_and_by_nobody_else(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    record_for(clinic, OTHER_NUMBER)
    browser = Client(enforce_csrf_checks=True)
    front, details = address("clinic_front", clinic), address("patients:details", clinic)

    def signs_in_strictly() -> None:
        begin(browser, clinic, csrfmiddlewaretoken=form_token(browser, front))
        come_back(browser, idp)
        enter(browser, clinic)

    def signs_out(open_page: str) -> None:
        browser.post(address("identity:sign_out", clinic), {"csrfmiddlewaretoken": open_page})

    signs_in_strictly()
    open_page = form_token(browser, details)
    signs_out(open_page)
    signs_in_strictly()
    assert browser.post(details, TYPED | {"csrfmiddlewaretoken": open_page}).status_code == 302
    signs_out(open_page)
    idp.claims = {"nnin_altsub": OTHER_NUMBER, "birthdate": "1970-01-02", "bankid_altsub": "another"}
    signs_in_strictly()
    assert browser.post(details, TYPED | {"csrfmiddlewaretoken": open_page}).status_code == 403
    assert KeptForm.objects.count() == 0


@pytest.mark.parametrize(("site", "is_shown"), [("same-origin", True), ("cross-site", False), (None, False)])
def test_a_refused_form_shows_what_was_written_to_be_copied_unless_another_site_sent_it(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, site: str | None, is_shown: bool
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies["django_language"] = "en"
    details = address("patients:details", clinic)
    sent = TYPED | {"email": "<b>x@x.example", "password": "Hemmelig-7", "form_key": str(uuid4())}
    headers = {"referer": f"http://testserver{details}"} | ({"sec-fetch-site": site} if site else {})
    answer = browser.post(details, sent, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert ("&lt;b&gt;x@x.example" in page) == is_shown
    assert ("98 76 54 32" in page) == is_shown
    assert (f'href="{details}"' in page) == is_shown
    assert "Hemmelig-7" not in page
    assert sent["form_key"] not in page
    assert ("Go back, load the page again" in page) != is_shown


def test_what_was_typed_for_a_child_is_kept_for_the_childs_page_after_signing_out(
    patient: Client, clinic: Clinic
) -> None:
    relation = uuid4()
    session = patient.session
    session["acting_for"] = {"clinic": clinic.pk, "kind": "guardian", "relation": str(relation)}
    session.save()
    patient.post(address("identity:sign_out", clinic))
    patient.post(address("patients:details", clinic), TYPED)
    assert KeptForm.objects.get().acted_by == relation


def test_whoever_signs_out_on_purpose_and_sends_nothing_more_leaves_nothing(
    patient: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    patient.post(address("identity:sign_out", clinic))
    assert KeptForm.objects.count() == 0
    signs_in(patient, clinic, idp)
    assert "signed_in_before" not in patient.session


def test_a_forged_post_is_not_kept(patient: Client, clinic: Clinic) -> None:
    move_clock(patient, seen=timedelta(minutes=21))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = patient.cookies
    assert strict.post(address("patients:details", clinic), TYPED).status_code == 403
    assert KeptForm.objects.count() == 0


def test_a_page_is_kept_by_its_script_just_before_the_end_and_nothing_is_carried_out(
    patient: Client, clinic: Clinic
) -> None:
    before = Patient.objects.get().email
    page = f"http://testserver{address('patients:details', clinic)}?from=start"
    answer = patient.post(
        address("patients:details", clinic), TYPED, headers={"X-Keep-Form": "1", "referer": page}
    )
    assert answer.status_code == 204
    assert Patient.objects.get().email == before
    assert KeptForm.objects.get().page == f"{address('patients:details', clinic)}?from=start"
    assert all(field_values(patient.get(page.removeprefix("http://testserver")).content.decode()).values())


def test_keeping_a_page_does_not_make_the_session_longer(patient: Client, clinic: Clinic) -> None:
    move_clock(patient, seen=timedelta(minutes=19, seconds=55), opened=timedelta(minutes=30))
    patient.post(address("patients:details", clinic), TYPED, headers={"X-Keep-Form": "1"})
    assert left(patient)["left"] <= 5
    assert KeptForm.objects.count() == 1


def test_a_script_that_wakes_after_the_end_still_has_it_kept(patient: Client, clinic: Clinic) -> None:
    move_clock(patient, seen=timedelta(minutes=21))
    assert left(patient) == {"left": 0}
    answer = patient.post(address("patients:details", clinic), TYPED, headers={"X-Keep-Form": "1"})
    assert answer.status_code == 204
    assert KeptForm.objects.count() == 1


def test_a_part_of_a_page_that_is_asked_for_after_the_end_leads_the_whole_page_away(
    patient: Client, clinic: Clinic
) -> None:
    move_clock(patient, seen=timedelta(minutes=21))
    way = f"{address('clinic_front', clinic)}?next="
    answer = patient.get(address("booking:find", clinic), headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert answer["HX-Redirect"].startswith(way)
    answer = patient.post(address("patients:details", clinic), TYPED, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith(way)
    assert KeptForm.objects.count() == 1


def test_too_much_is_not_kept_and_the_page_says_so(patient: Client, clinic: Clinic) -> None:
    answer = ends_and_sends(patient, clinic, typed={"text": "x" * kept_forms.MOST_CHARACTERS})
    assert KeptForm.objects.count() == 0
    assert "do it once more" in patient.get(answer["Location"]).content.decode()


def test_five_forms_of_a_person_are_kept_the_newest_ones(patient: Client, clinic: Clinic) -> None:
    ends_and_sends(patient, clinic)
    for number in range(6):
        page = f"http://testserver{address('patients:details', clinic)}?n={number}"
        patient.post(address("patients:details", clinic), TYPED, headers={"referer": page})
    assert sorted(KeptForm.objects.values_list("page", flat=True))[0].endswith("?n=1")
    assert KeptForm.objects.count() == kept_forms.MOST_PER_PERSON


def test_a_pressed_button_without_a_form_keeps_nothing(patient: Client, clinic: Clinic) -> None:
    ends_and_sends(patient, clinic, typed={"csrfmiddlewaretoken": "x" * 64})
    assert KeptForm.objects.count() == 0


def test_staff_find_what_they_had_typed(clinic: Clinic) -> None:
    staff = Client()
    post = sign_in_staff(staff, clinic, Role.CLINIC_ADMINISTRATOR)
    page = address("clinic_admin:clinic", clinic)
    staff.get(page)
    move_clock(staff, seen=timedelta(minutes=31))
    answer = staff.post(page, {"name": "Nytt navn legesenter"})
    assert answer["Location"] == f"/staff/sign-in/?next={page.replace('/', '%2F')}"
    clinic.refresh_from_db()
    assert clinic.name != "Nytt navn legesenter"
    kept = KeptForm.objects.get()
    assert (kept.user_id, kept.clinic_id) == (post.user_id, clinic.pk)
    staff.force_login(post.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = staff.session
    session[settings.SECOND_FACTOR_MARK] = timezone.now().isoformat()
    request: Any = type("Request", (), {"session": session})()
    kept_forms.remember(request, UUID(str(post.user_id)), timezone.now())
    session.save()
    assert 'value="Nytt navn legesenter"' in staff.get(page).content.decode()


def test_a_page_with_something_kept_costs_one_query_more_and_others_none(
    patient: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    details, start = address("patients:details", clinic), address("home:start", clinic)

    def queries(page: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            patient.get(page)
        return len(counted)

    patient.get(start)
    before = queries(details), queries(start)
    ends_and_sends(patient, clinic)
    signs_in(patient, clinic, idp)
    patient.get(start)
    assert (queries(details), queries(start)) == (before[0] + 1, before[1])
