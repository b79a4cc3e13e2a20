"""Who has seen or changed a patient's data, read from the audit trail page by page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic_admin.choices import ProviderKind, Role
from clinic_admin.models import Provider, StaffMember
from identity.models import User
from patients.guardianship.words import acted_for, name_and_role
from patients.models import DataChange, Patient
from portal.models import AuditEvent
from services.booking.models import Appointment
from services.own import policy, words
from services.own.words import KnownAppointment, Line, Surroundings

PER_PAGE = 50
"""Events read for a page; looks by the same person that follow each other become one line."""
MOST_PEOPLE = 500
BY_ITSELF = "portal"
"""Stands for nobody in the list of people: what the portal does by itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the trail: of a person or of the portal itself, of a month of the clinic's calendar."""

    person: UUID | None = None
    by_itself: bool = False
    month: date | None = None
    """The month's first day."""
    before: int | None = None
    """The event after which the page begins."""


@dataclass(frozen=True, slots=True)
class Who:
    """Someone in the trail: the name, and in which role; no role for the patient."""

    name: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, or several looks by the same person on the same day."""

    at: datetime
    who: Who
    action: str
    what: str
    more: tuple[str, ...]
    lines: tuple[Line, ...]
    icon: str
    is_look: bool
    times: int = 1


@dataclass(frozen=True, slots=True)
class Log:
    """A page of the trail, latest first."""

    entries: tuple[Entry, ...]
    following: int | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What the page can be narrowed to: value and words."""

    people: tuple[tuple[str, str], ...]
    months: tuple[tuple[str, str], ...]


class Crowd:
    """Names and roles of those whom the trail names. Three queries at most, whatever their number."""

    def __init__(self, patient: Patient, user_ids: Iterable[UUID], *, viewer: UUID | None) -> None:
        ids = set(user_ids)
        self.patient, self.viewer = patient, viewer
        self.users = (
            {user.pk: user for user in User.objects.filter(pk__in=ids).select_related("account")}
            if ids
            else {}
        )
        posts = StaffMember.objects.filter(clinic=patient.clinic_id, user__in=ids) if ids else []
        self.posts = {post.user_id: post for post in posts}
        rows = Provider.objects.filter(clinic=patient.clinic_id)
        self.kinds: dict[int, str] = {}
        self.providers: dict[int, str] = {}
        for pk, name, kind, member_id in rows.values_list("pk", "name", "kind", "staff_member"):
            self.providers[pk] = name
            if member_id is not None:
                self.kinds[member_id] = kind

    def who(self, user_id: UUID | None, at: datetime) -> Who:
        """Return who it was, with the role of that moment."""
        if user_id is None:
            # Translators: who did it, where nobody pressed anything
            return Who(_("The portal, by itself"))
        if user_id == self.viewer:
            return Who(_("You"))
        user = self.users.get(user_id)
        if user is None:
            return Who(_("Someone who is not here any more"))
        post = self.posts.get(user_id)
        if post is not None:
            return Who(post.name, self._role(post))
        if acted_for(self.patient, user):
            return Who(name_and_role(self.patient, user, at))
        return Who(user.name, _("outside the clinic") if user.kind == "staff" else "")

    def _role(self, post: StaffMember) -> str:
        kind = self.kinds.get(post.pk)
        if kind is not None:
            return str(ProviderKind(kind).label)
        return ", ".join(str(Role(role).label) for role in post.roles)


# -- a page ------------------------------------------------------------------------------------------------
def log_of(patient: Patient, asked: Asked, *, viewer: UUID | None) -> Log:
    """Return a page of what was done around the patient. Seven queries at most, however long the trail is.

    `viewer` is the login of the patient who reads it, shown as "You"; a guardian reads names.
    """
    found = list(_narrowed(patient, asked)[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    entries = entries_of(patient, shown, viewer=viewer)
    return Log(tuple(_gathered(entries, patient)), shown[-1].pk if len(found) > PER_PAGE else None)


def events_of(patient: Patient) -> QuerySet[AuditEvent]:
    """Return everything that the trail tells about the patient, latest first (index audit_by_patient)."""
    return AuditEvent.objects.filter(patient_id=patient.pk).order_by("-at", "-pk")


def entries_of(patient: Patient, events: Sequence[AuditEvent], *, viewer: UUID | None) -> list[Entry]:
    """Return the events in words. Five queries at most."""
    crowd = Crowd(patient, (event.actor_id for event in events if event.actor_id), viewer=viewer)
    around = Surroundings(
        patient.clinic, crowd.providers, _appointments(patient, events), _data_changes(patient, events)
    )
    return [_entry(event, crowd, around) for event in events]


def _entry(event: AuditEvent, crowd: Crowd, around: Surroundings) -> Entry:
    told = words.tell(event, around)
    return Entry(
        at=event.at,
        who=crowd.who(event.actor_id, event.at),
        action=event.action,
        what=told.what,
        more=(told.more,) if told.more else (),
        lines=told.lines,
        icon=told.icon,
        is_look=event.action in words.LOOKS,
    )


def _narrowed(patient: Patient, asked: Asked) -> QuerySet[AuditEvent]:
    events = events_of(patient)
    if asked.by_itself:
        events = events.filter(actor_id=None)
    elif asked.person is not None:
        events = events.filter(actor_id=asked.person)
    if asked.month is not None:
        since, until = policy.bounds_of_month(asked.month, patient.clinic.zone)
        events = events.filter(at__gte=since, at__lt=until)
    last = (
        events_of(patient).filter(pk=asked.before).values_list("at", flat=True).first()
        if asked.before
        else None
    )
    if last is not None:
        events = events.filter(at__lte=last).exclude(at=last, pk__gte=asked.before)
    return events


def _appointments(patient: Patient, events: Sequence[AuditEvent]) -> dict[str, KnownAppointment]:
    ids = {named for event in events if (named := words.appointment_id(event))}
    if not ids:
        return {}
    rows = Appointment.objects.filter(patient=patient, pk__in=ids).values_list(
        "pk", "starts_at", "provider__name"
    )
    return {str(pk): KnownAppointment(starts_at, provider) for pk, starts_at, provider in rows}


def _data_changes(patient: Patient, events: Sequence[AuditEvent]) -> dict[int, dict[str, tuple[str, str]]]:
    ids = [event.pk for event in events if "fields" in event.details]
    found: dict[int, dict[str, tuple[str, str]]] = {}
    if ids:
        for row in DataChange.objects.filter(patient=patient, event_id__in=ids).order_by("pk"):
            found.setdefault(row.event_id, {})[row.field] = (row.before or "", row.after or "")
    return found


def _gathered(entries: Iterable[Entry], patient: Patient) -> list[Entry]:
    """Make one line of the looks that follow each other, by the same person on the same local day."""
    zone, found = patient.clinic.zone, list[Entry]()
    for entry in entries:
        last = found[-1] if found else None
        if (
            last is not None
            and entry.is_look
            and (entry.action, entry.who) == (last.action, last.who)
            and entry.at.astimezone(zone).date() == last.at.astimezone(zone).date()
        ):
            more = tuple(dict.fromkeys([*last.more, *entry.more]))
            found[-1] = replace(last, times=last.times + 1, more=more)
        else:
            found.append(entry)
    return found


# -- what it can be narrowed to ----------------------------------------------------------------------------
def filters_of(patient: Patient, *, viewer: UUID | None, now: datetime) -> Filters:
    """Return who is in the trail, by name, and its months, the latest first. Five queries."""
    ids = _actors(patient)
    crowd = Crowd(patient, ids, viewer=viewer)
    people = []
    for user_id in ids:
        who = crowd.who(user_id, now)
        people.append((str(user_id), f"{who.name} ({who.role})" if who.role else who.name))
    people.sort(key=lambda one: one[1].casefold())
    first = (
        AuditEvent.objects.filter(patient_id=patient.pk).order_by("at").values_list("at", flat=True).first()
    )
    months = policy.months_between(first, now, patient.clinic.zone) if first else []
    return Filters(
        people=(*people, (BY_ITSELF, _("The portal, by itself"))),
        months=tuple((f"{month:%Y-%m}", date_format(month, "F Y")) for month in months),
    )


_WALK = """
WITH RECURSIVE walk AS (
    (SELECT actor_id FROM portal_auditevent
     WHERE patient_id = %(patient)s AND actor_id IS NOT NULL ORDER BY actor_id LIMIT 1)
    UNION ALL
    SELECT (SELECT event.actor_id FROM portal_auditevent event
            WHERE event.patient_id = %(patient)s AND event.actor_id > walk.actor_id
            ORDER BY event.actor_id LIMIT 1)
    FROM walk WHERE walk.actor_id IS NOT NULL
)
SELECT actor_id FROM walk WHERE actor_id IS NOT NULL LIMIT %(most)s
"""
"""From one person to the next along audit_by_patient_and_actor: as many steps as people, not as events."""


def _actors(patient: Patient) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_WALK, {"patient": patient.pk, "most": MOST_PEOPLE})
        return [row[0] for row in cursor.fetchall()]
