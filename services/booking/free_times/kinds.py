"""What a search for free times gives, and whose other appointments it minds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from clinic_admin.choices import ProviderKind
from clinic_admin.models import Clinic
from patients.models import Patient
from services.access.choices import Approval
from services.access.queries import ProviderChoice
from services.booking import own_times, policy
from services.booking.choices import BookingRefusal, SlotKind
from services.booking.models import Appointment


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A time that the patient may take now."""

    slot_id: int
    provider_id: int
    provider_name: str
    provider_initials: str
    provider_kind: ProviderKind
    kind: SlotKind
    starts_at: datetime
    ends_at: datetime
    day: date
    """The clinic's local day."""
    approval: Approval
    is_own_time: bool = False
    """Whether the patient has another appointment then, so that this one can't be had as long as that stands."""


@dataclass(frozen=True, slots=True)
class BookableProvider:
    """Someone whom the patient may book, with the first free time within the horizon."""

    choice: ProviderChoice
    first_free: FreeSlot | None
    """At the part of the day asked for."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the booking page shows."""

    providers: tuple[BookableProvider, ...]
    """Whom the patient may book at all, in the order of the list."""
    times: tuple[FreeSlot, ...]
    """Free times of the days asked for, in order of time; with anyone, one for each time and kind, the own GP's first."""
    first_free: FreeSlot | None
    """The first free time with any of those asked for, at the part of the day asked for, within the horizon."""
    urgent_opening: "UrgentOpening | None"
    """The next urgent times that are not out yet, if there are any within two weeks."""
    own_slots: tuple[int, ...]
    """Which slots the patient has already, so that a page from before says so instead of that somebody took them."""


@dataclass(frozen=True, slots=True)
class UrgentOpening:
    """Urgent times of a day that are still to come out."""

    day: date
    opens_at: datetime

    @classmethod
    def of(cls, day: date, clinic: Clinic) -> "UrgentOpening":
        """Return when the clinic's urgent times of this day come out."""
        return cls(day, policy.releases_at(day, release_at=clinic.urgent_release_at, zone=clinic.zone))

    def is_today(self, now: datetime, clinic: Clinic) -> bool:
        """Return whether they come out later on this day, by the clinic's clock."""
        today = now.astimezone(clinic.zone).date()
        return now < self.opens_at and self.opens_at.astimezone(clinic.zone).date() == today


@dataclass(frozen=True, slots=True)
class UrgentNow:
    """What `take_first_urgent` would find at this moment."""

    first: FreeSlot | None
    """The one that it would take, or another that begins at the same time."""
    passed_over: FreeSlot | None
    """The first of those before it at which the patient has another appointment."""
    opening: UrgentOpening | None
    """The next ones that are not out yet."""

    @property
    def refusal(self) -> BookingRefusal | None:
        """Return why there is none to take, or None."""
        if self.first is not None:
            return None
        return BookingRefusal.OWN_TIME if self.passed_over else BookingRefusal.TAKEN


class Whose(NamedTuple):
    """Whose other appointments stand in the way; those given up for the new one don't (own_times)."""

    patient_id: UUID | None = None
    """None: somebody without a record."""
    given_up: Sequence[UUID] = ()

    @classmethod
    def of(cls, patient: Patient, moved: Appointment | None = None) -> "Whose":
        """Return the patient's, apart from what is moved."""
        return cls(patient.pk, own_times.given_up(moved))


NOBODYS = Whose()
