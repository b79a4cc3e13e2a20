"""The new-staff wizard (000 §8): what is filled in is kept step by step, and holds only when the last step says so."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from clinic_admin import operations as register
from clinic_admin import text_operations
from clinic_admin.choices import ProviderKind, Role, Service, TextKind
from clinic_admin.models import Clinic, Provider, StaffMember
from clinic_admin.text_queries import TextKey
from delegation import operations as delegations
from delegation.models import Matrix, MatrixTick
from delegation.policy import Tick
from identity import operations as logins
from identity import queries as login_queries
from identity.models import User
from identity.staff import links as staff_links
from portal import audit
from services.access import operations as access
from services.access.choices import Approval, Column
from services.access.policy import Rights
from services.booking.choices import SlotKind
from services.booking.weekly import operations as template_operations
from services.booking.weekly import queries as template_queries
from services.booking.weekly.policy import WeekBlock
from services.onboarding import policy, queries
from services.onboarding.choices import Calendar, StaffRefusal, Step
from services.onboarding.models import NewStaff
from services.onboarding.operations import StaffChangeRefused, lock_clinic
from services.onboarding.policy import OTHERS, OWN, Box, CalendarPlan, Plan


@transaction.atomic
def start(*, clinic: Clinic, actor: User, now: datetime) -> NewStaff:
    """Begin a wizard."""
    new = NewStaff.objects.create(clinic=clinic, started_by=actor, started_at=now, changed_at=now)
    audit.record(action="new_staff.started", subject=new, actor=actor, now=now)
    return new


@transaction.atomic
def tell(*, clinic: Clinic, new_staff_id: UUID, step: Step, said: dict[str, Any], now: datetime) -> NewStaff:
    """Keep what was filled in at a step. Raises NewStaff.DoesNotExist for another clinic's, StaffChangeRefused."""
    new = _locked(clinic, new_staff_id)
    if new.finished_at is not None:
        raise StaffChangeRefused(StaffRefusal.FINISHED)
    if not policy.is_reached(new.told, step):
        raise StaffChangeRefused(StaffRefusal.NOT_COMPLETE)
    new.told, new.changed_at = {**new.told, step.value: said}, now
    new.save(update_fields=["told", "changed_at"])
    return new


@transaction.atomic
def discard(*, clinic: Clinic, new_staff_id: UUID, actor: User, now: datetime) -> bool:
    """Forget what was filled in. Returns False when it is gone or finished already."""
    new = (
        NewStaff.objects.select_for_update()
        .filter(clinic=clinic, pk=new_staff_id, finished_at__isnull=True)
        .first()
    )
    if new is None:
        return False
    audit.record(action="new_staff.discarded", subject=new, actor=actor, now=now)
    new.delete()
    return True


@transaction.atomic
def finish(*, clinic: Clinic, new_staff_id: UUID, actor: StaffMember, now: datetime) -> StaffMember:
    """Do everything that was filled in, as one change, and return the new staff member. Twice does it once.

    A person without a login gets one without a password, and an e-mail with a link to choose it. Raises
    NewStaff.DoesNotExist for another clinic's, and Refused when something can't be done (any more): then nothing is.
    """
    lock_clinic(clinic)
    new = _locked(clinic, new_staff_id)
    if new.staff_member is not None:
        return new.staff_member
    if policy.next_step(new.told) is not Step.SUMMARY:
        raise StaffChangeRefused(StaffRefusal.NOT_COMPLETE)
    plan = policy.plan(new.told)
    if Role.SYSTEM_ADMINISTRATOR in plan.roles and not actor.is_system_administrator:
        raise StaffChangeRefused(StaffRefusal.SYSTEM_ROLE)
    user = _login(clinic, plan, actor.user, now)
    member = register.add_staff_member(
        clinic=clinic, user=user, name=plan.name, roles=plan.roles, actor=actor.user, now=now
    )
    if plan.is_provider:
        _add_provider(clinic, plan, member, actor.user, now)
    if not user.has_usable_password():
        staff_links.send_link(user=user, clinic=clinic, actor=actor.user, now=now)
    new.staff_member, new.finished_at, new.changed_at, new.told = member, now, now, {}
    new.save(update_fields=["staff_member", "finished_at", "changed_at", "told"])
    audit.record(action="new_staff.finished", subject=new, actor=actor.user, now=now, staff_member=member.pk)
    return member


def _locked(clinic: Clinic, new_staff_id: UUID) -> NewStaff:
    return (
        NewStaff.objects.select_for_update(of=("self",))
        .select_related("staff_member")
        .get(clinic=clinic, pk=new_staff_id)
    )


def _login(clinic: Clinic, plan: Plan, actor: User, now: datetime) -> User:
    if queries.has_post(clinic, plan.email):
        raise StaffChangeRefused(StaffRefusal.HAS_POST)
    known = login_queries.staff_user(plan.email)
    if known is not None and not known.is_active:
        raise StaffChangeRefused(StaffRefusal.LOGIN_CLOSED)
    return known or logins.create_staff_user(email=plan.email, name=plan.name, actor=actor, now=now)


def _add_provider(clinic: Clinic, plan: Plan, member: StaffMember, actor: User, now: datetime) -> None:
    if plan.initials.upper() in queries.initials_taken(clinic):
        raise StaffChangeRefused(StaffRefusal.INITIALS_TAKEN)
    provider = register.add_provider(
        clinic=clinic,
        name=plan.shown_name,
        initials=plan.initials,
        kind=ProviderKind(plan.kind),
        has_patient_list=plan.has_patient_list,
        staff_member=member,
        actor=actor,
        now=now,
    )
    _fill_calendar(clinic, provider, plan.calendar, actor, now)
    if plan.signature:
        key = TextKey(TextKind.SIGNATURE, provider_id=provider.pk)
        text_operations.save_text(clinic=clinic, key=key, body=plan.signature, seen=0, actor=actor, now=now)
    access.save_services(
        clinic=clinic,
        provider_id=provider.pk,
        allowed=plan.allowed,
        columns={
            Column(name): Rights(**{**rights, "approval": Approval(rights["approval"])})
            for name, rights in (plan.columns or {}).items()
        },
        actor=actor,
        now=now,
    )
    _tick(clinic, provider, plan, actor, now)


def _fill_calendar(
    clinic: Clinic, provider: Provider, wanted: CalendarPlan, actor: User, now: datetime
) -> None:
    if wanted.how is Calendar.LATER or wanted.first_day is None:
        return
    name, blocks = _week(clinic, wanted)
    template_operations.save_template(
        clinic=clinic,
        provider=provider,
        name=name,
        valid_from=wanted.first_day,
        valid_until=None,
        blocks=blocks,
        actor=actor,
        now=now,
    )


def _week(clinic: Clinic, wanted: CalendarPlan) -> tuple[str, list[WeekBlock]]:
    if wanted.week is not None:
        with translation.override(clinic.language):
            name = _("Ordinary week")
        return name, [WeekBlock(*stretch, kind=SlotKind.PORTAL.value) for stretch in wanted.week.stretches()]
    copied = template_queries.template_of(clinic, wanted.copy_from or 0)
    if copied is None:
        raise StaffChangeRefused(StaffRefusal.CALENDAR_GONE)
    return copied.name, template_queries.blocks_of(copied)


def _tick(clinic: Clinic, provider: Provider, plan: Plan, actor: User, now: datetime) -> None:
    """Set the wizard's ticks beside those that stand, one save for each service."""
    wanted = {_column_tick(box, provider) for box in plan.lists}
    wanted |= {Tick(Service(box.service), provider.pk, int(box.who)) for box in plan.others}
    for service in Service:
        ticks = frozenset(tick for tick in wanted if tick.service == service)
        if ticks:
            stored = standing_ticks(clinic, service)
            save_ticks(clinic, service, stored | ticks, actor, now)


def _column_tick(box: Box, provider: Provider) -> Tick:
    row = {OWN: provider.pk, OTHERS: None}[box.who] if box.who in {OWN, OTHERS} else int(box.who)
    return Tick(Service(box.service), row, provider.pk)


def standing_ticks(clinic: Clinic, service: Service) -> frozenset[Tick]:
    """Return the service's ticks among active providers, as the page of the matrix has them."""
    active = {provider.pk for provider in queries.providers(clinic)}
    rows = MatrixTick.objects.filter(clinic=clinic, service=service).values_list("row", "provider")
    return frozenset(
        Tick(service, row, provider)
        for row, provider in rows
        if provider in active and (row is None or row in active)
    )


def save_ticks(
    clinic: Clinic, service: Service, ticks: Iterable[Tick], actor: User | None, now: datetime
) -> None:
    """Make these the service's ticks. The clinic is locked, so the version can't rise in between."""
    version = Matrix.objects.filter(clinic=clinic).values_list("version", flat=True).first()
    delegations.save_matrix(
        clinic=clinic, service=service, ticks=frozenset(ticks), version=version or 0, actor=actor, now=now
    )
