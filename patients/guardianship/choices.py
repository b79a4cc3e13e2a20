"""Words of acting for someone else."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.refusals import NextStep, Refusal


class Status(TextChoices):
    """What a source says about one adult and one child. Only VALID opens anything."""

    VALID = "valid", pgettext_lazy("guardian", "Guardian")
    NOT_VALID = "not_valid", pgettext_lazy("guardian", "Not a guardian")
    UNKNOWN = "unknown", pgettext_lazy("guardian", "Not known")
    BLOCKED = "blocked", pgettext_lazy("guardian", "Blocked")
    ERROR = "error", pgettext_lazy("guardian", "No answer")


class Basis(TextChoices):
    """On what the guardian's right rests."""

    MOTHER = "custody_mother", _("custody, mother")
    FATHER = "custody_father", _("custody, father")
    OTHER = "custody_other", _("custody, someone else")
    JOINT = "joint", _("joint custody")
    ADULT = "guardian_adult", _("guardian of an adult")
    CLINIC = "clinic_verified", _("the clinic has seen proof")


class Source(TextChoices):
    """Where the answer comes from. An installation has one besides the clinic's own word."""

    MANUAL = "manual", _("the clinic")
    FILE = "file", _("register extract")
    NSP_CPR = "nsp_cpr", _("CPR register")
    FOLKEREGISTER = "folkeregister", _("National Population Register")


class Kind(TextChoices):
    """In which role someone acts for a patient."""

    GUARDIAN = "guardian", _("guardian")
    PROXY = "proxy", _("by proxy")


class Area(TextChoices):
    """What one can do for someone else. A page that names none is only for oneself."""

    START = "start", _("The front page")
    APPOINTMENTS = "appointments", _("Appointments")
    LETTERS = "letters", _("e-Consultations")
    RENEWALS = "renewals", _("Prescription renewals")
    CONTACT = "contact", _("Contact details")
    INSIGHT = "insight", _("Who has seen or changed the data")


PROXY_AREAS = (Area.APPOINTMENTS, Area.LETTERS, Area.RENEWALS)
"""What a proxy can be for. Contact details stay with whom they belong to."""


class ActingRefusal(Refusal):
    """Why someone may not act for a patient."""

    SAME_PERSON = "same-person", _("You can't act for yourself.")
    NO_AGE = "no-age", _("The clinic doesn't know how old you both are.")
    GROWN_UP = "grown-up", _("The child is old enough to decide. Nobody acts for it any more.")
    TOO_YOUNG = "too-young", _("You are not old enough to act for others.")
    CLOSED = "closed", _("Nobody can act for this patient online.")
    BLOCKED = "blocked", _("The clinic has closed this access.")
    NOT_GUARDIAN = "not-guardian", _("The register does not name you as the guardian.")
    UNCLEAR = "unclear", _("The clinic must see first that you are the guardian.")
    PROXY_OVER = "proxy-over", _("The proxy has ended.")
    NEEDS_EID = "needs-eid", _("To act for others you sign in with eID.")
    NOT_IN_SCOPE = "not-in-scope", _("You can't do this for someone else.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return the clinic's phone for all but the missing eID."""
        steps = dict.fromkeys(cls.values, NextStep.PHONE_THE_CLINIC)
        return steps | {cls.NEEDS_EID.value: NextStep.SIGN_IN_WITH_EID}


class GuardianRefusal(Refusal):
    """Why staff's change of guardians or proxies was refused."""

    SAME_PERSON = "same-person", _("This is the patient's own national ID.")
    CHILD_TOO_OLD = (
        "child-too-old",
        _("The patient decides alone at this age. Register a proxy instead."),
    )
    NO_BIRTH_DATE = "no-birth-date", _("The record has no birth date, so nobody can act for this patient.")
    ADULT_TOO_YOUNG = "adult-too-young", _("This person is not old enough to act for others.")
    GIVER_TOO_YOUNG = (
        "giver-too-young",
        _("The patient is too young for a proxy. Guardians act for children."),
    )
    DAY_IS_OVER = "day-is-over", _("The last day must be to come.")
    CHANGED_MEANWHILE = "changed-meanwhile", _("Somebody has changed this in the meantime.")
    NOT_AT_THIS_AGE = "not-at-this-age", _("At this patient's age there is nothing to open.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return value -> next step."""
        return dict.fromkeys(cls.values, NextStep.RELOAD_THE_PAGE)


class ExtractProblem(TextChoices):
    """Why a row of a register extract can't be used."""

    RECORD = "record", _("The record must be 014, 016 or 017.")
    PERSON = "person", _("The person's national ID is missing or not valid.")
    RELATED = "related", _("The related national ID is missing or not valid.")
    TYPE = "type", _("The type is not one of this record's.")
    DATE = "date", _("A date is written as 2026-11-27, and the end is not before the beginning.")
    NO_PARENT = "no-parent", _("The custody names a parent whom no record 014 names.")
