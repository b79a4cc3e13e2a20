"""A clinic to which anything can happen, in any order: what all the rules of the machine stand on.

Every rule calls the real operation. Refused means the documented exception and nothing written; done means that the
trail has its event. After every act `truths` says what must be true of all rows.

No rule has a precondition: what a draw gives to whom differs each time, and hypothesis wants to hear the same
story twice. A rule that finds nothing to act on does nothing.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from identity.choices import Assurance
from portal.models import AuditEvent
from portal.refusals import Refused
from services.booking.earlier.choices import OfferStatus, WishStatus
from services.booking.earlier.models import EarlierOffer, EarlierWish, PassedOver
from services.booking.guests.choices import GuestStatus
from services.booking.models import Appointment, Draw, GuestRequest, Slot
from tests.faults.booking.model import Picture

DAY = timedelta(days=1)
SEEN_AHEAD = 14
"""Slots of which people choose: those to come soonest."""
TABLES = (
    *("booking_slot", "booking_appointment", "booking_guestrequest", "booking_earlierwish"),
    *("booking_earlieroffer", "booking_draw", "booking_drawrequest", "booking_block"),
    *("booking_calendartemplate", "booking_templateblock", "booking_receipt"),
    *("delegation_absence", "clinic_admin_closure"),
    *("notifications_outboxmessage", "portal_auditevent", "patients_patient"),
)
PRINT = (
    " UNION ALL ".join(
        f"SELECT '{table}', count(*), sum(hashtextextended(one::text, 0)) FROM {table} one"
        for table in TABLES
    )
    + " ORDER BY 1"  # of a long run the tables are read by several workers, in any order
)
picks = st.integers(0, 200)
mostly = st.sampled_from([True, True, False])


def chosen(things: Iterable[Any], pick: int) -> Any:
    """Return one of the things, None when there are none."""
    known = list(things)
    return known[pick % len(known)] if known else None


def plain(row: Any, **more: Any) -> SimpleNamespace:
    """Return a row's columns, so that it stays as it was."""
    return SimpleNamespace(
        **{name: value for name, value in vars(row).items() if name[0] != "_"}, pk=row.pk, **more
    )


class World(RuleBasedStateMachine):
    """One clinic, two doctors, four patients, staff, people from the street, and the clock."""

    acts: Counter[str] = Counter()
    """How often what happened, over all stories: the events of the trail, the reasons of refusals, and what came of it."""

    def __init__(self) -> None:
        super().__init__()
        self.atom = transaction.atomic()
        self.atom.__enter__()
        self.planned: dict[int, set[tuple[Any, ...]]] = {}
        self.told: dict[uuid.UUID, tuple[tuple[int, str], datetime | None]] = {}
        self.before: Picture | None = None
        self.filled = False
        self.serial = 0
        self.counted = AuditEvent.objects.order_by("pk").values_list("pk", flat=True).last() or 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atom.__exit__(None, None, None)

    @property
    def today(self):
        return self.now.astimezone(self.clinic.zone).date()

    def do(
        self,
        act: Callable[[], Any],
        *refusals: type[Refused],
        event: str | tuple[str, ...] = (),
        may_write: bool = False,
    ) -> Any:
        """Do it and return what it gives, or None when it was refused as documented."""
        before, events = self._print(), AuditEvent.objects.count()
        try:
            done = act()
        except refusals as refused:
            self.acts[f"refused: {type(refused).__name__}.{refused.reason}"] += 1
            written = [after for after, row in zip(self._print(), before, strict=True) if after != row]
            assert may_write or not written, f"refused, and something was written: {written}"
            return None
        written = set(AuditEvent.objects.order_by("pk")[events:].values_list("action", flat=True))
        wanted = {event} if isinstance(event, str) else set(event)
        if self._print() != before:
            assert not wanted or written & wanted, f"no event of {wanted}, only {written}"
        return done

    def _print(self) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(PRINT)
            return cursor.fetchall()

    def _patient(self, pick: int) -> Any:
        return self.patients[pick % len(self.patients)]

    def _slot(self, pick: int, **values: Any) -> Slot | None:
        """Choose a slot: mostly a free one, among those to come soonest."""
        coming = Slot.objects.filter(starts_at__gt=self.now, **values).order_by("starts_at", "pk")
        free = coming.filter(state="free")[:SEEN_AHEAD] if pick % 5 else coming[:SEEN_AHEAD]
        return chosen(free, pick)

    def _appointment(self, pick: int, **values: Any) -> Appointment | None:
        coming = Appointment.objects.live().filter(**values).order_by("requested_at", "starts_at")
        found = chosen(coming.select_related("patient", "provider", "slot"), pick)
        if found is not None:
            found.clinic = found.patient.clinic = self.clinic
        return found

    def _as(self, patient: Any) -> dict[str, Any]:
        actor = self.users.get(patient.pk) or self.staff
        return {"patient": patient, "assurance": Assurance.HIGH, "actor": actor, "now": self.now}

    @property
    def _desk(self) -> dict[str, Any]:
        return {"clinic": self.clinic, "actor": self.staff, "now": self.now}

    def _undrawn(self) -> set[Any]:
        return set(Draw.objects.filter(drawn_at=None).values_list("day", flat=True))

    def _picture(self) -> Picture:
        offers = EarlierOffer.objects.filter(status=OfferStatus.OPEN).select_related("wish")
        return Picture(
            now=self.now,
            zone=self.clinic.zone,
            wishes={
                one.pk: plain(one, moves=one.appointment and plain(one.appointment))
                for one in EarlierWish.objects.filter(status=WishStatus.WAITING)
                .select_related("appointment")
                .defer("reason")
            },
            asked=set(EarlierOffer.objects.values_list("slot", "wish")),
            passed=set(PassedOver.objects.values_list("slot", "wish")),
            had=set(Appointment.objects.values_list("slot", "patient")),
            slots={slot.pk: plain(slot) for slot in Slot.objects.all()},
            appointments=[plain(one) for one in Appointment.objects.live().defer("reason")],
            guests=[plain(one) for one in GuestRequest.objects.filter(status=GuestStatus.WAITING)],
            offers=[plain(one, wish_waits=one.wish.status == WishStatus.WAITING) for one in offers],
            undrawn=self._undrawn(),
        )
