"""What an SMS costs the patient, in the words of every page that states it."""

from django.utils.translation import get_language

from clinic_admin.choices import Country
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic

_CROWNS = {"nb": "kr", "da": "kr."}
_AT_HOME = {"nb": Country.NORWAY, "da": Country.DENMARK}


def sms_ore(clinic: Clinic) -> int:
    """Return what an SMS costs the clinic's patients, in hundredths of the currency: its own price, else the country's."""
    return rules_of(clinic.country).sms_ore if clinic.sms_ore is None else clinic.sms_ore


def sms_price(clinic: Clinic) -> str:
    """Return what an SMS costs the clinic's patients, in the reader's language; empty when nothing."""
    return in_crowns(clinic, sms_ore(clinic))


def in_crowns(clinic: Clinic, hundredths: int) -> str:
    """Return an amount of the clinic's currency in the reader's language; empty for nothing.

    Who reads in the country's own language reads crowns; to everybody else the currency is named, for there are several
    crowns.
    """
    if not hundredths:
        return ""
    crowns, ore = divmod(hundredths, 100)
    language = (get_language() or "")[:2]
    amount = f"{crowns},{ore:02d}" if ore else str(crowns)
    is_at_home = _AT_HOME.get(language) == clinic.country
    return (
        f"{amount}\N{NO-BREAK SPACE}{_CROWNS[language] if is_at_home else rules_of(clinic.country).currency}"
    )
