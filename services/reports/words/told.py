"""A change in words, who is who in it, and the small words of all families."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from identity.choices import Method
from portal import moments
from portal.models import AuditEvent


class Line(NamedTuple):
    """One thing that changed. Empty texts mean that there was nothing before, or is nothing after."""

    what: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A change in words."""

    sentence: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """Who is who at the clinic, also those who have left."""

    country: str
    providers: Mapping[int, str]
    staff: Mapping[UUID, str]
    """By login."""
    members: Mapping[int, str]
    """By post at the clinic."""
    sign_ins: Mapping[str, str]
    """Identity providers by slug."""

    def provider(self, provider_id: object) -> str:
        """Return the provider's name."""
        number = int(str(provider_id)) if str(provider_id).isdecimal() else 0
        return self.providers.get(number) or _("a provider who has left")

    def member(self, member_id: object) -> str:
        """Return the name of the post's holder."""
        number = int(str(member_id)) if str(member_id).isdecimal() else 0
        return self.members.get(number) or _("someone who has left")

    def login(self, user_id: object) -> str:
        """Return the name of the person with the login."""
        known = {str(user): name for user, name in self.staff.items()}
        return known.get(str(user_id)) or _("someone who has left")

    def sign_in(self, slug: str) -> str:
        """Return what people call a way of signing in, also one that is gone."""
        return self.sign_ins.get(slug) or label(Method, slug)

    def list_of(self, row: object) -> str:
        """Return the name of a row of the matrix; None is all other patients."""
        if row is None:
            return _("all other active patients")
        return _("%(name)s's list") % {"name": self.provider(row)}


Words = Callable[[AuditEvent, Names], Told]
"""What tells an event."""


def mapping(event: AuditEvent, name: str) -> Mapping[str, Any]:
    """Return a mapping of the event's details; empty where an old event lacks it."""
    found = event.details.get(name)
    return found if isinstance(found, Mapping) else {}


def switched(what: str, event: AuditEvent) -> tuple[Line, ...]:
    """Return one line: what was switched, from and to."""
    return (Line(what, on_or_off(event.details.get("before")), on_or_off(event.details.get("after"))),)


def one_line(what: str, after: object) -> tuple[Line, ...]:
    """Return one line that has only an after; none without."""
    return (Line(what, "", str(after)),) if after else ()


def on_or_off(value: object) -> str:
    """Return on or off."""
    return _("on") if value else _("off")


def yes_or_no(value: object) -> str:
    """Return yes or no."""
    return _("yes") if value else _("no")


def label(words: Any, value: object) -> str:
    """Return the label of a choice; what is no choice any more as it was stored."""
    return str(words(value).label) if value in words.values else str(value or "")


def day_in_words(value: object) -> str:
    """Return an ISO day in words."""
    try:
        return moments.full_date(date.fromisoformat(str(value)))
    except ValueError:
        return str(value or "")


def clock_in_words(value: object) -> str:
    """Return an ISO time of day as people read it."""
    try:
        return moments.time_of_day(time.fromisoformat(str(value)))
    except ValueError:
        return str(value or "")


def days_in_words(first: object, last: object) -> str:
    """Return one day, or the first and last of several."""
    if first == last:
        return day_in_words(first)
    return _("%(first)s to %(last)s") % {"first": day_in_words(first), "last": day_in_words(last)}
