"""The administration's first page, and the page about the clinic itself."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin import history, identifier_operations, operations, policy, queries, undo_operations, words
from clinic_admin.choices import ClinicRefusal
from clinic_admin.forms import ClosureForm, HoursForm, IdentifierForm, SettingsForm, disable
from clinic_admin.guards import StaffRequest, admin_page, dangerous
from clinic_admin.operations import ClinicChangeRefused
from portal import moments


@admin_page
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    """Lead to every setting (A10)."""
    return render(request, "clinic_admin/overview.html")


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def clinic(request: StaffRequest) -> HttpResponse:
    """Show everything about the clinic, and save its address and settings (A6)."""
    if request.method != "POST":
        return _page(request)
    form = SettingsForm(request.POST, country=request.clinic.country)
    if not form.is_valid():
        return _page(request, settings=form, status=422)
    if "back" in request.POST:
        return _page(request, settings=form)
    try:
        operations.change_settings(
            clinic=request.clinic,
            settings=form.settings(),
            seen=form.cleaned_data["seen"],
            actor=request.user,
            now=timezone.now(),
        )
    except ClinicChangeRefused:
        return _changed_meanwhile(request, form)
    return _saved(request, _("The settings are saved."))


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def opening_hours(request: StaffRequest) -> HttpResponse:
    """Save the week's opening hours."""
    if request.method != "POST":
        return redirect("clinic_admin:clinic", request.clinic.portal_identifier)
    stored = queries.opening_hours_of(request.clinic)
    form = HoursForm(request.POST, stored=stored)
    if not form.is_valid():
        return _page(request, hours=form, status=422)
    try:
        operations.set_opening_hours(
            clinic=request.clinic,
            periods=form.periods,
            seen=form.cleaned_data["seen"],
            actor=request.user,
            now=timezone.now(),
        )
    except ClinicChangeRefused as refused:
        if refused.reason is not ClinicRefusal.CHANGED_MEANWHILE:
            raise
        return _hours_changed_meanwhile(request)
    return _saved(request, _("The opening hours are saved."))


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def add_closure(request: StaffRequest) -> HttpResponse:
    """Close the clinic on some days."""
    if request.method != "POST":
        return redirect("clinic_admin:clinic", request.clinic.portal_identifier)
    form = ClosureForm(request.POST)
    if not form.is_valid():
        return _page(request, closure=form, status=422)
    if "back" in request.POST:
        return _page(request, closure=form)
    try:
        operations.add_closure(
            clinic=request.clinic, actor=request.user, now=timezone.now(), **form.cleaned_data
        )
    except ClinicChangeRefused as refused:
        form.add_error("last_day", str(refused.message))
        return _page(request, closure=form, status=422)
    return _saved(request, _("The closed days are added."))


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def remove_closure(request: StaffRequest, closure_id: int) -> HttpResponse:
    """Open the clinic on those days again."""
    if request.method != "POST":
        return redirect("clinic_admin:clinic", request.clinic.portal_identifier)
    if not operations.remove_closure(
        clinic=request.clinic, closure_id=closure_id, actor=request.user, now=timezone.now()
    ):  # pressed twice, or a colleague was first
        messages.info(request, _("These days are not closed any more."))
        return _page(request, status=404)
    return _saved(request, _("The clinic is open on those days again."))


@admin_page
@dangerous()
@require_http_methods(["GET", "HEAD", "POST"])
def switch_portal(request: StaffRequest) -> HttpResponse:
    """Switch the clinic's portal on or off (A2). The form says which, so that a second press does not undo the first."""
    if request.method != "POST":
        return redirect("clinic_admin:clinic", request.clinic.portal_identifier)
    is_active = request.POST.get("portal") == "on"
    operations.switch_portal(
        clinic=request.clinic, is_active=is_active, actor=request.user, now=timezone.now()
    )
    return _saved(request, _("The portal is on.") if is_active else _("The portal is off."))


@admin_page
@dangerous()
@require_http_methods(["GET", "HEAD", "POST"])
def identifier(request: StaffRequest) -> HttpResponse:
    """Change where the portal is, with the vendor's password of the day (A3)."""
    if request.method != "POST":
        return _identifier_page(request, IdentifierForm())
    form = IdentifierForm(request.POST)
    if not form.is_valid():
        return _identifier_page(request, form, status=422)
    try:
        identifier_operations.change_identifier(
            clinic=request.clinic, actor=request.user, now=timezone.now(), **form.cleaned_data
        )
    except ClinicChangeRefused as refused:
        is_password = refused.reason in {ClinicRefusal.DAY_PASSWORD_WRONG, ClinicRefusal.TOO_MANY_TRIES}
        form.add_error("password" if is_password else "identifier", str(refused.message))
        return _identifier_page(
            request, form, status=429 if refused.reason is ClinicRefusal.TOO_MANY_TRIES else 422
        )
    return _saved(request, _("The portal identifier is changed. Old links lead on to the new address."))


def _identifier_page(request: StaffRequest, form: IdentifierForm, *, status: int = 200) -> HttpResponse:
    may_save = request.staff_member.is_administrator
    if not may_save:
        disable(form)
    more = {
        "form": form,
        "may_save": may_save,
        "former": queries.former_identifiers(request.clinic),
        "address": request.build_absolute_uri(f"/{request.clinic.portal_identifier}/"),
    }
    return render(request, "clinic_admin/identifier.html", more, status=status)


@admin_page
@dangerous()
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: StaffRequest, event_id: int) -> HttpResponse:
    """Show what undoing a change would bring back, and do it (A10)."""
    change = history.past_change(request.clinic, event_id)
    if change is None:
        raise Http404
    if request.method == "POST":
        try:
            undo_operations.undo(
                clinic=request.clinic, event_id=event_id, actor=request.user, now=timezone.now()
            )
        except ClinicChangeRefused as refused:
            return render(request, "clinic_admin/undo.html", {"refusal": refused.reason}, status=409)
        return _saved(request, _("The change is undone."))
    more = {
        "event_id": event_id,
        "lines": words.undo_lines(change, request.clinic.country),
        "may_save": request.staff_member.is_administrator,
    }
    return render(request, "clinic_admin/undo.html", more)


def _page(
    request: StaffRequest,
    *,
    settings: SettingsForm | None = None,
    hours: HoursForm | None = None,
    closure: ClosureForm | None = None,
    differences: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    """Render the page: the form that was sent as it was typed, the others as stored."""
    place = request.clinic
    may_save = request.staff_member.is_administrator
    forms: dict[str, Any] = {
        "settings": settings or SettingsForm.of(queries.settings_of(place), place.country),
        "hours": hours or HoursForm.of(queries.opening_hours_of(place)),
        "closure": closure or ClosureForm(),
    }
    if not may_save:
        disable(*forms.values())
    today = timezone.localdate(timezone=place.zone)
    more = {
        "may_save": may_save,
        "closures": queries.coming_closures(place, today),
        "differences": differences,
        "last": history.last_change(place, history.UNDOABLE, subject=place),
    }
    return render(request, "clinic_admin/clinic.html", forms | more, status=status)


def _saved(request: StaffRequest, message: str) -> HttpResponse:
    messages.success(request, message)
    return redirect("clinic_admin:clinic", request.clinic.portal_identifier)


def _changed_meanwhile(request: StaffRequest, form: SettingsForm) -> HttpResponse:
    """Show what was typed beside what someone else saved; saving again is then done knowingly."""
    stored, wanted = queries.stored_settings(request.clinic), form.settings()
    lines = [
        f"{form.fields[name].label}: {words.setting_words(name, old, form.country)}"
        for name, (old, _new) in policy.differences(stored, wanted).items()
    ]
    data = request.POST.copy()
    data["seen"] = policy.settings_token(stored)
    again = SettingsForm(data, country=form.country)
    return _page(request, settings=again, differences=lines, status=409)


def _hours_changed_meanwhile(request: StaffRequest) -> HttpResponse:
    stored = queries.opening_hours_of(request.clinic)
    data = request.POST.copy()
    data["seen"] = policy.hours_token(stored)
    again = HoursForm(data, stored=stored)
    days = dict(zip(range(7), (label for label, _fields in again.days), strict=True))
    lines = [
        f"{capfirst(str(days[int(period.weekday)]))}: {moments.period(period.opens_at, period.closes_at)}"
        for period in stored
    ]
    return _page(request, hours=again, differences=lines or [_("No opening hours")], status=409)
