"""Words of the register that everything else uses."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

RESERVED_IDENTIFIERS = frozenset(
    {
        "admin",
        "api",
        "assets",
        "demo-idp",
        "demo-sms",
        "dev",
        "favicon.ico",
        "healthz",
        "help",
        "language",
        "login",
        "login.aspx",
        "manifest.json",
        "metrics",
        "readyz",
        "robots.txt",
        "sign-in",
        "staff",
        "static",
        "status",
        "sw.js",
        "webhooks",
    }
)
"""First words of our own addresses; no clinic can be called these."""


class Country(TextChoices):
    """Where a clinic is; decides national IDs, identity providers, default language and holidays."""

    NORWAY = "NO", _("Norway")
    DENMARK = "DK", _("Denmark")

    @property
    def time_zone(self) -> str:
        """Return the IANA name of the country's zone."""
        return {"NO": "Europe/Oslo", "DK": "Europe/Copenhagen"}[self.value]

    @property
    def language(self) -> str:
        """Return the language that pages speak until the reader chooses another."""
        return {"NO": "nb", "DK": "da"}[self.value]


class Role(TextChoices):
    """What a staff member may do. One person can have several."""

    ASSISTANT = "assistant", _("Assistant")
    PROVIDER = "provider", _("Provider")
    CLINIC_ADMINISTRATOR = "clinic-administrator", _("Clinic administrator")
    SYSTEM_ADMINISTRATOR = "system-administrator", _("System administrator")


class ProviderKind(TextChoices):
    """What a provider is at the clinic."""

    GP = "gp", _("GP")
    LOCUM = "locum", _("Locum")
    INTERN = "intern", _("Intern")
    NURSE = "nurse", _("Nurse")


class Service(TextChoices):
    """What a patient can use, as the service matrix names it (access-model, Inputs)."""

    BOOKING = "booking", _("Booking")
    URGENT = "urgent", _("Urgent booking")
    CONSULTATION = "consultation", _("e-Consultation")
    RENEWAL = "renewal", _("Prescription renewal")


class Weekday(TextChoices):
    """Days of the week, Monday first; the number is Python's date.weekday()."""

    MONDAY = "0", _("Monday")
    TUESDAY = "1", _("Tuesday")
    WEDNESDAY = "2", _("Wednesday")
    THURSDAY = "3", _("Thursday")
    FRIDAY = "4", _("Friday")
    SATURDAY = "5", _("Saturday")
    SUNDAY = "6", _("Sunday")
