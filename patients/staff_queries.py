"""Finding the clinic's patients, for staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Q

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import national_id
from identity.national_id import BadNationalId
from patients.models import Patient, PatientQuerySet
from patients.search import Wanted

PER_PAGE = 25
_DOT = "•"


@dataclass(frozen=True, slots=True)
class PatientPage:
    """One page of the list, in the order of family names."""

    patients: Sequence[Patient]
    """With the GP; the national ID is not read."""
    following: UUID | None
    """The last one shown, when more come after."""


def find(*, clinic: Clinic, wanted: Wanted, after: UUID | None = None) -> PatientPage:
    """Return the clinic's patients who are wanted, inactive ones too, after the one with this id.

    Three queries at most: where to go on, who they are (answered by the index alone), and their rows.
    """
    ids = list(
        placed(_matching(Patient.objects.for_clinic(clinic), wanted), clinic, after).values_list(
            "pk", flat=True
        )[: PER_PAGE + 1]
    )
    shown = ids[:PER_PAGE]
    rows = Patient.objects.filter(pk__in=shown).select_related("gp").defer("national_id").in_bulk()
    return PatientPage([rows[pk] for pk in shown], shown[-1] if len(ids) > PER_PAGE else None)


def placed(patients: PatientQuerySet, clinic: Clinic, after: UUID | None) -> PatientQuerySet:
    """Return them by name, from the one after this patient; an id that is not the clinic's begins at the start."""
    ordered = patients.order_by("sort_family", "sort_given", "pk")
    last = (
        after
        and Patient.objects.for_clinic(clinic).filter(pk=after).only("sort_given", "sort_family").first()
    )
    if not last:
        return ordered
    later = (
        Q(sort_family__gt=last.sort_family)
        | Q(sort_family=last.sort_family, sort_given__gt=last.sort_given)
        | Q(sort_family=last.sort_family, sort_given=last.sort_given, pk__gt=last.pk)
    )
    return ordered.filter(later, sort_family__gte=last.sort_family)


def named(patients: PatientQuerySet, words: Sequence[str]) -> PatientQuerySet:
    """Return those with a name that begins like each of the words (patients.search.folded)."""
    for word in words:
        patients = patients.filter(search_name__contains=f" {word}")
    return patients


def _matching(patients: PatientQuerySet, wanted: Wanted) -> PatientQuerySet:
    if wanted.national_id_index:
        return patients.filter(national_id_index=wanted.national_id_index)
    if wanted.mobile:
        return patients.filter(Q(mobile=wanted.mobile) | Q(birth_date__in=wanted.born))
    if wanted.born:
        patients = patients.filter(birth_date__in=wanted.born)
    return named(patients, wanted.words)


def patient_of(*, clinic: Clinic, patient_id: UUID) -> Patient | None:
    """Return the clinic's own patient with the GP, whatever the state of the record."""
    return Patient.objects.for_clinic(clinic).filter(pk=patient_id).select_related("gp").first()


def shown_id(patient: Patient, *, in_full: bool = False) -> str:
    """Return the national ID as pages show it, "140488 •••••", or in full; empty when there is none."""
    number = patient.national_id or ""
    if not number:
        return ""
    country = Country(patient.clinic.country)
    separator = "-" if country is Country.DENMARK else " "
    if in_full:
        return f"{number[:6]}{separator}{number[6:]}"
    try:
        return national_id.masked(national_id.parse(number, country, allow_synthetic=True))
    except BadNationalId:  # a number from before the rules: nothing of it is shown
        return _DOT * len(number)


def age(birth_date: date | None, today: date) -> int | None:
    """Return the age in whole years on the day."""
    if birth_date is None:
        return None
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - (not had_birthday)
