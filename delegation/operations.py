"""Changes of the matrix, of absences, and of who gets messages.

All lock the clinic's row, on which they hang (services.access.queries).
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db import transaction

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider, StaffMember
from delegation import queries
from delegation.choices import DelegationRefusal, Topic
from delegation.models import (
    Absence,
    AbsenceCover,
    Gap,
    LookAhead,
    Matrix,
    MatrixTick,
    MessageDelegation,
)
from delegation.policy import Away, Tick, refuse_absence
from delegation.queries import LOOK_AHEAD
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
def undo_matrix(*, clinic: Clinic, version: int, actor: User | None, now: datetime) -> int:
    """Put back the ticks as they were before the last save, and return the new version. The trail tells of it.

    `version` is the one on the page. Raises MatrixChanged when someone saved since, DelegationRefused when
    nothing was ever saved. Ticks of providers who no longer exist stay away.
    """
    matrix = _lock_matrix(clinic)
    if matrix.version != version:
        raise MatrixChanged(yours=version, theirs=matrix.version)
    last = queries.last_save(clinic=clinic, version=version)
    if last is None:
        raise DelegationRefused(DelegationRefusal.NOTHING_TO_UNDO)
    known = frozenset(Provider.objects.for_clinic(clinic).values_list("pk", flat=True)) | {None}
    back_on = {tick for tick in last.off if {tick.row, tick.provider} <= known}
    stored = {tick: pk for service in last.services for tick, pk in _stored(clinic, service).items()}
    return _write(
        matrix,
        stored,
        on=back_on - stored.keys(),
        off=last.on & stored.keys(),
        actor=actor,
        now=now,
        undoes=version,
    )


@transaction.atomic
def add_absence(
    *,
    clinic: Clinic,
    provider: Provider,
    first_day: date,
    last_day: date,
    covers: Mapping[Service, Provider],
    actor: User | None,
    now: datetime,
) -> Absence:
    """Store that the provider is away from the first to the last day, both included (000 §4.4, C5).

    `covers` says who stands in for which service; a service left out has nobody.
    Raises DelegationRefused; see delegation.policy.refuse_absence.
    """
    _lock_clinic(clinic)
    wanted = Away(provider.pk, first_day, last_day, {service: cover.pk for service, cover in covers.items()})
    _refuse_strangers(clinic, wanted)
    stored = Absence.objects.filter(clinic=clinic, last_day__gte=first_day).prefetch_related("covers")
    refusal = refuse_absence(wanted, [absence.values for absence in stored])
    if refusal is not None:
        raise DelegationRefused(refusal)
    absence = Absence.objects.create(clinic=clinic, provider=provider, first_day=first_day, last_day=last_day)
    AbsenceCover.objects.bulk_create(
        AbsenceCover(clinic=clinic, absence=absence, service=service, provider=cover)
        for service, cover in covers.items()
    )
    audit.record(
        action="absence.added",
        subject=absence,
        actor=actor,
        now=now,
        after=_absence_details(absence.pk, wanted),
    )
    _store_gaps(clinic, now)
    return absence


def _refuse_strangers(clinic: Clinic, wanted: Away) -> None:
    """Raise DelegationRefused for someone who doesn't work here, or covers without portal access."""
    covers = set(wanted.covers.values())
    active = Provider.objects.for_clinic(clinic).active()
    there = dict(active.filter(pk__in={wanted.provider, *covers}).values_list("pk", "has_portal_access"))
    if not {wanted.provider, *covers} <= there.keys():
        raise DelegationRefused(DelegationRefusal.UNKNOWN_PROVIDER)
    if not all(there[cover] for cover in covers if cover != wanted.provider):
        raise DelegationRefused(DelegationRefusal.COVER_WITHOUT_ACCESS)


@transaction.atomic
def remove_absence(*, clinic: Clinic, absence_id: int, actor: User | None, now: datetime) -> None:
    """Take an absence away, so that the days are as without it. One that is gone already is left at that.

    Raises Absence.DoesNotExist for another clinic's.
    """
    _lock_clinic(clinic)
    absence = Absence.objects.filter(pk=absence_id).first()
    if absence is None:
        return
    if absence.clinic_id != clinic.pk:
        raise Absence.DoesNotExist
    audit.record(
        action="absence.removed",
        subject=absence,
        actor=actor,
        now=now,
        before=_absence_details(absence.pk, absence.values),
    )
    absence.delete()
    _store_gaps(clinic, now)


@transaction.atomic
def uncover(*, clinic: Clinic, provider: Provider, after: date, actor: User | None, now: datetime) -> int:
    """Take the provider out of others' absences that last longer than this day; what they covered has nobody then.

    Returns how many covers were taken away.
    """
    _lock_clinic(clinic)
    covered = Absence.objects.filter(clinic=clinic, last_day__gt=after, covers__provider=provider).distinct()
    removed = 0
    for absence in covered.order_by("pk"):
        before = absence.values
        left = {service: cover for service, cover in before.covers.items() if cover != provider.pk}
        removed += len(before.covers) - len(left)
        absence.covers.filter(provider=provider).delete()
        audit.record(
            action="absence.changed",
            subject=absence,
            actor=actor,
            now=now,
            before=_absence_details(absence.pk, before),
            after=_absence_details(absence.pk, replace(before, covers=left)),
        )
    if removed:
        _store_gaps(clinic, now)
    return removed


# -- looking ahead -----------------------------------------------------------------------------------------
@transaction.atomic
def look_ahead(*, clinic: Clinic, now: datetime) -> bool:
    """Find the days of the coming weeks on which absences leave a list with nobody (C5).

    Once for each of the clinic's local days: returns False when that day is done already.
    """
    _lock_clinic(clinic)
    day = now.astimezone(clinic.zone).date()
    _row, is_first = LookAhead.objects.get_or_create(clinic=clinic, day=day, defaults={"made_at": now})
    if is_first:
        LookAhead.objects.filter(clinic=clinic, day__lt=day - LOOK_AHEAD).delete()
        _store_gaps(clinic, now)
    return is_first


def _store_gaps(clinic: Clinic, now: datetime) -> None:
    """Make the stored gaps those of today's settings. The clinic's row is locked."""
    found = queries.gaps_ahead(clinic=clinic, day=now.astimezone(clinic.zone).date())
    Gap.objects.filter(clinic=clinic).delete()
    Gap.objects.bulk_create(
        Gap(
            clinic=clinic, service=gap.service, row_id=gap.row, first_day=gap.first_day, last_day=gap.last_day
        )
        for gap in found
    )


# -- message delegation ------------------------------------------------------------------------------------
@transaction.atomic
def delegate_messages(
    *,
    post: StaffMember,
    topics: Set[Topic],
    recipient_id: int | None,
    version: int,
    now: datetime,
) -> None:
    """Choose which kinds of new messages one staff member gets, and who (000 §4.3). `post` is who saves.

    Messages that are there already stay where they are. Raises DelegationRefused for anyone but a system
    administrator, for someone who doesn't work here, and when someone saved since `version`.
    """
    if not post.is_system_administrator:
        raise DelegationRefused(DelegationRefusal.NOT_SYSTEM_ADMINISTRATOR)
    clinic = post.clinic
    _lock_clinic(clinic)
    stored = MessageDelegation.objects.get_or_create(clinic=clinic)[0]
    if stored.version != version:
        raise DelegationRefused(DelegationRefusal.MESSAGES_CHANGED)
    before = _message_details(stored)
    if recipient_id is not None and recipient_id not in queries.staff_ids(clinic):
        raise DelegationRefused(DelegationRefusal.UNKNOWN_RECIPIENT)
    stored.topics, stored.recipient_id = sorted(topics), recipient_id
    if _message_details(stored) == before:
        return
    stored.version, stored.changed_at, stored.changed_by = stored.version + 1, now, post.user
    stored.save(update_fields=["topics", "recipient", "version", "changed_at", "changed_by"])
    audit.record(
        action="message_delegation.changed",
        subject=stored,
        actor=post.user,
        now=now,
        before=before,
        after=_message_details(stored),
    )


def _message_details(stored: MessageDelegation) -> dict[str, Any]:
    return {"topics": sorted(stored.topics), "recipient": stored.recipient_id}


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
    undoes: int | None = None,
) -> int:
    """Store the difference, its version and its trail. `undoes` names the version whose save is taken back."""
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
    details: dict[str, Any] = {"on": _tick_details(on), "off": _tick_details(off)}
    if undoes is not None:
        details["undoes"] = undoes
    audit.record(
        action="matrix.saved",
        subject=matrix,
        actor=actor,
        now=now,
        before=before,
        after=matrix.version,
        **details,
    )
    _store_gaps(Clinic.objects.get(pk=matrix.clinic_id), now)
    return matrix.version


def _tick_details(ticks: Iterable[Tick]) -> list[dict[str, str | int | None]]:
    ordered = sorted(ticks, key=lambda t: (t.service.value, t.row or 0, t.provider))
    return [{"service": t.service.value, "row": t.row, "provider": t.provider} for t in ordered]


def _absence_details(absence_id: int, away: Away) -> dict[str, Any]:
    covers = {service.value: cover for service, cover in away.covers.items()}
    same = set(covers.values())
    return {
        "absence": absence_id,
        "provider": away.provider,
        "first_day": away.first_day.isoformat(),
        "last_day": away.last_day.isoformat(),
        "cover": same.pop() if len(same) == 1 and len(covers) == len(Service) else None,
        "covers": covers,
    }
