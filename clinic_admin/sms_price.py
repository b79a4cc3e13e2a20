"""What an SMS costs the patient, in the words of every page that states it."""

from django.utils.translation import get_language

from clinic_admin.choices import Country
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic

_CROWNS = {"nb": "kr", "da": "kr."}
_AT_HOME = {"nb": Country.NORWAY, "da": Country.DENMARK}


def sms_price(clinic: Clinic) -> str:
    """Return what an SMS costs the clinic's patients, in the reader's language; empty when nothing.

    The clinic's own price, else the country's. Who reads in the country's own language reads crowns; to everybody else
    the currency is named, for there are several crowns.
    """
    rules = rules_of(clinic.country)
    hundredths = rules.sms_ore if clinic.sms_ore is None else clinic.sms_ore
    if not hundredths:
        return ""
    crowns, ore = divmod(hundredths, 100)
    language = (get_language() or "")[:2]
    amount = f"{crowns},{ore:02d}" if ore else str(crowns)
    is_at_home = _AT_HOME.get(language) == clinic.country
    return f"{amount}\N{NO-BREAK SPACE}{_CROWNS[language] if is_at_home else rules.currency}"
