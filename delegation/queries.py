"""What the pages of the matrix and of absences need."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation.models import Absence, Matrix, MatrixTick
from delegation.policy import Presence, Tick, presence

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
    """Return the matrix of a service as it stands on the day, or with `ticks` in place of those stored. Four queries."""
    providers = list(Provider.objects.for_clinic(clinic).active())
    owners = [provider for provider in providers if provider.has_patient_list]
    stored = _stored(clinic, service, shown=providers, owners=owners)
    absences = list(
        Absence.objects.filter(clinic=clinic, first_day__lte=day, last_day__gte=day).select_related("cover")
    )
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
                absence=next((absence for absence in absences if absence.provider_id == provider.pk), None),
                is_full=all(row.cells[place].is_ticked for row in rows),
            )
            for place, provider in enumerate(providers)
        ],
        rows=rows,
        stored=stored,
    )


def _stored(
    clinic: Clinic, service: Service, *, shown: list[Provider], owners: list[Provider]
) -> frozenset[Tick]:
    columns = {provider.pk for provider in shown}
    rows = {provider.pk for provider in owners} | {None}
    found = MatrixTick.objects.filter(clinic=clinic, service=service).values_list("row", "provider")
    return frozenset(
        Tick(service, row, provider) for row, provider in found if row in rows and provider in columns
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


def absences_from(*, clinic: Clinic, day: date) -> list[Absence]:
    """Return absences that last until the day or longer, first ones first. One query."""
    return list(
        Absence.objects.filter(clinic=clinic, last_day__gte=day)
        .select_related("provider", "cover")
        .order_by("first_day", "provider__position", "provider__name", "pk")
    )


def providers(clinic: Clinic) -> list[Provider]:
    """Return those who work here now, as lists show them. One query."""
    return list(Provider.objects.for_clinic(clinic).active())


def provider_of(*, clinic: Clinic, provider_id: int) -> Provider | None:
    """Return the clinic's own active provider with this id."""
    return Provider.objects.for_clinic(clinic).active().filter(pk=provider_id).first()
