"""The demo's two clinics as data. Everyone is invented; all dates are made relative to today when it is filled in."""

from dataclasses import dataclass
from datetime import time

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic_admin.choices import Country, ProviderKind, Role, SelfRegistration, Service
from services.access.choices import Approval
from services.booking.choices import SlotKind


@dataclass(frozen=True, slots=True)
class DemoStaff:
    """Someone who works at the clinic and can sign in."""

    name: str
    email: str
    roles: tuple[Role, ...]
    note: str | Promise


@dataclass(frozen=True, slots=True)
class DemoProvider:
    """Someone whom patients can book. `with_gp` and `without_gp`: the approval where booking is on, or None."""

    initials: str
    name: str
    kind: ProviderKind
    has_list: bool
    has_access: bool
    staff_email: str
    with_gp: Approval | None
    without_gp: Approval | None
    week: tuple[tuple[str, str, str, int, SlotKind], ...]
    """Blocks: weekdays as digits, from, to, minutes, kind."""


@dataclass(frozen=True, slots=True)
class DemoClinic:
    """One clinic with everything an administrator would have set up."""

    identifier: str
    name: str
    country: Country
    street: str
    postcode: str
    city: str
    phone: str
    email: str
    out_of_hours_phone: str
    opens: time
    closes: time
    patients: int
    calendar_name: str
    """What the weekly calendars are called, in the clinic's language."""
    staff: tuple[DemoStaff, ...]
    providers: tuple[DemoProvider, ...]
    ticks: tuple[tuple[Service, str | None, str], ...]
    """Service, row (initials, or None for all other active patients), provider."""
    self_registration: SelfRegistration = SelfRegistration.BY_HAND
    books_without_account: bool = False
    draws_urgent: bool = False
    sms_ore: int | None = None
    """What an SMS costs the patients; None is the country's price."""
    code_countries: tuple[str, ...] = ()
    """Whose mobiles get codes beside our own. Where there are some, codes of the last hours were hardly used."""
    leaves: tuple[str, str, int] | None = None
    """Who leaves, whose list the patients move to (initials), and in how many days."""
    person_with_password: str = ""
    """Full name of the one who has an account with password."""


def _all_services(row: str | None, provider: str) -> tuple[tuple[Service, str | None, str], ...]:
    return tuple((service, row, provider) for service in Service)


PORTAL, URGENT, PHONE, INTERNAL = SlotKind.PORTAL, SlotKind.URGENT, SlotKind.PHONE, SlotKind.INTERNAL
BY_HAND, AUTOMATIC = Approval.BY_HAND, Approval.AUTOMATIC

BAKKEN = DemoClinic(
    identifier="bakken",
    name="Bakken legesenter",
    books_without_account=True,
    sms_ore=150,
    code_countries=("PL", "SE"),
    person_with_password="Finn Dottno",  # noqa: S106 - a name
    country=Country.NORWAY,
    street="Bakkeveien 12",
    postcode="0557",
    city="Oslo",
    phone="+4721560000",
    email="post@bakken.example",
    out_of_hours_phone="",
    opens=time(8, 0),
    closes=time(15, 30),
    patients=2000,
    calendar_name="Hverdager",
    staff=(
        DemoStaff(
            "Siv Skranke", "siv@bakken.example", (Role.ASSISTANT,), _("secretary: calendar, approvals")
        ),
        DemoStaff(
            "Arne Oppsett",
            "arne@bakken.example",
            (Role.CLINIC_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR),
            _("administrator: settings, and whether everything works"),
        ),
        DemoStaff(
            "Magnard Koman", "koman@bakken.example", (Role.PROVIDER,), _("GP: own calendar, settings to read")
        ),
        DemoStaff(
            "Sjef Lege",
            "sjef@bakken.example",
            (Role.PROVIDER, Role.CLINIC_ADMINISTRATOR),
            _("GP and administrator"),
        ),
    ),
    providers=(
        DemoProvider(
            "MK",
            "Magnard Koman",
            ProviderKind.GP,
            True,
            True,
            "koman@bakken.example",
            AUTOMATIC,
            None,
            (
                ("01234", "08:30", "11:30", 20, PORTAL),
                ("01234", "12:15", "13:15", 20, PORTAL),
                ("0134", "13:15", "13:45", 15, URGENT),
                ("0134", "13:45", "14:15", 15, PHONE),
                ("2", "13:15", "15:00", 35, INTERNAL),
            ),
        ),
        DemoProvider(
            "SL",
            "Sjef Lege",
            ProviderKind.GP,
            True,
            True,
            "sjef@bakken.example",
            BY_HAND,
            None,
            (
                ("0124", "09:00", "11:20", 20, PORTAL),
                ("0124", "12:00", "14:00", 20, PORTAL),
                ("01234", "08:30", "09:00", 15, URGENT),
            ),
        ),
        DemoProvider(
            "KL",
            "Konsu Lent",
            ProviderKind.LOCUM,
            False,
            True,
            "",
            None,
            None,
            (("134", "10:00", "14:00", 20, PORTAL),),
        ),
        DemoProvider(
            "TT",
            "Tuva Turnus",
            ProviderKind.INTERN,
            False,
            True,
            "",
            None,
            AUTOMATIC,
            (
                ("01234", "09:00", "11:00", 30, PORTAL),
                ("01234", "12:30", "14:30", 20, URGENT),
            ),
        ),
        DemoProvider(
            "NP",
            "Nina Plaster",
            ProviderKind.NURSE,
            False,
            True,
            "",
            None,
            BY_HAND,
            (("024", "08:30", "11:30", 15, PORTAL),),
        ),
    ),
    ticks=(
        *_all_services("MK", "MK"),
        *_all_services("SL", "SL"),
        (Service.BOOKING, "MK", "KL"),
        (Service.BOOKING, "MK", "NP"),
        (Service.BOOKING, "SL", "NP"),
        (Service.URGENT, "MK", "TT"),
        (Service.URGENT, "SL", "TT"),
        *_all_services(None, "TT"),
    ),
)

HOLM = DemoClinic(
    identifier="holm",
    books_without_account=True,
    draws_urgent=True,
    leaves=("JK", "KH", 75),
    name="Lægerne Holm",
    person_with_password="Inger Uden-MitID",  # noqa: S106 - a name
    country=Country.DENMARK,
    street="Søndergade 4",
    postcode="8000",
    city="Aarhus C",
    phone="+4586100000",
    email="post@holm.example",
    out_of_hours_phone="+4570113131",
    opens=time(8, 0),
    closes=time(16, 0),
    patients=300,
    calendar_name="Hverdage",
    staff=(
        DemoStaff(
            "Sanne Skranke", "sanne@holm.example", (Role.ASSISTANT,), _("secretary: calendar, approvals")
        ),
        DemoStaff(
            "Karen Holm",
            "karen@holm.example",
            (Role.PROVIDER, Role.CLINIC_ADMINISTRATOR),
            _("GP and administrator"),
        ),
    ),
    providers=(
        DemoProvider(
            "KH",
            "Karen Holm",
            ProviderKind.GP,
            True,
            True,
            "karen@holm.example",
            AUTOMATIC,
            None,
            (
                ("01234", "08:00", "11:00", 15, PORTAL),
                ("0124", "12:00", "14:00", 15, PORTAL),
                ("01234", "11:00", "11:45", 15, URGENT),
            ),
        ),
        DemoProvider(
            "JK",
            "Jens Kjær",
            ProviderKind.GP,
            True,
            True,
            "",
            BY_HAND,
            None,
            (
                ("0134", "08:30", "11:30", 20, PORTAL),
                ("01234", "12:00", "12:40", 20, URGENT),
            ),
        ),
        DemoProvider(
            "UL",
            "Ulla Uddannelse",
            ProviderKind.INTERN,
            False,
            True,
            "",
            None,
            AUTOMATIC,
            (("01234", "09:00", "12:00", 30, PORTAL),),
        ),
    ),
    ticks=(
        *_all_services("KH", "KH"),
        *_all_services("JK", "JK"),
        (Service.BOOKING, "KH", "UL"),
        (Service.BOOKING, "JK", "UL"),
        *_all_services(None, "UL"),
    ),
)

CLINICS = (BAKKEN, HOLM)
PASSWORD = "Demo-passord-til-alle-2026"  # noqa: S105 - the demo's staff share it, and the demo shows it
PATIENT_PASSWORD = "Demo-pasient-2026"  # noqa: S105 - the demo shows it beside whoever has it
