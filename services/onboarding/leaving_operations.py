"""People who leave, with a login or without: what is decided at once, and what is done in the night after the last day."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider, StaffMember
from delegation import operations as delegations
from delegation.models import MessageDelegation
from delegation.operations import DelegationRefused
from delegation.policy import Tick
from identity.models import User
from identity.staff import links as staff_links
from patients.models import Patient
from portal import audit
from services.access import operations as access
from services.access.choices import Column
from services.access.policy import NO_RIGHTS
from services.booking import operations as booking
from services.booking.weekly import operations as template_operations
from services.booking.weekly import queries as template_queries
from services.onboarding import leaving_queries, policy, queries
from services.onboarding.choices import StaffRefusal
from services.onboarding.leaver import Leaver, Who
from services.onboarding.models import Leaving, SecondFactorReset
from services.onboarding.operations import StaffChangeRefused, lock_clinic, refuse
from services.onboarding.wizard_operations import save_ticks, standing_ticks


@transaction.atomic
def decide(
    *,
    clinic: Clinic,
    who: Who,
    last_day: date,
    successor_id: int | None,
    actor: StaffMember,
    now: datetime,
    messages_to_id: int | None = None,
) -> Leaving:
    """Decide that the person, with a login or without, leaves after this local day. The weekly calendars end on it at once.

    Patients move to the successor's list, delegated messages to `messages_to_id` (000 §4.3: only a system
    administrator can say to whom; otherwise delegation ends).

    If the day is today, everything else is done at once too; otherwise in the night after it (carry_out).
    Appointments stay; about those after the last day staff decide one by one, on the page of an absence.
    Raises ObjectDoesNotExist for another clinic's, StaffChangeRefused.
    """
    lock_clinic(clinic)
    leaver = _locked(clinic, who)
    check(leaver=leaver, last_day=last_day, actor=actor, now=now)
    leaving = Leaving.objects.create(
        clinic=clinic,
        staff_member=leaver.member,
        provider=leaver.provider,
        last_day=last_day,
        successor=_successor(leaver, successor_id),
        messages_to=_colleague(leaver, messages_to_id, actor),
        decided_by=actor.user,
        decided_at=now,
    )
    audit.record(
        action="leaving.decided",
        subject=leaving,
        actor=actor.user,
        now=now,
        last_day=last_day.isoformat(),
        successor=successor_id,
        **_ids(leaving),
    )
    if leaver.provider is not None:
        _end_calendars(clinic, leaver.provider, last_day, actor.user, now)
        delegations.uncover(
            clinic=clinic, provider=leaver.provider, after=last_day, actor=actor.user, now=now
        )
        _add_absence(leaving, leaver.provider, actor.user, now)
    if last_day == now.astimezone(clinic.zone).date():
        _carry_out(leaving, actor.user, now)
    return leaving


@transaction.atomic
def call_off(*, clinic: Clinic, who: Who, actor: StaffMember, now: datetime) -> bool:
    """The person stays after all. Their weekly calendars stay ended until somebody prolongs them.

    Returns False when there is nothing to call off. Raises ObjectDoesNotExist for another clinic's.
    """
    lock_clinic(clinic)
    leaving = leaving_queries.leaving_of(_found(clinic, who))
    if leaving is None:
        return False
    audit.record(action="leaving.called_off", subject=leaving, actor=actor.user, now=now, **_ids(leaving))
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
    leaving = Leaving.objects.select_related("clinic").filter(pk=leaving_id, done_at__isnull=True).first()
    if leaving is None or leaving.last_day >= now.astimezone(clinic.zone).date():
        return False
    _carry_out(leaving, audit.SYSTEM, now)
    return True


@transaction.atomic
def take_back(*, clinic: Clinic, who: Who, actor: StaffMember, now: datetime) -> None:
    """Someone who left works here again, with the roles of then. Services, matrix and calendar start empty (A13).

    Raises ObjectDoesNotExist for another clinic's, StaffChangeRefused.
    """
    lock_clinic(clinic)
    leaver = _locked(clinic, who)
    if leaver.is_active:
        raise StaffChangeRefused(StaffRefusal.WORKS_HERE)
    if leaver.member is not None:
        refuse(policy.refuse_roles(before=[], after=leaver.roles, actor=actor.roles, other_administrators=1))
    if leaver.provider is not None:
        leaver.provider.is_active = True
        leaver.provider.save(update_fields=["is_active"])
    if leaver.member is not None:
        leaver.member.is_active = True
        leaver.member.save(update_fields=["is_active"])
        audit.record(
            action="staff_member.came_back",
            subject=leaver.member,
            actor=actor.user,
            now=now,
            roles=sorted(leaver.roles),
        )
    elif leaver.provider is not None:
        audit.record(action="provider.came_back", subject=leaver.provider, actor=actor.user, now=now)


def check(*, leaver: Leaver, last_day: date, actor: StaffMember, now: datetime) -> None:
    """Raise StaffChangeRefused if the person can't leave after this local day. Changes nothing."""
    member = leaver.member
    if not leaver.is_active:
        raise StaffChangeRefused(StaffRefusal.HAS_LEFT)
    refuse(
        policy.refuse_leaving(
            roles=leaver.roles,
            actor_roles=actor.roles,
            is_self=member is not None and member.user_id == actor.user_id,
            is_decided=leaving_queries.leaving_of(leaver) is not None,
            last_day=last_day,
            today=now.astimezone(leaver.clinic.zone).date(),
            other_administrators=queries.other_administrators(member) if member else 0,
            is_successor=leaving_queries.is_successor(leaver),
        )
    )


# -- the parts ---------------------------------------------------------------------------------------------
def _found(clinic: Clinic, who: Who) -> Leaver:
    leaver = leaving_queries.leaver_of(clinic, who)
    if leaver is None:
        raise ObjectDoesNotExist
    return leaver


def _locked(clinic: Clinic, who: Who) -> Leaver:
    """Return the person as they are now, the provider's row locked against bookings and saves."""
    leaver = _found(clinic, who)
    if leaver.provider is None:
        return leaver
    locked = Provider.objects.select_for_update(no_key=True).get(pk=leaver.provider.pk)
    return replace(leaver, provider=locked)


def _ids(leaving: Leaving) -> dict[str, Any]:
    """Return whom the trail names."""
    return {"staff_member": leaving.staff_member_id, "provider": leaving.provider_id}


def _successor(leaver: Leaver, successor_id: int | None) -> Provider | None:
    if successor_id is None:
        return None
    found = next((one for one in leaving_queries.successors(leaver) if one.pk == successor_id), None)
    if found is None:
        raise StaffChangeRefused(StaffRefusal.NO_SUCCESSOR)
    return found


def _colleague(leaver: Leaver, colleague_id: int | None, actor: StaffMember) -> StaffMember | None:
    if colleague_id is None or leaver.member is None:
        return None
    if not actor.is_system_administrator:
        raise StaffChangeRefused(StaffRefusal.SYSTEM_ROLE)
    found = next((one for one in leaving_queries.colleagues(leaver) if one.pk == colleague_id), None)
    if found is None:
        raise StaffChangeRefused(StaffRefusal.NO_COLLEAGUE)
    return found


def _end_calendars(clinic: Clinic, provider: Provider, last_day: date, actor: User, now: datetime) -> None:
    today = now.astimezone(clinic.zone).date()
    for template in leaving_queries.running_calendars(provider, today):
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
    last_day = leaving_queries.last_appointment_day(provider, leaving.last_day, clinic)
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
    clinic = leaving.clinic
    leaver = _locked(
        clinic, Who(leaving.staff_member_id, None if leaving.staff_member_id else leaving.provider_id)
    )
    done = _hand_over(leaving, leaver.provider, actor, now) if leaver.provider else {}
    if leaver.member is not None:
        _end_post(leaving, leaver.member, actor, now)
    leaving.done_at = now
    leaving.save(update_fields=["done_at"])
    successor = leaving.successor_id
    if leaver.member is not None:
        audit.record(
            action="staff_member.left",
            subject=leaver.member,
            actor=actor,
            now=now,
            successor=successor,
            **done,
        )
        _end_login(leaver.member, actor, now)
    elif leaver.provider is not None:
        audit.record(
            action="provider.left",
            subject=leaver.provider,
            actor=actor,
            now=now,
            successor=successor,
            **done,
        )


def _hand_over(leaving: Leaving, provider: Provider, actor: User | None, now: datetime) -> dict[str, Any]:
    """Take the provider out of everything; return how much there was of what."""
    clinic = leaving.clinic
    covers = delegations.uncover(
        clinic=clinic, provider=provider, after=leaving.last_day, actor=actor, now=now
    )
    patients = _move_patients(clinic, provider, leaving.successor, actor, now)
    ticks = _untick(clinic, provider, actor, now)
    _close_provider(clinic, provider, actor, now)
    return {"covers": covers, "patients": patients, "ticks": ticks}


def _end_post(leaving: Leaving, member: StaffMember, actor: User | None, now: datetime) -> None:
    _hand_over_messages(leaving, member, actor, now)
    member.is_active = False
    member.save(update_fields=["is_active"])
    SecondFactorReset.objects.filter(
        clinic=leaving.clinic, user=member.user, confirmed_at__isnull=True, withdrawn_at__isnull=True
    ).update(withdrawn_at=now)


def _end_login(member: StaffMember, actor: User | None, now: datetime) -> None:
    """Sign the person out everywhere, unless they work at another clinic."""
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
