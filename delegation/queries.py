"""What the pages of the matrix, of absences and of message delegation need."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider, StaffMember
from delegation import policy
from delegation.choices import Topic
from delegation.models import Absence, Gap, Matrix, MatrixTick, MessageDelegation
from delegation.policy import Presence, Tick, presence
from identity.models import User
from portal.alphabet import InAlphabet
from portal.models import AuditEvent

LOOK_AHEAD = timedelta(weeks=4)
"""How far ahead gaps are looked for (C5)."""

OTHERS = "others"
"""Name of the row of all other active patients in forms."""


def key(tick: Tick) -> str:
    """Return the name of a box in forms, as in "12:7" or "others:7"."""
    return f"{tick.row or OTHERS}:{tick.provider}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One box: the patients of the row with the provider of the column."""

    key: str
    provider: Provider
    is_ticked: bool
    is_changed: bool
    """Differs from what is stored."""
    is_own: bool
    """The provider's own list."""
    is_away: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A provider whom patients may get, and the absence of today, if any."""

    provider: Provider
    absence: Absence | None
    cover: str
    """Who covers for the absence of today in the grid's service; empty when nobody does."""
    is_full: bool

    @property
    def warns(self) -> bool:
        """Return whether the provider has a list but no portal access (C2)."""
        return self.provider.has_patient_list and not self.provider.has_portal_access


@dataclass(frozen=True, slots=True)
class Row:
    """A provider's list, or all other active patients."""

    key: str
    owner: Provider | None
    cells: list[Cell]
    is_unserved: bool
    """Nobody with portal access is there for these patients today."""

    @property
    def is_full(self) -> bool:
        """Return whether every box is ticked."""
        return all(cell.is_ticked for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Grid:
    """One service's matrix with everything the page shows."""

    service: Service
    version: int
    changed_at: datetime | None
    changed_by: str
    columns: list[Column]
    rows: list[Row]
    stored: frozenset[Tick]
    """What stands in the database, of what the page shows."""
    unserved: Mapping[Service, int]
    """How many lists have nobody for each service today, as stored."""

    def ticks_of(self, keys: Set[str]) -> frozenset[Tick]:
        """Return the ticks with these names; names that are none of the page's boxes are left out."""
        return frozenset(tick for tick in self.boxes if key(tick) in keys)

    @property
    def boxes(self) -> list[Tick]:
        """Return every box of the page."""
        return [
            Tick(self.service, row.owner.pk if row.owner else None, column.provider.pk)
            for row in self.rows
            for column in self.columns
        ]


def grid(*, clinic: Clinic, service: Service, day: date, ticks: Set[Tick] | None = None) -> Grid:
    """Return the matrix of a service as it stands on the day, or with `ticks` in place of those stored. Six queries."""
    providers = list(Provider.objects.for_clinic(clinic).active())
    owners = [provider for provider in providers if provider.has_patient_list]
    everything = _stored(clinic, shown=providers, owners=owners)
    stored = frozenset(tick for tick in everything if tick.service == service)
    absences = list(
        Absence.objects.filter(clinic=clinic, first_day__lte=day, last_day__gte=day).prefetch_related(
            "covers__provider"
        )
    )
    by_provider = {absence.provider_id: absence for absence in absences}
    today = presence([absence.values for absence in absences], day)
    wanted = stored if ticks is None else ticks
    rows = [_row(owner, providers, service, today, stored, wanted) for owner in [*owners, None]]
    matrix = Matrix.objects.filter(clinic=clinic).select_related("changed_by").first()
    return Grid(
        service=service,
        version=matrix.version if matrix else 0,
        changed_at=matrix.changed_at if matrix else None,
        changed_by=matrix.changed_by.name if matrix and matrix.changed_by else "",
        columns=[
            Column(
                provider=provider,
                absence=by_provider.get(provider.pk),
                cover=_cover_name(by_provider.get(provider.pk), service),
                is_full=all(row.cells[place].is_ticked for row in rows),
            )
            for place, provider in enumerate(providers)
        ],
        rows=rows,
        stored=stored,
        unserved=_unserved(everything, providers, [*owners, None], today),
    )


def _cover_name(absence: Absence | None, service: Service) -> str:
    covers = absence.covers.all() if absence else ()
    return next((cover.provider.name for cover in covers if cover.service == service), "")


def _unserved(
    ticks: Set[Tick], providers: list[Provider], rows: Sequence[Provider | None], today: Presence
) -> dict[Service, int]:
    within_reach = {provider.pk for provider in providers if provider.has_portal_access}
    served = policy.served(ticks, within_reach, today)
    return {
        service: sum((service, row.pk if row else None) not in served for row in rows) for service in Service
    }


def _stored(clinic: Clinic, *, shown: list[Provider], owners: list[Provider]) -> frozenset[Tick]:
    """Return all services' ticks of those who stand on the page."""
    columns = {provider.pk for provider in shown}
    rows = {provider.pk for provider in owners} | {None}
    found = MatrixTick.objects.filter(clinic=clinic).values_list("service", "row", "provider")
    return frozenset(
        Tick(Service(service), row, provider)
        for service, row, provider in found
        if row in rows and provider in columns
    )


def _row(
    owner: Provider | None,
    providers: list[Provider],
    service: Service,
    today: Presence,
    stored: Set[Tick],
    wanted: Set[Tick],
) -> Row:
    ticks = [Tick(service, owner.pk if owner else None, provider.pk) for provider in providers]
    return Row(
        key=str(owner.pk) if owner else OTHERS,
        owner=owner,
        cells=[
            Cell(
                key=key(tick),
                provider=provider,
                is_ticked=tick in wanted,
                is_changed=(tick in wanted) != (tick in stored),
                is_own=provider == owner,
                is_away=provider.pk in today.away,
            )
            for tick, provider in zip(ticks, providers, strict=True)
        ],
        is_unserved=not any(
            provider.has_portal_access and today.ticks_behind(wanted, tick)
            for tick, provider in zip(ticks, providers, strict=True)
        ),
    )


@dataclass(frozen=True, slots=True)
class Conflict:
    """What another person saved after the page was made: boxes that went on and off, as (row, provider)."""

    on: list[tuple[Provider | None, Provider]]
    off: list[tuple[Provider | None, Provider]]


def merged(*, grid: Grid, base: Set[Tick], ticks: Set[Tick]) -> frozenset[Tick]:
    """Return what is stored now with one's own changes on top. `base` is what the page showed when it was made."""
    return (grid.stored - (base - ticks)) | (ticks - base)


def conflict(*, grid: Grid, base: Set[Tick]) -> Conflict:
    """Return what is stored now and wasn't on the page, and the other way round."""
    by_id = {column.provider.pk: column.provider for column in grid.columns}

    def named(ticks: Set[Tick]) -> list[tuple[Provider | None, Provider]]:
        return [
            (by_id[tick.row] if tick.row else None, by_id[tick.provider])
            for tick in grid.boxes
            if tick in ticks
        ]

    return Conflict(on=named(grid.stored - base), off=named(base - grid.stored))


# -- undo and history --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class LastSave:
    """What the last save of the matrix switched, as the trail tells."""

    on: frozenset[Tick]
    off: frozenset[Tick]

    @property
    def services(self) -> frozenset[Service]:
        """Return the services it changed."""
        return frozenset(tick.service for tick in self.on | self.off)

    @property
    def service(self) -> Service:
        """Return the service it changed; a save is of one service."""
        return min(self.services, key=list(Service).index)


def last_save(*, clinic: Clinic, version: int) -> LastSave | None:
    """Return the save that led to this version of the matrix, or None. One query."""
    event = (
        AuditEvent.objects.filter(
            clinic_id=clinic.pk, subject_type="delegation.matrix", action="matrix.saved"
        )
        .order_by("-at", "-id")
        .first()
    )
    if event is None or event.details.get("after") != version:
        return None
    return LastSave(on=_ticks_of(event.details["on"]), off=_ticks_of(event.details["off"]))


def _ticks_of(details: Sequence[Mapping[str, Any]]) -> frozenset[Tick]:
    return frozenset(Tick(Service(one["service"]), one["row"], one["provider"]) for one in details)


def _names(events: Sequence[AuditEvent]) -> dict[Any, str]:
    actors = {event.actor_id for event in events if event.actor_id is not None}
    return dict(User.objects.filter(pk__in=actors).values_list("pk", "name"))


# -- absences ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class AbsenceLine:
    """An absence as lists show it."""

    absence: Absence
    covers: list[tuple[str, str]]
    """(services, who covers them), where they differ; one line with empty services when one covers for all."""


def absences_from(*, clinic: Clinic, day: date) -> list[AbsenceLine]:
    """Return absences that last until the day or longer, first ones first. Two queries."""
    rows = (
        Absence.objects.filter(clinic=clinic, last_day__gte=day)
        .select_related("provider")
        .prefetch_related("covers__provider")
        .order_by("first_day", "provider__position", "provider__name", "pk")
    )
    return [AbsenceLine(row, _cover_lines(row)) for row in rows]


def _cover_lines(absence: Absence) -> list[tuple[str, str]]:
    """Return who covers what. Services with nobody come last, with an empty name."""
    by_service = {Service(cover.service): cover.provider.name for cover in absence.covers.all()}
    names = dict.fromkeys(by_service.get(service, "") for service in Service)
    if len(names) == 1:
        return [("", next(iter(names)))]
    return [
        (", ".join(str(service.label) for service in Service if by_service.get(service, "") == name), name)
        for name in sorted(names, key=lambda name: not name)
    ]


def absence_of(*, clinic: Clinic, absence_id: int) -> Absence | None:
    """Return the clinic's own absence, with who covers."""
    return (
        Absence.objects.filter(clinic=clinic, pk=absence_id)
        .select_related("provider", "clinic")
        .prefetch_related("covers__provider")
        .first()
    )


def gaps_ahead(*, clinic: Clinic, day: date) -> list[policy.Gap]:
    """Return the days of the coming weeks on which absences leave a list with nobody. Four queries."""
    until = day + LOOK_AHEAD
    people = providers(clinic)
    owners = {provider.pk for provider in people if provider.has_patient_list}
    absences = Absence.objects.filter(clinic=clinic, first_day__lte=until, last_day__gte=day)
    return policy.gaps(
        _stored(clinic, shown=people, owners=[person for person in people if person.pk in owners]),
        {person.pk for person in people if person.has_portal_access},
        [absence.values for absence in absences.prefetch_related("covers")],
        day,
        until,
    )


def gaps_from(*, clinic: Clinic, day: date) -> list[Gap]:
    """Return the stored gaps that are not over on the day, first ones first. One query."""
    return list(
        Gap.objects.filter(clinic=clinic, last_day__gte=day)
        .select_related("row")
        .order_by("first_day", "row__position", "row__name", "service")
    )


def clinics_to_look_ahead() -> list[Clinic]:
    """Return the clinics whose portal is on."""
    return list(Clinic.objects.filter(is_active=True).order_by("pk"))


# -- message delegation ------------------------------------------------------------------------------------
def message_delegation(clinic: Clinic) -> MessageDelegation:
    """Return who gets which messages; nothing is delegated where nothing was ever saved. One query."""
    stored = MessageDelegation.objects.filter(clinic=clinic).select_related("recipient", "changed_by").first()
    return stored or MessageDelegation(clinic=clinic)


def recipient_of(clinic: Clinic, topic: Topic) -> StaffMember | None:
    """Return the staff member who gets a new message of this kind, or None for everyone (C4). One query."""
    stored = message_delegation(clinic)
    person = stored.recipient
    chosen = policy.recipient(
        topics=[Topic(name) for name in stored.topics],
        chosen=stored.recipient_id,
        works_here=person is not None and person.is_active,
        topic=topic,
    )
    return person if chosen is not None else None


def staff(clinic: Clinic, *, also: int | None = None) -> list[StaffMember]:
    """Return who works here now and can be chosen, and the one with the id `also`, by name. One query."""
    here = StaffMember.objects.filter(clinic=clinic).filter(Q(is_active=True) | Q(pk=also))
    return list(here.order_by(InAlphabet("name"), "pk"))


def staff_ids(clinic: Clinic) -> frozenset[int]:
    """Return the ids of those who work here now."""
    return frozenset(StaffMember.objects.filter(clinic=clinic, is_active=True).values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class MessageChange:
    """One line of the log of message delegation."""

    at: datetime
    by: str
    before: str
    after: str


def message_log(clinic: Clinic, *, most: int = 20) -> list[MessageChange]:
    """Return the last changes of message delegation, the latest first. Three queries."""
    events = list(
        AuditEvent.objects.filter(clinic_id=clinic.pk, action="message_delegation.changed").order_by(
            "-at", "-id"
        )[:most]
    )
    names = _names(events)
    posts = dict(StaffMember.objects.filter(clinic=clinic).values_list("pk", "name"))
    return [
        MessageChange(
            at=event.at,
            by=names.get(event.actor_id, ""),
            before=_delegated(event.details["before"], posts),
            after=_delegated(event.details["after"], posts),
        )
        for event in events
    ]


def _delegated(details: Mapping[str, Any], posts: Mapping[int, str]) -> str:
    """Return "e-Consultations, Prescription renewals: Siv Sekretær"."""
    if not details["topics"]:
        return _("Nothing delegated")
    topics = ", ".join(str(topic.label) for topic in Topic if topic in details["topics"])
    name = posts.get(details["recipient"], "") or _("Nobody chosen")
    return f"{topics}: {name}"


# -- people ------------------------------------------------------------------------------------------------
def providers(clinic: Clinic) -> list[Provider]:
    """Return those who work here now, as lists show them. One query."""
    return list(Provider.objects.for_clinic(clinic).active())


def provider_of(*, clinic: Clinic, provider_id: int) -> Provider | None:
    """Return the clinic's own active provider with this id."""
    return Provider.objects.for_clinic(clinic).active().filter(pk=provider_id).first()
