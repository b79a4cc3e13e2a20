"""The change log: what was changed at a clinic, by whom, newest first, and who changed something last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from clinic_admin import history
from clinic_admin.history import LastChange
from clinic_admin.models import Clinic, Provider, StaffMember
from identity.choices import Method
from identity.models import IdentityProvider
from identity.policy import CODE_SLUG
from patients.models import Patient
from portal.alphabet import InAlphabet
from portal.models import AuditEvent
from services.reports import words
from services.reports.choices import ChangeKind
from services.reports.words import LOGINS, Line, Names

PER_PAGE = 50
_LOGIN = "identity.user"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: before this event."""

    at: datetime
    event_id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}_{self.event_id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Return the cursor that an address carries, or None when it is not one."""
        moment, _mark, identifier = text.partition("_")
        if not (identifier.isascii() and identifier.isdigit() and len(identifier) <= 18):
            return None
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            return None
        return cls(at, int(identifier)) if at.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes: of a kind, by a person or by the portal itself, on the clinic's local days (both included)."""

    kind: ChangeKind | None = None
    person: UUID | None = None
    by_portal: bool = False
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change as the log shows it."""

    at: datetime
    who: str
    kind: ChangeKind
    sentence: str
    lines: tuple[Line, ...]
    patient_id: UUID | None
    patient_name: str
    """Looked up now; the event has no name. Empty when the clinic has no such patient any more."""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of the log, newest first."""

    changes: tuple[Change, ...]
    following: Cursor | None


class Colleague(NamedTuple):
    """Someone who works or worked at the clinic."""

    member_id: int
    user_id: UUID
    name: str


def staff_of(clinic: Clinic) -> list[Colleague]:
    """Return everybody who works or worked here, by name. One query."""
    members = StaffMember.objects.filter(clinic=clinic).order_by(InAlphabet("name"), "pk")
    return [Colleague(*row) for row in members.values_list("pk", "user_id", "name")]


def _logins(staff: Iterable[Colleague]) -> dict[UUID, str]:
    return {one.user_id: one.name for one in staff}


def changes(
    clinic: Clinic, asked: ChangeFilter, *, staff: Sequence[Colleague], after: Cursor | None = None
) -> ChangePage:
    """Return a page of the clinic's changes. Five queries at most, however old the log is."""
    found = [event for events in places(clinic, asked, _logins(staff), after) for event in events]
    events = sorted(found, key=lambda event: (event.at, event.pk), reverse=True)[: PER_PAGE + 1]
    shown = events[:PER_PAGE]
    names = Names(
        country=clinic.country,
        providers=dict(Provider.objects.for_clinic(clinic).values_list("pk", "name")),
        staff=_logins(staff),
        members={one.member_id: one.name for one in staff},
        sign_ins=dict(IdentityProvider.objects.values_list("slug", "name"))
        | {CODE_SLUG: str(Method.ONE_TIME_CODE.label)},
    )
    patients = _patients(clinic, shown)
    return ChangePage(
        changes=tuple(_change(event, names, patients) for event in shown),
        following=Cursor(shown[-1].at, shown[-1].pk) if len(events) > PER_PAGE else None,
    )


def last_change(
    clinic: Clinic, *, kind: ChangeKind | None = None, subject: Model | None = None
) -> LastChange | None:
    """Return who last made a change of this kind, of this very thing if one is given, or None. Two queries."""
    return history.last_change(clinic, words.actions_of(kind), subject=subject)


# -- finding -----------------------------------------------------------------------------------------------
def places(
    clinic: Clinic, asked: ChangeFilter, user_ids: Iterable[UUID], after: Cursor | None
) -> list[QuerySet[AuditEvent]]:
    """Return where the changes are: the clinic's events, and those of its staff's logins, one page and one of each.

    Each is read newest first along its own index (audit_by_clinic, audit_by_subject) and cut short; joined by OR
    they would be read to the end.
    """
    actions = words.actions_of(asked.kind)
    own = [action for action in actions if action not in LOGINS]
    logins = [action for action in actions if action in LOGINS]
    found = []
    if own:
        found.append(AuditEvent.objects.filter(clinic_id=clinic.pk, action__in=own))
    if logins:
        subjects = [str(user_id) for user_id in user_ids]
        found.append(
            AuditEvent.objects.filter(subject_type=_LOGIN, subject_id__in=subjects, action__in=logins)
        )
    return [_narrowed(events, clinic, asked, after) for events in found]


def _narrowed(
    events: QuerySet[AuditEvent], clinic: Clinic, asked: ChangeFilter, after: Cursor | None
) -> QuerySet[AuditEvent]:
    if asked.by_portal:
        events = events.filter(actor_kind=AuditEvent.ActorKind.SYSTEM)
    elif asked.person is not None:
        events = events.filter(actor_id=asked.person)
    if asked.since is not None:
        events = events.filter(at__gte=_midnight(clinic, asked.since))
    if asked.until is not None and asked.until < date.max:
        events = events.filter(at__lt=_midnight(clinic, asked.until + timedelta(days=1)))
    if after is not None:
        events = events.filter(Q(at__lt=after.at) | Q(pk__lt=after.event_id), at__lte=after.at)
    return events.order_by("-at", "-pk")[: PER_PAGE + 1]


def _midnight(clinic: Clinic, day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=clinic.zone)


# -- names -------------------------------------------------------------------------------------------------
def _patients(clinic: Clinic, events: Iterable[AuditEvent]) -> dict[UUID, str]:
    ids = {event.patient_id for event in events if event.patient_id}
    if not ids:
        return {}
    return {patient.pk: patient.full_name for patient in _named(clinic, ids)}


def _named(clinic: Clinic, ids: set[UUID]) -> QuerySet[Patient]:
    return Patient.objects.for_clinic(clinic).filter(pk__in=ids).only("given_name", "family_name")


def _change(event: AuditEvent, names: Names, patients: dict[UUID, str]) -> Change:
    told = words.tell(event, names)
    known = event.patient_id if event.patient_id in patients else None
    return Change(
        at=event.at,
        who=_who(event, names.staff),
        kind=words.CHANGES[event.action][0],
        sentence=told.sentence,
        lines=told.lines,
        patient_id=known,
        patient_name=patients[known] if known else "",
    )


def _who(event: AuditEvent, staff: Mapping[UUID, str]) -> str:
    if event.actor_kind == AuditEvent.ActorKind.SYSTEM:
        return _("The portal or its vendor")
    if event.actor_kind == AuditEvent.ActorKind.PATIENT:
        return _("The patient")
    return (staff.get(event.actor_id) if event.actor_id else None) or _("Someone outside the clinic")
