"""The rules of acting for someone else, as pure functions. Days are the clinic's local days."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clinic_admin import ages
from clinic_admin.countries import CountryRules
from patients.guardianship.choices import PROXY_AREAS, ActingRefusal, Area, GuardianRefusal, Status

VALID_IS_KEPT = timedelta(hours=24)
OTHERS_ARE_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class People:
    """Whom it is about, and who would act."""

    subject_born: date | None
    actor_born: date | None
    is_same: bool
    is_closed: bool = False
    """Nobody may act for the patient online, as with a protected address."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an adult's right to act for a child."""

    is_blocked: bool
    is_confirmed: bool
    """The clinic has seen proof."""
    confirmed_until: date | None
    """The last day of it; None: until the age limit."""
    status: Status
    valid_from: date | None
    valid_to: date | None
    fetched_at: datetime | None


def is_fresh(status: str, fetched_at: datetime | None, now: datetime) -> bool:
    """Return whether a source's answer can still be used: a day when it said yes, an hour when it did not."""
    if fetched_at is None:
        return False
    kept = VALID_IS_KEPT if status == Status.VALID else OTHERS_ARE_KEPT
    return timedelta(0) <= now - fetched_at < kept


def refuse_people(people: People, rules: CountryRules, today: date) -> ActingRefusal | None:
    """Return why these two can't be child and guardian, whatever any register says; or None."""
    if people.is_same:
        return ActingRefusal.SAME_PERSON
    if people.subject_born is None or people.actor_born is None:
        return ActingRefusal.NO_AGE
    if ages.has_reached(people.subject_born, rules.own_decisions_from, today):
        return ActingRefusal.GROWN_UP
    if not ages.has_reached(people.actor_born, rules.guardian_from, today):
        return ActingRefusal.TOO_YOUNG
    return ActingRefusal.CLOSED if people.is_closed else None


def refuse_guardian(
    people: People, standing: Standing, rules: CountryRules, *, today: date, now: datetime
) -> ActingRefusal | None:
    """Return why the adult may not act for the child now, or None. What is not known opens nothing.

    A block of the clinic goes before everything; proof that the clinic has seen before what a register says.
    """
    refusal = refuse_people(people, rules, today)
    if refusal:
        return refusal
    if standing.is_blocked:
        return ActingRefusal.BLOCKED
    if standing.is_confirmed and (standing.confirmed_until is None or today <= standing.confirmed_until):
        return None
    if not is_fresh(standing.status, standing.fetched_at, now):
        return ActingRefusal.UNCLEAR
    if standing.status == Status.VALID:
        begun = standing.valid_from is None or standing.valid_from <= today
        lasts = standing.valid_to is None or today <= standing.valid_to
        return None if begun and lasts else ActingRefusal.NOT_GUARDIAN
    if standing.status == Status.NOT_VALID:
        return ActingRefusal.NOT_GUARDIAN
    return ActingRefusal.BLOCKED if standing.status == Status.BLOCKED else ActingRefusal.UNCLEAR


def guardian_areas(
    subject_born: date | None, rules: CountryRules, *, letters_open: bool, today: date
) -> frozenset[Area]:
    """Return what guardians may do for a child of this age: from a certain age on only appointments.

    The list of who did what would tell guardians what the child writes and does alone, so it follows the letters.
    """
    if letters_open or ages.is_below(subject_born, rules.private_letters_from, today):
        everything = {Area.START, Area.APPOINTMENTS, Area.LETTERS, Area.RENEWALS, Area.INSIGHT}
        if ages.is_below(subject_born, rules.private_letters_from, today):
            everything.add(Area.CONTACT)
        return frozenset(everything)
    return frozenset({Area.START, Area.APPOINTMENTS})


def has_private_letters(subject_born: date | None, rules: CountryRules, today: date) -> bool:
    """Return whether the patient is at the age at which the clinic may open letters to guardians."""
    return ages.has_reached(subject_born, rules.private_letters_from, today) and ages.is_below(
        subject_born, rules.own_decisions_from, today
    )


def refuse_proxy(
    people: People, rules: CountryRules, *, first_day: date, last_day: date, is_ended: bool, today: date
) -> ActingRefusal | None:
    """Return why the receiver may not act for the giver now, or None."""
    if people.is_same:
        return ActingRefusal.SAME_PERSON
    if people.subject_born is None or people.actor_born is None:
        return ActingRefusal.NO_AGE
    if is_ended or not first_day <= today <= last_day:
        return ActingRefusal.PROXY_OVER
    if not ages.has_reached(people.subject_born, rules.proxy_giver_from, today):
        return ActingRefusal.NOT_IN_SCOPE
    if not ages.has_reached(people.actor_born, rules.proxy_receiver_from, today):
        return ActingRefusal.TOO_YOUNG
    return ActingRefusal.CLOSED if people.is_closed else None


def proxy_areas(named: list[str]) -> frozenset[Area]:
    """Return what a proxy for the named services opens: these and the front page."""
    return frozenset({Area.START, *(area for area in PROXY_AREAS if area.value in named)})


def refuse_adding_guardian(people: People, rules: CountryRules, today: date) -> GuardianRefusal | None:
    """Return why staff can't register the adult as the patient's guardian, or None."""
    refusal = refuse_people(people, rules, today)
    return (
        {
            ActingRefusal.SAME_PERSON: GuardianRefusal.SAME_PERSON,
            ActingRefusal.NO_AGE: GuardianRefusal.NO_BIRTH_DATE,
            ActingRefusal.GROWN_UP: GuardianRefusal.CHILD_TOO_OLD,
            ActingRefusal.TOO_YOUNG: GuardianRefusal.ADULT_TOO_YOUNG,
        }.get(refusal)
        if refusal
        else None
    )


def refuse_adding_proxy(
    people: People, rules: CountryRules, *, last_day: date, today: date
) -> GuardianRefusal | None:
    """Return why staff can't register the proxy, or None."""
    if people.is_same:
        return GuardianRefusal.SAME_PERSON
    if people.subject_born is None:
        return GuardianRefusal.NO_BIRTH_DATE
    if not ages.has_reached(people.subject_born, rules.proxy_giver_from, today):
        return GuardianRefusal.GIVER_TOO_YOUNG
    if not ages.has_reached(people.actor_born, rules.proxy_receiver_from, today):
        return GuardianRefusal.ADULT_TOO_YOUNG
    return GuardianRefusal.DAY_IS_OVER if last_day < today else None


def grew_up(born: date | None, age: int, *, then: date, today: date) -> bool:
    """Return whether the person came to this age after `then`: a child's session does not outlive childhood."""
    return ages.is_below(born, age, then) and ages.has_reached(born, age, today)
