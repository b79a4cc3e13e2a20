"""Words of the register that everything else uses."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.refusals import NextStep, Refusal

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

    # Translators: what a provider is, as in "GP Magnard Koman"; a patient's GP is another text
    GP = "gp", pgettext_lazy("kind of provider", "GP")
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


class SelfRegistration(TextChoices):
    """Whether patients may register with the clinic's portal by themselves (002)."""

    OFF = "off", _("No, the clinic registers them")
    BY_HAND = "by-hand", _("Yes, and the clinic approves each")
    AUTOMATIC = "automatic", _("Yes, and it is approved automatically")


class TextKind(TextChoices):
    """A text that the clinic writes itself. Each is written per language, but signatures."""

    GUIDANCE_BOOKING = "guidance-booking", _("Guidance on booking")
    GUIDANCE_URGENT = "guidance-urgent", _("Guidance on urgent booking")
    ABOUT = "about", _("About the clinic")
    REJECTED_CONSULTATION = "rejected-consultation", _("Answer to a rejected e-consultation")
    SIGNATURE = "signature", _("Signature")


GUIDANCE = {Service.BOOKING: TextKind.GUIDANCE_BOOKING, Service.URGENT: TextKind.GUIDANCE_URGENT}
"""The services that patients are guided through; the others follow with their pages."""

LANGUAGES = ("nb", "da", "en")
"""What texts are written in."""

PATIENT_TAG, DOCTOR_TAG = "[PATIENT_VALUE_TAG]", "[DOCTOR_VALUE_TAG]"
"""Placeholders of the reply template (000 §6)."""


class ClinicRefusal(Refusal):
    """Why a change to the clinic's register is refused."""

    CHANGED_MEANWHILE = (
        "changed-meanwhile",
        _("Someone else saved this page while you had it open. Look at the differences, then save again."),
    )
    HOURS_OUT_OF_ORDER = "hours-out-of-order", _("Closing time must be later than opening time.")
    HOURS_OVERLAP = "hours-overlap", _("The second period of a day must begin after the first has ended.")
    CLOSURE_OUT_OF_ORDER = "closure-out-of-order", _("The last day can't be before the first day.")
    CLOSURE_IS_OVER = "closure-is-over", _("These days are already past.")
    CLOSURE_TWICE = "closure-twice", _("The clinic is already closed on these days.")
    IDENTIFIER_TAKEN = "identifier-taken", _("Another clinic has this portal identifier.")
    IDENTIFIER_HAD = (
        "identifier-had",
        _("Another clinic had this portal identifier, and its old links still lead there. Choose another."),
    )
    IDENTIFIER_SAME = "identifier-same", _("This is the clinic's portal identifier already.")
    DAY_PASSWORD_WRONG = (
        "day-password-wrong",
        _("This is not today's password. Phone the vendor for it; yesterday's no longer works."),
    )
    TOO_MANY_TRIES = "too-many-tries", _("Too many tries. Wait an hour, then try again.")
    TEXT_UNKNOWN_TAG = (
        "text-unknown-tag",
        _("A word in square brackets is none of the placeholders. Write it exactly as shown below the text."),
    )
    NO_SIGN_IN_LEFT = (
        "no-sign-in-left",
        _("Leave at least one of the ways of signing in on, or no patient can sign in."),
    )
    NOTHING_TO_UNDO = "nothing-to-undo", _("This can't be undone any more: it has been changed since.")
    IDENTIFIER_BAD = (
        "identifier-bad",
        _(
            "A portal identifier has small letters a-z, digits and single hyphens, at most 60 characters, "
            "and is not a word of the portal's own addresses."
        ),
    )
    INITIALS_TAKEN = "initials-taken", _("Another provider of the clinic has these initials.")
    ALREADY_STAFF = "already-staff", _("This person already has a post at the clinic.")
    NO_ROLE = "no-role", _("Choose at least one role.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return value -> next step: settings are corrected on their page, operators' mistakes by themselves."""
        return dict.fromkeys(cls.values, NextStep.RELOAD_THE_PAGE) | {
            cls.IDENTIFIER_TAKEN.value: NextStep.ASK_AN_ADMINISTRATOR,
            cls.IDENTIFIER_HAD.value: NextStep.ASK_AN_ADMINISTRATOR,
            cls.IDENTIFIER_BAD.value: NextStep.ASK_AN_ADMINISTRATOR,
            cls.INITIALS_TAKEN.value: NextStep.ASK_AN_ADMINISTRATOR,
            cls.ALREADY_STAFF.value: NextStep.ASK_AN_ADMINISTRATOR,
        }
