"""Staff who leave: what is decided at once, and what is done in the night after the last day."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider, StaffMember
from delegation import operations as delegations
from delegation.models import MessageDelegation
from delegation.operations import DelegationRefused
from delegation.policy import Tick
from identity import staff_links
from identity.models import User
from patients.models import Patient
from portal import audit
from services.access import operations as access
from services.access.choices import Column
from services.access.policy import NO_RIGHTS
from services.booking import operations as booking
from services.booking import template_operations, template_queries
from services.onboarding import policy, queries
from services.onboarding.choices import StaffRefusal
from services.onboarding.models import Leaving, SecondFactorReset
from services.onboarding.operations import StaffChangeRefused, lock_clinic, refuse, working
from services.onboarding.wizard_operations import save_ticks, standing_ticks


@transaction.atomic
def decide(
    *,
    clinic: Clinic,
    member_id: int,
    last_day: date,
    successor_id: int | None,
    actor: StaffMember,
    now: datetime,
    messages_to_id: int | None = None,
) -> Leaving:
    """Decide that the person leaves after this local day. The weekly calendars end on it at once.

    Patients move to the successor's list, delegated messages to `messages_to_id` (000 §4.3: only a system
    administrator can say to whom; otherwise delegation ends).

    If the day is today, everything else is done at once too; otherwise in the night after it (carry_out).
    Appointments stay; about those after the last day staff decide one by one, on the page of an absence.
    Raises StaffMember.DoesNotExist for another clinic's, StaffChangeRefused.
    """
    lock_clinic(clinic)
    member = working(clinic, member_id)
    check(member=member, last_day=last_day, actor=actor, now=now)
    leaving = Leaving.objects.create(
        clinic=clinic,
        staff_member=member,
        last_day=last_day,
        successor=_successor(member, successor_id),
        messages_to=_colleague(member, messages_to_id, actor),
        decided_by=actor.user,
        decided_at=now,
    )
    audit.record(
        action="leaving.decided",
        subject=leaving,
        actor=actor.user,
        now=now,
        staff_member=member.pk,
        last_day=last_day.isoformat(),
        successor=successor_id,
    )
    provider = _provider_of(member)
    if provider is not None:
        _end_calendars(clinic, provider, last_day, actor.user, now)
        delegations.uncover(clinic=clinic, provider=provider, after=last_day, actor=actor.user, now=now)
        _add_absence(leaving, provider, actor.user, now)
    if last_day == now.astimezone(clinic.zone).date():
        _carry_out(leaving, actor.user, now)
    return leaving


@transaction.atomic
def call_off(*, clinic: Clinic, member_id: int, actor: StaffMember, now: datetime) -> bool:
    """The person stays after all. Their weekly calendars stay ended until somebody prolongs them.

    Returns False when there is nothing to call off. Raises StaffMember.DoesNotExist for another clinic's.
    """
    lock_clinic(clinic)
    member = StaffMember.objects.get(clinic=clinic, pk=member_id)
    leaving = queries.leaving_of(member)
    if leaving is None:
        return False
    audit.record(
        action="leaving.called_off", subject=leaving, actor=actor.user, now=now, staff_member=member.pk
    )
    absence_id = leaving.absence_id
    leaving.delete()
    if absence_id is not None:
        delegations.remove_absence(clinic=clinic, absence_id=absence_id, actor=actor.user, now=now)
    return True


@transaction.atomic
def carry_out(*, leaving_id: UUID, now: datetime) -> bool:
    """Do what was decided, once the last day is over by the clinic's clock. Returns whether there was anything to do."""
    clinic = Clinic.objects.filter(pk__in=Leaving.objects.filter(pk=leaving_id).values("clinic")).first()
    if clinic is None:
        return False
    lock_clinic(clinic)
    leaving = Leaving.objects.filter(pk=leaving_id, done_at__isnull=True).first()
    if leaving is None or leaving.last_day >= now.astimezone(clinic.zone).date():
        return False
    _carry_out(leaving, audit.SYSTEM, now)
    return True


@transaction.atomic
def take_back(*, clinic: Clinic, member_id: int, actor: StaffMember, now: datetime) -> None:
    """Someone who left works here again, with the roles of then. Services, matrix and calendar start empty (A13).

    Raises StaffMember.DoesNotExist for another clinic's, StaffChangeRefused.
    """
    lock_clinic(clinic)
    member = StaffMember.objects.select_related("user").get(clinic=clinic, pk=member_id)
    if member.is_active:
        raise StaffChangeRefused(StaffRefusal.WORKS_HERE)
    refuse(policy.refuse_roles(before=[], after=member.roles, actor=actor.roles, other_administrators=1))
    member.is_active = True
    member.save(update_fields=["is_active"])
    provider = _provider_of(member)
    if provider is not None:
        provider.is_active = True
        provider.save(update_fields=["is_active"])
    audit.record(
        action="staff_member.came_back", subject=member, actor=actor.user, now=now, roles=sorted(member.roles)
    )


def check(*, member: StaffMember, last_day: date, actor: StaffMember, now: datetime) -> None:
    """Raise StaffChangeRefused if the person can't leave after this local day. Changes nothing."""
    refuse(
        policy.refuse_leaving(
            roles=member.roles,
            actor_roles=actor.roles,
            is_self=member.user_id == actor.user_id,
            is_decided=queries.leaving_of(member) is not None,
            last_day=last_day,
            today=now.astimezone(member.clinic.zone).date(),
            other_administrators=queries.other_administrators(member),
            is_successor=queries.is_successor(member),
        )
    )


# -- the parts ---------------------------------------------------------------------------------------------
def _successor(member: StaffMember, successor_id: int | None) -> Provider | None:
    if successor_id is None:
        return None
    found = next((one for one in queries.successors(member) if one.pk == successor_id), None)
    if found is None:
        raise StaffChangeRefused(StaffRefusal.NO_SUCCESSOR)
    return found


def _colleague(member: StaffMember, colleague_id: int | None, actor: StaffMember) -> StaffMember | None:
    if colleague_id is None:
        return None
    if not actor.is_system_administrator:
        raise StaffChangeRefused(StaffRefusal.SYSTEM_ROLE)
    found = next((one for one in queries.colleagues(member) if one.pk == colleague_id), None)
    if found is None:
        raise StaffChangeRefused(StaffRefusal.NO_COLLEAGUE)
    return found


def _provider_of(member: StaffMember) -> Provider | None:
    return Provider.objects.select_for_update(no_key=True).filter(staff_member=member).first()


def _end_calendars(clinic: Clinic, provider: Provider, last_day: date, actor: User, now: datetime) -> None:
    today = now.astimezone(clinic.zone).date()
    for template in queries.running_calendars(provider, today):
        if template.valid_from > last_day:
            template_operations.delete_template(clinic=clinic, template_id=template.pk, actor=actor, now=now)
        elif template.valid_until is None or template.valid_until > last_day:
            template_operations.save_template(
                clinic=clinic,
                provider=provider,
                name=template.name,
                valid_from=template.valid_from,
                valid_until=last_day,
                blocks=template_queries.blocks_of(template),
                template_id=template.pk,
                actor=actor,
                now=now,
            )


def _add_absence(leaving: Leaving, provider: Provider, actor: User, now: datetime) -> None:
    """Store the days after the last one as an absence if there are appointments, with the successor as cover.

    An absence that can't be had, as when the person is away then already, is left out: the page of the person
    shows the appointments in any case.
    """
    clinic = provider.clinic
    first_day = leaving.last_day + timedelta(days=1)
    last_day = queries.last_appointment_day(provider, leaving.last_day, clinic)
    if last_day is None:
        return
    cover = leaving.successor if leaving.successor and leaving.successor.has_portal_access else None
    for covers in ([dict.fromkeys(Service, cover)] if cover else []) + [{}]:
        try:
            leaving.absence = delegations.add_absence(
                clinic=clinic,
                provider=provider,
                first_day=first_day,
                last_day=last_day,
                covers=covers,
                actor=actor,
                now=now,
            )
        except DelegationRefused:
            continue
        leaving.save(update_fields=["absence"])
        return


def _hand_over_messages(leaving: Leaving, member: StaffMember, actor: User | None, now: datetime) -> None:
    """Give the delegation of messages to whoever was chosen and still works here, or end it."""
    stored = MessageDelegation.objects.filter(recipient=member).first()
    if stored is None:
        return
    before = {"topics": sorted(stored.topics), "recipient": stored.recipient_id}
    stays = leaving.messages_to is not None and leaving.messages_to.is_active
    stored.recipient = leaving.messages_to if stays else None
    stored.topics = stored.topics if stays else []
    stored.version, stored.changed_at, stored.changed_by = stored.version + 1, now, actor
    stored.save(update_fields=["topics", "recipient", "version", "changed_at", "changed_by"])
    audit.record(
        action="message_delegation.changed",
        subject=stored,
        actor=actor,
        now=now,
        before=before,
        after={"topics": sorted(stored.topics), "recipient": stored.recipient_id},
    )


def _carry_out(leaving: Leaving, actor: User | None, now: datetime) -> None:
    member = StaffMember.objects.select_related("user", "clinic").get(pk=leaving.staff_member_id)
    clinic = member.clinic
    provider = _provider_of(member)
    done: dict[str, Any] = {}
    if provider is not None:
        done["covers"] = delegations.uncover(
            clinic=clinic, provider=provider, after=leaving.last_day, actor=actor, now=now
        )
        done["patients"] = _move_patients(clinic, provider, leaving.successor, actor, now)
        done["ticks"] = _untick(clinic, provider, actor, now)
        _close_provider(clinic, provider, actor, now)
    _hand_over_messages(leaving, member, actor, now)
    member.is_active = False
    member.save(update_fields=["is_active"])
    SecondFactorReset.objects.filter(
        clinic=clinic, user=member.user, confirmed_at__isnull=True, withdrawn_at__isnull=True
    ).update(withdrawn_at=now)
    leaving.done_at = now
    leaving.save(update_fields=["done_at"])
    audit.record(
        action="staff_member.left",
        subject=member,
        actor=actor,
        now=now,
        successor=leaving.successor_id,
        **done,
    )
    if not StaffMember.objects.filter(user=member.user, is_active=True).exists():
        staff_links.revoke_links(user=member.user, now=now)
        staff_links.end_sessions(user=member.user, actor=actor, now=now, reason="left")


def _move_patients(
    clinic: Clinic, provider: Provider, successor: Provider | None, actor: User | None, now: datetime
) -> int:
    on_list = Patient.objects.for_clinic(clinic).filter(gp=provider)
    moved = list(on_list.select_for_update(no_key=True).only("pk", "clinic").order_by("pk"))
    Patient.objects.filter(pk__in=[patient.pk for patient in moved]).update(gp=successor)
    after = successor.pk if successor else None
    details = {"before": {"gp": provider.pk}, "after": {"gp": after}}
    audit.record_many(
        action="patient.gp_changed", patients=[(patient, details) for patient in moved], actor=actor, now=now
    )
    return len(moved)


def _untick(clinic: Clinic, provider: Provider, actor: User | None, now: datetime) -> int:
    removed = 0
    for service in Service:
        stored = standing_ticks(clinic, service)
        left = frozenset(tick for tick in stored if not _is_about(tick, provider))
        if left != stored:
            removed += len(stored) - len(left)
            save_ticks(clinic, service, left, actor, now)
    return removed


def _is_about(tick: Tick, provider: Provider) -> bool:
    return provider.pk in {tick.row, tick.provider}


def _close_provider(clinic: Clinic, provider: Provider, actor: User | None, now: datetime) -> None:
    """Switch everything off, so that coming back begins with nothing, and empty the calendar of free times."""
    access.save_services(
        clinic=clinic,
        provider_id=provider.pk,
        allowed=False,
        columns=dict.fromkeys(Column, NO_RIGHTS),
        actor=actor,
        now=now,
    )
    provider.is_active, provider.has_portal_access = False, False
    provider.save(update_fields=["is_active"])
    booking.extend_calendar(provider=provider, now=now, actor=actor)
