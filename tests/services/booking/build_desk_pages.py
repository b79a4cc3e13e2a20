"""A clinic whose secretary is signed in, for the desk's pages."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from tests.build import make_clinic, make_provider
from tests.services.booking.build_booking import allow
from tests.services.booking.build_staff import sign_in_staff

HOUR = timedelta(hours=1)


@pytest.fixture
def place(db, client):
    client.cookies["django_language"] = "en"
    clinic = make_clinic()
    sign_in_staff(client, clinic)
    return clinic


@pytest.fixture
def gp(place):
    gp = make_provider(place, name="Lege Berg")
    allow(gp)
    return gp


def url(clinic, name, *args, **query):
    return reverse(f"desk:{name}", args=[clinic.portal_identifier, *args]) + (
        f"?{urlencode(query)}" if query else ""
    )
