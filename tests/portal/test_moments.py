"""Days and times as people write them, as moments and as filters of templates."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.formats import date_format

from portal import moments

OSLO = ZoneInfo("Europe/Oslo")
DAY = date(2026, 11, 24)
LATE = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
"""Half past midnight on the 24th in Oslo."""


def shown(expression, value):
    with timezone.override(OSLO):
        return Template("{{ value|" + expression + " }}").render(Context({"value": value}))


@pytest.mark.parametrize(
    ("language", "expression", "value", "text"),
    [
        ("nb", "as_date", DAY, "24. november 2026"),
        ("da", "as_date", DAY, "24. november 2026"),
        ("en", "as_date", DAY, "24 November 2026"),
        ("nb", "as_date", LATE, "24. november 2026"),
        ("nb", "as_date", None, ""),
        ("da", "as_day_of_month", DAY, "24. november"),
        ("en", "as_day_of_month", LATE, "24 November"),
        ("en", "as_day_of_month", None, ""),
        ("nb", "as_day", LATE, "tirsdag 24. november"),
        ("nb", "as_clock", time(16), "16.00"),
        ("da", "as_clock", time(0), "00.00"),
        ("en", "as_clock", time(16), "16:00"),
        ("nb", "as_clock", LATE, "00.30"),
        ("nb", "as_clock", None, ""),
        ("nb", "as_moment", LATE, "tirsdag 24. november kl.\N{NO-BREAK SPACE}00.30"),
    ],
)
def test_each_language_writes_days_and_clocks_its_own_way(language, expression, value, text):
    with translation.override(language):
        assert shown(expression, value) == text


def test_a_part_of_a_day_has_a_dash():
    with translation.override("da"):
        assert moments.period(time(8), time(15, 30)) == "08.00–15.30"


def test_english_dates_are_european():
    with translation.override("en"):
        assert date_format(DAY, "DATE_FORMAT") == "24 November 2026"
        assert date_format(DAY, "SHORT_DATE_FORMAT") == "24/11/2026"
        assert (
            date_format(datetime(2026, 11, 24, 16, 5, tzinfo=UTC), "DATETIME_FORMAT")
            == "24 November 2026, 16:05"
        )


def test_norwegian_dates_stay_as_they_were():
    with translation.override("nb"):
        assert date_format(DAY, "SHORT_DATE_FORMAT") == "24.11.2026"
