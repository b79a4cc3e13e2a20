"""Translations without system gettext: extracts our texts into catalogues and compiles them, with Babel."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

LANGUAGES = ("nb", "da")
"""English is the source."""

_KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_SOURCES = ("portal", "clinic_admin", "notifications", "identity", "patients", "delegation", "services")
_MODEL_TEXT = re.compile(r"/migrations/|/management/commands/")


def _files() -> Iterator[tuple[Path, bytes]]:
    for area in _SOURCES:
        for path in sorted((settings.ROOT / area).rglob("*.py")):
            if not _MODEL_TEXT.search(str(path)):
                yield path, path.read_bytes()
    for path in sorted((settings.ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            marked = templatize(path.read_text(), origin=path.name)
            # Indentation means something to Python's tokenizer, and nothing here.
            yield path, "\n".join(line.strip() for line in marked.splitlines()).encode()


def extracted() -> Catalog:
    """Return a catalogue of every text that the code and the templates mark for translation."""
    catalogue = Catalog(project="Venterom", charset="utf-8")
    for path, source in _files():
        name = str(path.relative_to(settings.ROOT))
        for _line, message, comments, context in extract(
            "python", io.BytesIO(source), keywords=_KEYWORDS, comment_tags=("Translators:",)
        ):
            catalogue.add(message, None, [(name, 0)], auto_comments=comments, context=context)
    return catalogue


def path_of(language: str) -> Path:
    """Return where a language's catalogue stands."""
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"


def stored(language: str) -> Catalog:
    """Return the catalogue as it stands, empty if there is none."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, project="Venterom", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(language: str) -> Catalog:
    """Bring the language's catalogue up to date with the code, keep its translations, store and return it."""
    catalogue, template = stored(language), extracted()
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    for entry in catalogue:
        entry.locations = sorted({(name, 0) for name, _ in entry.locations})
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=110, sort_output=True, include_lineno=False)
    path.write_text(_header(catalogue) + buffer.getvalue().decode().split("\n\n", 1)[1])
    return catalogue


def _header(catalogue: Catalog) -> str:
    """Return what gettext needs to know, without dates and names that change with every run."""
    return (
        "# Texts of Venterom. Collected by make messages, translated by hand.\n"
        'msgid ""\nmsgstr ""\n'
        f'"Language: {catalogue.locale_identifier}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )


def faults(language: str) -> list[str]:
    """Return what is wrong with the stored catalogue: missing texts, untranslated ones, lost placeholders."""
    catalogue = stored(language)
    found = []
    for entry in extracted():
        if not entry.id:
            continue
        there = catalogue.get(entry.id if isinstance(entry.id, str) else entry.id[0], entry.context)
        translations = [] if there is None else _strings(there.string)
        sources = _strings(entry.id)
        if not translations or not all(translations):
            found.append(f"{language}: not translated: {sources[0]!r}")
        elif any(_placeholders(sources[-1]) != _placeholders(text) for text in translations[-1:]):
            found.append(f"{language}: placeholders differ: {sources[0]!r}")
    return found


def _strings(value: str | tuple[str, ...] | list[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|\{\w+\}|%[sd]", text))


def compile_all() -> list[Path]:
    """Write the compiled catalogue of each language beside its source and return the paths."""
    written = []
    for language in LANGUAGES:
        target = path_of(language).with_suffix(".mo")
        target.parent.mkdir(parents=True, exist_ok=True)
        buffer: BinaryIO = io.BytesIO()
        write_mo(buffer, stored(language))
        buffer.seek(0)
        target.write_bytes(buffer.read())
        written.append(target)
    return written
