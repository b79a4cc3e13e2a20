"""What a session knows about acting for someone else: for whom, at which clinic, by which right.

The session only remembers the choice. Whether it still holds is asked at every request.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest

from clinic_admin.models import Clinic
from identity.models import Account
from patients.guardianship import operations, policy, queries
from patients.guardianship.choices import ActingRefusal, Kind
from patients.guardianship.queries import Acting
from patients.models import Patient

_KEY = "acting_for"
_LOOKED_UP = "children_looked_up"


@dataclass(frozen=True, slots=True)
class Choice:
    """The relation by which the session acts at a clinic."""

    kind: Kind
    relation_id: UUID


def chosen(request: HttpRequest, clinic: Clinic) -> Choice | None:
    """Return what the session remembers for this clinic. At others one is oneself."""
    stored = request.session.get(_KEY)
    if not isinstance(stored, dict) or stored.get("clinic") != clinic.pk:
        return None
    return Choice(Kind(stored["kind"]), UUID(stored["relation"]))


def remember(request: HttpRequest, clinic: Clinic, choice: Choice) -> None:
    """Let the session act by this relation at this clinic; it acts for one patient at a time."""
    request.session[_KEY] = {
        "clinic": clinic.pk,
        "kind": choice.kind.value,
        "relation": str(choice.relation_id),
    }


def forget(request: HttpRequest) -> None:
    """Be oneself again."""
    request.session.pop(_KEY, None)


def resolve(
    choice: Choice, *, clinic: Clinic, account: Account, now: datetime
) -> tuple[Patient | None, Acting | ActingRefusal]:
    """Return the patient and the right as it stands now, or why there is none.

    One query; a register's answer older than a day is asked for anew first. No patient: there is no such relation.
    """
    if choice.kind is Kind.PROXY:
        proxy = queries.proxy_of(clinic=clinic, relation_id=choice.relation_id)
        if proxy is None or proxy.receiver_index != account.national_id_index or not proxy.patient.is_open:
            return None, ActingRefusal.PROXY_OVER
        proxy.patient.clinic = clinic
        return proxy.patient, queries.acting_by_proxy(proxy, proxy.patient, account, now=now)
    guardian = queries.guardian_of(clinic=clinic, relation_id=choice.relation_id)
    if guardian is None or guardian.adult_index != account.national_id_index or not guardian.patient.is_open:
        return None, ActingRefusal.NOT_GUARDIAN
    child = guardian.patient
    child.clinic = clinic
    if guardian.confirmed_at is None and not policy.is_fresh(guardian.status, guardian.fetched_at, now):
        adult = operations.adult_of(account)
        if adult is not None:
            guardian = operations.check(patient=child, adult=adult, now=now)
    return child, queries.acting_by_guardian(guardian, child, account, now=now)


def look_up_once(request: HttpRequest, clinic: Clinic, account: Account, *, now: datetime) -> None:
    """Ask the source about the person's children, once per session and clinic."""
    done = request.session.get(_LOOKED_UP, [])
    if clinic.pk in done:
        return
    request.session[_LOOKED_UP] = [*done, clinic.pk]
    adult = operations.adult_of(account)
    if adult is not None:
        operations.look_up(clinic=clinic, adult=adult, now=now)
