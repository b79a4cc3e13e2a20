"""What differs between the countries, as data: sign-in, registration, children and proxies.

One row per country; nothing else asks which country it is to decide one of these.
"""

from dataclasses import dataclass
from enum import StrEnum

from clinic_admin.choices import Country


class CodeChannel(StrEnum):
    """How one-time codes travel."""

    SMS = "sms"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryRules:
    """The rules of one country. Ages are in whole years, reached at midnight local time on the birthday."""

    code_channel: CodeChannel
    """How one-time codes travel (000 §10, 003)."""
    sms_ore: int
    """What an SMS that the patient asks for (a reminder, a code) costs the patient, in hundredths of the currency; 0:
    nothing. One crown in Norway (000 §2.2); Denmark alike, for want of another source. A clinic may set its own."""
    currency: str
    """ISO 4217."""
    codes_need_reason: bool
    """Only patients marked "no eID" at the clinic, and children below `own_decisions_from`, sign in with codes (004)."""
    needs_registration: bool
    """Whether an active record is not enough: the patient registers with the clinic once (003). In Norway it is (000 §9)."""
    eid_from: int
    """Below this age eID can't be used, by the child or on its behalf (003). 0: the provider's own limit holds."""
    own_decisions_from: int
    """From this birthday nobody acts for the child any more: 16 (pasrl. § 4-3), 15 (sundhedsloven § 17)."""
    private_letters_from: int
    """From this birthday guardians don't see e-consultations unless the clinic opens them for the child."""
    letters_need_high: bool
    """Where the clinic asks for eID for e-consultations: level 4 in Norway, "substantial" is enough in Denmark."""
    child_signs_in: bool
    """Whether a child below `own_decisions_from` has a sign-in of its own, made by a guardian (003)."""
    guardian_from: int
    """How old a guardian must be."""
    proxy_giver_from: int
    """How old an adult who lets somebody else act for them must be; below it there is guardianship only."""
    proxy_receiver_from: int
    """How old whoever acts by proxy must be."""


RULES = {
    Country.NORWAY: CountryRules(
        code_channel=CodeChannel.SMS,
        sms_ore=100,
        currency="NOK",
        codes_need_reason=False,
        needs_registration=False,
        eid_from=0,
        own_decisions_from=16,
        private_letters_from=12,
        letters_need_high=True,
        child_signs_in=False,
        guardian_from=18,
        proxy_giver_from=16,
        proxy_receiver_from=18,
    ),
    Country.DENMARK: CountryRules(
        code_channel=CodeChannel.EMAIL,
        sms_ore=100,
        currency="DKK",
        codes_need_reason=True,
        needs_registration=True,
        eid_from=15,
        own_decisions_from=15,
        private_letters_from=15,
        letters_need_high=False,
        child_signs_in=True,
        guardian_from=18,
        proxy_giver_from=15,
        proxy_receiver_from=18,
    ),
}


def rules_of(country: str) -> CountryRules:
    """Return the rules of a country ("NO", "DK"). Raises ValueError for another."""
    return RULES[Country(country)]
