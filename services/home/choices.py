"""Words of the front pages."""

from typing import NamedTuple

from clinic_admin.choices import Country


class UrgentHelp(NamedTuple):
    """Whom to phone when it can't wait."""

    emergency: str
    out_of_hours: str
    """Empty where each region has its own."""


URGENT_HELP = {
    Country.NORWAY: UrgentHelp(emergency="113", out_of_hours="116117"),
    Country.DENMARK: UrgentHelp(emergency="112", out_of_hours=""),
}
"""Ambulance, and the out-of-hours doctor: Norway's legevakt has one number, Denmark's lægevagt one per region."""

SERVICE_PAGES = {
    **dict.fromkeys(
        ("booking", "urgent", "timebestilling", "etimebestilling", "tidsbestilling", "time", "tid"),
        "booking:find",
    ),
    **dict.fromkeys(
        (
            *("consultation", "konsultasjon", "ekonsultasjon", "e-konsultasjon"),
            *("konsultation", "ekonsultation", "e-konsultation"),
        ),
        "home:consultation",
    ),
    **dict.fromkeys(
        ("renewal", "resept", "reseptfornyelse", "ereseptfornyelse", "recept", "receptfornyelse", "e-recept"),
        "home:renewal",
    ),
}
"""What links on clinics' own sites call a service (003, A5) -> the page it leads to."""
