"""Phone numbers: read as people write them, stored as E.164 (+4791234567), shown as people write them.

The rules of each country's numbers come from Google's libphonenumber.
"""

import phonenumbers
from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LONGEST = 40
"""Characters of a phone number as people write it."""

_MOBILE = frozenset({phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE})


class Problem(TextChoices):
    """What is wrong with something that was given as a phone number."""

    MISSING = "missing", _("Write the phone number.")
    NOT_A_NUMBER = (
        "not-a-number",
        _("This is not a phone number. Write all digits, with the country code if it is a foreign number."),
    )
    NOT_A_MOBILE = "not-a-mobile", _("This is not a mobile number. Text messages can't reach it.")


class BadPhoneNumber(ValueError):
    """The text is not a phone number. The reason is a sentence for its writer; the text itself is not repeated."""

    def __init__(self, reason: Problem) -> None:
        super().__init__(reason.value)
        self.reason = reason

    @property
    def message(self) -> str | Promise:
        """Return the sentence for the user."""
        return self.reason.label


def parse_phone(text: str, country: str) -> str:
    """Return the number as E.164; without a country code it belongs to the country ("NO", "DK").

    Raises BadPhoneNumber.
    """
    return _e164(_parsed(text, country))


def parse_mobile(text: str, country: str) -> str:
    """Return the mobile number as E.164, as parse_phone does; raises BadPhoneNumber for fixed lines as well."""
    number = _parsed(text, country)
    if phonenumbers.number_type(number) not in _MOBILE:
        raise BadPhoneNumber(Problem.NOT_A_MOBILE)
    return _e164(number)


def parse_public_phone(text: str, country: str) -> str:
    """Return the number as parse_phone does, or a short number of the country ("116117") as its digits alone.

    Raises BadPhoneNumber.
    """
    digits = "".join(text.split())
    return digits if _is_short(digits, country) else parse_phone(text, country)


def as_people_write(e164: str, country: str | None = None) -> str:
    """Return "+47 91 23 45 67", or "91 23 45 67" for a reader in the number's own country.

    What can't be read as a number comes back as it is.
    """
    try:
        number = phonenumbers.parse(e164, country)
    except phonenumbers.NumberParseException:
        return e164
    if country is not None and _is_short(e164, country):
        return e164
    is_at_home = country is not None and phonenumbers.region_code_for_number(number) == country
    style = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if is_at_home
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return str(phonenumbers.format_number(number, style))


def _parsed(text: str, country: str) -> phonenumbers.PhoneNumber:
    if not text.strip():
        raise BadPhoneNumber(Problem.MISSING)
    try:
        number = phonenumbers.parse(text[: LONGEST + 1], country)
    except phonenumbers.NumberParseException:
        raise BadPhoneNumber(Problem.NOT_A_NUMBER) from None
    if len(text) > LONGEST or number.extension or not phonenumbers.is_valid_number(number):
        raise BadPhoneNumber(Problem.NOT_A_NUMBER)
    return number


def _is_short(digits: str, country: str) -> bool:
    """Tell whether it is a number that only works within the country, such as 116117 in Norway and 1813 in Denmark."""
    if not (digits.isascii() and digits.isdecimal()):
        return False
    try:
        number = phonenumbers.parse(digits[: LONGEST + 1], country)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_short_number_for_region(number, country))


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
