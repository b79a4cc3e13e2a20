"""Every setting of the administration as data, so that it can be found by its name (A10).

Other areas' pages are named as strings; one that is not there is left out. `anchor` is the id of the field on its
page, or empty where the page is chosen first (a provider's, a calendar's).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from clinic_admin.code_countries import COUNTRIES


@dataclass(frozen=True, slots=True)
class Page:
    """A page of settings: its name, its URL name, and what it is also called."""

    title: Any
    url_name: str
    more: Any = ""
    settings: tuple["Setting", ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its label, the id of its field, and words people also use for it."""

    label: Any
    anchor: str = ""
    more: Any = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A setting that matches, with where it is."""

    label: str
    page: str
    address: str


_RIGHTS = tuple(
    Setting(label)
    for label in (
        _("Patients can reach this provider through the portal"),
        _("Prescription renewal"),
        _("e-Consultation"),
        _("Booking"),
        _("What a patient books"),
        _("Cancelling"),
    )
)

_COUNTRIES = tuple(
    Setting(format_lazy("{} ({})", name, calling), f"id_code_countries_{place}", _("codes abroad mobile"))
    for place, (name, calling) in enumerate(COUNTRIES.values())
)

PAGES: tuple[Page, ...] = (
    Page(
        _("Advanced settings"),
        "clinic_admin:clinic",
        _("clinic office address settings"),
        (
            Setting(_("The portal"), "portal", _("switch on off active open close activation")),
            Setting(
                _("Urgent times open the day before at"), "id_urgent_release_at", _("release hour 16:00")
            ),
            Setting(
                _("Draw urgent times instead of first come, first served"),
                "id_draws_urgent",
                _("fair release lottery draw race"),
            ),
            Setting(
                _("Minutes in which patients can ask before the draw"),
                "id_draw_minutes",
                _("fair release lottery window"),
            ),
            Setting(
                _("Remind every portal patient by SMS"), "id_reminds_everyone", _("reminder message text")
            ),
            Setting(
                _("Hours between reminder and appointment"), "id_reminder_hours_ahead", _("reminder SMS 24")
            ),
            Setting(
                _("What an SMS costs the patient, in crowns"),
                "id_sms_ore",
                _("price fee cost charge code reminder"),
            ),
            Setting(
                _("Longest question in an e-consultation, in characters"),
                "id_longest_question",
                _("length limit letters 500"),
            ),
            Setting(
                _("e-Consultations need BankID or MitID"),
                "id_requires_eid_for_consultation",
                _("eID required sign-in login"),
            ),
            Setting(
                _("Hours before the appointment until which patients can cancel or move it"),
                "id_cancel_notice_hours",
                _("notice period cancellation rebooking"),
            ),
            Setting(
                _("Most coming appointments of a patient"), "id_most_upcoming", _("limit number of bookings")
            ),
            Setting(
                _("Most coming urgent appointments of a patient"),
                "id_most_urgent",
                _("limit number of urgent bookings"),
            ),
            Setting(
                _("May patients wait for an earlier time?"),
                "id_offers_earlier",
                _("waiting list freed cancelled time offer"),
            ),
            Setting(
                _("Minutes that an offered time is held"),
                "id_earlier_minutes",
                _("waiting list time limit answer"),
            ),
            Setting(
                _("Codes also go to mobiles of these countries"),
                "id_code_countries",
                _("abroad foreign number SMS one-time code allow list"),
            ),
            *_COUNTRIES,
            Setting(
                _("May patients register themselves?"),
                "id_self_registration",
                _("registration sign up login request automatic approval"),
            ),
            Setting(
                _("Approve automatically only the patients of the clinic's own GPs"),
                "id_requires_own_gp",
                _("registration own GP list"),
            ),
            Setting(
                _("May people book without an account?"),
                "id_books_without_account",
                _("guest booking without login new patients"),
            ),
            Setting(_("Name"), "id_name", _("clinic")),
            Setting(_("Street"), "id_street", _("address")),
            Setting(_("Postcode"), "id_postcode", _("address")),
            Setting(_("Town"), "id_city", _("address city")),
            Setting(_("Phone"), "id_phone", _("telephone number")),
            Setting(
                _("Phone of the out-of-hours doctor"), "id_out_of_hours_phone", _("telephone number night")
            ),
            Setting(_("E-mail"), "id_email", _("address mail")),
            Setting(_("Opening hours"), "hours", _("open closed week lunch")),
            Setting(_("Closed days"), "closures", _("holiday vacation")),
            Setting(_("First day"), "id_first_day", _("closed days")),
            Setting(_("Last day"), "id_last_day", _("closed days")),
            Setting(_("Why"), "id_reason", _("closed days reason")),
        ),
    ),
    Page(
        _("Portal identifier"),
        "clinic_admin:identifier",
        _("activation EP address link"),
        (
            Setting(_("New portal identifier"), "id_identifier", _("EP address link")),
            Setting(_("Today's password from the vendor"), "id_password", _("day password activation")),
        ),
    ),
    Page(
        _("Sign-in methods"),
        "identity_admin:sign_in",
        _("login BankID MitID one-time code SMS password eID"),
        (
            Setting(
                _("How patients sign in"),
                "id_providers",
                _("login BankID MitID one-time code SMS password eID"),
            ),
        ),
    ),
    Page(
        _("About the clinic"),
        "clinic_admin:first_about",
        _("public page text presentation"),
        (Setting(_("Text"), "id_body", _("about the clinic")),),
    ),
    Page(_("Services"), "access_admin:services", _("rights provider approval"), _RIGHTS),
    Page(
        _("Special rights"),
        "access_admin:special",
        _("exceptions patient closed for all but these"),
    ),
    Page(
        _("Why can't this patient…?"),
        "access_admin:explain",
        _("explain rights access"),
        tuple(
            Setting(label)
            for label in (
                _("Service"),
                _("With whom"),
                _("On which day"),
                _("As it was on (date and time)"),
                _("The patient signs in"),
            )
        ),
    ),
    Page(
        _("Service matrix"),
        "delegation_admin:matrix",
        _("delegation delegations list locum intern"),
        tuple(Setting(label, "", _("service matrix")) for label in (_("Urgent booking"),)),
    ),
    Page(
        _("Absences"),
        "delegation_admin:absences",
        _("away cover locum holiday vacation"),
        (
            Setting(_("Who is away?"), "id_provider", _("absence")),
            Setting(_("First day"), "id_first_day", _("absence")),
            Setting(_("Last day"), "id_last_day", _("absence")),
            Setting(_("Who covers?"), "id_cover", _("absence locum")),
        ),
    ),
    Page(
        _("Message delegation"),
        "delegation_admin:messages",
        _("redirect messages recipient renewal consultation"),
        (
            Setting(_("1. Choose the kinds of messages"), "", _("message delegation")),
            Setting(_("2. Choose who gets them"), "", _("message delegation recipient")),
        ),
    ),
    Page(
        _("Guidance texts"),
        "clinic_admin:first_guidance",
        _("guide instruction patient text booking urgent factory"),
        (Setting(_("Text"), "id_body", _("guidance texts")),),
    ),
    Page(
        _("Templates and signatures"),
        "clinic_admin:templates",
        _("reply answer standard"),
        (
            Setting(_("Answer to a rejected e-consultation"), "rejected", _("reply template rejected")),
            Setting(_("Signature"), "signatures", _("provider name below answers letter")),
        ),
    ),
    Page(_("Patient log"), "reports_admin:patients", _("use statistics totals export CSV")),
    Page(
        _("SMS reminders that patients pay for"),
        "reports_admin:paid_reminders",
        _("owed bill invoice price export CSV"),
    ),
    Page(_("Change log"), "reports_admin:changes", _("history who when audit")),
    Page(
        _("Weekly calendars"),
        "booking_admin:templates",
        _("template times slots appointment book"),
        tuple(
            Setting(label, "", _("calendar template"))
            for label in (
                _("Name"),
                _("First day"),
                _("Last day"),
                _("Day"),
                _("From"),
                _("Until"),
                _("Minutes each"),
                _("Kind"),
            )
        ),
    ),
    Page(
        _("Staff"),
        "onboarding_admin:staff",
        _("employee user new doctor wizard leave"),
        tuple(
            Setting(label, "", _("staff new user"))
            for label in (
                _("Name"),
                _("Roles"),
                _("Initials"),
                _("Patients can book or write to this person"),
                _("Has a patient list of their own"),
                _("Weekly calendar"),
                _("Name as patients see it"),
            )
        ),
    ),
)


def search(text: str, clinic: str) -> list[Found]:
    """Return the settings that hold every word of the text, in the reader's language; all of them for no words.

    Matches in names stand before matches in other words. `clinic` is the portal identifier for the addresses.
    """
    words = text.casefold().split()
    ranked = [
        (rank, found)
        for label, page, more, anchor in _entries()
        if (rank := _rank(words, str(label), str(page.title), f"{page.more} {more}")) is not None
        if (found := _found(label, page, anchor, clinic)) is not None
    ]
    return [found for _rank_of, found in sorted(ranked, key=lambda pair: pair[0])]


def _entries() -> Iterator[tuple[Any, Page, Any, str]]:
    for page in PAGES:
        yield page.title, page, "", ""
        for setting in page.settings:
            yield setting.label, page, setting.more, setting.anchor


def _rank(words: list[str], label: str, page: str, more: str) -> int | None:
    """Return 0 when the name holds all words, 1 with the page's name, 2 with other words, None when it doesn't."""
    haystacks = (label.casefold(), f"{label} {page}".casefold(), f"{label} {page} {more}".casefold())
    for rank, haystack in enumerate(haystacks):
        if all(word in haystack for word in words):
            return rank
    return None


def _found(label: Any, page: Page, anchor: str, clinic: str) -> Found | None:
    try:
        address = reverse(page.url_name, args=[clinic])
    except NoReverseMatch:
        return None
    return Found(str(label), str(page.title), f"{address}#{anchor}" if anchor else address)
