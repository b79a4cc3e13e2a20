"""What is wrong in a form is said in our own words: none of Django's or allauth's sentences is ever read."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import allauth
import django
import pytest
from babel.messages.pofile import read_po
from django import forms as django_forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.html import strip_tags
from django.utils.translation import override

from identity.choices import UserKind
from launcher.places import ROOT
from tests.architecture.build_everything import everyone, make_place
from tests.architecture.test_limits import every_form, forms
from tests.architecture.test_no_500 import ask
from tests.build import make_user

PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]|\{\w*\}")
NONSENSE: list[Any] = [
    *(None, "", " ", "x", "x\x00y", "x y", "-1", "0", "1e400", "0.123456789", "x" * 30_000),
    *("99999999999999999999999", "2026-02-30", "0000-00-00", "99:99", "a@b", "{", [], ["x"], [["x"]], [None]),
]
UNUSED = {"DurationField", "GenericIPAddressField", "SlugField", "URLField", "ImageField", "ComboField"} | {
    *("FilePathField", "MultiValueField", "SplitDateTimeField", "NullBooleanField", "InlineForeignKeyField"),
}
"""Kinds of fields whose sentences are Django's. No form of ours has one."""


def their_sentences() -> list[str]:
    """Return every sentence of the frameworks, from their catalogues: in English, of three words or more."""
    found = []
    for home in (Path(django.__file__).parent, Path(allauth.__file__).parent):
        for file in home.rglob("LC_MESSAGES/django.po"):
            if file.parts[-3] == ("en" if home.name == "django" else "nb"):
                with file.open("rb") as opened:
                    found += [entry.id for entry in read_po(opened) if entry.id]
    single = [one for entry in found for one in ([entry] if isinstance(entry, str) else entry)]
    return [one for one in single if len(PLACEHOLDER.sub("", one).split()) >= 3]


def as_pattern(sentence: str) -> str:
    """Return what finds a sentence with whatever stands in its gaps."""
    return ".{0,300}?".join(re.escape(part) for part in PLACEHOLDER.split(sentence))


THEIRS = [
    (max(PLACEHOLDER.split(one), key=len), re.compile(as_pattern(one), re.DOTALL))
    for one in their_sentences()
]
"""Each with its longest part, which tells at once where it is worth looking."""


def theirs_in(text: str) -> list[str]:
    """Return every sentence of theirs in the text."""
    return [
        found[0] for part, pattern in THEIRS if part in text and (found := pattern.search(text)) is not None
    ]


def kinds_of_fields(base: type = django_forms.Field) -> Iterator[Any]:
    """Return every class of fields that a form of ours may have."""
    list(every_form())
    for kind in base.__subclasses__():
        yield kind
        yield from kinds_of_fields(kind)


def said_of(field: Any) -> set[str]:
    """Return what a field says to nonsense of all sorts."""
    said = set()
    if hasattr(field, "country"):
        field.country = "NO"  # as the form of a clinic there would
    for value in NONSENSE:
        try:
            field.clean(value, None) if isinstance(field, django_forms.FileField) else field.clean(value)
        except ValidationError as refused:
            said |= set(refused.messages)
        except (TypeError, AttributeError, ValueError):  # no browser sends this to such a field
            assert isinstance(value, list)
    return said


def test_a_sentence_of_theirs_is_known_when_it_is_read() -> None:
    assert len(their_sentences()) > 100
    assert theirs_in("Select a valid choice. 7 is not one of the available choices.")
    assert theirs_in("This password is too short. It must contain at least 12 characters.")
    with override("en"):
        assert any(map(theirs_in, said_of(django_forms.SlugField())))
    assert not theirs_in("Write a whole number, as in 20.")


def test_every_kind_of_field_has_our_words_for_all_that_it_can_say() -> None:
    kinds = [
        kind
        for kind in kinds_of_fields()
        if not kind.__module__.startswith(("django.contrib", "tests")) and kind.__name__ not in UNUSED
    ]
    with override("en"):
        for kind in kinds:
            words = {
                code: str(text)
                for one in reversed(kind.__mro__)
                for code, text in vars(one).get("default_error_messages", {}).items()
            }
            assert not {code: text for code, text in words.items() if theirs_in(text)}, kind
    assert len(kinds) > 25


def test_no_form_of_ours_has_a_kind_of_field_that_speaks_their_words() -> None:
    used = re.compile(rf"\bforms\.(?:{'|'.join(sorted(UNUSED))})\b")
    areas = ("identity", "patients", "services", "clinic_admin", "delegation", "portal")
    files = [file for area in areas for file in (ROOT / area).rglob("*.py") if "migrations" not in file.parts]
    assert len(files) > 200
    assert not [file.name for file in files if used.search(file.read_text())]


def test_every_field_of_every_form_answers_nonsense_in_our_words() -> None:
    told = 0
    with override("en"):
        for form in every_form():
            for name, field in form.base_fields.items():
                said = said_of(field)
                told += len(said)
                assert not [one for one in said if theirs_in(one)], (form, name)
    assert told > 200


@pytest.mark.django_db
def test_a_password_that_staff_can_not_have_is_refused_in_our_words() -> None:
    user = make_user(kind=UserKind.STAFF, email="ragnhild@legekontor.example")
    with override("en"):
        for password, words in (
            ("ragnhild", "Make the password at least 12 characters long."),
            ("ragnhild@legekontor.exampl", "The password is too much like your e-mail address."),
        ):
            with pytest.raises(ValidationError) as refused:
                validate_password(password, user)
            assert any(one.startswith(words) for one in refused.value.messages)
            assert not any(map(theirs_in, refused.value.messages))


@pytest.mark.django_db
@pytest.mark.parametrize(("who", "fewest"), [("stranger", 1), ("patient", 5), ("administrator", 40)])
def test_no_page_answers_nonsense_in_their_words(who: str, fewest: int) -> None:
    place = make_place()
    browser = everyone(place)[who]
    browser.cookies["django_language"] = "en"
    sent = {(form.method, form.action): form for form, _field in forms(browser, place).values()}
    theirs, refused = [], 0
    for (method, action), form in sent.items():
        if method.lower() != "post" or action == "/language/":
            continue
        for nonsense in ("nonsense", "-7"):
            values = {field.name: nonsense for field in form.fields}
            answer = ask(browser, "post", action, values)
            if answer.status_code == 307:
                answer = ask(browser, "post", answer.headers["Location"], values)
            refused += answer.status_code in {400, 409, 422}
            if answer.streaming:  # a file
                continue
            text = unescape(strip_tags(answer.text)) if answer.status_code < 500 else "500"
            if text == "500" or (found := theirs_in(text)):
                theirs.append((action, text if text == "500" else found))
    assert not theirs
    assert refused >= fewest
