"""The editor of one patient's rights, for every page that shows it: binds, tells the effect, asks once more, saves."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from clinic_admin import history
from clinic_admin.guards import StaffRequest
from clinic_admin.history import LastSave, Undoing
from patients.models import Patient
from services.access import special_operations, special_queries, undo_queries, words
from services.access.operations import RightsRefused
from services.access.policy import SpecialRights
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
    last: LastSave | None
    undoing: Undoing | None = None
    """The form shows what stood before the last save, because the address asked for it (`?undo=`)."""
    effect: Effect | None = None
    asks_again: bool = False
    """The save would leave the patient with nothing: it waits for a second press."""
    is_saved: bool = False
    differences: tuple[str, ...] = ()
    """What somebody else saved meanwhile, wherever it differs from what was chosen."""
    status: int = 200


def edit(request: StaffRequest, patient: Patient, *, may_save: bool, now: datetime) -> Editor:
    """Answer a request for the editor. A post that may not save, or only looks, changes nothing."""
    patient.clinic = request.clinic  # saves everyone below from reading it again
    day = now.astimezone(request.clinic.zone).date()
    picture = special_queries.picture(patient=patient, day=day)
    last = undo_queries.last_special(request.clinic, patient)
    editor = Editor(patient, picture, _form(picture, may_save), may_save, last)
    if request.method != "POST":
        return _opened(editor, request.GET.get("undo"), day)
    form = _form(picture, may_save, request.POST)
    if not form.is_valid():
        return replace(editor, form=form, status=422)
    effect = special_queries.effect(patient=patient, before=picture, special=form.special, day=day)
    editor = replace(editor, form=form, effect=effect)
    if request.POST.get("do") == LOOK or not may_save:
        return editor
    if effect.leaves_with_nothing and "sure" not in request.POST:
        return replace(editor, asks_again=True, status=422)
    return _saved(editor, request, now)


def _form(
    picture: Picture, may_save: bool, sent: object = None, shown: SpecialRights | None = None
) -> SpecialRightsForm:
    return SpecialRightsForm(
        sent, standards=picture.standards, special=picture.special, may_save=may_save, shown=shown
    )


def _opened(editor: Editor, asked: str | None, day: date) -> Editor:
    """Show what is stored, or what stood before the last save and what bringing it back would do."""
    undoing = history.undoing(asked, editor.last)
    if undoing is None or undoing.last_save is None:
        return replace(editor, undoing=undoing)
    before = undo_queries.special_before(undoing.last_save)
    return replace(
        editor,
        form=_form(editor.picture, editor.may_save, shown=before),
        undoing=undoing,
        effect=special_queries.effect(patient=editor.patient, before=editor.picture, special=before, day=day),
    )


def _saved(editor: Editor, request: StaffRequest, now: datetime) -> Editor:
    form, stored = editor.form, editor.picture.special
    try:
        special_operations.save_special_rights(
            patient=editor.patient,
            special=form.special,
            seen=form.shown,
            actor=request.staff_member.user,
            now=now,
        )
    except RightsRefused as refused:
        again = request.POST.copy()
        again["seen"] = encoded(stored)  # saving once more means: over what is stored now
        shown = _form(editor.picture, editor.may_save, again)
        shown.full_clean()
        shown.add_error(None, str(refused.message))
        differences = words.special_lines(stored, form.special)
        return replace(editor, form=shown, differences=differences, status=422)
    return replace(editor, is_saved=True)
