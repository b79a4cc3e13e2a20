"""What suits somebody who waits, as a sentence."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from clinic_admin.choices import Weekday
from portal import moments
from services.booking.earlier.choices import PartOfDay
from services.booking.earlier.models import EarlierWish

_DAYS_OF_A_WEEK = 7


def suits(wish: EarlierWish, names: Mapping[int, str]) -> str:
    """Return with whom, on which days and when. `names` are the clinic's providers by id."""
    whom = ", ".join(names[one] for one in wish.provider_ids if one in names) or _("anyone")
    parts = [_("With %(names)s") % {"names": whom}, _weekdays(wish)]
    if wish.part != PartOfDay.ANY:
        parts.append(str(PartOfDay(wish.part).label))
    days = {"first": moments.day_of_month(wish.first_day), "last": moments.day_of_month(wish.last_day)}
    return " · ".join([*parts, _("%(first)s to %(last)s") % days])


def _weekdays(wish: EarlierWish) -> str:
    if len(wish.weekdays) == _DAYS_OF_A_WEEK:
        return _("All days")
    return ", ".join(str(Weekday(day).label) for day in wish.weekdays)
