"""What somebody without an account may ask for, and what staff see of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.utils.crypto import constant_time_compare

from clinic_admin.choices import Service
from clinic_admin.models import Clinic
from patients import queries as records
from patients.models import Patient
from portal import crypto
from services.access import queries as access
from services.access.queries import Window
from services.booking import free_times, own_times, policy, queries
from services.booking.choices import BookingRefusal
from services.booking.day_parts import DayPart
from services.booking.free_times import FreeSlot, Offer
from services.booking.guests.choices import GuestStatus
from services.booking.models import Appointment, GuestRequest, Slot

SERVICES = (Service.BOOKING,)
"""Not urgent times: who needs one today, and is not known, phones."""
PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Considered:
    """A slot that somebody looks at, and why it can't be asked for; None when it can."""

    slot: Slot
    refusal: BookingRefusal | None


def offer(
    *,
    clinic: Clinic,
    first_day: date,
    last_day: date,
    now: datetime,
    provider_id: int | None = None,
    part: DayPart | None = None,
) -> Offer:
    """Return what the page of free times shows about these days (both included). Two queries."""
    return free_times.offer_within(
        _windows(clinic, now),
        clinic=clinic,
        first_day=first_day,
        last_day=last_day,
        now=now,
        provider_id=provider_id,
        part=part,
    )


def nearest(*, clinic: Clinic, to: datetime, provider_id: int | None, now: datetime) -> Sequence[FreeSlot]:
    """Return free times near an instant that can be asked for. Two queries."""
    windows = _windows(clinic, now)
    return free_times.nearest_within(windows, clinic=clinic, to=to, now=now, provider_id=provider_id)


def consider(*, clinic: Clinic, slot_id: int, now: datetime) -> Considered | None:
    """Return the clinic's slot and whether it can be asked for; None when there is none. Two queries."""
    slot = queries.open_slot(clinic=clinic, slot_id=slot_id)
    if slot is None:
        return None
    return Considered(slot, refusal_of(slot, clinic=clinic, for_share=False, now=now))


def refusal_of(slot: Slot, *, clinic: Clinic, for_share: bool, now: datetime) -> BookingRefusal | None:
    """Return why nobody without an account can have the slot, or None. One query, two with for_share."""
    service = policy.service_of(slot.kind)
    if service not in SERVICES:
        return BookingRefusal.NOT_OFFERED
    return policy.refuse_booking(
        kind=slot.kind,
        state=slot.state_at(now),
        day=slot.day,
        starts_at=slot.starts_at,
        allowed=access.guest_may(
            clinic=clinic,
            service=service,
            provider_id=slot.provider_id,
            day=slot.day,
            for_share=for_share,
        ),
        urgent_until=slot.day,
        last_day=policy.last_day(now, zone=clinic.zone),
        now=now,
    )


def _windows(clinic: Clinic, now: datetime) -> list[Window]:
    first_day, last_day = free_times.horizon(clinic, now)
    return access.guest_windows(clinic=clinic, services=SERVICES, first_day=first_day, last_day=last_day)


def request_of(*, clinic: Clinic, request_id: UUID) -> GuestRequest | None:
    """Return the clinic's request, with provider and whoever decided."""
    rows = GuestRequest.objects.filter(clinic=clinic, pk=request_id)
    return rows.select_related("provider", "decided_by", "appointment").first()


def request_by_word(*, clinic: Clinic, word: str) -> GuestRequest | None:
    """Return the request to which the word of a message leads."""
    wanted = link_hash(word)
    found = GuestRequest.objects.filter(clinic=clinic, link_hash=wanted).first()
    return found if found is not None and constant_time_compare(found.link_hash, wanted) else None


def link_hash(word: str) -> str:
    """Return what is stored of the word in a message."""
    return crypto.blind_index(word, purpose="guest-link")


def number_of_lock(guest: GuestRequest) -> int:
    """Return the number of the advisory lock under which one mobile's requests at a clinic are counted."""
    name = crypto.blind_index(f"{guest.clinic_id}:{guest.mobile}", purpose="guest-mobile")
    return int.from_bytes(bytes.fromhex(name[:16]), "big", signed=True)


# -- for staff ---------------------------------------------------------------------------------------------
def waiting(*, clinic: Clinic) -> list[GuestRequest]:
    """Return those who wait, oldest first, at most fifty. One query."""
    rows = GuestRequest.objects.filter(clinic=clinic, status=GuestStatus.WAITING).select_related("provider")
    return list(rows.order_by("created_at", "pk")[:PER_PAGE])


def answered(*, clinic: Clinic) -> list[GuestRequest]:
    """Return those that were answered or withdrawn and are still kept, newest first, at most fifty. One query.

    Whoever was refused is told to phone: staff must find then what was said.
    """
    rows = GuestRequest.objects.filter(clinic=clinic, decided_at__isnull=False).select_related("provider")
    return list(rows.order_by("-decided_at", "-pk")[:PER_PAGE])


def record_of(guest: GuestRequest, clinic: Clinic) -> Patient | None:
    """Return the clinic's record with the national ID that was written, whatever its state. For staff only."""
    return records.record_of(national_id_index=guest.national_id_index, clinic=clinic)


def own_appointments(guest: GuestRequest, record: Patient | None) -> list[Appointment]:
    """Return what the person of the record has at the time asked for, with providers. One query, none without one."""
    if record is None:
        return []
    rows = own_times.beside(record, guest.starts_at, guest.ends_at).exclude(form_key=guest.pk)
    return list(rows.select_related("provider").order_by("starts_at"))
