"""Says who did something for a patient, when it was not the patient."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic_admin import ages
from clinic_admin.countries import rules_of
from identity.choices import UserKind
from identity.models import Account, User
from patients.models import Patient


def acted_for(patient: Patient, user: User | None) -> bool:
    """Return whether a patient's login that is not this patient's did it. No query with the account selected."""
    if user is None or user.kind != UserKind.PATIENT:
        return False
    try:
        return user.account.national_id_index != patient.national_id_index
    except Account.DoesNotExist:
        return False


def name_and_role(patient: Patient, user: User, at: datetime) -> str:
    """Return the name of who acted at this instant, with "(guardian)" or "(by proxy)" when it was for the patient."""
    if not acted_for(patient, user):
        return user.name
    clinic = patient.clinic
    day = at.astimezone(clinic.zone).date()
    if ages.is_below(patient.birth_date, rules_of(clinic.country).own_decisions_from, day):
        return _("%(name)s (guardian)") % {"name": user.name}
    return _("%(name)s (by proxy)") % {"name": user.name}
