"""What holds for every answer of the product."""

import json
import logging

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory

from portal import logs
from portal.middleware import AudienceMiddleware, UnavailableMiddleware
from tests.build import make_clinic

pytestmark = pytest.mark.django_db


def test_alive_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "alive"}


def test_ready_says_so_when_the_database_is_migrated(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_ready_says_no_while_migrations_wait(client, monkeypatch):
    from django.db.migrations.recorder import MigrationRecorder

    applied = MigrationRecorder.applied_migrations

    def all_but_one(recorder):
        rows = applied(recorder)
        rows.pop(max(key for key in rows if key[0] == "portal"))
        return rows

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", all_but_one)
    assert client.get("/readyz").status_code == 503


def test_every_page_tells_the_browser_what_it_may_do(client):
    answer = client.get("/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"
    assert len(answer["X-Request-ID"]) == 16


def test_a_request_id_from_outside_is_never_taken_over(client):
    assert client.get("/", headers={"X-Request-ID": "mine"})["X-Request-ID"] != "mine"


def test_an_unknown_clinic_is_not_found(client):
    assert client.get("/no-such-clinic/").status_code == 404


def test_the_clinics_country_chooses_the_language_until_the_reader_does(client):
    make_clinic(portal_identifier="dansk", country="DK")
    assert '<html lang="da"' in client.get("/dansk/").content.decode()
    client.cookies["django_language"] = "en"
    assert '<html lang="en"' in client.get("/dansk/").content.decode()


def test_the_reader_chooses_a_language_and_stays_on_the_page(client):
    make_clinic(portal_identifier="norsk")
    answer = client.post("/language/", {"language": "en", "next": "/norsk/"})
    assert (answer.status_code, answer["Location"]) == (302, "/norsk/")
    assert client.cookies["django_language"].value == "en"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_choosing_a_language_never_leads_elsewhere(client, elsewhere):
    assert "evil" not in client.post("/language/", {"language": "en", "next": elsewhere})["Location"]


@pytest.mark.parametrize("spelling", ["ClinicId", "clinicid", "CLINICID"])
def test_the_links_that_clinics_already_have_lead_to_the_same_clinic(client, spelling):
    make_clinic(portal_identifier="karrestadlegekontor")
    answer = client.get(f"/Login.aspx?{spelling}=karrestadlegekontor")
    assert (answer.status_code, answer["Location"]) == (301, "/karrestadlegekontor/")


@pytest.mark.parametrize("address", ["/?to=%00", "/Login.aspx?ClinicId=a%00b", "/a%00b/"])
def test_an_address_with_a_nul_is_not_understood_instead_of_breaking(client, address):
    answer = client.get(address)
    assert answer.status_code == 400
    assert answer["Content-Security-Policy"]


def test_an_address_that_is_only_for_sending_is_a_page_for_whoever_opens_it(client):
    client.cookies["django_language"] = "en"
    answer = client.get("/sign-in/session/stay/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "Nothing has been changed by opening it" in answer.content.decode()
    assert answer["X-Frame-Options"] == "DENY"


def test_an_old_link_to_no_clinic_is_not_found(client):
    assert client.get("/Login.aspx?ClinicId=gone").status_code == 404
    assert client.get("/Login.aspx").status_code == 404


def test_a_clinic_whose_portal_is_off_says_so_and_offers_no_sign_in(client):
    make_clinic(portal_identifier="stengt", is_active=False, phone="+4721560000")
    page = client.get("/stengt/", headers={"Cookie": "django_language=en"}).content.decode()
    assert "21 56 00 00" in page
    assert "sign-in/" not in page


def test_a_view_without_an_audience_is_refused():
    with pytest.raises(PermissionDenied):
        AudienceMiddleware(lambda request: HttpResponse()).process_view(
            RequestFactory().get("/"), lambda: None, (), {}
        )


def test_a_lost_database_is_a_calm_page_with_the_right_status(rf):
    from django.db import OperationalError

    def broken(request):
        raise OperationalError("the server closed the connection")

    answer = UnavailableMiddleware(broken)(rf.get("/"))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert b"server closed" not in answer.content


def test_a_database_that_is_lost_before_any_page_is_reached_is_the_same_calm_page(
    client, monkeypatch, settings
):
    """Django makes a page of what a middleware raises before the next one further out sees it."""
    from django.db import OperationalError

    from patients import arrival

    def lost(**_values):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(arrival._ARRIVAL, "first", lost)
    client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    client.raise_request_exception = False
    answer = client.get(f"/{make_clinic().portal_identifier}/")
    assert (answer.status_code, answer.get("Retry-After")) == (503, "10")


def test_too_much_sent_at_once_is_said_plainly(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = client.post("/language/", {"language": "en", "next": "x" * 500})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("patient 14848800123 not found", "patient [number] not found"),
        ("cpr 120345-1234", "cpr [number]"),
        ("sent to +47 912 34 567", "sent to [number]"),
        ("mail kari@example.no bounced", "mail [address] bounced"),
        ("took 12.5 ms in clinic 42", "took 12.5 ms in clinic 42"),
        ("id 0f3c2a44-9b1d-4f0e-8a55-123456789012", "id 0f3c2a44-9b1d-4f0e-8a55-123456789012"),
    ],
)
def test_log_lines_lose_what_looks_like_a_person(text, left):
    assert logs.without_personal_data(text) == left


def test_a_traceback_in_the_log_holds_lines_but_no_values():
    try:
        raise ValueError("14848800123")
    except ValueError:
        import sys

        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it broke", None, sys.exc_info())
    line = logs.JsonFormatter().format(record)
    assert "14848800123" not in line
    assert json.loads(line)["exception"] == "ValueError"
