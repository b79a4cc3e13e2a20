"""A patient who is signed in on a Monday at nine, for the pages that a crowd comes to."""

import pytest
import time_machine

from tests.services.booking.build_booking import NOW, make_world
from tests.services.booking.test_pages import sign_in_listed

BY_ITSELF = {"HX-Request": "true"}
"""As a page's script sends a form."""


@pytest.fixture(autouse=True)
def on_a_monday_at_nine():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def client(world):
    return sign_in_listed(world)
