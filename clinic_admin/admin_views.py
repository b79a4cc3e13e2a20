"""The administration's first page, and the page about the clinic itself."""

from collections.abc import Sequence
from datetime import time
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin import operations, policy, queries
from clinic_admin.choices import ClinicRefusal
from clinic_admin.forms import ClosureForm, HoursForm, SettingsForm, disable
from clinic_admin.guards import StaffRequest, admin_page
from clinic_admin.operations import ClinicChangeRefused
from portal import phone_numbers


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
    ):
        raise Http404
    return _saved(request, _("The clinic is open on those days again."))


@admin_page
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
    }
    return render(request, "clinic_admin/clinic.html", forms | more, status=status)


def _saved(request: StaffRequest, message: str) -> HttpResponse:
    messages.success(request, message)
    return redirect("clinic_admin:clinic", request.clinic.portal_identifier)


def _changed_meanwhile(request: StaffRequest, form: SettingsForm) -> HttpResponse:
    """Show what was typed beside what someone else saved; saving again is then done knowingly."""
    stored, wanted = queries.stored_settings(request.clinic), form.settings()
    lines = [
        f"{form.fields[name].label}: {_in_words(name, old, form.country)}"
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
        f"{days[int(period.weekday)]}: {period.opens_at:%H:%M}–{period.closes_at:%H:%M}" for period in stored
    ]
    return _page(request, hours=again, differences=lines or [_("No opening hours")], status=409)


def _in_words(name: str, value: object, country: str) -> str:
    """Return a stored setting as people would say it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if name == "phone" and value:
        return f"“{phone_numbers.as_people_write(str(value), country)}”"
    return f"“{value}”" if value != "" else _("empty")
