"""A guardian who makes a child's own sign-in, or confirms one that is there: what must hold, and what was found (F8, F10).

The source is asked about two national IDs; the child need not have a record yet. Only a yes of the source, or proof that
the clinic has noted, opens anything: what is unknown waits for staff.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from clinic_admin import ages
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic
from identity import national_id
from identity.national_id import NationalId
from patients import queries as records
from patients.guardianship import operations, policy, sources
from patients.guardianship.choices import ActingRefusal, Status
from patients.guardianship.models import Guardian
from patients.guardianship.operations import Adult
from patients.guardianship.policy import People
from patients.guardianship.queries import standing_of
from portal import audit
from portal.refusals import NextStep, Refusal


class ChildRefusal(Refusal):
    """Why a guardian can't make this sign-in. Nothing of it tells whether the child is known here."""

    OTHER_PERSON = (
        "other-person",
        _("You signed in as someone else than the guardian whose national ID you wrote. Begin again."),
    )
    SAME_PERSON = "same-person", _("The child and the guardian can't be the same person.")
    NOT_A_CHILD = "not-a-child", _("At this age one signs in with eID and needs no guardian.")
    NOT_OFFERED = "not-offered", _("Children have no sign-in of their own here. Guardians act for them.")
    TOO_YOUNG = "too-young", _("You are not old enough to act for others.")
    CLOSED = (
        "closed",
        _("Here guardians can't make a sign-in themselves. Phone the clinic, and it helps you."),
    )
    NOT_POSSIBLE = "not-possible", _("We can't make this sign-in online.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return the clinic's phone where trying again can't help."""
        steps = dict.fromkeys(cls.values, NextStep.PHONE_THE_CLINIC)
        return steps | {
            cls.OTHER_PERSON.value: NextStep.SIGN_IN_AGAIN,
            cls.SAME_PERSON.value: NextStep.RELOAD_THE_PAGE,
            cls.NOT_A_CHILD.value: NextStep.SIGN_IN_WITH_EID,
        }


class Outcome(TextChoices):
    """What becomes of it."""

    OPEN = "open"
    """The guardian is proven: the sign-in is made at once."""
    BY_HAND = "by-hand"
    """Nobody knows: staff see proof and decide."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome, and the reason of a refusal."""

    outcome: Outcome
    refusal: ChildRefusal | None = None


def refuse_form(
    *, clinic: Clinic, child: NationalId, guardian: NationalId, now: datetime
) -> ChildRefusal | None:
    """Return what is wrong with the two numbers before anybody has signed in, or None. No query.

    Nobody is proven yet, so that the clinic's record has no say: it would tell who is known here (C11). What it says of
    the child's age counts in `answer`.
    """
    rules = rules_of(clinic.country)
    if not rules.child_signs_in:
        return ChildRefusal.NOT_OFFERED
    if child.number == guardian.number:
        return ChildRefusal.SAME_PERSON
    today = now.astimezone(clinic.zone).date()
    if not ages.has_reached(guardian.birth_date, rules.guardian_from, today):
        return ChildRefusal.TOO_YOUNG
    is_child = ages.is_below(child.birth_date, rules.own_decisions_from, today)
    return None if is_child else ChildRefusal.NOT_A_CHILD


def answer(
    *, clinic: Clinic, child: NationalId, guardian: NationalId, proven: Adult, actor: Any, now: datetime
) -> Answer:
    """Return what becomes of it, now that eID has proven who is at the keyboard; the trail tells.

    `guardian` is the number that was typed, `proven` whom the provider vouched for: they must be the same (G1).
    """
    refusal = refuse_form(clinic=clinic, child=child, guardian=guardian, now=now)
    if proven.number != guardian:
        refusal = ChildRefusal.OTHER_PERSON
    found = Answer(Outcome.REFUSED, refusal) if refusal else _ask(clinic, child, proven, now)
    with transaction.atomic():
        audit.record(
            action="guardian.child_sign_in",
            subject=clinic,
            actor=actor,
            now=now,
            clinic_id=clinic.pk,
            outcome=found.outcome,
            reason=found.refusal.value if found.refusal else "",
            child=national_id.index(child)[:16],
            source=sources.name(),
        )
    return found


def _ask(clinic: Clinic, child: NationalId, proven: Adult, now: datetime) -> Answer:
    today, rules = now.astimezone(clinic.zone).date(), rules_of(clinic.country)
    record = records.record_of(national_id_index=national_id.index(child), clinic=clinic)
    if record is None:
        found = sources.source().check(child, proven.number, today, now=now)
        row = Guardian(
            status=found.status,
            valid_from=found.valid_from,
            valid_to=found.valid_to,
            fetched_at=found.fetched_at,
        )
        people = People(child.birth_date, proven.birth_date, is_same=False)
    else:
        record.clinic = clinic
        row = operations.check(patient=record, adult=proven, now=now)
        rules_row = getattr(record, "acting_rules", None)
        people = People(
            record.birth_date or child.birth_date,
            proven.birth_date,
            is_same=False,
            is_closed=rules_row is not None and rules_row.closed_at is not None,
        )
    refusal = policy.refuse_guardian(people, standing_of(row), rules, today=today, now=now)
    if refusal is None:
        return Answer(Outcome.OPEN)
    is_open_question = row.status in {Status.UNKNOWN, Status.ERROR} and row.blocked_at is None
    if is_open_question and policy.refuse_people(people, rules, today) is None:
        return Answer(Outcome.BY_HAND)
    is_theirs_to_know = refusal is ActingRefusal.GROWN_UP and row.status == Status.VALID
    return Answer(
        Outcome.REFUSED, ChildRefusal.NOT_A_CHILD if is_theirs_to_know else ChildRefusal.NOT_POSSIBLE
    )
