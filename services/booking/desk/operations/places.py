"""Winning a time: of all who want it, patients among them, one gets it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from identity.models import User
from patients.models import Patient
from services.booking import own_times
from services.booking.choices import BookingRefusal, SlotState
from services.booking.desk import policy, queries
from services.booking.desk.choices import DeskRefusal, Rule
from services.booking.desk.queries import Place
from services.booking.earlier import operations as earlier
from services.booking.models import Appointment, Slot
from services.booking.operations import BookingRefused
from services.booking.operations.appointments import hold_times, take
from services.booking.operations.refusals import ONE_PER_PATIENT, ONE_PER_TIME, TAKEN, refuse

FENCES = {
    **TAKEN,
    ONE_PER_TIME: BookingRefusal.CLASHES,
    ONE_PER_PATIENT: DeskRefusal.OWN_TIME,
    "slot_no_overlap": DeskRefusal.OVERLAPS,
}
"""What stops staff: they also make slots, and book over the calendar."""


class RuleInTheWay(BookingRefused):
    """Rules would stop the patient, and staff have not said that they put all of them aside. Nothing was changed."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        super().__init__(DeskRefusal.RULE)
        self.rules = rules


def overrule(
    patient: Patient,
    place: Place,
    confirmed: Collection[str],
    *,
    now: datetime,
    moved: Appointment | None = None,
) -> list[str]:
    """Return the rules that are put aside; what allows the rest stays as it is until the transaction ends.

    `confirmed` are those that the page named and staff put aside. Raises RuleInTheWay when there are others.
    """
    rules = queries.rules_against(patient, place, now=now, moved=moved, for_share=True)
    if not set(rules) <= set(confirmed):
        raise RuleInTheWay(rules)
    return [rule.value for rule in rules]


def look_again(
    patient: Patient,
    slot: Slot,
    overruled: Collection[str],
    known: Collection[UUID],
    *,
    moved: Appointment | None = None,
) -> None:
    """Look once more what the patient has at the time that was won, where staff put it aside that there is something.

    From here on nobody else gives the patient a time: whoever put the same rule aside at the same moment has stored
    theirs, or waits. `known` are the appointments that the page showed. Raises RuleInTheWay when there is another. One
    query, none where the rule was not put aside.
    """
    if Rule.OWN_TIME not in overruled:
        return
    beside = own_times.beside(patient, slot.starts_at, slot.ends_at, moved=moved)
    if not set(beside.values_list("pk", flat=True)) <= set(known):
        raise RuleInTheWay(tuple(Rule(rule) for rule in overruled))


def win(
    place: Place, patient: Patient, *, actor: User, now: datetime, moved: Appointment | None = None
) -> Slot:
    """Take the place for the patient and return its slot; where there is none, one is made. An offer of it ends.

    Raises BookingRefused when it is gone.
    """
    refusal = policy.refuse_place(ends_at=place.ends_at, now=now)
    if refusal:
        refuse(refusal)
    if place.slot is None:
        hold_times(patient)
        return Slot.objects.create(
            clinic_id=place.provider.clinic_id,
            provider=place.provider,
            starts_at=place.starts_at,
            ends_at=place.ends_at,
            day=place.day,
            kind=place.kind,
            state=SlotState.TAKEN,
            by_hand=True,
        )
    if place.slot.held_until is not None:
        earlier.give_by_hand(place.slot, patient, moved=moved, actor=actor, now=now)
    if not take(place.slot, patient):
        refuse(BookingRefusal.TAKEN)
    return place.slot
