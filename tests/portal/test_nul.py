"""The NUL character, which Postgres can't look for, is refused wherever a browser could send it."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.build import make_clinic


@pytest.mark.django_db
@pytest.mark.parametrize("cookie", ["sid", "django_language", "csrf"])
def test_a_cookie_that_holds_it_is_a_bad_request_and_no_failure(cookie):
    page = reverse("home:start", args=[make_clinic().portal_identifier])
    answer = Client(headers={"cookie": f'{cookie}="\\000aaaaaaaaaaaaaaaa"'}).get(page)
    assert answer.status_code == 400
