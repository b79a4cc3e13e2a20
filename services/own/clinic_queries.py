"""At which clinics a person is registered, and where else they could be."""

from dataclasses import dataclass

from clinic_admin.choices import SelfRegistration
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic
from identity.models import Account
from patients import policy as patient_rules
from patients.models import Patient

MOST_OTHERS = 100


@dataclass(frozen=True, slots=True)
class OwnClinic:
    """A clinic with a record of the person."""

    clinic: Clinic
    is_registered: bool
    has_left: bool


@dataclass(frozen=True, slots=True)
class Clinics:
    """Where the person is, and where they could register."""

    own: tuple[OwnClinic, ...]
    others: tuple[Clinic, ...]


def clinics_of(account: Account, *, scope: int | None) -> Clinics:
    """Return the clinics with an active record of the person, and others of the country that take registrations.

    A session that is good for one clinic only (`scope`) tells of no other. Two queries.
    """
    rows = Patient.objects.filter(
        national_id_index=account.national_id_index, is_active=True, clinic__is_active=True
    )
    if scope is not None:
        rows = rows.filter(clinic=scope)
    own = tuple(_own(row) for row in rows.select_related("clinic").order_by("clinic__name", "pk"))
    if scope is not None:
        return Clinics(own, ())
    others = Clinic.objects.filter(is_active=True, country=account.country).exclude(
        self_registration=SelfRegistration.OFF
    )
    known = [one.clinic.pk for one in own]
    return Clinics(own, tuple(others.exclude(pk__in=known).order_by("name", "pk")[:MOST_OTHERS]))


def _own(row: Patient) -> OwnClinic:
    rules = rules_of(row.clinic.country)
    return OwnClinic(
        row.clinic,
        is_registered=patient_rules.is_registered(rules, row.registered_at, row.left_at),
        has_left=row.left_at is not None,
    )
