"""Sessions that end, for tests: clocks moved, somebody signed in, and what they send too late."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Clinic
from identity.models import IdentityProvider
from tests.identity.build_identity import FakeIdp, begin, come_back, enter

TYPED = {"mobile": "98 76 54 32", "email": "ny@x.example", "language": "da"}


def address(name: str, clinic: Clinic, *more: str) -> str:
    return reverse(name, args=[clinic.portal_identifier, *more])


def form_token(browser: Client, path: str) -> str:
    """Return the form token of the page, for a browser that checks it."""
    return browser.get(path).content.decode().partition('name="csrfmiddlewaretoken" value="')[2][:64]


def move_clock(client: Client, *, opened: timedelta = timedelta(), seen: timedelta = timedelta()) -> None:
    session = client.session
    session["opened_at"] = (timezone.now() - opened).isoformat()
    session["seen_at"] = (timezone.now() - seen).isoformat()
    session.save()


def signs_in(client: Client, clinic: Clinic, idp: FakeIdp, **form: str) -> Any:
    begin(client, clinic, **form)
    come_back(client, idp)
    return enter(client, clinic)


@pytest.fixture
def patient(client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp) -> Client:
    client.cookies["django_language"] = "en"
    signs_in(client, clinic, idp)
    return client


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def left(client: Client) -> dict[str, Any]:
    told: dict[str, Any] = client.get(reverse("session:left")).json()
    return told


def ends_and_sends(
    client: Client, clinic: Clinic, *, typed: dict[str, str] | None = None, **more: Any
) -> Any:
    """Let the session end unused, then send the form that was still open."""
    move_clock(client, seen=timedelta(minutes=21))
    return client.post(address("patients:details", clinic), TYPED if typed is None else typed, **more)


def field_values(page: str) -> dict[str, bool]:
    return {
        "mobile": 'value="98 76 54 32"' in page,
        "email": 'value="ny@x.example"' in page,
        "language": '<option value="da" selected="">' in page,
    }
