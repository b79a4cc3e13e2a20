"""Every change to the clinic's register. All are atomic, keyword-only and audited; `actor` is a User or audit.SYSTEM."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from clinic_admin import policy, queries
from clinic_admin.choices import ClinicRefusal, Country, ProviderKind, Role
from clinic_admin.models import Clinic, Closure, FormerIdentifier, OpeningHours, Provider, StaffMember
from clinic_admin.policy import ClinicSettings, ClosedDays, OpenPeriod
from portal import audit
from portal.refusals import Refused


class ClinicChangeRefused(Refused):
    """The register stays as it was; the reason is a ClinicRefusal."""


@transaction.atomic
def create_clinic(
    *,
    name: str,
    portal_identifier: str,
    country: str,
    actor: Any,
    now: datetime,
    is_active: bool = False,
    **settings: Any,
) -> Clinic:
    """Store a clinic, by default with its portal off. `settings` are fields of ClinicSettings (phone in E.164).

    Raises ClinicChangeRefused when the identifier can't be used, or another clinic has or had it.
    """
    clinic = Clinic(
        name=name,
        portal_identifier=clean_identifier(portal_identifier),
        country=Country(country),
        time_zone=Country(country).time_zone,
        is_active=is_active,
        **settings,
    )
    _insert(clinic, taken=ClinicRefusal.IDENTIFIER_TAKEN)
    if FormerIdentifier.objects.filter(identifier=clinic.portal_identifier).exists():
        raise ClinicChangeRefused(ClinicRefusal.IDENTIFIER_HAD)
    audit.record(
        action="clinic.created",
        subject=clinic,
        actor=actor,
        now=now,
        clinic_id=clinic.pk,
        portal_identifier=clinic.portal_identifier,
        country=clinic.country,
        is_active=clinic.is_active,
    )
    return clinic


@transaction.atomic
def switch_portal(*, clinic: Clinic, is_active: bool, actor: Any, now: datetime) -> None:
    """Open the clinic's portal to its patients, or close it. Nothing happens when it already is so."""
    row = locked(clinic)
    if row.is_active != is_active:
        row.is_active = is_active
        row.save(update_fields=["is_active"])
        audit.record(
            action="clinic.switched",
            subject=row,
            actor=actor,
            now=now,
            clinic_id=row.pk,
            before=not is_active,
            after=is_active,
        )
    clinic.is_active = is_active


@transaction.atomic
def change_settings(
    *, clinic: Clinic, settings: ClinicSettings, seen: str | None, actor: Any, now: datetime
) -> None:
    """Store the settings. `seen` is the policy.settings_token that the page was made with; None saves regardless.

    Raises ClinicChangeRefused(CHANGED_MEANWHILE) when someone saved something else since the page was made.
    """
    row = locked(clinic)
    before = queries.settings_of(row)
    changes = policy.differences(before, settings)
    if not changes:
        return
    if seen is not None and seen != policy.settings_token(before):
        raise ClinicChangeRefused(ClinicRefusal.CHANGED_MEANWHILE)
    for name, (_old, new) in changes.items():
        setattr(row, name, new)
        setattr(clinic, name, new)
    if "draws_urgent" in changes and not row.draws_urgent:
        # Who asks does so from the release hour of the day before on.
        row.drew_until = clinic.drew_until = now.astimezone(row.zone).date() + timedelta(days=1)
    row.save(update_fields=[*changes, "drew_until"])
    audit.record(
        action="clinic.changed",
        subject=row,
        actor=actor,
        now=now,
        clinic_id=row.pk,
        before={name: value_as_json(old) for name, (old, _new) in changes.items()},
        after={name: value_as_json(new) for name, (_old, new) in changes.items()},
    )


@transaction.atomic
def set_opening_hours(
    *, clinic: Clinic, periods: Sequence[OpenPeriod], actor: Any, now: datetime, seen: str | None = None
) -> None:
    """Make these the week's opening hours. `seen` is the policy.hours_token of the page; None saves regardless.

    Raises ClinicChangeRefused: out of order, overlapping, or changed meanwhile.
    """
    _refuse(policy.hours_refusal(periods))
    row = locked(clinic)
    before, after = queries.opening_hours_of(row), sorted(periods)
    if before == after:
        return
    if seen is not None and seen != policy.hours_token(before):
        raise ClinicChangeRefused(ClinicRefusal.CHANGED_MEANWHILE)
    row.opening_hours.all().delete()
    OpeningHours.objects.bulk_create(OpeningHours(clinic=row, **asdict(period)) for period in after)
    audit.record(
        action="opening_hours.changed",
        subject=row,
        actor=actor,
        now=now,
        clinic_id=row.pk,
        before=hours_as_json(before),
        after=hours_as_json(after),
    )


@transaction.atomic
def add_closure(
    *, clinic: Clinic, first_day: date, last_day: date, actor: Any, now: datetime, reason: str = ""
) -> Closure:
    """Close the clinic on these days, both ends included. Appointments already booked stay. The same twice is one.

    Raises ClinicChangeRefused: out of order, over, or closed already.
    """
    row = locked(clinic)
    today = now.astimezone(clinic.zone).date()
    coming = list(queries.coming_closures(row, today))
    for known in coming:
        if (known.first_day, known.last_day, known.reason) == (first_day, last_day, reason):
            return known
    existing = [ClosedDays(known.first_day, known.last_day) for known in coming]
    _refuse(policy.closure_refusal(ClosedDays(first_day, last_day), existing=existing, today=today))
    closure = Closure.objects.create(clinic=row, first_day=first_day, last_day=last_day, reason=reason)
    _record_closure("closure.added", closure, actor, now)
    return closure


@transaction.atomic
def remove_closure(*, clinic: Clinic, closure_id: int, actor: Any, now: datetime) -> bool:
    """Open the clinic on those days again. Returns False when the clinic has no such closure (any more)."""
    closure = queries.closure_of(locked(clinic), closure_id)
    if closure is None:
        return False
    _record_closure("closure.removed", closure, actor, now)
    closure.delete()
    return True


@transaction.atomic
def add_staff_member(
    *, clinic: Clinic, user: Any, roles: Iterable[Role], actor: Any, now: datetime, name: str = ""
) -> StaffMember:
    """Give a staff login a post at the clinic; the name is the login's unless said otherwise.

    Raises ClinicChangeRefused: no role, or the person already has a post here.
    """
    chosen = sorted({Role(role) for role in roles})
    if not chosen:
        raise ClinicChangeRefused(ClinicRefusal.NO_ROLE)
    member = StaffMember(clinic=clinic, user=user, name=name or user.name, roles=chosen)
    _insert(member, taken=ClinicRefusal.ALREADY_STAFF)
    audit.record(action="staff_member.added", subject=member, actor=actor, now=now, roles=chosen)
    return member


@transaction.atomic
def add_provider(
    *,
    clinic: Clinic,
    name: str,
    initials: str,
    kind: ProviderKind,
    actor: Any,
    now: datetime,
    has_patient_list: bool = False,
    has_portal_access: bool = False,
    staff_member: StaffMember | None = None,
) -> Provider:
    """Store a provider, last in the clinic's lists and without portal access unless said (A13).

    Raises ClinicChangeRefused when another provider of the clinic has the initials.
    """
    locked(clinic)
    provider = Provider(
        clinic=clinic,
        name=name,
        initials=initials,
        kind=kind,
        has_patient_list=has_patient_list,
        has_portal_access=has_portal_access,
        staff_member=staff_member,
        position=clinic.providers.count(),
    )
    _insert(provider, taken=ClinicRefusal.INITIALS_TAKEN)
    audit.record(
        action="provider.added",
        subject=provider,
        actor=actor,
        now=now,
        kind=str(kind),
        has_patient_list=has_patient_list,
        has_portal_access=has_portal_access,
    )
    return provider


def locked(clinic: Clinic) -> Clinic:
    """Return the clinic's row, row against other changes of the register until the transaction ends."""
    return Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)


def _insert(row: Clinic | StaffMember | Provider, *, taken: ClinicRefusal) -> None:
    """Store a new row; the database says whether someone was first."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise ClinicChangeRefused(taken) from error


def clean_identifier(identifier: str) -> str:
    """Return the identifier as it is stored, or raise ClinicChangeRefused if no clinic can be called so."""
    try:
        return str(Clinic._meta.get_field("portal_identifier").clean(identifier.strip(), None))
    except ValidationError:
        raise ClinicChangeRefused(ClinicRefusal.IDENTIFIER_BAD) from None


def _refuse(refusal: ClinicRefusal | None) -> None:
    if refusal is not None:
        raise ClinicChangeRefused(refusal)


def _record_closure(action: str, closure: Closure, actor: Any, now: datetime) -> None:
    audit.record(
        action=action,
        subject=closure,
        actor=actor,
        now=now,
        first_day=closure.first_day.isoformat(),
        last_day=closure.last_day.isoformat(),
    )


def value_as_json(value: object) -> object:
    """Return a setting as the trail holds it."""
    return value.strftime("%H:%M") if isinstance(value, time) else value


def hours_as_json(periods: Iterable[OpenPeriod]) -> list[list[str]]:
    """Return opening hours as the trail holds them."""
    return [[period.weekday, f"{period.opens_at:%H:%M}", f"{period.closes_at:%H:%M}"] for period in periods]
