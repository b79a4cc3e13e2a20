"""Rules of staff coming and leaving, and what the wizard has been told so far, as values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any, NamedTuple

from clinic_admin.choices import Role
from services.onboarding.choices import PROVIDERS_ONLY, Calendar, StaffRefusal, Step

ADMINISTRATORS = frozenset({Role.CLINIC_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR})
OWN, OTHERS = "own", "others"
"""Rows of the matrix that have no provider's id in the wizard: the new list, and all other active patients."""
Told = Mapping[str, Mapping[str, Any]]
"""What was filled in, step by step, as it is stored."""


# -- the wizard --------------------------------------------------------------------------------------------
def steps(told: Told) -> tuple[Step, ...]:
    """Return the steps that this person needs, in order. Before the first is filled in: all."""
    role = told.get(Step.ROLE)
    if role is None or role["is_provider"]:
        return tuple(Step)
    return tuple(step for step in Step if step not in PROVIDERS_ONLY)


def next_step(told: Told) -> Step:
    """Return the first step that is not filled in; the summary when all are."""
    return next((step for step in steps(told) if step not in told and step != Step.SUMMARY), Step.SUMMARY)


def is_reached(told: Told, step: Step) -> bool:
    """Return whether everything before the step is filled in."""
    order = steps(told)
    return step in order and order.index(step) <= order.index(next_step(told))


def following(told: Told, step: Step) -> Step:
    """Return the step after this one."""
    order = steps(told)
    return order[min(order.index(step) + 1, len(order) - 1)]


def before(told: Told, step: Step) -> Step | None:
    """Return the step before this one, None for the first."""
    order = steps(told)
    place = order.index(step)
    return order[place - 1] if place else None


class Box(NamedTuple):
    """A tick that the wizard asks for: a service, and the row or the provider it is about."""

    service: str
    who: str
    """A provider's id, or OWN or OTHERS."""

    @classmethod
    def parse(cls, key: str) -> "Box":
        """Return the box with this name, as in "booking:12"."""
        service, _colon, who = key.partition(":")
        return cls(service, who)

    @property
    def key(self) -> str:
        """Return its name in forms and in storage."""
        return f"{self.service}:{self.who}"


class Stretch(NamedTuple):
    """Hours of a weekday (0 is Monday) by the clinic's clock, cut into times of `minutes`."""

    weekday: int
    starts_at: time
    ends_at: time
    minutes: int


@dataclass(frozen=True, slots=True)
class Week:
    """The simple form of a weekly calendar: the same hours on each of its days, perhaps with a pause."""

    weekdays: tuple[int, ...]
    starts_at: time
    ends_at: time
    minutes: int
    pause_from: time | None = None
    pause_until: time | None = None

    def stretches(self) -> list[Stretch]:
        """Return the hours day by day, the pause left out."""
        hours = [(self.starts_at, self.ends_at)]
        if self.pause_from is not None and self.pause_until is not None:
            hours = [(self.starts_at, self.pause_from), (self.pause_until, self.ends_at)]
        return [Stretch(day, start, end, self.minutes) for day in self.weekdays for start, end in hours]


@dataclass(frozen=True, slots=True)
class CalendarPlan:
    """What becomes of the first weekly calendar."""

    how: Calendar
    first_day: date | None = None
    week: Week | None = None
    copy_from: int | None = None
    """Id of the weekly calendar that is copied."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the last step does."""

    name: str
    roles: tuple[Role, ...]
    email: str
    is_provider: bool
    shown_name: str = ""
    initials: str = ""
    kind: str = ""
    has_patient_list: bool = False
    calendar: CalendarPlan = CalendarPlan(Calendar.LATER)
    signature: str = ""
    allowed: bool = False
    columns: Mapping[str, Mapping[str, Any]] | None = None
    """Column -> rights, by their names in services.access."""
    lists: tuple[Box, ...] = ()
    """Whose patients may use which service with the new provider."""
    others: tuple[Box, ...] = ()
    """With whom else the new provider's own patients may use which service."""


def plan(told: Told) -> Plan:
    """Return what was filled in as one plan. All steps must be there (next_step)."""
    role, contact = told[Step.ROLE], told[Step.CONTACT]
    person = Plan(
        name=role["name"],
        roles=tuple(Role(name) for name in role["roles"]),
        email=contact["email"],
        is_provider=False,
    )
    if not role["is_provider"]:
        return person
    services, delegations = told[Step.SERVICES], told[Step.DELEGATIONS]
    has_list = bool(role["has_patient_list"])
    columns = {name: rights for name, rights in services["columns"].items() if has_list or name != "with-gp"}
    return Plan(
        name=person.name,
        roles=person.roles,
        email=person.email,
        is_provider=True,
        shown_name=contact.get("shown_name") or person.name,
        initials=role["initials"],
        kind=role["kind"],
        has_patient_list=has_list,
        calendar=calendar(told[Step.CALENDAR]),
        signature=told[Step.SIGNATURE].get("signature", ""),
        allowed=services["allowed"],
        columns=columns,
        lists=tuple(box for box in map(Box.parse, delegations["lists"]) if has_list or box.who != OWN),
        others=tuple(map(Box.parse, delegations["others"])) if has_list else (),
    )


def calendar(told: Mapping[str, Any]) -> CalendarPlan:
    """Return the calendar step as a plan."""
    how = Calendar(told["how"])
    if how is Calendar.LATER:
        return CalendarPlan(how)
    first_day = date.fromisoformat(told["first_day"])
    if how is Calendar.COPY:
        return CalendarPlan(how, first_day, copy_from=told["copy_from"])
    clock = {
        name: time.fromisoformat(told[name]) if told.get(name) else None
        for name in ("starts_at", "ends_at", "pause_from", "pause_until")
    }
    assert clock["starts_at"] is not None
    assert clock["ends_at"] is not None
    week = Week(
        weekdays=tuple(sorted(int(day) for day in told["weekdays"])),
        starts_at=clock["starts_at"],
        ends_at=clock["ends_at"],
        minutes=told["minutes"],
        pause_from=clock["pause_from"],
        pause_until=clock["pause_until"],
    )
    return CalendarPlan(how, first_day, week)


# -- roles -------------------------------------------------------------------------------------------------
def is_administrator(roles: Collection[str]) -> bool:
    """Return whether someone with these roles may save the clinic's settings."""
    return bool(ADMINISTRATORS & set(roles))


def refuse_roles(
    *, before: Collection[str], after: Collection[str], actor: Collection[str], other_administrators: int
) -> StaffRefusal | None:
    """Return why these roles can't take the place of those before, or None.

    `other_administrators` are those who stay: active, not about to leave, and not the person themselves.
    """
    if not after:
        return StaffRefusal.NO_ROLE
    changes_system = Role.SYSTEM_ADMINISTRATOR in set(before) ^ set(after)
    if changes_system and Role.SYSTEM_ADMINISTRATOR not in actor:
        return StaffRefusal.SYSTEM_ROLE
    if is_administrator(before) and not is_administrator(after) and not other_administrators:
        return StaffRefusal.LAST_ADMINISTRATOR
    return None


# -- leaving -----------------------------------------------------------------------------------------------
def refuse_leaving(
    *,
    roles: Sequence[str],
    actor_roles: Sequence[str],
    is_self: bool,
    is_decided: bool,
    last_day: date,
    today: date,
    other_administrators: int,
    is_successor: bool,
) -> StaffRefusal | None:
    """Return why the person can't leave on the day (the clinic's local days), or None."""
    if is_self:
        return StaffRefusal.OWN_LOGIN
    if is_decided:
        return StaffRefusal.LEAVES_ALREADY
    if last_day < today:
        return StaffRefusal.DAY_IS_PAST
    if is_administrator(roles) and not other_administrators:
        return StaffRefusal.LAST_ADMINISTRATOR
    if Role.SYSTEM_ADMINISTRATOR in roles and Role.SYSTEM_ADMINISTRATOR not in actor_roles:
        return StaffRefusal.SYSTEM_ROLE
    return StaffRefusal.IS_SUCCESSOR if is_successor else None


def refuse_confirmation(*, requested_by: object, user: object, confirmed_by: object) -> StaffRefusal | None:
    """Return why this person can't be the second who agrees to a reset, or None."""
    if confirmed_by == user:
        return StaffRefusal.OWN_LOGIN
    return StaffRefusal.SAME_PERSON if confirmed_by == requested_by else None
