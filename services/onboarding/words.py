"""What the wizard's last step says in plain words: everything that will be done, and nothing that won't."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from clinic_admin.choices import ProviderKind, Role, Service, Weekday
from clinic_admin.models import Clinic
from portal import moments
from services.access.choices import Approval, Column, Right
from services.onboarding import policy, queries
from services.onboarding.choices import Calendar, Step
from services.onboarding.policy import OTHERS, OWN, Box, Plan, Told, Week


@dataclass(frozen=True, slots=True)
class Part:
    """What one step leads to."""

    step: Step
    sentences: tuple[str, ...]


def summary(clinic: Clinic, told: Told) -> list[Part]:
    """Return step by step what finishing will do. All steps must be filled in."""
    plan = policy.plan(told)
    sentences: dict[Step, Iterable[str]] = {
        Step.ROLE: _role(plan),
        Step.CALENDAR: _calendar(clinic, plan),
        Step.SIGNATURE: _signature(plan),
        Step.CONTACT: _contact(plan),
        Step.SERVICES: _services(plan),
        Step.DELEGATIONS: _delegations(clinic, plan),
    }
    return [Part(step, tuple(sentences[step])) for step in policy.steps(told) if step in sentences]


def _role(plan: Plan) -> Iterable[str]:
    yield _("%(name)s works here, as: %(roles)s.") % {
        "name": plan.name,
        "roles": ", ".join(str(Role(role).label).lower() for role in plan.roles),
    }
    if not plan.is_provider:
        yield _("Patients can't book or write to this person.")
        return
    words = {
        "name": plan.shown_name,
        "kind": str(ProviderKind(plan.kind).label),
        "initials": plan.initials,
    }
    yield _("Patients see “%(kind)s %(name)s”. The initials are %(initials)s.") % words
    yield (
        _("A new, empty patient list is made.") if plan.has_patient_list else _("There is no patient list.")
    )


def _calendar(clinic: Clinic, plan: Plan) -> Iterable[str]:
    wanted = plan.calendar
    if wanted.how is Calendar.LATER or wanted.first_day is None:
        yield _("No times can be booked before someone makes a weekly calendar.")
        return
    yield _("There are times from %(day)s until further notice.") % {"day": _day(wanted.first_day)}
    if wanted.week is not None:
        yield from _week(wanted.week)
    else:
        copied = queries.calendar_words(clinic, wanted.copy_from or 0)
        yield (
            _("They are the same as in “%(calendar)s”.") % {"calendar": copied}
            if copied
            else _("The weekly calendar you wanted to copy is gone. Choose another.")
        )


def _week(week: Week) -> Iterable[str]:
    days = ", ".join(str(Weekday(str(day)).label) for day in week.weekdays)
    words = {
        "days": days if get_language() == "en" else capfirst(days.lower()),
        "start": moments.time_of_day(week.starts_at),
        "end": moments.time_of_day(week.ends_at),
        "minutes": week.minutes,
    }
    yield _("%(days)s: from %(start)s to %(end)s, %(minutes)s minutes for each patient.") % words
    if week.pause_from is not None and week.pause_until is not None:
        pause = {"start": moments.time_of_day(week.pause_from), "end": moments.time_of_day(week.pause_until)}
        yield _("Pause from %(start)s to %(end)s.") % pause


def _signature(plan: Plan) -> Iterable[str]:
    if plan.signature:
        yield _("Written answers end with: %(signature)s") % {"signature": plan.signature}
    else:
        yield _("Written answers end with the name only.")


def _contact(plan: Plan) -> Iterable[str]:
    if queries.has_login(plan.email):
        yield _(
            "Someone signs in with %(email)s already. They get access here too, and go on with the password and "
            "second step they have. No e-mail is sent."
        ) % {"email": plan.email}
    else:
        yield _(
            "An e-mail goes to %(email)s with a link to choose a password. It works once, for three days. A passkey or "
            "code app is set up at the first sign-in."
        ) % {"email": plan.email}


def _services(plan: Plan) -> Iterable[str]:
    if not plan.allowed:
        yield _("Patients can't reach this person through the portal before portal access is opened.")
    columns: Mapping[str, Mapping[str, Any]] = plan.columns or {}
    for name, rights in columns.items():
        on = [str(right.label).lower() for right in Right if rights.get(right.value)]
        words = {"column": str(Column(name).label), "services": ", ".join(on)}
        if not on:
            yield _("%(column)s: nothing.") % words
            continue
        yield _("%(column)s: %(services)s.") % words
        if rights.get("booking") and rights["approval"] == Approval.BY_HAND:
            yield _("What they book must be approved.")


def _delegations(clinic: Clinic, plan: Plan) -> Iterable[str]:
    names: dict[str, str] = {str(one.pk): one.name for one in queries.providers(clinic)}
    rows = {who: _("%(name)s's list") % {"name": name} for who, name in names.items()}
    rows |= {OWN: _("the new list"), OTHERS: _("all other active patients")}
    for service in Service:
        lists = _named(plan.lists, service, rows)
        if lists:
            words = {"service": service.label, "name": plan.shown_name, "lists": ", ".join(lists)}
            yield _("%(service)s with %(name)s: %(lists)s.") % words
        others = _named(plan.others, service, names)
        if others:
            words = {"service": service.label, "names": ", ".join(others)}
            yield _("%(service)s for the patients of the new list also with: %(names)s.") % words
    if not plan.lists and not plan.others:
        yield _("No ticks in the service matrix: nobody can choose this person yet.")


def _named(boxes: Iterable[Box], service: Service, names: Mapping[str, str]) -> list[str]:
    return [names.get(box.who, _("someone who left")) for box in boxes if box.service == service]


def left_sentence(patients: int, successor: str) -> str:
    """Return what happens to the patients on the list."""
    if successor:
        text = ngettext(
            "%(number)s patient moves to %(name)s's list.",
            "%(number)s patients move to %(name)s's list.",
            patients,
        )
    else:
        text = ngettext(
            "%(number)s patient has no GP here afterwards.",
            "%(number)s patients have no GP here afterwards.",
            patients,
        )
    return text % {"number": patients, "name": successor}


def _day(day: date) -> str:
    return f"{moments.day(day)} {day.year}"
