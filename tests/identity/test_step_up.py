"""Pages and acts that ask for a sure, or a recent, sign-in (numbers: docs/security.md)."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from clinic_admin.choices import Country
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic
from identity import policy, sessions, step_up
from identity.choices import Assurance, Method, Purpose
from identity.models import ClinicCodeSignIn, IdentityProvider, KeptForm
from identity.sessions import SignIn
from patients.models import ContactChange, Patient
from tests.identity.build_identity import SUBSTANTIAL, FakeIdp, begin, come_back, enter

pytestmark = pytest.mark.django_db


def address(name: str, clinic: Clinic, *more: str) -> str:
    return reverse(name, args=[clinic.portal_identifier, *more])


@pytest.fixture
def patient(client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp) -> Client:
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    return client


def signed_in(client: Client, *, ago: timedelta = timedelta(), **values: Any) -> None:
    """Change how, and how long ago, the session was opened."""
    session = client.session
    stored = session["sign_in"] | {"at": (timezone.now() - ago).isoformat()} | values
    session["sign_in"] = stored
    session.save()


def asked(response: Any) -> dict[str, list[str]]:
    """Return what the way to the proof says."""
    parts = urlsplit(response["Location"])
    assert parts.path.endswith("/prove-again/")
    return parse_qs(parts.query)


def contact(client: Client, clinic: Clinic, **more: Any) -> Any:
    form = {"mobile": "98765432", "email": "new@x.example", "language": ""}
    return client.post(address("patients:details", clinic), form, **more)


def test_a_recent_eid_may_change_contact_details(patient: Client, clinic: Clinic) -> None:
    signed_in(patient, ago=timedelta(minutes=9))
    assert contact(patient, clinic)["Location"] == address("patients:details", clinic)
    assert ContactChange.objects.get(kind="email").value == "new@x.example"


def test_an_older_eid_is_asked_for_again_and_nothing_is_changed(patient: Client, clinic: Clinic) -> None:
    signed_in(patient, ago=timedelta(minutes=10))
    before = Patient.objects.get().email
    query = asked(contact(patient, clinic))
    assert query == {"for": ["contact"], "next": [address("patients:details", clinic)]}
    assert Patient.objects.get().email == before
    assert not ContactChange.objects.exists()


def test_the_language_of_messages_needs_no_new_sign_in(patient: Client, clinic: Clinic) -> None:
    signed_in(patient, ago=timedelta(minutes=30))
    record = Patient.objects.get()
    form = {"mobile": record.mobile, "email": record.email, "language": "da"}
    assert patient.post(address("patients:details", clinic), form)["Location"] == address(
        "patients:details", clinic
    )
    assert Patient.objects.get().language == "da"


def test_the_page_says_why_and_leads_back(patient: Client, clinic: Clinic, idp: FakeIdp) -> None:
    signed_in(patient, ago=timedelta(minutes=30))
    way = contact(patient, clinic)["Location"]
    patient.cookies["django_language"] = "en"
    body = patient.get(way).content.decode()
    assert "we make sure that it is you" in body
    assert f'name="next" value="{address("patients:details", clinic)}"' in body
    form = {"for": "contact", "next": address("patients:details", clinic)}
    patient.post(address("identity:step_up", clinic, "bankid-test"), form)
    assert idp.question["prompt"] == "login"
    come_back(patient, idp)
    assert enter(patient, clinic)["Location"] == address("patients:details", clinic)
    assert contact(patient, clinic)["Location"] == address("patients:details", clinic)
    assert ContactChange.objects.get(kind="email").value == "new@x.example"


def test_what_was_sent_is_kept_through_one_proof_after_the_other(
    patient: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    details = address("patients:details", clinic)
    for _ in range(2):
        signed_in(patient, ago=timedelta(minutes=30))
        asked(contact(patient, clinic))
        assert KeptForm.objects.count() == 1
        assert 'value="new@x.example"' in patient.get(details).content.decode()
    patient.post(address("identity:step_up", clinic, "bankid-test"), {"for": "contact", "next": details})
    come_back(patient, idp)
    enter(patient, clinic)
    assert 'value="new@x.example"' in patient.get(details).content.decode()
    assert contact(patient, clinic)["Location"] == details
    assert KeptForm.objects.count() == 0


def test_a_proof_is_never_less_sure_than_the_session(patient: Client, clinic: Clinic, idp: FakeIdp) -> None:
    idp.claims = {"acr": SUBSTANTIAL}
    patient.post(address("identity:step_up", clinic, "bankid-test"), {"for": "contact"})
    assert come_back(patient, idp).status_code == 400


def test_a_substantial_session_proves_itself_at_its_own_level(
    patient: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    signed_in(patient, ago=timedelta(minutes=30), assurance=int(Assurance.SUBSTANTIAL))
    idp.claims = {"acr": SUBSTANTIAL}
    patient.post(address("identity:step_up", clinic, "bankid-test"), {"for": "contact"})
    come_back(patient, idp)
    enter(patient, clinic)
    assert patient.session["sign_in"]["assurance"] == Assurance.SUBSTANTIAL
    assert contact(patient, clinic)["Location"] == address("patients:details", clinic)


def test_a_step_up_keeps_for_whom_one_acts_and_drops_the_rest(
    patient: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    session = patient.session
    session["acting_for"] = {"clinic": clinic.pk, "kind": "proxy", "relation": "0" * 32}
    session["planted"] = "by an attacker"
    session.save()
    patient.post(address("identity:step_up", clinic, "bankid-test"))
    come_back(patient, idp)
    enter(patient, clinic)
    assert patient.session["acting_for"]["clinic"] == clinic.pk
    assert "planted" not in patient.session


def test_whoever_is_not_signed_in_is_led_to_the_front_page(client: Client, clinic: Clinic) -> None:
    page = client.get(address("identity:prove_again", clinic), {"for": "contact"})
    assert page["Location"] == address("clinic_front", clinic)


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example/", "/\\evil"])
def test_w9_the_way_back_is_a_page_of_our_own(patient: Client, clinic: Clinic, onward: str) -> None:
    page = patient.get(address("identity:prove_again", clinic), {"for": "contact", "next": onward})
    assert '<input type="hidden" name="for" value="contact"><input type="hidden" name="next" value="">' in (
        page.content.decode()
    )


def test_w9_the_page_that_a_form_came_from_is_taken_from_our_own_site_only(
    patient: Client, clinic: Clinic
) -> None:
    signed_in(patient, ago=timedelta(minutes=30))
    here = f"http://testserver{address('patients:details', clinic)}?from=start"
    assert asked(contact(patient, clinic, HTTP_REFERER=here))["next"] == [
        f"{address('patients:details', clinic)}?from=start"
    ]
    elsewhere = asked(contact(patient, clinic, HTTP_REFERER="https://evil.example/x"))
    assert elsewhere["next"] == [address("patients:details", clinic)]


# -- e-consultations ---------------------------------------------------------------------------------------
@step_up.proven(Purpose.READ_LETTERS)
def letter(request: Any) -> HttpResponse:
    """Stand where pages, fragments and attachments of e-consultations stand: below the guard."""
    return HttpResponse("about somebody's health")


def opens(clinic: Clinic, assurance: Assurance, path: str, *, htmx: bool = False) -> HttpResponse:
    request: Any = RequestFactory().get(path, headers={"HX-Request": "true"} if htmx else {})
    request.clinic, request.session, request.htmx = clinic, {}, HtmxDetails(request)
    sessions.store(request, SignIn(Method.ONE_TIME_CODE, assurance, timezone.now()))
    return letter(request)


@pytest.mark.parametrize(
    "path", ["/x/letters/", "/x/letters/1/part/", "/x/letters/1/files/2/", "/x/api/letters/"]
)
def test_c16_page_fragment_file_and_interface_of_an_e_consultation_lead_to_the_proof(
    clinic: Clinic, path: str
) -> None:
    for htmx in (False, True):
        answer = opens(clinic, Assurance.TWO_FACTORS, path, htmx=htmx)
        assert b"health" not in answer.content
        way = answer["HX-Redirect"] if htmx else answer["Location"]
        assert way.startswith(address("identity:prove_again", clinic))
        assert parse_qs(urlsplit(way).query)["next"] == [path]
    assert opens(clinic, Assurance.HIGH, path).content == b"about somebody's health"


def test_c16_in_norway_a_fingerprint_is_not_enough_and_the_page_says_so(
    patient: Client, clinic: Clinic
) -> None:
    assert opens(clinic, Assurance.SUBSTANTIAL, "/x/").status_code == 302
    signed_in(patient, assurance=int(Assurance.SUBSTANTIAL))
    patient.cookies["django_language"] = "en"
    page = patient.get(address("identity:prove_again", clinic), {"for": "read-letters"})
    assert "by fingerprint or face" in page.content.decode()
    clinic.requires_eid_for_consultation = False
    assert opens(clinic, Assurance.TWO_FACTORS, "/x/").status_code == 200


def test_c16_in_denmark_substantial_is_enough() -> None:
    need = policy.need_of(Purpose.READ_LETTERS, rules_of(Country.DENMARK), letters_need_eid=True)
    assert need.at_least == Assurance.SUBSTANTIAL


def test_c16_sending_needs_an_eid_of_the_last_hour() -> None:
    need, now = (
        policy.need_of(Purpose.SEND_LETTERS, rules_of(Country.NORWAY), letters_need_eid=True),
        timezone.now(),
    )
    assert need.is_met(Assurance.HIGH, now - timedelta(minutes=59), now)
    assert not need.is_met(Assurance.HIGH, now - timedelta(minutes=60), now)
    assert not need.is_met(Assurance.TWO_FACTORS, now, now)


def test_c16_a_code_session_sees_why_and_has_one_press_to_eid(patient: Client, clinic: Clinic) -> None:
    ClinicCodeSignIn.objects.create(clinic=clinic)
    signed_in(patient, assurance=int(Assurance.TWO_FACTORS), method="one-time-code", clinic_scope=clinic.pk)
    back = address("home:start", clinic)
    body = patient.get(
        address("identity:prove_again", clinic), {"for": "read-letters", "next": back}
    ).content.decode()
    assert body.count(f'action="{address("identity:step_up", clinic, "bankid-test")}"') == 1
    assert "/sign-in/code/" not in body
    download = patient.get(address("identity:prove_again", clinic), {"for": "download", "next": back})
    assert f"{address('home:code_sign_in', clinic)}?next=" in download.content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"error": "access_denied", "code": None}, "You are still signed in as before, and nothing"),
        ({}, "You are still signed in as before."),
    ],
    ids=["cancelled", "too weak"],
)
def test_a_proof_that_fails_takes_nothing_away_and_leads_back(
    patient: Client, clinic: Clinic, idp: FakeIdp, changes: dict[str, str | None], sentence: str
) -> None:
    patient.cookies["django_language"] = "en"
    back = address("patients:details", clinic)
    again = reverse("identity:step_up", args=[clinic.portal_identifier, "bankid-test"])
    patient.post(again, {"for": Purpose.CONTACT.value, "next": back})
    idp.claims = idp.claims | {"acr": SUBSTANTIAL}
    page = come_back(patient, idp, **changes)
    text = page.content.decode()
    assert sentence in text
    assert "You are not signed in" not in text
    assert f'href="{back}"' in text
    assert patient.get(address("home:start", clinic)).status_code == 200
