"""The second factor once more before dangerous acts (number: docs/security.md)."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from clinic_admin.choices import Role
from clinic_admin.models import Clinic, StaffMember
from identity.models import User
from identity.session import kept_forms
from portal.models import AuditEvent
from tests.architecture.build_everything import make_place
from tests.build import make_clinic, make_staff_member
from tests.identity.build_staff import (
    SECRET,
    add_passkey,
    age,
    code,
    options_of,
    security_key,
    sign_in,
)

pytestmark = pytest.mark.django_db

ASKED = "Show that it is you"


@pytest.fixture
def admin(client: Client, enrolled: User, office: Clinic) -> Client:
    """A signed-in administrator whose last proof is five minutes old."""
    StaffMember.objects.update(roles=[Role.CLINIC_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR])
    sign_in(client)
    age(client)
    return client


def switch(clinic: Clinic) -> str:
    return reverse("clinic_admin:switch_portal", args=[clinic.portal_identifier])


def is_on(clinic: Clinic) -> bool:
    clinic.refresh_from_db()
    return clinic.is_active


def test_w17_a_dangerous_act_waits_for_the_second_factor_and_is_then_done_once(
    admin: Client, office: Clinic, enrolled: User
) -> None:
    before = admin.session.session_key
    question = admin.post(switch(office), {"portal": "off", "more": ["a", "<b>"]})
    assert question.status_code == 403
    assert ASKED in question.text
    assert '<input type="hidden" name="portal" value="off">' in question.text
    assert '<input type="hidden" name="more" value="&lt;b&gt;">' in question.text
    assert is_on(office)
    done = admin.post(switch(office), {"portal": "off", "proof-code": code()})
    assert done.status_code == 302
    assert not is_on(office)
    assert admin.session.session_key != before
    assert AuditEvent.objects.filter(action="auth.again").count() == 1
    assert admin.post(switch(office), {"portal": "on"}).status_code == 302


def test_w17_looking_asks_for_nothing(admin: Client, office: Clinic) -> None:
    assert admin.get(reverse("identity_admin:sign_in", args=[office.portal_identifier])).status_code == 200
    assert ASKED not in admin.get(reverse("onboarding_admin:staff", args=[office.portal_identifier])).text


def test_w17_who_has_just_signed_in_is_asked_for_nothing(
    client: Client, enrolled: User, office: Clinic
) -> None:
    StaffMember.objects.update(roles=[Role.CLINIC_ADMINISTRATOR])
    sign_in(client)
    age(client, 4.9)
    assert client.post(switch(office), {"portal": "off"}).status_code == 302


@pytest.mark.parametrize("mark", ["yes", "2026-11-28T10:00:00+00:00", True, 4e9, -1, None])
def test_w17_a_mark_that_is_no_instant_or_lies_ahead_is_not_fresh(
    admin: Client, office: Clinic, settings: Any, mark: Any
) -> None:
    session = admin.session
    session[settings.SECOND_FACTOR_MARK] = mark
    session.save()
    assert admin.post(switch(office), {"portal": "off"}).status_code in {302, 403}
    assert is_on(office)


def test_w17_a_code_works_once_and_wrong_ones_are_counted(
    admin: Client, office: Clinic, enrolled: User
) -> None:
    used = code()
    assert admin.post(switch(office), {"portal": "off", "proof-code": used}).status_code == 302
    age(admin)
    again = admin.post(switch(office), {"portal": "on", "proof-code": used})
    assert again.status_code == 422
    assert "used already" in again.text
    assert 'name="portal" value="on"' in again.text
    cache.clear()
    for number in range(5):
        wrong = admin.post(switch(office), {"portal": "on", "proof-code": f"{number:06d}"})
        assert wrong.status_code == 422
    late = admin.post(switch(office), {"portal": "on", "proof-code": code()})
    assert late.status_code == 422
    assert "Too many attempts" in late.text
    assert not is_on(office)
    assert AuditEvent.objects.filter(action="auth.fail", details__reason="again").count() == 7


def test_w17_a_passkey_answers_too_and_one_of_another_site_does_not(
    client: Client, enrolled: User, office: Clinic
) -> None:
    StaffMember.objects.update(roles=[Role.CLINIC_ADMINISTRATOR])
    key = security_key()
    add_passkey(sign_in(client), key)
    age(client)
    question = client.post(switch(office), {"portal": "off"})
    bad = key.show(options_of(question), origin="https://venterom.evil.example")
    refused = client.post(switch(office), {"portal": "off", "proof-credential": bad})
    assert refused.status_code == 422
    assert is_on(office)
    good = key.show(options_of(refused))
    assert client.post(switch(office), {"portal": "off", "proof-credential": good}).status_code == 302
    assert not is_on(office)


def test_w17_a_recovery_code_answers_once(admin: Client, office: Clinic, enrolled: User) -> None:
    codes = Authenticator.objects.get(user=enrolled, type="recovery_codes").wrap().get_unused_codes()
    assert admin.post(switch(office), {"portal": "off", "proof-code": codes[0]}).status_code == 302
    age(admin)
    assert admin.post(switch(office), {"portal": "on", "proof-code": codes[0]}).status_code == 422


def test_w17_the_token_against_forged_requests_is_needed_for_the_answer_as_well(
    enrolled: User, office: Clinic
) -> None:
    StaffMember.objects.update(roles=[Role.CLINIC_ADMINISTRATOR])
    strict = Client(enforce_csrf_checks=True)
    plain = sign_in(Client())
    strict.cookies = plain.cookies
    age(strict)
    assert strict.post(switch(office), {"portal": "off", "proof-code": code()}).status_code == 403
    assert is_on(office)


def test_w17_who_thinks_better_of_it_gets_back_to_the_page_also_after_a_wrong_code(
    admin: Client, office: Clinic
) -> None:
    page = reverse("clinic_admin:clinic", args=[office.portal_identifier])
    first = admin.post(switch(office), {"portal": "off"}, HTTP_REFERER=f"http://localhost:8000{page}")
    assert f'href="{page}"' in first.text
    sent = {"portal": "off", "proof-code": "000000", "proof-back": page}
    second = admin.post(switch(office), sent, HTTP_REFERER=f"http://localhost:8000{switch(office)}")
    assert f'href="{page}"' in second.text
    evil = admin.post(switch(office), {"portal": "off", "proof-back": "//evil.example"})
    assert "evil.example" not in evil.text


def test_w17_the_answer_is_not_kept_when_the_session_has_ended_meanwhile() -> None:
    sent = QueryDict("portal=off&proof-code=123456&proof-credential=%7B%7D&proof-back=/x/&credential=%7B%7D")
    assert kept_forms.fields_of(sent) == [("portal", "off")]


def test_w17_an_empty_form_is_asked_about_too(admin: Client, office: Clinic) -> None:
    assert admin.post(switch(office)).status_code == 403
    assert is_on(office)


def test_w17_a_file_is_refused_kindly(admin: Client, office: Clinic) -> None:
    address = reverse("identity_admin:sign_in", args=[office.portal_identifier])
    file = SimpleUploadedFile("a.txt", b"words")
    refused = admin.post(address, {"file": file}, HTTP_REFERER=f"http://localhost:8000{address}")
    assert refused.status_code == 403
    assert "choose the file again" in refused.text
    assert f"?next={address}" in refused.text


def test_w17_administrators_are_asked_and_others_are_refused_as_before(
    admin: Client, office: Clinic, enrolled: User
) -> None:
    StaffMember.objects.update(roles=[Role.ASSISTANT])
    refused = admin.post(switch(office), {"portal": "off"})
    assert refused.status_code == 403
    assert ASKED not in refused.text
    elsewhere = make_clinic()
    assert admin.post(switch(elsewhere), {"portal": "off"}).status_code == 404


DANGEROUS: list[tuple[str, list[str], dict[str, str]]] = [
    ("clinic_admin:switch_portal", [], {}),
    ("clinic_admin:identifier", [], {}),
    ("clinic_admin:undo", ["event_id"], {}),
    ("identity_admin:sign_in", [], {}),
    ("access_admin:provider", ["provider_id"], {}),
    ("access_admin:special_reset", [], {"sure": "yes"}),
    ("access_admin:special_undo", ["event_id"], {}),
    ("delegation_admin:matrix", ["service"], {}),
    ("delegation_admin:undo_matrix", ["service"], {}),
    ("delegation_admin:messages", [], {}),
    ("onboarding_admin:person", ["member_id"], {}),
    ("onboarding_admin:link", ["member_id"], {}),
    ("onboarding_admin:request_reset", ["member_id"], {}),
    ("onboarding_admin:confirm_reset", ["reset_id"], {}),
    ("onboarding_admin:leave", ["member_id"], {"confirmed": "yes"}),
    ("onboarding_admin:back", ["member_id"], {}),
    ("onboarding_admin:provider_leave", ["provider_id"], {"confirmed": "yes"}),
    ("onboarding_admin:provider_back", ["provider_id"], {}),
    ("patients_staff:account", ["patient_id"], {"act": "no-eid"}),
]
"""Each dangerous act: its address, what the address names, and what makes it more than a look."""


def test_w17_every_dangerous_act_asks(admin: Client, enrolled: User) -> None:
    place = make_place()
    make_staff_member(place.clinic, Role.SYSTEM_ADMINISTRATOR, user=enrolled)
    events = AuditEvent.objects.count()
    for name, named, sent in DANGEROUS:
        words = [place.named[word] for word in ["clinic", *named]]
        answer = admin.post(reverse(name, args=words), sent)
        assert (answer.status_code, ASKED in answer.text) == (403, True), name
    new = [place.named["clinic"], place.named["new_staff_id"], "summary"]
    assert ASKED in admin.post(reverse("onboarding_admin:step", args=new)).text
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize(
    ("name", "sent"), [("delegation_admin:matrix", {"fill": "row"}), ("access_admin:provider", {"back": "1"})]
)
def test_a_form_that_only_leads_to_another_look_asks_for_nothing(
    admin: Client, enrolled: User, name: str, sent: dict[str, str]
) -> None:
    place = make_place()
    make_staff_member(place.clinic, Role.SYSTEM_ADMINISTRATOR, user=enrolled)
    argument = "service" if name.endswith("matrix") else "provider_id"
    answer = admin.post(reverse(name, args=[place.named["clinic"], place.named[argument]]), sent)
    assert ASKED not in answer.text


def test_own_pages_ask_by_themselves_and_lead_back(admin: Client, enrolled: User) -> None:
    there = reverse("mfa_generate_recovery_codes")
    asked = admin.get(there)
    page = admin.get(asked["Location"])
    assert page.status_code == 200
    assert f'name="next" value="{there}"' in page.text
    wrong = admin.post(reverse("mfa_reauthenticate"), {"next": there, "proof-code": "123"})
    assert wrong.status_code == 422
    proven = admin.post(reverse("mfa_reauthenticate"), {"next": there, "proof-code": code(SECRET)})
    assert proven["Location"] == there
    assert admin.get(there).status_code == 200


@pytest.mark.parametrize(
    "there", ["//evil.example", "https://evil.example", "/\\evil", "javascript:alert(1)", ""]
)
def test_w9_the_question_leads_to_pages_of_our_own_only(admin: Client, there: str) -> None:
    proven = admin.post(reverse("mfa_reauthenticate"), {"next": there, "proof-code": code()})
    assert proven["Location"] == reverse("mfa_index")
