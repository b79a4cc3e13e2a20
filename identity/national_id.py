"""National IDs of Norway and Denmark: reading, checking, finding, showing, and inventing them.

Norway: 11 digits DDMMYY-iii-kk with two check digits (Skatteetaten). D-numbers add 40 to the day. Invented people have
numbers of their own series, which no real person ever gets: Skatteetaten's Tenor adds 80 to the month, Norsk helsenett 65,
the older series of NAV 40.
Denmark: 10 digits DDMMYY-SSSS (CPR-kontoret). The old check by modulus 11 proves nothing: numbers without it have been
given since 2007. Replacement and test numbers add 60 to the day.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.conf import settings
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from stdnum.no import fodselsnummer

from clinic_admin.choices import Country
from portal import crypto

_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")
_LENGTHS = {Country.NORWAY: 11, Country.DENMARK: 10}
_TENOR, _NHN, _NAV = 80, 65, 40
"""What the Norwegian synthetic series add to the month."""
_D_NUMBER = 40
"""What a D-number adds to the day."""
_REPLACEMENT = 60
"""What a Danish replacement or test number adds to the day."""


class Kind(TextChoices):
    """What sort of number it is."""

    ORDINARY = "ordinary"
    D_NUMBER = "d-number"
    SYNTHETIC = "synthetic"
    """Skatteetaten's Tenor: month + 80."""
    SYNTHETIC_D_NUMBER = "synthetic-d-number"
    SYNTHETIC_NHN = "synthetic-nhn"
    """Norsk helsenett: month + 65."""
    SYNTHETIC_NHN_D_NUMBER = "synthetic-nhn-d-number"
    SYNTHETIC_NAV = "synthetic-nav"
    """NAV's Dolly: month + 40."""
    SYNTHETIC_NAV_D_NUMBER = "synthetic-nav-d-number"
    REPLACEMENT = "replacement"
    """Danish replacement or test number: day + 60. No eID ever stands behind one."""


_REAL = frozenset({Kind.ORDINARY, Kind.D_NUMBER})
_NORWEGIAN_KINDS = {
    (0, False): Kind.ORDINARY,
    (0, True): Kind.D_NUMBER,
    (_TENOR, False): Kind.SYNTHETIC,
    (_TENOR, True): Kind.SYNTHETIC_D_NUMBER,
    (_NHN, False): Kind.SYNTHETIC_NHN,
    (_NHN, True): Kind.SYNTHETIC_NHN_D_NUMBER,
    (_NAV, False): Kind.SYNTHETIC_NAV,
    (_NAV, True): Kind.SYNTHETIC_NAV_D_NUMBER,
}


class Problem(TextChoices):
    """What is wrong with something that was given as a national ID."""

    MISSING = "missing", _("Write the whole national ID.")
    LETTERS = "letters", _("A national ID has only digits.")
    NOT_ELEVEN_DIGITS = "not-eleven-digits", _("A Norwegian national ID has 11 digits.")
    NOT_TEN_DIGITS = "not-ten-digits", _("A Danish CPR number has 10 digits.")
    IMPOSSIBLE_DATE = "impossible-date", _("The first six digits must be a date of birth. Check them.")
    CHECK_DIGITS = "check-digits", _("Two or more digits are mixed up or wrong. Check the number.")
    SYNTHETIC = "synthetic", _("This is a test number that belongs to nobody.")


class BadNationalId(ValueError):
    """The text is not a national ID. The reason is a sentence for its writer; the text itself is not repeated."""

    def __init__(self, reason: Problem) -> None:
        super().__init__(reason.value)
        self.reason = reason

    @property
    def message(self) -> str | Promise:
        """Return the sentence for the user."""
        return self.reason.label


@dataclass(frozen=True, slots=True)
class NationalId:
    """A checked national ID. Printing it does not show the number."""

    country: Country
    number: str = field(repr=False)
    """Digits only."""
    kind: Kind
    birth_date: date = field(repr=False)

    @property
    def is_synthetic(self) -> bool:
        """Return whether the number can't be a real person's."""
        return self.kind not in _REAL


def parse(
    text: str, country: str, *, allow_synthetic: bool | None = None, today: date | None = None
) -> NationalId:
    """Return the national ID of that country ("NO", "DK") that the text holds, with or without spaces and hyphen.

    Synthetic numbers are allowed during development only, unless said otherwise.
    Raises BadNationalId: wrong length, letters, not a date of birth (or one to come), wrong check digits, synthetic.
    """
    where = Country(country)
    number = _digits(text, where)
    parsed = _norwegian(number) if where is Country.NORWAY else _danish(number)
    if parsed.birth_date > (today or timezone.localdate()) + timedelta(
        days=1
    ):  # a day's grace for time zones
        raise BadNationalId(Problem.IMPOSSIBLE_DATE)
    if parsed.is_synthetic and not (settings.IS_DEVELOPMENT if allow_synthetic is None else allow_synthetic):
        raise BadNationalId(Problem.SYNTHETIC)
    return parsed


def index(national_id: NationalId) -> str:
    """Return the keyed hash by which records and accounts with this national ID are found."""
    return crypto.blind_index(f"{national_id.country.value}:{national_id.number}", purpose="national-id")


def masked(national_id: NationalId) -> str:
    """Return it as it is shown: "140488 •••••" (Norway), "140488-••••" (Denmark)."""
    separator = " " if national_id.country is Country.NORWAY else "-"
    return f"{national_id.number[:6]}{separator}{'•' * (len(national_id.number) - 6)}"


def make_synthetic(country: str, birth_date: date, *, serial: int) -> str:
    """Return a valid number of nobody, always the same for the same birth date and serial (from 0).

    Different serials give different numbers up to what a day has room for: some 340 or more in Norway, thousands in
    Denmark; then they begin anew. Raises ValueError for years that no national ID can hold.
    """
    if Country(country) is Country.DENMARK:
        return _make_danish(birth_date, serial)
    made = next(itertools.islice(_made_norwegian(birth_date), serial, None), None)
    if made is not None:
        return made
    everything = list(_made_norwegian(birth_date))
    return everything[serial % len(everything)]


def _digits(text: str, country: Country) -> str:
    number = _SEPARATORS.sub("", text)
    if not number:
        raise BadNationalId(Problem.MISSING)
    if not (number.isascii() and number.isdigit()):
        raise BadNationalId(Problem.LETTERS)
    if len(number) != _LENGTHS[country]:
        raise BadNationalId(
            Problem.NOT_ELEVEN_DIGITS if country is Country.NORWAY else Problem.NOT_TEN_DIGITS
        )
    return number


def _norwegian(number: str) -> NationalId:
    day, month, year, individual = int(number[:2]), int(number[2:4]), int(number[4:6]), int(number[6:9])
    is_d_number = day > _D_NUMBER
    series = next((added for added in (_TENOR, _NHN, _NAV) if month > added), 0)
    century = _norwegian_century(year, individual)
    birth_date = _date(century + year, month - series, day - _D_NUMBER * is_d_number)
    if number[9:] != _norwegian_check_digits(number[:9]):
        raise BadNationalId(Problem.CHECK_DIGITS)
    return NationalId(Country.NORWAY, number, _NORWEGIAN_KINDS[series, is_d_number], birth_date)


def _norwegian_century(year: int, individual: int) -> int:
    """Return the first year of the century that the individual number stands for (Skatteetaten's table)."""
    if individual < 500:
        return 1900
    if year < 40:
        return 2000
    if individual < 750 and year >= 54:
        return 1800
    if individual >= 900:
        return 1900
    raise BadNationalId(Problem.IMPOSSIBLE_DATE)


def _norwegian_check_digits(first_nine: str) -> str | None:
    """Return the two check digits, or None if no number begins like this (one of them would be 10)."""
    first = fodselsnummer.calc_check_digit1(first_nine)
    second = fodselsnummer.calc_check_digit2(first_nine + first) if len(first) == 1 else ""
    return first + second if len(second) == 1 else None


def _danish(number: str) -> NationalId:
    day, month, year = int(number[:2]), int(number[2:4]), int(number[4:6])
    is_replacement = day > _REPLACEMENT
    century = _danish_century(year, int(number[6]))
    birth_date = _date(century + year, month, day - _REPLACEMENT * is_replacement)
    return NationalId(
        Country.DENMARK, number, Kind.REPLACEMENT if is_replacement else Kind.ORDINARY, birth_date
    )


def _danish_century(year: int, seventh: int) -> int:
    """Return the first year of the century that the seventh digit stands for (CPR-kontoret's table)."""
    if seventh <= 3:
        return 1900
    if seventh in {4, 9}:
        return 1900 if year >= 37 else 2000
    return 1800 if year >= 58 else 2000


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise BadNationalId(Problem.IMPOSSIBLE_DATE) from None


def _made_norwegian(birth_date: date) -> Iterator[str]:
    """Yield every number of the Tenor series for the day."""
    start = f"{birth_date.day:02}{birth_date.month + _TENOR:02}{birth_date.year % 100:02}"
    for individual in _norwegian_individuals(birth_date.year):
        check_digits = _norwegian_check_digits(f"{start}{individual:03}")
        if check_digits is not None:
            yield f"{start}{individual:03}{check_digits}"


def _norwegian_individuals(year: int) -> Iterator[int]:
    if 1940 <= year <= 1999:
        return itertools.chain(range(500), range(900, 1000))
    if 1900 <= year <= 1939:
        return iter(range(500))
    if 2000 <= year <= 2039:
        return iter(range(500, 1000))
    if 1854 <= year <= 1899:
        return iter(range(500, 750))
    raise ValueError("a Norwegian national ID holds birth years from 1854 to 2039")


def _make_danish(birth_date: date, serial: int) -> str:
    year = birth_date.year % 100
    century = birth_date.year - year
    sevenths = [digit for digit in range(10) if _danish_century(year, digit) == century]
    if not sevenths:
        raise ValueError("a CPR number holds birth years from 1858 to 2057")
    seventh, rest = divmod(serial % (1000 * len(sevenths)), 1000)
    start = f"{birth_date.day + _REPLACEMENT:02}{birth_date.month:02}{year:02}"
    return f"{start}{sevenths[seventh]}{rest:03}"
