"""Staff's own page about their login, and recovery codes."""

from typing import Any
from urllib.parse import unquote

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from clinic_admin.models import Clinic
from identity.models import User
from tests.identity.build_staff import add_passkey, age, code, give_code, give_password, sign_in

pytestmark = pytest.mark.django_db

PAGE, CODES, NEW_CODES = "mfa_index", "mfa_view_recovery_codes", "mfa_generate_recovery_codes"


def codes_of(user: User) -> list[str]:
    unused: list[str] = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    return unused


def use_up(user: User, left: int) -> None:
    row = Authenticator.objects.get(user=user, type="recovery_codes")
    row.data["used_mask"] = (1 << 10 - left) - 1
    row.save()


def test_the_page_names_what_protects_the_login_and_when_it_was_used(client: Client, enrolled: User) -> None:
    sign_in(client)
    add_passkey(client, name="Key ring")
    page = client.get(reverse(PAGE)).text
    for words in (enrolled.email, "Key ring", "not used yet", "Set up", "used last", "10 codes are left"):
        assert str(words) in page, words


def test_every_page_of_staff_leads_there(client: Client, enrolled: User, office: Clinic) -> None:
    sign_in(client)
    calendar = client.get(reverse("booking_staff:calendar", args=[office.portal_identifier]))
    assert f'href="{reverse(PAGE)}"' in calendar.text


def test_the_page_costs_the_same_with_many_passkeys(
    client: Client, enrolled: User, django_assert_num_queries: Any
) -> None:
    sign_in(client)
    for number in range(3):
        Authenticator.objects.create(
            user=enrolled, type="webauthn", data={"name": f"Key {number}", "credential": {}}
        )
    with django_assert_num_queries(4):
        assert client.get(reverse(PAGE)).status_code == 200


def test_a_page_that_takes_nothing_away_offers_nothing_to_take_away(client: Client, enrolled: User) -> None:
    sign_in(client)
    page = client.get(reverse(PAGE)).text
    assert reverse("identity_staff:remove_code_app") not in page
    add_passkey(client)
    assert reverse("identity_staff:remove_code_app") in client.get(reverse(PAGE)).text


def test_recovery_codes_are_shown_once_with_a_file_of_them(client: Client, enrolled: User) -> None:
    sign_in(client)
    assert client.head(reverse(CODES)).status_code == 405
    first = client.get(reverse(CODES))
    assert first["Cache-Control"] == "no-store"
    for one in codes_of(enrolled):
        assert first.text.count(one) == 2
    file = unquote(first.text.split('href="data:text/plain;charset=utf-8,')[1].split('"')[0])
    assert file.splitlines()[1:] == codes_of(enrolled)
    again = client.get(reverse(CODES)).text
    assert "not shown again" in again
    assert not any(one in again for one in codes_of(enrolled))


def test_new_recovery_codes_need_a_fresh_proof_and_end_the_old_ones(client: Client, enrolled: User) -> None:
    age(sign_in(client))
    old = codes_of(enrolled)
    assert client.post(reverse(NEW_CODES))["Location"].startswith(reverse("mfa_reauthenticate"))
    client.post(reverse("mfa_reauthenticate"), {"proof-code": code()})
    made = client.post(reverse(NEW_CODES))
    assert made["Location"] == reverse(CODES)
    shown = client.get(made["Location"]).text
    assert all(one in shown for one in codes_of(enrolled))
    assert set(old).isdisjoint(codes_of(enrolled))
    other = Client()
    give_password(other)
    assert give_code(other, old[0]).status_code == 422


@pytest.mark.parametrize(("left", "is_warned"), [(10, False), (3, False), (2, True), (1, True), (0, True)])
def test_few_recovery_codes_are_warned_of(client: Client, enrolled: User, left: int, is_warned: bool) -> None:
    sign_in(client)
    use_up(enrolled, left)
    page = client.get(reverse(PAGE)).text
    assert ("Make new ones now" in page) is is_warned
    assert f"{left} code" in page
