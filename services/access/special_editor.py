"""The editor of one patient's rights, for every page that shows it: binds, tells the effect, asks once more, saves."""

from dataclasses import dataclass
from datetime import datetime

from clinic_admin.guards import StaffRequest
from patients.models import Patient
from services.access import special_operations, special_queries
from services.access.operations import RightsRefused
from services.access.special_forms import SpecialRightsForm, encoded
from services.access.special_queries import Effect, Picture

LOOK = "look"
"""The button that only tells what a save would do."""


@dataclass(frozen=True, slots=True)
class Editor:
    """What templates/access/special_editor.html shows."""

    patient: Patient
    picture: Picture
    form: SpecialRightsForm
    may_save: bool
    effect: Effect | None = None
    asks_again: bool = False
    """The save would leave the patient with nothing: it waits for a second press."""
    is_saved: bool = False
    status: int = 200


def edit(request: StaffRequest, patient: Patient, *, may_save: bool, now: datetime) -> Editor:
    """Answer a request for the editor. A post that may not save, or only looks, changes nothing."""
    patient.clinic = request.clinic  # saves everyone below from reading it again
    day = now.astimezone(request.clinic.zone).date()
    picture = special_queries.picture(patient=patient, day=day)

    def form_of(sent: object = None) -> SpecialRightsForm:
        return SpecialRightsForm(
            sent, standards=picture.standards, special=picture.special, may_save=may_save
        )

    if request.method != "POST":
        return Editor(patient, picture, form_of(), may_save)
    form = form_of(request.POST)
    if not form.is_valid():
        return Editor(patient, picture, form, may_save, status=422)
    effect = special_queries.effect(patient=patient, before=picture, special=form.special, day=day)
    if request.POST.get("do") == LOOK or not may_save:
        return Editor(patient, picture, form, may_save, effect)
    if effect.leaves_with_nothing and "sure" not in request.POST:
        return Editor(patient, picture, form, may_save, effect, asks_again=True, status=422)
    try:
        special_operations.save_special_rights(
            patient=patient,
            special=form.special,
            seen=form.shown,
            actor=request.staff_member.user,
            now=now,
        )
    except RightsRefused as refused:
        again = request.POST.copy()
        again["seen"] = encoded(picture.special)  # saving once more means: over what is stored now
        shown = form_of(again)
        shown.full_clean()
        shown.add_error(None, str(refused.message))
        return Editor(patient, picture, shown, may_save, effect, status=422)
    return Editor(patient, picture, form, may_save, effect, is_saved=True)
