"""Somebody without an account who waits for each of the demo's clinics."""

from datetime import date, datetime

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import national_id
from services.booking.free_times import horizon
from services.booking.guests import operations, queries
from services.booking.guests.operations import Wish

_WHO = {
    Country.NORWAY: (
        "Ingrid",
        "Nyinnflyttet",
        "+4741234567",
        "Nyinnflyttet, trenger ny resept på allergimedisin.",
    ),
    Country.DENMARK: ("Freja", "Tilflytter", "+4523456789", "Ny i byen, vil gerne tale om hovedpine."),
}
_BORN = date(1991, 4, 17)


def load(clinic: Clinic, now: datetime) -> None:
    """Let one person ask for the first time that is open to everyone, if the clinic takes such requests."""
    country = Country(clinic.country)
    given_name, family_name, mobile, reason = _WHO[country]
    first_day, last_day = horizon(clinic, now)
    offer = queries.offer(clinic=clinic, first_day=first_day, last_day=last_day, now=now)
    if not offer.times or not clinic.books_without_account:
        return
    number = national_id.make_synthetic(country, _BORN, serial=3)
    wish = Wish(
        number=national_id.parse(number, country, allow_synthetic=True),
        given_name=given_name,
        family_name=family_name,
        mobile=mobile,
        reason=reason,
        language=clinic.language,
    )
    operations.set_up_for_demo(clinic=clinic, slot_id=offer.times[-1].slot_id, wish=wish, now=now)
