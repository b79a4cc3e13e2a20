"""Every change to who may act for whom. All are atomic, keyword-only and audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from clinic_admin import ages
from clinic_admin.choices import Country
from clinic_admin.countries import RULES, rules_of
from clinic_admin.models import Clinic
from identity import national_id
from identity.by_code import child_memberships
from identity.models import Account
from identity.national_id import BadNationalId, NationalId
from patients.guardianship import policy, queries, sources
from patients.guardianship.choices import GuardianRefusal, Status
from patients.guardianship.extract import Entry
from patients.guardianship.models import ActingRules, Guardian, Proxy, RegisterEntry, RegisterExtract
from patients.guardianship.policy import People
from patients.guardianship.port import GuardianResult
from patients.models import Patient
from portal import audit
from portal.refusals import Refused

TIDIED_AT_ONCE = 200
BIRTHDAYS_LOOKED_BACK = timedelta(days=400)
"""So far back the clock looks for birthdays it has not tidied up after yet."""


class GuardianRefused(Refused):
    """Nothing was changed; the reason is a GuardianRefusal."""


@dataclass(frozen=True, slots=True)
class Adult:
    """Someone who would act for a patient, proven by eID or by what staff saw."""

    number: NationalId
    name: str

    @property
    def national_id_index(self) -> str:
        """Return the keyed hash by which their rows are found."""
        return national_id.index(self.number)

    @property
    def birth_date(self) -> date:
        """Return the birth date that the number holds."""
        return self.number.birth_date


def adult_of(account: Account) -> Adult | None:
    """Return the account's person; None when the stored number is not a national ID."""
    number = _number(account.national_id or "", account.country)
    return Adult(number, account.user.name) if number else None


# -- what the source says ----------------------------------------------------------------------------------
def look_up(*, clinic: Clinic, adult: Adult, now: datetime) -> None:
    """Ask the source anew about the adult's children at this clinic, and keep what it says.

    Done once at the beginning of a session. Children whom the source names and who are active patients here get a row;
    rows that are there are checked anew. A source that doesn't answer is kept as ERROR and opens nothing.
    """
    today = now.astimezone(clinic.zone).date()
    named = [child.national_id_index for child in sources.source().children_of(adult.number, today)]
    index = adult.national_id_index
    mine = Guardian.objects.filter(patient=OuterRef("pk"), adult_index=index)
    children = Patient.objects.for_clinic(clinic).filter(
        Q(national_id_index__in=named) | Exists(mine), is_active=True
    )
    for child in children:
        child.clinic = clinic
        check(patient=child, adult=adult, now=now)


def check(*, patient: Patient, adult: Adult, now: datetime) -> Guardian:
    """Ask the source about one adult and one child, and keep the answer as the adult's row.

    The source is asked outside the transaction: it may be slow.
    """
    result = _ask(patient, adult, now)
    with transaction.atomic():
        row = _row_of(patient, adult)
        _keep(row, result)
        audit.record(
            action="guardian.checked",
            subject=row,
            actor=audit.SYSTEM,
            now=now,
            status=result.status,
            source=result.source,
            basis=result.basis or "",
            evidence=result.evidence_ref,
        )
    return row


def _ask(patient: Patient, adult: Adult, now: datetime) -> GuardianResult:
    source = sources.source()
    today = now.astimezone(patient.clinic.zone).date()
    child = _number(patient.national_id or "", patient.clinic.country)
    if child is None:
        return GuardianResult(Status.UNKNOWN, sources.name(), now)
    return source.check(child, adult.number, today, now=now)


def _row_of(patient: Patient, adult: Adult) -> Guardian:
    rows = Guardian.objects.select_for_update(no_key=True)
    index = adult.national_id_index
    found = rows.filter(patient=patient, adult_index=index).first()
    if found is None:
        try:
            with transaction.atomic():
                return Guardian.objects.create(
                    clinic=patient.clinic,
                    patient=patient,
                    adult_national_id=adult.number.number,
                    adult_index=index,
                    adult_name=adult.name,
                )
        except IntegrityError:  # a parallel request made it
            found = rows.get(patient=patient, adult_index=index)
    if adult.name and found.adult_name != adult.name:
        found.adult_name = adult.name
    return found


def _keep(row: Guardian, result: GuardianResult) -> None:
    row.status, row.source, row.fetched_at = result.status, result.source, result.fetched_at
    row.basis = result.basis or ""
    row.valid_from, row.valid_to = result.valid_from, result.valid_to
    row.evidence_ref = result.evidence_ref
    row.save()


def _number(text: str, country: str) -> NationalId | None:
    try:
        return national_id.parse(text, country, allow_synthetic=True)
    except BadNationalId:
        return None


# -- what the clinic says ----------------------------------------------------------------------------------
@transaction.atomic
def confirm_guardian(
    *, patient: Patient, adult: Adult, proof: str, until: date | None, actor: Any, now: datetime
) -> Guardian:
    """Note that the clinic has seen proof that the adult is the child's guardian. Raises GuardianRefused."""
    today = now.astimezone(patient.clinic.zone).date()
    people = _people(patient, adult)
    refusal = policy.refuse_adding_guardian(people, rules_of(patient.clinic.country), today)
    if refusal is None and until is not None and until < today:
        refusal = GuardianRefusal.DAY_IS_OVER
    if refusal:
        raise GuardianRefused(refusal)
    row = _row_of(patient, adult)
    row.confirmed_at, row.confirmed_by, row.proof, row.confirmed_until = now, actor, proof, until
    row.save()
    audit.record(
        action="guardian.confirmed",
        subject=row,
        actor=actor,
        now=now,
        until=until.isoformat() if until else None,
    )
    return row


@transaction.atomic
def end_guardian(*, clinic: Clinic, relation_id: UUID, actor: Any, now: datetime) -> Guardian:
    """Take the clinic's word back. Where a register names the adult, only a block keeps them out.

    Raises Guardian.DoesNotExist for another clinic's, GuardianRefused when there is nothing to take back.
    """
    row = _guardian(clinic, relation_id)
    if row.confirmed_at is None:
        raise GuardianRefused(GuardianRefusal.CHANGED_MEANWHILE)
    row.confirmed_at = row.confirmed_by = row.confirmed_until = None
    row.proof = ""
    row.save()
    audit.record(action="guardian.ended", subject=row, actor=actor, now=now)
    return row


@transaction.atomic
def set_blocked(*, clinic: Clinic, relation_id: UUID, blocked: bool, actor: Any, now: datetime) -> Guardian:
    """Keep the adult from acting for the child, whatever a register says, or stop doing so. Raises like end_guardian."""
    row = _guardian(clinic, relation_id)
    if (row.blocked_at is not None) == blocked:
        raise GuardianRefused(GuardianRefusal.CHANGED_MEANWHILE)
    row.blocked_at, row.blocked_by = (now, actor) if blocked else (None, None)
    row.save()
    audit.record(
        action="guardian.blocked" if blocked else "guardian.unblocked", subject=row, actor=actor, now=now
    )
    return row


def _guardian(clinic: Clinic, relation_id: UUID) -> Guardian:
    return Guardian.objects.select_for_update(no_key=True).get(clinic=clinic, pk=relation_id)


@transaction.atomic
def set_closed(*, patient: Patient, closed: bool, actor: Any, now: datetime) -> None:
    """Let nobody act for the patient online, as with a protected address, or allow it again. Twice is once."""
    row = _rules(patient)
    if (row.closed_at is not None) == closed:
        return
    row.closed_at, row.closed_by = (now, actor) if closed else (None, None)
    row.save()
    _record_rules("acting.closed" if closed else "acting.allowed", patient, actor, now)


@transaction.atomic
def set_letters_open(*, patient: Patient, is_open: bool, actor: Any, now: datetime) -> None:
    """Let guardians of an older child read and write e-consultations, or stop it. Raises GuardianRefused."""
    today = now.astimezone(patient.clinic.zone).date()
    if is_open and not policy.has_private_letters(
        patient.birth_date, rules_of(patient.clinic.country), today
    ):
        raise GuardianRefused(GuardianRefusal.NOT_AT_THIS_AGE)
    row = _rules(patient)
    if (row.letters_open_at is not None) == is_open:
        return
    row.letters_open_at, row.letters_open_by = (now, actor) if is_open else (None, None)
    row.save()
    _record_rules("acting.letters_opened" if is_open else "acting.letters_closed", patient, actor, now)


def _rules(patient: Patient) -> ActingRules:
    ActingRules.objects.get_or_create(patient=patient)
    return ActingRules.objects.select_for_update(no_key=True).get(patient=patient)


def _record_rules(action: str, patient: Patient, actor: Any, now: datetime, **details: Any) -> None:
    audit.record(action=action, subject=patient, actor=actor, now=now, patient_id=patient.pk, **details)


# -- proxies -----------------------------------------------------------------------------------------------
@transaction.atomic
def add_proxy(
    *,
    patient: Patient,
    adult: Adult,
    areas: list[str],
    last_day: date,
    proof: str,
    actor: Any,
    now: datetime,
) -> Proxy:
    """Register that the patient lets the adult do these things until the day. An open one for the same adult ends.

    Raises GuardianRefused.
    """
    today = now.astimezone(patient.clinic.zone).date()
    refusal = policy.refuse_adding_proxy(
        _people(patient, adult), rules_of(patient.clinic.country), last_day=last_day, today=today
    )
    if refusal:
        raise GuardianRefused(refusal)
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)  # of two at once the later one stays
    for before in Proxy.objects.filter(
        patient=patient, receiver_index=adult.national_id_index, ended_at=None
    ):
        _end(before, actor=actor, now=now, why="replaced")
    proxy = Proxy.objects.create(
        clinic=patient.clinic,
        patient=patient,
        receiver_national_id=adult.number.number,
        receiver_index=adult.national_id_index,
        receiver_name=adult.name,
        areas=sorted(areas),
        first_day=today,
        last_day=last_day,
        proof=proof,
        created_at=now,
        created_by=actor,
    )
    audit.record(
        action="proxy.registered",
        subject=proxy,
        actor=actor,
        now=now,
        areas=proxy.areas,
        until=last_day.isoformat(),
    )
    return proxy


@transaction.atomic
def end_proxy(*, clinic: Clinic, relation_id: UUID, actor: Any, why: str, now: datetime) -> Proxy:
    """End the proxy: the giver, the receiver and the clinic can. Ending twice is ending.

    Raises Proxy.DoesNotExist for another clinic's.
    """
    proxy = Proxy.objects.select_for_update(no_key=True).get(clinic=clinic, pk=relation_id)
    if proxy.ended_at is None:
        _end(proxy, actor=actor, now=now, why=why)
    return proxy


def _end(proxy: Proxy, *, actor: Any, now: datetime, why: str) -> None:
    proxy.ended_at, proxy.ended_by = now, actor
    proxy.save(update_fields=["ended_at", "ended_by"])
    audit.record(action="proxy.ended", subject=proxy, actor=actor, now=now, why=why)


def _people(patient: Patient, adult: Adult) -> People:
    return People(
        subject_born=patient.birth_date,
        actor_born=adult.birth_date,
        is_same=patient.national_id_index == adult.national_id_index,
    )


# -- acting ------------------------------------------------------------------------------------------------
@transaction.atomic
def note_started(*, patient: Patient, acting: queries.Acting, actor: Any, now: datetime) -> None:
    """Record that the session now acts for the patient."""
    _record_rules("acting.started", patient, actor, now, kind=acting.kind, relation=str(acting.id))


@transaction.atomic
def note_stopped(*, clinic: Clinic, patient_id: UUID | None, actor: Any, reason: str, now: datetime) -> None:
    """Record that it doesn't any more, and why."""
    audit.record(
        action="acting.stopped",
        subject=actor,
        actor=actor,
        now=now,
        clinic_id=clinic.pk,
        patient_id=patient_id,
        reason=reason,
    )


# -- birthdays ---------------------------------------------------------------------------------------------
def come_of_age(*, now: datetime) -> int:
    """Tidy up after birthdays from which nobody acts for the patient any more; return after how many.

    Nothing hangs on it: every request asks the birth date itself (F17).
    """
    done = 0
    for country in Country:
        rules = RULES[country]
        for patient_id in _birthdays(country, rules.own_decisions_from, now):
            done += _come_of_age(patient_id, now=now)
    return done


def _birthdays(country: Country, age: int, now: datetime) -> list[UUID]:
    today = now.astimezone(ZoneInfo(country.time_zone)).date()
    tidied = ActingRules.objects.filter(patient=OuterRef("pk"), of_age_at__isnull=False)
    born_until = _years_before(today, age)
    rows = Patient.objects.filter(
        ~Exists(tidied),
        clinic__country=country,
        birth_date__lte=born_until,
        birth_date__gt=born_until - BIRTHDAYS_LOOKED_BACK,
    )
    return list(rows.order_by("birth_date", "pk").values_list("pk", flat=True)[:TIDIED_AT_ONCE])


def _years_before(day: date, years: int) -> date:
    """Return the latest birth date that has reached the age on the day."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)


@transaction.atomic
def _come_of_age(patient_id: UUID, *, now: datetime) -> bool:
    patient = (
        Patient.objects.select_for_update(no_key=True, of=("self",))
        .select_related("clinic")
        .get(pk=patient_id)
    )
    rules, today = rules_of(patient.clinic.country), now.astimezone(patient.clinic.zone).date()
    if not ages.has_reached(patient.birth_date, rules.own_decisions_from, today):
        return False
    row = _rules(patient)
    if row.of_age_at is not None:
        return False
    row.of_age_at = now
    had_guardians = Guardian.objects.filter(patient=patient).exists()
    had_sign_in = rules.child_signs_in and child_memberships.end(
        clinic=patient.clinic, national_id_index=patient.national_id_index or "", now=now
    )
    if had_guardians or had_sign_in:
        row.contact_unconfirmed_at = now
    row.letters_open_at = row.letters_open_by = None
    row.save()
    _record_rules("patient.came_of_age", patient, audit.SYSTEM, now, age=rules.own_decisions_from)
    return True


# -- a register's extract ----------------------------------------------------------------------------------
@transaction.atomic
def load_extract(*, country: Country, name: str, entries: Sequence[Entry], now: datetime) -> RegisterExtract:
    """Let this extract be the country's truth instead of the one before: all of it, or nothing."""
    row, _ = RegisterExtract.objects.get_or_create(country=country, defaults={"name": name, "loaded_at": now})
    row = RegisterExtract.objects.select_for_update().get(pk=row.pk)
    RegisterEntry.objects.filter(extract=row).delete()
    RegisterEntry.objects.bulk_create(
        [
            RegisterEntry(
                extract=row,
                child_index=entry.child_index,
                adult_index=entry.adult_index,
                basis=entry.basis,
                valid_from=entry.valid_from,
                valid_to=entry.valid_to,
                is_uncertain=entry.is_uncertain,
            )
            for entry in entries
        ],
        batch_size=2000,
    )
    row.name, row.loaded_at = name, now
    row.save(update_fields=["name", "loaded_at"])
    audit.record(
        action="guardians.loaded",
        subject=row,
        actor=audit.SYSTEM,
        now=now,
        country=country,
        entries=len(entries),
    )
    return row
