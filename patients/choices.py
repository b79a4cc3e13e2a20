"""Words of the patients' area."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class MessageLanguage(TextChoices):
    """The language of messages to a patient; empty is the clinic's."""

    CLINIC = "", _("The clinic's language")
    NORWEGIAN = "nb", _("Norwegian")
    DANISH = "da", _("Danish")
    ENGLISH = "en", _("English")


class SeenIn(TextChoices):
    """Pages of staff that name many patients; the label is what a patient reads who asks who saw them."""

    CALENDAR = "calendar", _("the day in the calendar")
    LIST = "list", _("the list of patients")
    SPECIAL = "special", _("the list of special rights")
    LOG = "log", _("the log of what patients use")
    FILE = "file", _("a file of what patients use")
    ABSENCE = "absence", _("appointments during an absence")
    EARLIER = "earlier", _("the list of who waits for an earlier time")
    DRAW = "draw", _("what came of a draw of urgent times")
    CHANGE = "change", _("appointments that a change of the calendar touches")
    PAID = "paid", _("the list of reminders that patients pay for")
    PAID_FILE = "paid-file", _("a file of reminders that patients pay for")
    REMINDERS = "reminders", _("the list of reminders that did not arrive")


class RowProblem(TextChoices):
    """Why a row of an import is refused, besides what is wrong with a national ID or a phone number."""

    CELLS = "cells", _("The row has more or fewer cells than the header. Is a separator inside a name?")
    GIVEN_NAME = "given-name", _("The given name is missing or longer than 80 characters.")
    FAMILY_NAME = "family-name", _("The family name is missing or longer than 80 characters.")
    EMAIL = "email", _("The e-mail address is not valid.")
    GP = "gp", _("No active provider of the clinic with these initials has a patient list.")
    ACTIVE = "active", _("Active must be yes or no.")
    TWICE = "twice", _("The same national ID is in an earlier row.")


class FileProblem(TextChoices):
    """Why a file can't be imported at all."""

    NOT_FOUND = "not-found", _("There is no such file, or it may not be read.")
    NOT_TEXT = "not-text", _("This is not a text file. Save it as CSV with UTF-8 first.")
    EMPTY = "empty", _("The file is empty.")
    MISSING_COLUMN = "missing-column", _("These columns are missing: {columns}.")
    COLUMN_TWICE = "column-twice", _("These columns appear twice: {columns}.")
    BROKEN = (
        "broken",
        _("The file can't be read as CSV: a quotation mark is not closed, or a cell is too long."),
    )


class SearchProblem(TextChoices):
    """Why nobody can be looked for by what was typed. No sentence repeats it."""

    TOO_LONG = (
        "too-long",
        _("This is too long. Write a name, a birth date, a mobile number or a national ID."),
    )
    MIXED = "mixed", _("Write a name with or without a birth date, or a number alone.")
    UNKNOWN = (
        "unknown",
        _(
            "This is neither a birth date, a mobile number nor a national ID. "
            "Write it in full: 14.4.1988, 91 23 45 67, or all digits of the national ID."
        ),
    )


class PatientRefusal(Refusal):
    """Why a change to a patient's record was refused."""

    ALREADY_WITHDRAWN = "already-withdrawn", _("Somebody has already taken the portal from this patient.")
    NOT_WITHDRAWN = "not-withdrawn", _("This patient has the portal already.")
    NO_NATIONAL_ID = "no-national-id", _("The record has no national ID.")
    MARKED_ALREADY = "marked-already", _("Somebody has changed this mark already.")
    CONTACT_BY_CODE = (
        "contact-by-code",
        _(
            "You signed in with password and code. To change e-mail and mobile, sign in with eID, or phone the clinic."
        ),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return value -> next step."""
        steps = dict.fromkeys(cls.values, NextStep.RELOAD_THE_PAGE)
        return steps | {cls.CONTACT_BY_CODE.value: NextStep.PHONE_THE_CLINIC}


class ImportRefusal(Refusal):
    """Why an import is not carried out now."""

    ANOTHER_RUNS = "another-runs", _("Another import of this clinic is running. Wait until it has ended.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return value -> next step."""
        return {cls.ANOTHER_RUNS.value: NextStep.ASK_AN_ADMINISTRATOR}
