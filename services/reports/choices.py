"""Words of the logs."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ChangeKind(TextChoices):
    """What a change was made to; the change log can be narrowed to one of them."""

    SERVICES = "services", _("Services and rights")
    SPECIAL = "special", _("Special rights")
    MATRIX = "matrix", _("Service matrix")
    ABSENCES = "absences", _("Absences")
    MESSAGES = "messages", _("Who gets messages")
    TEXTS = "texts", _("Texts")
    SETTINGS = "settings", _("Settings")
    CALENDARS = "calendars", _("Calendars")
    STAFF = "staff", _("Staff")
    PATIENTS = "patients", _("Patients")


class PatientOrder(TextChoices):
    """What the patient log can be sorted by, besides how often each service was used."""

    FAMILY_NAME = "family-name", _("Family name")
    GIVEN_NAME = "given-name", _("Given name")
    BIRTH_DATE = "birth-date", _("Born")
    GP = "gp", _("GP")


class RecordState(TextChoices):
    """Why a patient has no services at all, whatever the rights say (R2)."""

    IN_ORDER = "in-order", _("In order")
    INACTIVE = "inactive", _("Record not active")
    NO_NATIONAL_ID = "no-national-id", _("No national ID")
    WITHDRAWN = "withdrawn", _("Portal withdrawn")
