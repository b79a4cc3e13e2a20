"""Every text a person reads exists in bokmål and Danish as well."""

import ast
import re
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.html import strip_tags

from clinic_admin.choices import Weekday
from portal import catalogues

LANGUAGES = pytest.mark.parametrize("language", catalogues.LANGUAGES)
SAYING = {
    "_",
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
    "npgettext",
}
ROOT = Path(__file__).parents[2]
QUOTES = {"nb": "«»", "da": "»«"}


def _pairs(language):
    """Yield each translated text with its translation, plural forms one by one."""
    for entry in catalogues.stored(language):
        if entry.id:
            sources, targets = catalogues._strings(entry.id), catalogues._strings(entry.string)
            yield from ((source, target) for source, target in zip(sources, targets, strict=True) if target)


def test_texts_are_found_in_code_and_templates():
    found = {
        entry.id if isinstance(entry.id, str) else entry.id[0] for entry in catalogues.extracted() if entry.id
    }
    assert {"Book a time", "Someone else has just taken this time."} <= found


def _said_in_code():
    """Yield (place, text) of every text that code asks a translation of, wherever in an expression it does."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).parts
        if parts[0] in {"tests", "node_modules"} or parts[0].startswith("."):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            texts = (
                [one.value for one in node.args if isinstance(one, ast.Constant)] if name in SAYING else []
            )
            yield from ((f"{'/'.join(parts)}:{node.lineno}", text) for text in texts if isinstance(text, str))


def test_every_text_that_code_says_is_collected_to_be_translated():
    """Within an f-string it would not be, and everybody would read English."""
    known = {one for entry in catalogues.extracted() if entry.id for one in catalogues._strings(entry.id)}
    contexts = {entry.context for entry in catalogues.extracted() if entry.context}
    assert [one for one in _said_in_code() if one[1] not in known | contexts] == []


@LANGUAGES
def test_every_text_is_translated_and_keeps_its_placeholders(language):
    assert catalogues.faults(language) == []


@LANGUAGES
def test_links_and_emphasis_survive_translation(language):
    tag = re.compile(r"<[^>]+>")
    lost = [
        source
        for source, target in _pairs(language)
        if sorted(tag.findall(source)) != sorted(tag.findall(target))
    ]
    assert lost == []


@LANGUAGES
def test_quotation_marks_are_those_of_the_language(language):
    opening, closing = QUOTES[language]
    wrong = [
        target
        for _, target in _pairs(language)
        if re.search('[“”"]', strip_tags(target)) or re.search(f"{closing}\\w+{opening}", target)
    ]
    assert wrong == []


@LANGUAGES
def test_spaces_around_a_text_stay_as_they_are(language):
    """The "and" between two times would run into them without its spaces."""
    shifted = [
        source
        for source, target in _pairs(language)
        if (source[0].isspace(), source[-1].isspace()) != (target[0].isspace(), target[-1].isspace())
    ]
    assert shifted == []


@LANGUAGES
def test_weekdays_begin_with_a_small_letter(language):
    """Django's date formats take our words for them: a capital would show inside every sentence."""
    catalogue = catalogues.stored(language)
    with translation.override("en"):
        names = [str(day.label) for day in Weekday]
    translated = [catalogue.get(name).string for name in names]
    assert translated == [name.lower() for name in translated]
    assert "tirsdag" in translated
