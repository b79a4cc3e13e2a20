"""Links with which new staff choose their password."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from identity.choices import StaffLinkRefusal
from identity.models import StaffLink
from identity.staff import links as staff_links
from identity.staff.links import StaffLinkRefused
from notifications import retention
from notifications.choices import Channel, MessageKind, State
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from tests.build import make_clinic, make_user
from tests.notifications.build_notifications import queue

pytestmark = pytest.mark.django_db

PASSWORD = "korrekt hest batteri"
CHOOSE = "identity_staff:choose_password"


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def user():
    return make_user(email="kari@legekontor.example", name="Kari Ny")


def send(user, clinic, now=None):
    """Send a link, and return its path as the e-mail has it."""
    link = staff_links.send_link(user=user, clinic=clinic, actor=None, now=now or timezone.now())
    body = OutboxMessage.objects.about(link).get().body
    return re.search(r"https?://[^/]+(/\S+)", body)[1]


def choose(client, path, password=PASSWORD, again=None):
    client.get(path)
    return client.post(reverse(CHOOSE), {"password": password, "again": again or password})


def test_the_link_goes_out_by_e_mail_and_only_its_hash_is_stored(user, clinic):
    path = send(user, clinic)
    token = path.rstrip("/").rsplit("/", 1)[1]
    message = OutboxMessage.objects.get()
    assert (message.channel, message.kind, message.recipient) == (
        Channel.EMAIL,
        MessageKind.STAFF_INVITATION,
        user.email,
    )
    link = StaffLink.objects.get()
    assert link.token_hash == staff_links.hash_of(token) != token
    assert token not in str(list(AuditEvent.objects.values()))


def test_new_staff_choose_a_password_and_can_sign_in_then(client, user, clinic):
    answer = choose(client, send(user, clinic))
    assert (answer.status_code, answer.url) == (302, reverse("account_login"))
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    signed_in = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert signed_in.status_code == 302
    page = client.get(reverse("identity_staff:landing"))
    assert page.url == reverse("mfa_activate_totp")


def test_looking_at_the_link_uses_nothing_up(client, user, clinic):
    path = send(user, clinic)
    for _ in range(3):
        page = client.get(path, follow=True)
        assert page.status_code == 200
    assert "kari@legekontor.example" in page.text
    assert path not in page.redirect_chain[-1][0]
    assert StaffLink.objects.get().used_at is None
    assert choose(client, path).status_code == 302


def test_the_link_works_once(client, user, clinic):
    path = send(user, clinic)
    choose(client, path)
    assert client.get(path, follow=True).status_code == 410
    assert choose(client, path, "en annen lang setning").status_code == 410
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(("hours", "works"), [(71, True), (72, False)])
def test_the_link_works_for_three_days(client, user, clinic, hours, works):
    path = send(user, clinic, timezone.now() - timedelta(hours=hours))
    assert (client.get(path, follow=True).status_code == 200) is works


def test_a_newer_link_ends_the_older_and_its_unsent_e_mail(client, user, clinic):
    first, second = send(user, clinic), send(user, clinic)
    assert choose(client, first).status_code == 410
    assert OutboxMessage.objects.filter(state=State.CANCELLED).count() == 1
    assert choose(client, second).status_code == 302


def test_who_has_a_password_gets_no_link(user, clinic):
    user.set_password(PASSWORD)
    user.save()
    with pytest.raises(StaffLinkRefused) as refused:
        send(user, clinic)
    assert refused.value.reason == StaffLinkRefusal.HAS_PASSWORD


@pytest.mark.parametrize(
    ("password", "again"),
    [("kort", "kort"), ("password1234", "password1234"), (PASSWORD, PASSWORD + "x"), ("", "")],
)
def test_a_bad_password_is_explained_and_the_link_stays(client, user, clinic, password, again):
    path = send(user, clinic)
    answer = choose(client, path, password, again)
    assert answer.status_code == 422
    assert "error-summary" in answer.text
    assert StaffLink.objects.get().used_at is None
    assert choose(client, path).status_code == 302


def test_made_up_links_are_told_apart_from_nothing(client, user, clinic):
    send(user, clinic)
    assert client.get(reverse("identity_staff:welcome", args=["made-up"]), follow=True).status_code == 410
    assert client.get(reverse(CHOOSE)).status_code == 410


def test_a_closed_login_can_not_be_opened_by_its_link(client, user, clinic):
    path = send(user, clinic)
    user.is_active = False
    user.save()
    assert choose(client, path).status_code == 410


def test_texts_with_a_link_are_erased_as_soon_as_they_are_sent(user, clinic):
    now = timezone.now()
    send(user, clinic)
    other = queue()
    OutboxMessage.objects.update(state=State.ACCEPTED, closed_at=now, next_try_at=None)
    retention.erase_old_texts(now=now + timedelta(minutes=1))
    invitation = OutboxMessage.objects.get(kind=MessageKind.STAFF_INVITATION)
    assert (invitation.body, invitation.erased_at is not None) == ("", True)
    other.refresh_from_db()
    assert other.body
