"""Days and times as people write them, in the language in force: "tirsdag 24. november kl. 10.20"."""

from datetime import date, datetime, tzinfo

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def clock(moment: datetime, zone: tzinfo) -> str:
    """Return the wall clock, "10.20" in the Nordic languages and "10:20" in English."""
    return f"{moment.astimezone(zone):%H:%M}".replace(":", ":" if get_language() == "en" else ".")


def day(value: date) -> str:
    """Return the day with its name, "tirsdag 24. november"."""
    return date_format(value, "l j F" if get_language() == "en" else "l j. F")


def day_and_clock(moment: datetime, zone: tzinfo) -> str:
    """Return day and time, "tirsdag 24. november kl. 10.20"."""
    # Translators: a day and a time of day, as in "tirsdag 24. november kl. 10.20"
    return _("%(day)s at %(time)s") % {
        "day": day(moment.astimezone(zone).date()),
        "time": clock(moment, zone),
    }
