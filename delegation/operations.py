"""Changes of the matrix and of absences. All lock the clinic's row, on which both hang (services.access.queries)."""

from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime

from django.db import transaction

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation.choices import DelegationRefusal
from delegation.models import Absence, Matrix, MatrixTick
from delegation.policy import Away, Tick, refuse_absence
from identity.models import User
from portal import audit
from portal.refusals import Refused


class DelegationRefused(Refused):
    """A change of the matrix or of absences was refused."""


class MatrixChanged(DelegationRefused):
    """Someone saved the matrix in between; `theirs` is the stored version, `yours` the one the page was made from."""

    def __init__(self, *, yours: int, theirs: int) -> None:
        super().__init__(DelegationRefusal.MATRIX_CHANGED, yours=yours, theirs=theirs)
        self.yours = yours
        self.theirs = theirs


@transaction.atomic
def save_matrix(
    *,
    clinic: Clinic,
    service: Service,
    ticks: Set[Tick],
    version: int,
    actor: User | None,
    now: datetime,
) -> int:
    """Make the service's ticks of all active providers these, and return the new version (000 §4).

    Rows and columns of providers who left don't stand on the page and are left as they are.
    Raises MatrixChanged when `version` is not the stored one, DelegationRefused for a provider who isn't there.
    """
    matrix = _lock_matrix(clinic)
    if matrix.version != version:
        raise MatrixChanged(yours=version, theirs=matrix.version)
    active = frozenset(Provider.objects.for_clinic(clinic).active().values_list("pk", flat=True))
    if not all(tick.provider in active and tick.row in active | {None} for tick in ticks):
        raise DelegationRefused(DelegationRefusal.UNKNOWN_PROVIDER)
    stored = _stored(clinic, service)
    shown = {tick for tick in stored if tick.provider in active and tick.row in active | {None}}
    return _write(matrix, stored, on=ticks - shown, off=shown - ticks, actor=actor, now=now)


@transaction.atomic
def tick(
    *,
    clinic: Clinic,
    service: Service,
    row: Provider | None,
    provider: Provider,
    actor: User | None,
    now: datetime,
) -> None:
    """Set one tick, and leave the others."""
    matrix = _lock_matrix(clinic)
    asked = {Tick(service, row.pk if row else None, provider.pk)}
    stored = _stored(clinic, service)
    _write(matrix, stored, on=asked - stored.keys(), off=frozenset(), actor=actor, now=now)


@transaction.atomic
def add_absence(
    *,
    clinic: Clinic,
    provider: Provider,
    first_day: date,
    last_day: date,
    cover: Provider | None,
    actor: User | None,
    now: datetime,
) -> Absence:
    """Store that the provider is away from the first to the last day, both included (000 §4.4, C5).

    Raises DelegationRefused; see delegation.policy.refuse_absence.
    """
    _lock_clinic(clinic)
    wanted = Away(provider.pk, first_day, last_day, cover.pk if cover else None)
    active = Provider.objects.for_clinic(clinic).active()
    there = set(active.filter(pk__in={wanted.provider, wanted.cover}).values_list("pk", flat=True))
    if not {wanted.provider, wanted.cover} - {None} <= there:
        raise DelegationRefused(DelegationRefusal.UNKNOWN_PROVIDER)
    stored = Absence.objects.filter(clinic=clinic, last_day__gte=first_day)
    refusal = refuse_absence(wanted, [absence.values for absence in stored])
    if refusal is not None:
        raise DelegationRefused(refusal)
    absence = Absence.objects.create(
        clinic=clinic, provider=provider, first_day=first_day, last_day=last_day, cover=cover
    )
    audit.record(
        action="absence.added", subject=absence, actor=actor, now=now, after=_absence_details(absence)
    )
    return absence


@transaction.atomic
def remove_absence(*, clinic: Clinic, absence_id: int, actor: User | None, now: datetime) -> None:
    """Take an absence away, so that the days are as without it. One that is gone already is left at that."""
    _lock_clinic(clinic)
    absence = Absence.objects.filter(clinic=clinic, pk=absence_id).first()
    if absence is None:
        return
    audit.record(
        action="absence.removed", subject=absence, actor=actor, now=now, before=_absence_details(absence)
    )
    absence.delete()


def _lock_clinic(clinic: Clinic) -> None:
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)


def _lock_matrix(clinic: Clinic) -> Matrix:
    _lock_clinic(clinic)
    return Matrix.objects.get_or_create(clinic=clinic)[0]


def _stored(clinic: Clinic, service: Service) -> dict[Tick, int]:
    """Return the stored ticks of a service, with their ids."""
    rows = MatrixTick.objects.filter(clinic=clinic, service=service).values_list("row", "provider", "pk")
    return {Tick(service, row, provider): pk for row, provider, pk in rows}


def _write(
    matrix: Matrix,
    stored: Mapping[Tick, int],
    *,
    on: Set[Tick],
    off: Set[Tick],
    actor: User | None,
    now: datetime,
) -> int:
    if not on and not off:
        return matrix.version
    MatrixTick.objects.bulk_create(
        MatrixTick(clinic_id=matrix.clinic_id, service=t.service, row_id=t.row, provider_id=t.provider)
        for t in on
    )
    MatrixTick.objects.filter(pk__in=[stored[t] for t in off]).delete()
    before = matrix.version
    matrix.version, matrix.changed_at, matrix.changed_by = before + 1, now, actor
    matrix.save(update_fields=["version", "changed_at", "changed_by"])
    audit.record(
        action="matrix.saved",
        subject=matrix,
        actor=actor,
        now=now,
        before=before,
        after=matrix.version,
        on=_tick_details(on),
        off=_tick_details(off),
    )
    return matrix.version


def _tick_details(ticks: Iterable[Tick]) -> list[dict[str, str | int | None]]:
    ordered = sorted(ticks, key=lambda t: (t.service.value, t.row or 0, t.provider))
    return [{"service": t.service.value, "row": t.row, "provider": t.provider} for t in ordered]


def _absence_details(absence: Absence) -> dict[str, str | int | None]:
    return {
        "provider": absence.provider_id,
        "first_day": absence.first_day.isoformat(),
        "last_day": absence.last_day.isoformat(),
        "cover": absence.cover_id,
    }
