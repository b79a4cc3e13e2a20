"""Receipts from outside: signed, or nothing."""

import random
import uuid
from urllib.parse import urlencode

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from notifications.choices import State
from notifications.demo_sms.signature import sign
from notifications.models import CarrierReport, OutboxAttempt, OutboxMessage
from tests.notifications.build_notifications import queue

TOKEN = "demo-token"
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


@given(st.dictionaries(texts, texts, max_size=8), texts)
def test_the_stand_in_signs_as_the_sdk_expects(fields, token):
    address = "https://portal.example/webhooks/twilio/x/?a=b"
    assert RequestValidator(token or "t").validate(address, fields, sign(address, fields, token or "t"))


@pytest.fixture
def sent():
    """An attempt whose message was taken over."""
    message = queue()
    attempt = OutboxAttempt.objects.create(message=message, started_at=timezone.now())
    OutboxMessage.objects.filter(pk=message.pk).update(
        state=State.SENDING, lease_until=timezone.now(), last_attempt_id=attempt.pk
    )
    return attempt


def path_of(attempt_id):
    return f"/webhooks/twilio/{attempt_id}/"


def receipt(status="delivered", **more):
    return {"MessageSid": "SM" + "1" * 32, "MessageStatus": status, "To": "+4791000000", **more}


def post(client, settings, attempt_id, fields, *, token=TOKEN, signature=None, address=None, **headers):
    path = path_of(attempt_id)
    if signature is None:
        signature = sign(address or settings.BASE_URL + path, fields, token)
    return client.post(
        path,
        urlencode(fields),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signature, **headers},
    )


@pytest.mark.django_db
def test_a_signed_receipt_advances_its_message(client, settings, sent):
    assert post(client, settings, sent.pk, receipt()).status_code == 204
    assert OutboxMessage.objects.get().state == State.DELIVERED
    sent.refresh_from_db()
    assert sent.provider_sid == receipt()["MessageSid"]


@pytest.mark.django_db
def test_the_same_receipt_twice_is_stored_once(client, settings, sent):
    for _ in range(2):
        assert post(client, settings, sent.pk, receipt()).status_code == 204
    assert CarrierReport.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_receipts_in_any_order_end_the_same(client, settings, sent, seed):
    statuses = ["queued", "sending", "sent", "delivered", "sent", "queued"]
    random.Random(seed).shuffle(statuses)
    for number, status in enumerate(statuses):
        post(client, settings, sent.pk, receipt(status, Number=str(number)))
    assert OutboxMessage.objects.get().state == State.DELIVERED


@pytest.mark.django_db
def test_a_status_we_do_not_know_harms_nothing(client, settings, sent):
    assert post(client, settings, sent.pk, receipt("teleported" * 9)).status_code == 204


@pytest.mark.django_db
def test_an_unknown_attempt_looks_like_a_known_one(client, settings):
    assert post(client, settings, uuid.uuid4(), receipt()).status_code == 204
    assert not CarrierReport.objects.exists()


@pytest.mark.django_db
def test_while_the_token_is_changed_both_are_accepted(client, settings, sent):
    settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_BEFORE = "new", TOKEN
    assert post(client, settings, sent.pk, receipt()).status_code == 204
    assert post(client, settings, sent.pk, receipt(), token="new").status_code == 204
    assert post(client, settings, sent.pk, receipt(), token="older").status_code == 403


@pytest.mark.django_db
def test_an_empty_second_token_opens_nothing(client, settings, sent):
    assert post(client, settings, sent.pk, receipt(), token="").status_code == 403


@pytest.mark.django_db
def test_the_address_counts_that_is_configured_and_not_the_one_that_is_asked(client, settings, sent):
    forged = f"http://evil.example{path_of(sent.pk)}"
    assert post(client, settings, sent.pk, receipt(), address=forged).status_code == 403


@pytest.mark.django_db
def test_a_receipt_for_one_attempt_does_not_work_for_another(client, settings, sent):
    other = settings.BASE_URL + path_of(uuid.uuid4())
    assert post(client, settings, sent.pk, receipt(), address=other).status_code == 403


@pytest.mark.django_db
def test_no_changed_receipt_gets_in(client, settings, sent):
    chance = random.Random(20261122)
    fields = receipt(ErrorCode="30003")
    good = sign(settings.BASE_URL + path_of(sent.pk), fields, TOKEN)
    for _ in range(400):
        changed, signature = dict(fields), good
        match chance.randrange(5):
            case 0:
                changed[chance.choice(list(changed))] += chance.choice("abc019 +")
            case 1:
                changed.pop(chance.choice(list(changed)))
            case 2:
                changed["Extra" + chance.choice("abc")] = "1"
            case 3:
                place = chance.randrange(len(good) - 2)
                signature = good[:place] + chance.choice("!#~") + good[place + 1 :]
            case 4:
                signature = chance.choice(["", "=", good[:-4], good * 2, "é" * 28])
        assert post(client, settings, sent.pk, changed, signature=signature).status_code == 403
    assert not CarrierReport.objects.exists()
    assert post(client, settings, sent.pk, fields, signature=good).status_code == 204


@pytest.mark.django_db
def test_a_receipt_without_signature_asks_the_database_nothing(
    client, settings, sent, django_assert_num_queries
):
    with django_assert_num_queries(0):
        assert client.post(path_of(sent.pk), receipt()).status_code == 403


@pytest.mark.django_db
def test_too_large_a_receipt_is_refused_unread(client, settings, sent):
    assert post(client, settings, sent.pk, receipt(Pad="x" * 17_000)).status_code == 413


@pytest.mark.django_db
def test_only_post_is_taken(client, sent):
    assert client.get(path_of(sent.pk)).status_code == 405


@pytest.mark.django_db
def test_a_receipt_does_not_revive_what_was_withdrawn(client, settings, sent):
    OutboxMessage.objects.update(
        state=State.CANCELLED, lease_until=None, closed_at=timezone.now(), withdrawn_at=timezone.now()
    )
    post(client, settings, sent.pk, receipt())
    assert OutboxMessage.objects.get().state == State.CANCELLED


def every_view(patterns=None, prefix=""):
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            yield from every_view(entry.url_patterns, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield prefix + str(entry.pattern), entry.callback


def test_exactly_these_addresses_take_posts_without_a_csrf_token():
    exempt = {route for route, view in every_view() if getattr(view, "csrf_exempt", False)}
    account = "demo-sms/2010-04-01/Accounts/<str:account>"
    ours = {route for route in exempt if route.startswith(("webhooks/", "demo-sms/"))}
    assert ours == {
        "webhooks/twilio/<uuid:attempt>/",
        f"{account}.json",
        f"{account}/Messages.json",
        f"{account}/Messages/<str:sid>.json",
    }
    assert {route for route in exempt - ours if not route.startswith(("demo-idp/", "sign-in/"))} == set()
