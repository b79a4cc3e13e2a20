"""What stood before the last save of a page of rights, for the page that undoes it."""

from clinic_admin import history
from clinic_admin.history import LastSave
from clinic_admin.models import Clinic, Provider
from patients.models import Patient
from services.access.choices import Approval, Column
from services.access.policy import Rights, Services, SpecialRights


def last_services(clinic: Clinic, provider: Provider) -> LastSave | None:
    """Return the last save of the provider's services. Two queries."""
    return history.last_save(clinic, ["rights.changed", "portal_access.changed"], subject=provider)


def services_before(save: LastSave, stored: Services) -> Services:
    """Return the services as they were before the save. `stored` is how they are since."""
    allowed, columns = stored.allowed, dict(stored.columns)
    for step in save.steps:
        before = step.details["before"]
        if step.action == "portal_access.changed":
            allowed = bool(before)
        else:
            rights = Rights(**{**before, "approval": Approval(before["approval"])})
            columns[Column(step.details["column"])] = rights
    return Services(allowed, columns)


def last_special(clinic: Clinic, patient: Patient) -> LastSave | None:
    """Return the last change of the patient's special rights. Two queries."""
    return history.last_save(clinic, ["special_rights.changed"], patient_id=patient.pk)


def special_before(save: LastSave) -> SpecialRights:
    """Return the special rights as they were before the change."""
    before = save.steps[-1].details["before"]
    approval = before["approval"]
    return SpecialRights(**{**before, "approval": Approval(approval) if approval else None})
