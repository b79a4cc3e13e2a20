"""The password of someone who registers: chosen in the form, or carried along from another clinic (D2)."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic
from identity.by_code import memberships
from identity.by_code.holders import Holder
from identity.choices import MembershipState
from identity.models import ClinicMembership
from portal import audit


@transaction.atomic
def give_password(
    *, clinic: Clinic, holder: Holder, password: str, patient_id: UUID, is_proven: bool, now: datetime
) -> None:
    """Store the password (a hash) that the person chose here; without one, the one they have at another clinic.

    A password that is here already stays. Call it only for someone whom eID has proven, or whom the clinic has
    accepted (`is_proven` tells which). Nothing happens where there is no password to store.
    """
    here = memberships.membership_of(clinic=clinic, national_id_index=holder.national_id_index)
    if here is not None and here.password:
        return
    password = password or _elsewhere(holder.national_id_index)
    if not password:
        return
    membership = memberships.membership_for(clinic, holder, actor=None, now=now)
    membership.password, membership.password_changed_at = password, now
    membership.state = MembershipState.ACTIVE if is_proven else MembershipState.AWAITING
    membership.identity_confirmed_at = now if is_proven else None
    membership.save(update_fields=["password", "password_changed_at", "state", "identity_confirmed_at"])
    audit.record(
        action="membership.registered",
        subject=membership,
        actor=membership.account.user,
        now=now,
        patient_id=patient_id,
    )


def _elsewhere(national_id_index: str) -> str:
    rows = ClinicMembership.objects.filter(account__national_id_index=national_id_index)
    found = rows.exclude(password="").order_by("-password_changed_at").values_list("password", flat=True)
    return found.first() or ""
