"""Every field says how much it takes, and takes no more: walked through all forms of all pages (bad input)."""

import importlib
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, NamedTuple

import pytest
from django import forms as django_forms
from django.core.exceptions import ValidationError
from django.utils.translation import override

from launcher.places import ROOT
from tests.architecture.build_everything import everyone, make_place
from tests.architecture.test_house_rules import every_pattern
from tests.architecture.test_no_500 import address_of, ask

pytestmark = pytest.mark.django_db
WRITTEN = {"text", "search", "tel", "email", "url", "password", "textarea"}
COUNTED = {"number", "date", "datetime-local"}
FIXED = {"time", "hidden", "checkbox", "radio", "submit", "button", "file", "select"}
"""A clock has 24 hours; the others hold what the page itself has put there."""


class Field(NamedTuple):
    """One field of a form."""

    kind: str
    name: str
    given: dict[str, str | None]


class Form(NamedTuple):
    """A form of a page, and where it leads."""

    method: str
    action: str
    fields: list[Field]

    @property
    def values(self) -> dict[str, str]:
        """Return what a browser would send if nothing was touched."""
        return {
            field.name: field.given.get("value") or ""
            for field in self.fields
            if field.kind not in {"checkbox", "radio", "submit", "button"} or "checked" in field.given
        }


class Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here, self.found = here, list[Form]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            action = (given.get("action") or self.here).partition("?")[0]
            self.found.append(Form(given.get("method") or "get", action, []))
        if "data-limit" in given and self.found and self.found[-1].fields:
            # Of a longer text: its counter says it, so that a browser doesn't cut off what is pasted.
            self.found[-1].fields[-1].given["maxlength"] = given["data-limit"]
        if tag in {"input", "textarea", "select"} and given.get("name") and self.found:
            kind = (given.get("type") or "text") if tag == "input" else tag
            if not {"disabled", "readonly"} & given.keys():
                self.found[-1].fields.append(Field(kind, str(given["name"]), given))


def forms(browser: Any, place: Any) -> dict[tuple[str, str, str], tuple[Form, Field]]:
    """Return every field of every form that the browser can see, by action and name."""
    found = {}
    for address, _pattern in every_pattern():
        if address.startswith(("dev/", "demo-")):
            continue
        here = address_of(address, place.named)
        answer = ask(browser, "get", here, {})
        if not answer.get("Content-Type", "").startswith("text/html"):
            continue
        page = Forms(here)
        page.feed(answer.content.decode())
        for form in page.found:
            for field in form.fields:
                found.setdefault((form.method, form.action, field.name), (form, field))
    return found


@pytest.mark.parametrize(("who", "fewest"), [("stranger", 2), ("patient", 3), ("administrator", 45)])
def test_every_field_shows_its_limits(who: str, fewest: int) -> None:
    place = make_place()
    found = forms(everyone(place)[who], place)
    without = []
    for (_method, action, name), (_form, field) in found.items():
        assert field.kind in WRITTEN | COUNTED | FIXED, (field.kind, action, name)
        needed = (
            {"maxlength"} if field.kind in WRITTEN else {"min", "max"} if field.kind in COUNTED else set()
        )
        if not needed <= field.given.keys():
            without.append((action, name, field.kind))
    assert not without
    assert sum(field.kind in WRITTEN | COUNTED for _form, field in found.values()) >= fewest


def test_more_than_the_limit_is_refused_however_it_comes() -> None:
    place = make_place()
    browser, taken = everyone(place)["administrator"], []
    tried = 0
    for (method, action, name), (form, field) in forms(browser, place).items():
        if method.lower() != "post" or field.kind not in WRITTEN or action == "/language/":
            continue
        tried += 1
        too_long = "x" * (int(str(field.given["maxlength"])) + 1)
        answer = ask(browser, "post", action, form.values | {name: too_long})
        if answer.status_code == 307:  # the form goes on to the page that saves it
            answer = ask(browser, "post", answer.headers["Location"], form.values | {name: too_long})
        if answer.status_code < 400:
            taken.append((action, name, answer.status_code))
    assert tried > 20
    assert not taken


def every_form(base: type = django_forms.BaseForm) -> Iterator[Any]:
    """Return each form of ours, whether a page shows it or not."""
    for area in ("identity", "patients", "services", "clinic_admin", "delegation"):
        for file in sorted((ROOT / area).rglob("*forms.py")):
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    waiting = list(base.__subclasses__())
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if not one.__module__.startswith(("django", "allauth")):
            yield one


def test_what_is_too_long_is_told_in_our_own_words_with_what_to_do() -> None:
    tried = 0
    for form in every_form():
        for name, field in form.base_fields.items():
            if not isinstance(field, django_forms.CharField) or field.max_length is None:
                continue
            tried += 1
            with override("en"):
                with pytest.raises(ValidationError) as refused:
                    field.run_validators("x" * (field.max_length + 1))
                said = [one for one in refused.value.messages if str(field.max_length) in one]
            assert said, (form, name, refused.value)
            assert all(one.startswith("Shorten ") for one in said), (form, name, said)
    assert tried > 40
