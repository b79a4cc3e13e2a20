"""A clinic that takes requests from people without an account, and somebody who asks."""

import re
from datetime import date, datetime

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation.models import MatrixTick
from identity import national_id
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from services.access.choices import Column
from services.access.models import ProviderRights
from services.booking.guests.choices import GuestStatus
from services.booking.guests.operations import Wish
from services.booking.models import GuestRequest, Slot
from tests.services.booking.build_booking import NOW, make_slot

BORN = date(1985, 3, 12)
MOBILE = "+4791234567"


def open_to_guests(provider: Provider) -> None:
    """Let everyone ask the provider: the column for patients without a GP here, and the matrix's last row."""
    Clinic.objects.filter(pk=provider.clinic_id).update(books_without_account=True)
    provider.clinic.books_without_account = True
    ProviderRights.objects.update_or_create(
        provider=provider, column=Column.WITHOUT_GP, defaults={"booking": True}
    )
    for service in (Service.BOOKING, Service.URGENT):
        MatrixTick.objects.get_or_create(clinic=provider.clinic, service=service, row=None, provider=provider)


def number_of(serial: int = 1, country: str = "NO") -> str:
    """Return a national ID of nobody."""
    return national_id.make_synthetic(country, BORN, serial=serial)


def wish(serial: int = 1, **values: str) -> Wish:
    """Return what somebody wrote in the form."""
    country = values.pop("country", "NO")
    number = national_id.parse(number_of(serial, country), country, allow_synthetic=True)
    filled = {
        "given_name": "Gry",
        "family_name": "Gjest",
        "mobile": MOBILE,
        "reason": "Sore throat",
        "language": "nb",
    }
    return Wish(number=number, **filled | values)


def make_guest(
    provider: Provider, slot: Slot | None = None, *, serial: int = 1, now: datetime = NOW, **values: object
) -> GuestRequest:
    """Store a request that waits and holds its slot, tomorrow at noon UTC if nothing is said."""
    slot = slot or make_slot(provider, datetime(2027, 3, 1, 11, 0, tzinfo=now.tzinfo))
    Slot.objects.filter(pk=slot.pk).update(state="taken")
    filled = {
        "clinic": provider.clinic,
        "provider": provider,
        "slot": slot,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "status": GuestStatus.WAITING,
        "given_name": "Gry",
        "family_name": "Gjest",
        "national_id": number_of(serial, provider.clinic.country),
        "national_id_index": national_id.index(
            national_id.parse(
                number_of(serial, provider.clinic.country), provider.clinic.country, allow_synthetic=True
            )
        ),
        "birth_date": BORN,
        "mobile": MOBILE,
        "reason": "Sore throat",
        "language": "nb",
        "code_tries_left": 5,
        "code_sent_at": now,
        "confirmed_at": now,
        "created_at": now,
    }
    return GuestRequest.objects.create(**filled | values)


def code_sent(request_id: object = None) -> str:
    """Return the digits of the last code that was queued, for this request if one is given."""
    messages = OutboxMessage.objects.filter(kind=MessageKind.SIGN_IN_CODE)
    if request_id is not None:
        messages = messages.filter(subject_id=str(request_id))
    message = messages.order_by("created_at", "version").last()
    assert message is not None
    found = re.search(r"#(\d{6})$", message.body)
    assert found is not None
    return found.group(1)
