"""The weekly calendars from which bookable times are made."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin import history
from clinic_admin.guards import StaffRequest, admin_page
from clinic_admin.history import Undoing
from clinic_admin.models import Provider
from patients.choices import SeenIn
from patients.operations import note_listed
from services.booking.models import CalendarTemplate
from services.booking.weekly import effects, operations, queries
from services.booking.weekly import words as admin_words
from services.booking.weekly.choices import TemplateRefusal
from services.booking.weekly.effects import Effect
from services.booking.weekly.forms import BlockRows, TemplateForm, block_rows, initial_of, more_rows
from services.booking.weekly.operations import TemplateRefused
from services.booking.weekly.policy import WeekBlock
from services.booking.weekly.queries import Stood, Yield


@require_safe
@admin_page
def templates(request: StaffRequest) -> HttpResponse:
    """Every provider with their weekly calendars."""
    return _list(request)


def _list(request: StaffRequest, *, status: int = 200) -> HttpResponse:
    today = timezone.localdate(timezone=request.clinic.zone)
    last = queries.last_change(request.clinic)
    deleted = last if queries.was_deletion(last) else None
    more = {
        "providers": queries.providers_with_templates(request.clinic, today),
        "last": last,
        "deleted": deleted,
        "deleted_of": deleted.steps[0].details["provider"] if deleted else None,
        "deleted_name": deleted.steps[0].details["before"]["name"] if deleted else "",
    }
    return render(request, "booking/admin/templates.html", more, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_page
def new_template(request: StaffRequest, provider_id: int) -> HttpResponse:
    """A weekly calendar that is being written."""
    provider = queries.provider_of(request.clinic, provider_id)
    if provider is None:
        raise Http404
    return _edit(request, provider, None)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_page
def template(request: StaffRequest, template_id: int) -> HttpResponse:
    """One weekly calendar."""
    found = queries.template_of(request.clinic, template_id)
    if found is None:
        return _not_there(request)
    return _edit(request, found.provider, found)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_page
def delete_template(request: StaffRequest, template_id: int) -> HttpResponse:
    """Asks whether to delete a weekly calendar, and deletes it."""
    found = queries.template_of(request.clinic, template_id)
    if found is None:
        return _not_there(request)
    if request.method != "POST":
        effect = _effect(found.provider, found, [], found.valid_from, found.valid_until)
        _note(request, effect)
        return render(request, "booking/admin/delete_template.html", {"template": found, "effect": effect})
    try:
        saved = operations.delete_template(
            clinic=request.clinic, template_id=template_id, actor=request.user, now=timezone.now()
        )
    except CalendarTemplate.DoesNotExist:
        return _not_there(request)
    messages.success(request, _("The calendar is deleted.") + " " + admin_words.done(saved))
    return redirect("booking_admin:templates", request.clinic.portal_identifier)


def _not_there(request: StaffRequest) -> HttpResponse:
    """Show those that are there to whoever opens or deletes one that a colleague, or a first press, has deleted."""
    messages.info(request, _("There is no such calendar any more."))
    return _list(request, status=404)


def _edit(request: StaffRequest, provider: Provider, stored: CalendarTemplate | None) -> HttpResponse:
    if request.method == "POST":
        return _sent(request, provider, stored)
    last = (
        queries.last_change(request.clinic, stored)
        if stored
        else queries.deleted_last(request.clinic, provider)
    )
    stood = queries.stood_before(last)
    undoing = history.undoing(request.GET.get("undo"), last if stood else None)
    if undoing and undoing.last_save and stood:
        knows = queries.token(queries.told(stood.name, stood.valid_from, stood.valid_until, stood.blocks))
        first = _initial(stood) | {"seen": _token(stored), "knows": knows}
        rows = block_rows(initial=initial_of(stood.blocks))
        effect = _effect(provider, stored, stood.blocks, stood.valid_from, stood.valid_until)
        form = TemplateForm(initial=first)
        return _page(request, provider, stored, form, rows, None, undoing=undoing, effect=effect)
    blocks = queries.blocks_of(stored) if stored else []
    now = timezone.now()
    if stored:
        first = _initial(stored) | {"seen": _token(stored)}
        makes = queries.yield_of(
            request.clinic,
            blocks,
            valid_from=stored.valid_from,
            valid_until=stored.valid_until,
            now=now,
        )
    else:
        first = {"valid_from": now.astimezone(request.clinic.zone).date()}
        makes = None
    form = TemplateForm(initial=first)
    rows = block_rows(initial=initial_of(blocks))
    return _page(request, provider, stored, form, rows, makes, undoing=undoing)


def _initial(calendar: CalendarTemplate | Stood) -> dict[str, Any]:
    return {
        "name": calendar.name,
        "valid_from": calendar.valid_from,
        "valid_until": calendar.valid_until,
    }


def _token(stored: CalendarTemplate | None) -> str:
    return queries.token(queries.told_of(stored)) if stored else ""


def _sent(request: StaffRequest, provider: Provider, stored: CalendarTemplate | None) -> HttpResponse:
    if "more" in request.POST:
        form = TemplateForm(initial={name: request.POST.get(name, "") for name in TemplateForm.base_fields})
        rows = more_rows(request.POST)
        return _page(request, provider, stored, form, rows, None)
    form, rows = TemplateForm(request.POST), block_rows(request.POST)
    if not _can_be_saved(provider, stored, form, rows):
        return _page(request, provider, stored, form, rows, None, status=422)
    return _shown_or_saved(request, provider, stored, form, rows)


def _can_be_saved(
    provider: Provider, stored: CalendarTemplate | None, form: TemplateForm, rows: BlockRows
) -> bool:
    """Return whether all that was sent can be saved together; else what can't stands by its field."""
    rows_are_valid = rows.is_valid()
    if not (form.is_valid() and rows_are_valid):
        return False
    words = form.cleaned_data
    clashes = operations.clashes(
        provider,
        words["name"],
        rows.blocks(),
        valid_from=words["valid_from"],
        valid_until=words["valid_until"],
        template_id=stored.pk if stored else None,
    )
    for clash in clashes:
        rows.refuse(clash.block, admin_words.clash(clash))
    return not clashes


def _shown_or_saved(
    request: StaffRequest,
    provider: Provider,
    stored: CalendarTemplate | None,
    form: TemplateForm,
    rows: BlockRows,
) -> HttpResponse:
    """Show what saving would do, where that is wanted or has to be known first; else save."""
    words, blocks, now = form.cleaned_data, rows.blocks(), timezone.now()
    told = queries.told(words["name"], words["valid_from"], words["valid_until"], blocks)
    effect = _effect(provider, stored, blocks, words["valid_from"], words["valid_until"])
    asks = effect.is_asked_about and words["knows"] != queries.token(told)
    if "preview" in request.POST or asks:
        form = _knowing(request, told)
        makes = queries.yield_of(
            request.clinic,
            blocks,
            valid_from=words["valid_from"],
            valid_until=words["valid_until"],
            now=now,
        )
        asks = asks and "preview" not in request.POST
        return _page(request, provider, stored, form, rows, makes, effect=effect, asks=asks)
    try:
        saved = operations.save_template(
            clinic=request.clinic,
            provider=provider,
            name=words["name"],
            valid_from=words["valid_from"],
            valid_until=words["valid_until"],
            blocks=blocks,
            actor=request.user,
            now=now,
            template_id=stored.pk if stored else None,
            seen=words["seen"] or None,
        )
    except CalendarTemplate.DoesNotExist as gone:
        raise Http404 from gone
    except TemplateRefused as refused:
        if stored and refused.reason == TemplateRefusal.CHANGED_MEANWHILE:
            return _changed_meanwhile(request, provider, stored)
        form.add_error(None, str(refused.message))
        return _page(request, provider, stored, form, rows, None, status=422)
    messages.success(request, _("Saved.") + " " + admin_words.done(saved))
    if saved.change.left_out:
        messages.warning(request, admin_words.left_out(request.clinic, saved))
    return redirect("booking_admin:template", request.clinic.portal_identifier, saved.template.pk)


def _effect(
    provider: Provider,
    stored: CalendarTemplate | None,
    blocks: Sequence[WeekBlock],
    valid_from: date,
    valid_until: date | None,
) -> Effect:
    return effects.effect_of(
        provider,
        blocks,
        valid_from=valid_from,
        valid_until=valid_until,
        template_id=stored.pk if stored else None,
        now=timezone.now(),
    )


def _note(request: StaffRequest, effect: Effect) -> None:
    """Record whom the page names."""
    if not effect.staying:
        return
    note_listed(
        clinic=request.clinic,
        patient_ids=[one.patient_id for one in effect.staying],
        page=SeenIn.CHANGE,
        actor=request.user,
        now=timezone.now(),
    )


def _knowing(request: StaffRequest, told: dict[str, Any]) -> TemplateForm:
    """Return the form as it was sent, with the note that its effect was shown."""
    again = request.POST.copy()
    again["knows"] = queries.token(told)
    form = TemplateForm(again)
    form.is_valid()
    return form


def _changed_meanwhile(request: StaffRequest, provider: Provider, stored: CalendarTemplate) -> HttpResponse:
    """Show what was written beside what somebody else saved; saving again is then done knowingly."""
    stored.refresh_from_db()
    again = request.POST.copy()
    again["seen"] = _token(stored)
    form, rows = TemplateForm(again), block_rows(request.POST)
    form.is_valid()
    rows.is_valid()
    lines = admin_words.calendar_lines(stored, queries.blocks_of(stored))
    return _page(request, provider, stored, form, rows, None, differences=lines, status=409)


def _page(
    request: StaffRequest,
    provider: Provider,
    stored: CalendarTemplate | None,
    form: TemplateForm,
    rows: Any,
    makes: Yield | None,
    *,
    undoing: Undoing | None = None,
    differences: Sequence[str] = (),
    effect: Effect | None = None,
    asks: bool = False,
    status: int = 200,
) -> HttpResponse:
    if effect:
        _note(request, effect)
    identifier = request.clinic.portal_identifier
    last = queries.last_change(request.clinic, stored) if stored else None
    address = (
        reverse("booking_admin:template", args=[identifier, stored.pk])
        if stored
        else reverse("booking_admin:new_template", args=[identifier, provider.pk])
    )
    context = {
        "provider": provider,
        "template": stored,
        "form": form,
        "rows": rows,
        "preview": admin_words.preview(request.clinic, makes) if makes else None,
        "address": address,
        "may_save": request.staff_member.is_administrator,
        "last": last,
        "can_undo": queries.stood_before(last) is not None,
        "undoing": undoing,
        "differences": differences,
        "effect": effect,
        "asks": asks,
    }
    return render(request, "booking/admin/template.html", context, status=status)
