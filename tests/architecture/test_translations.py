"""Every text a person reads exists in bokmål and Danish as well."""

import re

import pytest
from django.utils import translation
from django.utils.html import strip_tags

from clinic_admin.choices import Weekday
from portal import catalogues

LANGUAGES = pytest.mark.parametrize("language", catalogues.LANGUAGES)
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
