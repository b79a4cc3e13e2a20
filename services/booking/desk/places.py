"""Reads from an address which time is meant."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.forms import Form
from django.http import Http404

from clinic_admin.guards import StaffRequest
from patients.models import Patient
from services.booking.desk import queries
from services.booking.desk.choices import Rule
from services.booking.desk.forms import ActForm, FreeTimeForm, SlotForm
from services.booking.desk.operations import RuleInTheWay
from services.booking.desk.queries import Place
from services.booking.models import Appointment
from services.booking.staff.forms import DayForm

_MINUTE = timedelta(minutes=1)


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


def asked_place(request: StaffRequest, *, now: datetime, moved: Appointment | None = None) -> Asked:
    """Return the place of ?slot=, or of ?provider=&day=&at=&minutes=. Two queries at most.

    `moved` is an appointment that is to get the time: it lasts as long as before, and the form begins with where it is.
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
    here = moved.starts_at.astimezone(clinic.zone).date() if moved else today
    day = shown.cleaned_data["day"] if "day" in query and shown.is_valid() else here
    form = FreeTimeForm(
        query if "at" in query else None,
        providers=queries.providers(clinic),
        today=today,
        initial={"day": day, "provider": query.get("provider", moved.provider_id if moved else None)},
        minutes=(moved.ends_at - moved.starts_at) // _MINUTE if moved else 0,
    )
    if not form.is_valid():
        return Asked(None, form, day)
    place = queries.free_place(clinic=clinic, **form.wanted())
    if place is None:
        raise Http404
    return Asked(place, None, place.day)


def asking_anew(
    form: ActForm,
    stopped: RuleInTheWay | None,
    patient: Patient,
    place: Place | None,
    *,
    moved: Appointment | None = None,
) -> dict[str, Any]:
    """Return what the templates say about rules in the way: `rules`, `why_not` as sentences about access, and `beside`
    as (appointment, whether it is new).

    New is what the page did not show when staff put the rule aside. One query where access is in the way, one where the
    patient has something else then.
    """
    rules = stopped.rules if stopped else ()
    if place is None:
        return {"rules": rules}
    words: dict[str, Any] = {"rules": rules}
    if Rule.NO_ACCESS in rules:
        words["why_not"] = queries.why_not(patient, place)
    if Rule.OWN_TIME in rules:
        before = form.put_aside
        found = [
            (one, Rule.OWN_TIME in before.rules and one.pk not in before.beside)
            for one in queries.beside(patient, place, moved=moved)
        ]
        words |= {"beside": found, "is_asked_anew": any(is_new for _one, is_new in found)}
    return words


def parts(place: Place) -> dict[str, Any]:
    """Return what the templates say about a place."""
    return {"is_gone": not place.is_free, "kind_word": place.kind.label}
