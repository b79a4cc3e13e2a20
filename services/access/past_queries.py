"""Why a patient could or could not, at a past moment: the same rules, asked with the facts of then."""

from dataclasses import replace
from datetime import date, datetime

from clinic_admin.choices import Service
from clinic_admin.models import Provider
from identity.choices import Assurance
from patients.models import Patient
from portal.models import AuditEvent
from services.access import past_policy, queries
from services.access.past_policy import Change
from services.access.policy import AccessFacts
from services.access.queries import Explanation

MOST_CHANGES = 20_000
"""As many changes of settings are undone; a clinic makes a few a day."""


class TooFarBack(Exception):
    """More was changed since the moment than is undone."""


def facts_at(*, patient: Patient, service: Service, day: date, moment: datetime) -> AccessFacts | None:
    """Return what decided at the moment about the service on the day, or None before there was a record or clinic.

    Three queries. Raises TooFarBack.
    """
    setting = queries.setting_facts(patient.clinic, day, services=[service])
    own = queries.load_facts(patient, first_day=day, last_day=day)
    now = replace(setting, patient=own.patient)
    then = past_policy.rolled_back(now, changes_since(patient=patient, moment=moment))
    if then is None:
        return None
    return replace(
        then,
        ticks=frozenset(tick for tick in then.ticks if tick.service == service),
        absences=tuple(away for away in then.absences if away.includes(day)),
    )


def explanation_at(
    *,
    patient: Patient,
    service: Service,
    provider_id: int,
    assurance: Assurance,
    day: date,
    moment: datetime,
) -> Explanation | None:
    """Return each rule's answer as it was at the moment; see facts_at. Staff only. Four queries."""
    facts = facts_at(patient=patient, service=service, day=day, moment=moment)
    if facts is None:
        return None
    people = list(Provider.objects.for_clinic(patient.clinic).values_list("pk", "name", "is_active"))
    return queries.explained(
        facts,
        names={pk: name for pk, name, _is_active in people},
        working=frozenset(pk for pk, _name, is_active in people if is_active),
        service=service,
        provider_id=provider_id,
        assurance=assurance,
        day=day,
    )


def changes_since(*, patient: Patient, moment: datetime) -> list[Change]:
    """Return what was changed after the moment and decides for the patient, newest first. One query, two indexes."""
    of_clinic = AuditEvent.objects.filter(
        clinic_id=patient.clinic_id, action__in=list(past_policy.OF_CLINIC), at__gt=moment
    )
    of_patient = AuditEvent.objects.filter(
        patient_id=patient.pk, action__in=list(past_policy.OF_PATIENT), at__gt=moment
    )
    columns = ("at", "pk", "action", "subject_id", "details")
    rows = of_clinic.values_list(*columns).union(of_patient.values_list(*columns), all=True)
    found = list(rows.order_by("-at", "-pk")[: MOST_CHANGES + 1])
    if len(found) > MOST_CHANGES:
        raise TooFarBack
    return [Change(action, subject_id, details) for _at, _pk, action, subject_id, details in found]
