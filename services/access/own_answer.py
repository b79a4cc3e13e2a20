"""The patient's own "why is nothing open?": the same rules that staff see, in plain words and with a way on."""

from collections.abc import Iterable, Sequence
from datetime import date

from clinic_admin.choices import Service
from identity.choices import Assurance
from patients.models import Patient
from services.access import policy, queries
from services.access.choices import Reason
from services.access.policy import AccessFacts, Finding
from services.access.special_choices import OwnReason

_PLAIN = {
    Reason.CLINIC_OFF: OwnReason.CLINIC_OFF,
    Reason.RECORD_INACTIVE: OwnReason.RECORD,
    Reason.NO_NATIONAL_ID: OwnReason.NATIONAL_ID,
    Reason.PORTAL_WITHDRAWN: OwnReason.WITHDRAWN,
    Reason.SPECIAL_NO: OwnReason.NO_RIGHT,
    Reason.COLUMN_NO: OwnReason.NO_RIGHT,
    Reason.GP_WITHOUT_ACCESS: OwnReason.NO_GP,
    Reason.PROVIDER_OFF: OwnReason.NOBODY,
    Reason.PROVIDER_UNKNOWN: OwnReason.NOBODY,
    Reason.NOT_TICKED: OwnReason.NOBODY,
    Reason.ABSENT: OwnReason.AWAY,
    Reason.NOT_SIGNED_IN_WITH_EID: OwnReason.EID,
}


def own_answer(
    *, patient: Patient, services: Sequence[Service], assurance: Assurance, day: date
) -> OwnReason | None:
    """Return why the patient can use none of the services with anybody on the day; None when something is open.

    The nearest miss counts: of all providers, the rule that stops latest. `.label` is the sentence, `.next_step` the
    way on. One query.
    """
    facts = queries.load_facts(patient, first_day=day, last_day=day)
    asked = list(facts.providers) or [0]
    answers = [
        policy.explain(facts, service, provider_id, assurance, day)
        for service in services
        for provider_id in asked
    ]
    failed = [_first_failure(answer) for answer in answers]
    if None in failed:
        return None
    return _plain(max(filter(None, failed), key=lambda finding: _nearness(finding, facts)))


def _first_failure(answer: Iterable[Finding]) -> Finding | None:
    return next((finding for finding in answer if not finding.holds), None)


def _nearness(finding: Finding, facts: AccessFacts) -> tuple[str, bool]:
    """Return how far the rules let the patient come (R1 to R6); between equals the own GP counts."""
    asked = finding.tick.provider if finding.tick else finding.provider_id
    return finding.rule.value, asked == facts.patient.gp_id


def _plain(finding: Finding) -> OwnReason:
    return _PLAIN[finding.reason]
