"""Reads from an address which time is meant."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.forms import Form
from django.http import Http404

from clinic_admin.guards import StaffRequest
from services.booking.desk import queries
from services.booking.desk.forms import FreeTimeForm, SlotForm
from services.booking.desk.queries import Place
from services.booking.staff.forms import DayForm


@dataclass(frozen=True, slots=True)
class Asked:
    """The time that an address names, or the form that asks for one."""

    place: Place | None
    form: Form | None
    day: date
    """The day that the address is about, today when it names none."""

    @property
    def is_wrong(self) -> bool:
        """Return whether something was filled in that can't be."""
        return self.form is not None and self.form.is_bound


def asked_place(request: StaffRequest, *, now: datetime, minutes: int = 0) -> Asked:
    """Return the place of ?slot=, or of ?provider=&day=&at=&minutes= (not asked when settled). Two queries at most.

    Raises Http404 for a slot that the clinic doesn't have.
    """
    clinic, query = request.clinic, request.GET
    today = now.astimezone(clinic.zone).date()
    if "slot" in query:
        slot = SlotForm(query)
        place = (
            queries.place_of_slot(clinic=clinic, slot_id=slot.cleaned_data["slot"])
            if slot.is_valid()
            else None
        )
        if place is None:
            raise Http404
        return Asked(place, None, place.day)
    shown = DayForm(query, today=today)
    day = shown.cleaned_data["day"] if shown.is_valid() else today
    providers = queries.providers(clinic)
    initial = {"day": day, "provider": query.get("provider")}
    form = FreeTimeForm(
        query if "at" in query else None, providers=providers, today=today, initial=initial, minutes=minutes
    )
    if not form.is_valid():
        return Asked(None, form, day)
    place = queries.free_place(clinic=clinic, **form.wanted())
    if place is None:
        raise Http404
    return Asked(place, None, place.day)


def parts(place: Place) -> dict[str, Any]:
    """Return what the templates say about a place."""
    return {"is_gone": not place.is_free, "kind_word": place.kind.label}
