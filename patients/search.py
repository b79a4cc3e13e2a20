"""What staff mean by what they type in the search for patients: a name, a birth date, a mobile number, a national ID.

Pure: no query, no clock. Names are compared as the database keeps them (Patient.search_name): small letters, accents
off, å and aa the same. The SQL function of migration 0003 does the same to the stored names.
"""

import itertools
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date

from clinic_admin.choices import Country
from identity import national_id
from identity.national_id import BadNationalId
from patients.choices import SearchProblem
from portal import phone_numbers
from portal.phone_numbers import BadPhoneNumber

LONGEST = 100
"""Characters that the search takes."""
MOST_WORDS = 6

_LETTERS = {
    "æ": "ÆæÄä",
    "ø": "ØøÖöŒœ",
    "å": "Åå",
    "a": "ÁÀÂÃĀĂĄáàâãāăą",
    "c": "ÇĆČçćč",
    "d": "ÐĐĎðđď",
    "e": "ÉÈÊËĒĖĘĚéèêëēėęě",
    "g": "ĞĢğģ",
    "i": "ÍÌÎÏĪİíìîïīı",
    "k": "Ķķ",
    "l": "ŁĻłļ",
    "n": "ÑŃŅŇñńņň",
    "o": "ÓÒÔÕŌŐóòôõōő",
    "r": "Řř",
    "s": "ŠŚŞȘšśşș",
    "t": "ŤŢȚŦťţțŧ",
    "u": "ÚÙÛÜŪŮŰŲúùûüūůűų",
    "y": "ÝŸýÿ",
    "z": "ŽŹŻžźż",
    " ": "-‐‑‒–.,/_",
}
_REMOVED = "'’‘`´ʼ"
_FOLD = {ord(variant): letter for letter, variants in _LETTERS.items() for variant in variants} | {
    ord(mark): None for mark in _REMOVED
}
_DATE = re.compile(r"(\d{1,2})[.\-/ ](\d{1,2})[.\-/ ](\d{4}|\d{2})")
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DIGITS = re.compile(r"(\d{2})(\d{2})(\d{4}|\d{2})")
_ID_LENGTHS = {Country.NORWAY: 11, Country.DENMARK: 10}
_SHORTEST_MOBILE = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom the search is for. Printing it shows nobody."""

    words: tuple[str, ...] = field(default=(), repr=False)
    """Beginnings of names, folded; all of them must be found."""
    born: tuple[date, ...] = field(default=(), repr=False)
    """Any of these days: a year of two digits can stand for two."""
    mobile: str = field(default="", repr=False)
    """E.164."""
    national_id_index: str = field(default="", repr=False)

    @property
    def may_stand_in_an_address(self) -> bool:
        """Return whether the words may travel in a URL: neither a national ID nor a phone number does."""
        return not self.mobile and not self.national_id_index


class BadSearch(ValueError):
    """The text names nobody that can be looked for. The text itself is not repeated."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


def folded(name: str) -> str:
    """Return the name as it is compared: "Ågård-Lie" and "aagaard lie" are the same."""
    composed = unicodedata.normalize("NFC", name).translate(_FOLD)
    return composed.lower().replace("å", "aa")


def parse(text: str, *, country: str, today: date) -> Wanted:
    """Return whom the text asks for; nobody in particular for an empty one.

    Names go with a birth date: "line 14.4.88". Eight digits can be a day and a mobile number: then both are looked
    for. Raises BadSearch with a sentence for the reader.
    """
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if len(text) > LONGEST:
        raise BadSearch(str(SearchProblem.TOO_LONG.label))
    if not text:
        return Wanted()
    if any(character.isalpha() for character in text):
        return _name(text, today)
    return _number(text, country, today)


def _name(text: str, today: date) -> Wanted:
    words: list[str] = []
    born: tuple[date, ...] = ()
    for part in text.split(" "):
        if any(character.isalpha() for character in part):
            words += folded(part).split()
        elif days := _days(part, today):
            born = days
        elif any(character.isdigit() for character in part):
            raise BadSearch(str(SearchProblem.MIXED.label))
    return Wanted(words=tuple(words[:MOST_WORDS]), born=born)


def _number(text: str, country: str, today: date) -> Wanted:
    digits = re.sub(r"[\s\-\u2010-\u2015\u2212]+", "", text)
    if digits.isascii() and digits.isdigit() and len(digits) == _ID_LENGTHS[Country(country)]:
        try:
            return Wanted(
                national_id_index=national_id.index(national_id.parse(digits, country, today=today))
            )
        except BadNationalId as bad:
            raise BadSearch(str(bad.message)) from None
    born = _days(text, today) or _days(digits, today)
    mobile = _mobile(text, country)
    if not born and not mobile:
        raise BadSearch(str(SearchProblem.UNKNOWN.label))
    return Wanted(born=born, mobile=mobile)


def _mobile(text: str, country: str) -> str:
    if sum(character.isdigit() for character in text) < _SHORTEST_MOBILE:
        return ""
    try:
        return phone_numbers.parse_phone(text, country)
    except BadPhoneNumber:
        return ""


def _days(text: str, today: date) -> tuple[date, ...]:
    """Return the days up to today that the text can mean, none if it is no date."""
    if match := _ISO_DATE.fullmatch(text):
        year, month, day = match.groups()
    elif match := _DATE.fullmatch(text) or _DIGITS.fullmatch(text):
        day, month, year = match.groups()
    else:
        return ()
    years = [int(year)] if len(year) > 2 else [today.year // 100 * 100 + int(year) - 100 * n for n in (0, 1)]
    possible = (_day(year, int(month), int(day)) for year in years)
    return tuple(itertools.filterfalse(lambda born: born > today, filter(None, possible)))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
