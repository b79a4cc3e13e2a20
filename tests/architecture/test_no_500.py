"""Every address × everyone × nonsense: a clear answer, never a failure; and whoever may not, changes nothing."""

import copy
import os
import random
import re
import traceback
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.core.signals import got_request_exception
from django.db import connection, transaction
from django.test import Client
from django.urls import resolve

from portal.audience import Audience, audience_of
from tests.architecture.build_everything import everyone, make_place
from tests.architecture.test_house_rules import every_pattern

NASTY = [
    "",
    " ",
    "-1",
    "0",
    "99999999999999999999",
    "0000-00-00",
    "0001-01-01",
    "9999-12-31",
    "25:61",
    "not-a-uuid",
    "00000000-0000-0000-0000-000000000000",
    "a\x00b",
    "\u202e\U0001f489\u0000\ufffe",
    "²",
    "١٢",
    "<script>alert(1)</script>'\"; --",
    "{{ 7|add:7 }} %s %(x)s {0}",
    "../../etc/passwd",
    "x" * 100_000,
]
IN_ADDRESS = {
    "int": ["0", "99999999999999999999", "9223372036854775808"],
    "uuid": ["00000000-0000-0000-0000-000000000000"],
    "slug": ["no-such", "x" * 2000, "-", "_"],
    "portal": ["no-such", "x" * 2000, "-", "_", "static", "Sign-In"],
    "str": ["%00", "x" * 2000, "%F0%9F%92%89", "%ff"],
}
"""What the address accepts as a value, and nothing of ours is called."""

QUESTIONS = [
    *("after", "before", "code", "day", "error", "from", "iss", "mine", "next", "order", "page", "patient"),
    *("provider", "q", "scheme", "search", "seen", "service", "state", "to", "week", "kind", "type", "who"),
    *("client_id", "request_uri", "To", "Page", "PageSize", "ClinicId", "language", "date", "show", "list"),
    *("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "at", "not-at"),
    *("column", "right", "first_day", "last_day", "moment", "action", "field", "group", "view", "letter"),
]
"""Names that pages read from the address or a form; names of forms' own fields are read from the pages."""

NOT_COUNTED = {
    *("sessions.session", "portal.throttlecounter", "usersessions.usersession", "identity.logintransaction"),
    *("demo_idp.grant", "demo_idp.pushedrequest"),
}
"""What signing in, or failing to, writes."""

METHODS = ["post", "post", "get"]
REPETITIONS = 1
FIELDS, VALUES = (8, 4) if os.environ.get("VENTEROM_LONG") else (4, 2)
"""How many fields of a form are spoiled, and by how many values each."""
NAMED = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
EVERYONE = ["stranger", "one factor", "patient", "assistant", "administrator"]
SIGNED_IN = {Audience.PATIENT, Audience.STAFF, Audience.ADMINISTRATOR}

pytestmark = pytest.mark.django_db


class Fields(HTMLParser):
    """Collects the forms of a page: where they lead, and what they hold."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append((given.get("action") or "", {}))
        if tag in {"input", "select", "textarea", "button"} and given.get("name") and self.forms:
            self.forms[-1][1][given["name"]] = given.get("value") or ""


@pytest.fixture
def raised() -> Iterator[list[str]]:
    """What views raised since it was last emptied."""
    found: list[str] = []

    def note(sender: Any, request: Any, **rest: Any) -> None:
        found.append(traceback.format_exc(limit=-3))

    got_request_exception.connect(note)
    yield found
    got_request_exception.disconnect(note)


def address_of(address: str, values: dict[str, Any]) -> str:
    """Return the address with its values filled in."""
    return "/" + NAMED.sub(lambda part: str(values[part["name"]]), address)


def spoiled(address: str, values: dict[str, Any]) -> Iterator[str]:
    """Return the address with each of its values in turn replaced by nonsense."""
    for part in NAMED.finditer(address):
        for value in IN_ADDRESS[part["kind"] or "str"]:
            yield address_of(address, values | {part["name"]: value})


def ask(browser: Client, method: str, address: str, sent: dict[str, Any]) -> Any:
    """Send a request, and forget what it did, also in the browser: nobody is signed out by it."""
    cookies = copy.deepcopy(browser.cookies)
    with transaction.atomic():
        answer = getattr(browser, method)(address, sent)
        browser.cookies = cookies
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return answer


class Wrong(list[str]):
    """Everything that went wrong, so that one run tells it all."""

    def __init__(self, raised: list[str]) -> None:
        super().__init__()
        self.raised = raised

    def look_at(self, answer: Any, *what: Any) -> None:
        """Note a failure."""
        if answer.status_code >= 500:
            told = self.raised[-1] if self.raised else ""
            self.append(f"{answer.status_code} {str(what)[:500]}\n{told}")
        self.raised.clear()

    def must_be_empty(self) -> None:
        """Fail with the first of each kind."""
        assert not self, f"{len(self)} failures, the first of them:\n" + "\n".join(self[:8])


def forms_of(answer: Any, here: str) -> list[tuple[str, dict[str, str]]]:
    """Return where the forms of a page lead and what they hold; the choice of language is looked at once."""
    if not answer.get("Content-Type", "").startswith("text/html"):
        return []
    fields = Fields()
    fields.feed(answer.content.decode())
    found = [((action or here).partition("?")[0], values) for action, values in fields.forms]
    return [(action, values) for action, values in found if action != "/language/" or here == "/"]


def stored() -> dict[str, Any]:
    """Return a fingerprint of each table: how many rows, and what they hold."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.managed and model._meta.label_lower not in NOT_COUNTED:
                table = connection.ops.quote_name(model._meta.db_table)
                cursor.execute(f"SELECT count(*), sum(hashtext(t::text)) FROM {table} t")
                found[model._meta.label_lower] = cursor.fetchone()
    return found


@pytest.mark.parametrize("who", ["stranger", "patient", "administrator"])
def test_nonsense_gets_a_clear_answer(who: str, raised: list[str]) -> None:
    place = make_place()
    browser, by_chance, wrong = everyone(place)[who], random.Random(who), Wrong(raised)
    for address, _pattern in every_pattern():
        good = address_of(address, place.named)
        for bad in spoiled(address, place.named):
            wrong.look_at(ask(browser, by_chance.choice(["get", "post"]), bad, {}), bad)
        for method in ["get", "post"] * REPETITIONS:
            sent = {name: by_chance.choice(NASTY) for name in QUESTIONS}
            wrong.look_at(ask(browser, method, good, sent), method, good, sent)
        for method in ("put", "delete", "options", "head"):
            wrong.look_at(ask(browser, method, good, {}), method, good)
    wrong.must_be_empty()


@pytest.mark.parametrize("who", ["stranger", "patient", "administrator"])
def test_forms_refuse_nonsense_field_by_field(who: str, raised: list[str]) -> None:
    """Send each form of each page as it stands, with one field spoiled at a time."""
    place = make_place()
    browser, by_chance, wrong = everyone(place)[who], random.Random(who), Wrong(raised)
    seen = set()
    for address, _pattern in every_pattern():
        good = address_of(address, place.named)
        for action, values in forms_of(ask(browser, "get", good, {}), good):
            shape = (re.sub(r"\d+|[0-9a-f-]{36}", "", action), *(re.sub(r"\d+", "", name) for name in values))
            if shape in seen:
                continue
            seen.add(shape)
            for name in by_chance.sample(sorted(values), min(len(values), FIELDS)):
                for value in by_chance.sample(NASTY, VALUES):
                    answer = ask(browser, by_chance.choice(METHODS), action, values | {name: value})
                    wrong.look_at(answer, action, name, value, values)
    assert len(seen) >= {"stranger": 4, "patient": 5, "administrator": 40}[who]
    wrong.must_be_empty()


@pytest.mark.parametrize("who", EVERYONE)
def test_whoever_does_not_belong_there_sees_and_changes_nothing(who: str, raised: list[str]) -> None:
    """At another clinic's pages, with another clinic's objects at one's own, and at pages that are for others."""
    here, there = make_place(), make_place()
    browser, wrong = everyone(here)[who], Wrong(raised)
    before = stored()
    for address, audience in forbidden(who):
        own_clinic = {"clinic": here.named["clinic"]}
        for values in (
            (here.named,) if audience not in MAY_SEE[who] else (there.named, there.named | own_clinic)
        ):
            good = address_of(address, values)
            if good == address_of(address, here.named) and audience in MAY_SEE[who]:
                continue
            for method in ("get", "post"):
                answer = getattr(browser, method)(good, {"form_key": str(uuid.uuid4()), "reason": "x"})
                wrong.look_at(answer, method, good)
                if not is_refusal(answer, good):
                    wrong.append(f"{answer.status_code} {method} {good} {answer.get('Location', '')}")
    wrong.must_be_empty()
    assert stored() == before


MAY_SEE = {
    "stranger": set(),
    "one factor": set(),
    "patient": {Audience.PATIENT},
    "assistant": {Audience.STAFF, Audience.ADMINISTRATOR},
    "administrator": {Audience.STAFF, Audience.ADMINISTRATOR},
}
OF_NO_CLINIC = {"service", "language", "name"}
"""Values in addresses that mean the same at every clinic."""


def forbidden(who: str) -> Iterator[tuple[str, Audience]]:
    """Return the addresses that are worth a try."""
    for address, pattern in every_pattern():
        audience = audience_of(pattern.callback)
        if audience in SIGNED_IN:
            yield address, audience


def is_refusal(answer: Any, address: str) -> bool:
    """Return whether the answer says no, or that one must sign in, or leads to the list that the object isn't in."""
    if answer.status_code == 302:
        path = answer["Location"].partition("?")[0]
        to_sign_in = path.startswith("/staff/s") or re.fullmatch(r"/[a-z0-9-]+/", path)
        return bool(to_sign_in or (address != path and address.startswith(path)))
    return answer.status_code in {403, 404, 405, 422}


def test_an_assistant_who_forges_a_save_changes_nothing(raised: list[str]) -> None:
    place = make_place()
    browsers, wrong = everyone(place), Wrong(raised)
    forged = 0
    before = stored()
    for address, pattern in every_pattern():
        if audience_of(pattern.callback) != Audience.ADMINISTRATOR:
            continue
        good = address_of(address, place.named)
        page = ask(browsers["administrator"], "get", good, {})
        for action, values in [(good, {}), *forms_of(page, good)]:
            if action == good or audience_of(resolve(action).func) == Audience.ADMINISTRATOR:
                forged += 1
                answer = browsers["assistant"].post(action, values)
                wrong.look_at(answer, action)
                if action == good and answer.status_code not in {403, 405}:
                    wrong.append(f"{answer.status_code} {action}")
    assert forged >= 60
    wrong.must_be_empty()
    assert stored() == before
