"""Days and times as people write them, in the language in force: "tirsdag 24. november kl. 10.20"."""

from datetime import date, datetime, time, tzinfo
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def clock(moment: datetime, zone: tzinfo) -> str:
    """Return the wall clock, "10.20" in the Nordic languages and "10:20" in English."""
    return time_of_day(moment.astimezone(zone).time())


def time_of_day(value: time) -> str:
    """Return a time of day, "10.20" in the Nordic languages and "10:20" in English."""
    return f"{value:%H:%M}" if _is_english() else f"{value:%H.%M}"


def period(opens_at: time, closes_at: time) -> str:
    """Return a part of a day, "08.00–15.30"."""
    return f"{time_of_day(opens_at)}–{time_of_day(closes_at)}"


def day(value: date) -> str:
    """Return the day with its name, "tirsdag 24. november"."""
    return _day(value, get_language() or "")


@lru_cache(maxsize=4096)
def _day(value: date, language: str) -> str:
    """A page of free times names the same few days a hundred times."""
    return date_format(value, "l j F" if language == "en" else "l j. F")


def day_of_month(value: date) -> str:
    """Return the day without its name, "24. november"."""
    return date_format(value, "j F" if _is_english() else "j. F")


def full_date(value: date) -> str:
    """Return the day with its year, "24. november 2026"."""
    return date_format(value, "j F Y" if _is_english() else "j. F Y")


def day_and_clock(moment: datetime, zone: tzinfo) -> str:
    """Return day and time, "tirsdag 24. november kl. 10.20"."""
    return day_at(moment.astimezone(zone).date(), clock(moment, zone))


def day_at(value: date, clock_words: str) -> str:
    """Return a day and a clock time that is in words already as one phrase."""
    # Translators: a day and a time of day, as in "tirsdag 24. november kl. 10.20"
    return _("%(day)s at %(time)s") % {"day": day(value), "time": clock_words}


def _is_english() -> bool:
    return get_language() == "en"
