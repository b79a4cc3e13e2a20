"""A guardian makes or confirms a child's sign-in, after the eID has answered."""

from dataclasses import dataclass
from datetime import datetime

from clinic_admin.models import Clinic
from identity import child_memberships, memberships, national_id
from identity.choices import MembershipState
from identity.holders import Holder
from identity.national_id import NationalId
from patients import queries as records
from patients.guardianship import children
from patients.guardianship.children import ChildRefusal, Outcome
from patients.guardianship.operations import Adult
from portal import audit
from portal.refusals import Refused
from services.registration.child_pending import Pending


class ChildRefused(Refused):
    """There is no sign-in for the child; the reason is a ChildRefusal."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it."""

    outcome: Outcome
    is_patient: bool
    """Whether the clinic has the child as an active patient: without that the sign-in shows nothing yet."""


def finish(*, clinic: Clinic, pending: Pending, proven: Adult, now: datetime) -> Done:
    """Do what was asked if the guardian is proven. BY_HAND: nothing is made, the clinic must see proof first.

    Raises ChildRefused.
    """
    child = national_id.parse(pending.child, clinic.country, allow_synthetic=True)
    guardian = national_id.parse(pending.guardian, clinic.country, allow_synthetic=True)
    answer = children.answer(
        clinic=clinic, child=child, guardian=guardian, proven=proven, actor=audit.SYSTEM, now=now
    )
    if answer.outcome is Outcome.REFUSED:
        raise ChildRefused(answer.refusal or ChildRefusal.NOT_POSSIBLE)
    record = records.record_of(national_id_index=national_id.index(child), clinic=clinic)
    is_patient = record is not None and record.is_active
    if answer.outcome is Outcome.OPEN:
        _open(clinic, child, pending, now)
    return Done(answer.outcome, is_patient)


def _open(clinic: Clinic, child: NationalId, pending: Pending, now: datetime) -> None:
    if pending.password:
        child_memberships.make(
            clinic=clinic,
            holder=_holder(clinic, child, pending),
            password=pending.password,
            terms=pending.terms,
            now=now,
        )
        return
    found = memberships.membership_of(clinic=clinic, national_id_index=national_id.index(child))
    if found is None or found.state != MembershipState.ACTIVE:
        raise ChildRefused(ChildRefusal.NOT_POSSIBLE)
    child_memberships.confirm(membership=found, now=now)


def _holder(clinic: Clinic, child: NationalId, pending: Pending) -> Holder:
    return Holder(
        country=clinic.country,
        national_id=child.number,
        national_id_index=national_id.index(child),
        given_name=pending.given_name,
        family_name=pending.family_name,
        birth_date=child.birth_date,
        email=pending.email,
        mobile=pending.mobile,
        language=clinic.language,
    )
