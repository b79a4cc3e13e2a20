"""Text messages through Twilio. The provider takes no idempotency key, so the attempt's id is in the receipt's address."""

import logging
from datetime import timedelta
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from notifications import policy
from notifications.choices import Found, Outcome
from notifications.letters import Answer, Letter, Search, Sighting

SENDER_THREADS = 16
CLOCKS_DIFFER = timedelta(minutes=1)
LISTED = 50
"""So many messages to the same number are looked through; nobody gets more within the grace."""

_silent = logging.getLogger("twilio.silent")
_silent.disabled = True  # the SDK's own lines hold numbers and texts


def make_client() -> Client:
    """Return a client with the settings' account. It can be used from several threads."""
    http = TwilioHttpClient(
        timeout=settings.SMS_TIMEOUT_SECONDS,
        logger=_silent,
        proxy=requests.utils.get_environ_proxies(settings.TWILIO_BASE_URL),
    )
    assert http.session is not None
    http.session.trust_env = False  # the proxy was looked up once, and no other file may name another account
    for scheme in ("http://", "https://"):
        http.session.mount(scheme, HTTPAdapter(pool_maxsize=SENDER_THREADS, max_retries=0))
    client = Client(  # type: ignore[no-untyped-call]
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=http
    )
    client.api.base_url = settings.TWILIO_BASE_URL
    return client


def close(client: Client) -> None:
    """Close the client's connections."""
    http = client.http_client
    if isinstance(http, TwilioHttpClient) and http.session is not None:
        http.session.close()


def callback_address(letter: Letter) -> str:
    """Return the public address for receipts of this attempt."""
    return f"{settings.BASE_URL}/webhooks/twilio/{letter.attempt_id}/"


def send(client: Client, letter: Letter) -> Answer:
    """Give a letter to Twilio, once. Raises nothing: whatever we can't explain is unclear, never "not sent"."""
    sender: dict[str, Any] = (
        {"messaging_service_sid": settings.TWILIO_FROM}
        if settings.TWILIO_FROM.startswith("MG")
        else {"from_": settings.TWILIO_FROM}
    )
    try:
        message = client.messages.create(
            to=letter.recipient,
            body=letter.body,
            status_callback=callback_address(letter),
            validity_period=letter.validity_seconds,
            **sender,
        )
    except TwilioRestException as error:
        return Answer(
            policy.outcome_by_answer(error.status, error.code), code=str(error.code or error.status)
        )
    except requests.RequestException as error:
        outcome = Outcome.BUSY if never_connected(error) else Outcome.UNCLEAR
        return Answer(outcome, code=type(error).__name__[:20])
    except Exception as error:
        return Answer(Outcome.UNCLEAR, code=type(error).__name__[:20])
    if not message.sid:
        return Answer(Outcome.UNCLEAR, code="no-sid")
    return Answer(Outcome.ACCEPTED, sid=message.sid, status=str(message.status or ""))


def never_connected(error: requests.RequestException) -> bool:
    """Return whether the request failed before a byte of it was sent."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        return isinstance(cause.reason, NewConnectionError | ConnectTimeoutError)
    return isinstance(error, requests.exceptions.ConnectTimeout)


def find(client: Client, letter: Letter) -> Search:
    """Look for a letter among what Twilio lists for the number. Raises nothing."""
    try:
        listed = client.messages.list(to=letter.recipient, limit=LISTED)
        earliest = letter.started_at - CLOCKS_DIFFER
        recent = [each for each in listed if each.date_created and each.date_created >= earliest]
        hits = tuple(
            Sighting(str(each.sid), str(each.status or ""))
            for each in reversed(recent)
            if (each.body or "").endswith(letter.body)
        )
        is_hidden = any(not each.body for each in recent)
    except Exception:
        return Search(Found.IMPOSSIBLE)
    if hits:
        return Search(Found.HIT, hits)
    return Search(Found.IMPOSSIBLE if is_hidden else Found.MISS)


def status_of(client: Client, sid: str) -> str | None:
    """Return how far Twilio has come with a message, or None if it does not say. Raises nothing."""
    try:
        return str(client.messages(sid).fetch().status or "")
    except Exception:
        return None
