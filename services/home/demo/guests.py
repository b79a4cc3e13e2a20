"""People without an account at each of the demo's clinics: one who waits, and one who was refused with a reason."""

from dataclasses import dataclass
from datetime import date, datetime

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import national_id
from identity.models import User
from services.booking.free_times import horizon
from services.booking.guests import operations, queries
from services.booking.guests.choices import RefusedBecause
from services.booking.guests.operations import Wish
from services.booking.models import GuestRequest


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who asks for a time, and the number of their birth date that makes a national ID of nobody."""

    given_name: str
    family_name: str
    born: date
    serial: int
    mobile: str
    reason: str


_WAITS = {
    Country.NORWAY: Guest(
        "Ingrid",
        "Nyinnflyttet",
        date(1991, 4, 17),
        3,
        "+4741234567",
        "Nyinnflyttet, trenger ny resept på allergimedisin.",
    ),
    Country.DENMARK: Guest(
        "Freja",
        "Tilflytter",
        date(1991, 4, 17),
        3,
        "+4523456789",
        "Ny i byen, vil gerne tale om hovedpine.",
    ),
}
_REFUSED = {
    Country.NORWAY: Guest(
        "Sivert", "Feriegjest", date(1978, 9, 3), 5, "+4741234568", "På ferie her, trenger en attest."
    ),
    Country.DENMARK: Guest(
        "Holger", "Feriegæst", date(1978, 9, 3), 5, "+4523456788", "På ferie her, har brug for en attest."
    ),
}
_BECAUSE = RefusedBecause.GP_PRACTICE


def load(clinic: Clinic, actor: User, now: datetime) -> None:
    """Let one person be refused by `actor`, and one wait, if the clinic takes such requests and has times for everyone."""
    country = Country(clinic.country)
    refused = _asks(clinic, _REFUSED[country], now)
    if refused is None:
        return
    operations.refuse(clinic=clinic, request_id=refused.pk, actor=actor, now=now, because=_BECAUSE)
    _asks(clinic, _WAITS[country], now)


def _asks(clinic: Clinic, who: Guest, now: datetime) -> GuestRequest | None:
    """Let somebody ask for the last time that is open to everyone; None if there is none."""
    first_day, last_day = horizon(clinic, now)
    offer = queries.offer(clinic=clinic, first_day=first_day, last_day=last_day, now=now)
    if not offer.times or not clinic.books_without_account:
        return None
    country = Country(clinic.country)
    number = national_id.make_synthetic(country, who.born, serial=who.serial)
    wish = Wish(
        number=national_id.parse(number, country, allow_synthetic=True),
        given_name=who.given_name,
        family_name=who.family_name,
        mobile=who.mobile,
        reason=who.reason,
        language=clinic.language,
    )
    return operations.set_up_for_demo(clinic=clinic, slot_id=offer.times[-1].slot_id, wish=wish, now=now)
