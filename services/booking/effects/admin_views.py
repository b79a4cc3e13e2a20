"""What a save of the matrix, a provider's services, an absence, closed days or settings would do, asked before it is saved.

The pages that save belong to other areas and know nothing of appointments. So their buttons come by here: "What
would this change?" shows the effect; "Save" goes straight on to the page that saves (307, the form goes along),
unless someone would be left with nobody, something is booked on a day to be closed, or somebody waits or asks just
now. Then it asks once more, and "Save all the same" goes on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic_admin import history, undo_operations
from clinic_admin.choices import Service
from clinic_admin.forms import ClosureForm, SettingsForm
from clinic_admin.guards import StaffRequest, admin_page
from delegation import queries as delegation
from delegation.forms import AbsenceForm, MatrixForm
from patients.choices import SeenIn
from patients.operations import note_listed
from services.access import preview
from services.access import queries as access
from services.access.forms import services_forms
from services.access.preview import Effect, Trial
from services.booking import policy
from services.booking.effects import queries, switches


@dataclass(frozen=True, slots=True)
class Save:
    """Where a form is saved, and how its page is called."""

    address: str
    title: str
    back: tuple[str, str]
    """The button that leads back to the form with everything in it."""


@admin_page
@require_POST
def matrix(request: StaffRequest, service: str) -> HttpResponse:
    """Show what the ticks would do. Nothing is stored."""
    now = timezone.now()
    return _effect_page(request, _of_matrix(request, service, now), _matrix_save(request, service), now)


@admin_page
@require_POST
def check_matrix(request: StaffRequest, service: str) -> HttpResponse:
    """Go on to saving the matrix; ask once more first when someone is left with nobody."""
    now = timezone.now()
    return _check(request, _of_matrix(request, service, now), _matrix_save(request, service), now)


@admin_page
@require_POST
def provider(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Show what a provider's services would do. Nothing is stored."""
    now = timezone.now()
    trial = _of_provider(request, provider_id, now)
    return _effect_page(request, trial, _provider_save(request, provider_id), now)


@admin_page
@require_POST
def check_provider(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Go on to saving a provider's services; ask once more first when someone is left with nobody."""
    now = timezone.now()
    return _check(request, _of_provider(request, provider_id, now), _provider_save(request, provider_id), now)


@admin_page
@require_POST
def check_absence(request: StaffRequest) -> HttpResponse:
    """Go on to saving an absence; ask once more first when someone is left with nobody on some day."""
    now = timezone.now()
    form = AbsenceForm(request.POST, providers=delegation.providers(request.clinic))
    trial = None
    if form.is_valid() and form.cleaned_data["first_day"] <= form.cleaned_data["last_day"]:
        trial = preview.of_absence(clinic=request.clinic, wanted=form.wanted, today=_today(request, now))
    save = Save(
        reverse("delegation_admin:absences", args=[request.clinic.portal_identifier]),
        _("Absences"),
        ("back", _("Back to the absence")),
    )
    return _check(request, trial, save, now)


@admin_page
@require_POST
def check_closure(request: StaffRequest) -> HttpResponse:
    """Go on to closing the clinic on some days; show first what is booked on them."""
    clinic, now = request.clinic, timezone.now()
    address = reverse("clinic_admin:add_closure", args=[clinic.portal_identifier])
    form = ClosureForm(request.POST)
    booked = None
    if form.is_valid() and form.cleaned_data["first_day"] <= form.cleaned_data["last_day"]:
        days = form.cleaned_data["first_day"], form.cleaned_data["last_day"]
        booked = queries.booked_between(clinic, *days, now=now)
    if booked is None or not booked.number:
        return redirect(address, preserve_request=True)
    note_listed(
        clinic=clinic,
        patient_ids=dict.fromkeys(one.patient_id for one in booked.first),
        page=SeenIn.CHANGE,
        actor=request.user,
        now=now,
    )
    words = {
        "booked": booked,
        "closure": form.cleaned_data,
        "address": address,
        "carried": _carried(request.POST.lists()),
    }
    return render(request, "booking/admin/closure.html", words)


@admin_page
@require_POST
def check_settings(request: StaffRequest) -> HttpResponse:
    """Go on to saving the clinic's settings; say first what becomes of those who wait or ask just now."""
    clinic, now = request.clinic, timezone.now()
    address = reverse("clinic_admin:clinic", args=[clinic.portal_identifier])
    form = SettingsForm(request.POST, country=clinic.country)
    touched = switches.switched(clinic, form.settings(), now=now) if form.is_valid() else None
    if touched is None or not touched.is_asked_about:
        return redirect(address, preserve_request=True)
    words = {"touched": touched, "address": address, "carried": _carried(request.POST.lists())}
    return render(request, "booking/admin/switches.html", words)


@admin_page
@require_POST
def check_undo(request: StaffRequest, event_id: int) -> HttpResponse:
    """Go on to undoing a change of the settings; say first what becomes of those who wait or ask just now."""
    clinic = request.clinic
    change = history.past_change(clinic, event_id)
    if change is None:
        raise Http404
    address = reverse("clinic_admin:undo", args=[clinic.portal_identifier, event_id])
    wanted = undo_operations.settings_before(clinic, change)
    touched = switches.switched(clinic, wanted, now=timezone.now()) if wanted else None
    if touched is None or not touched.is_asked_about:
        return redirect(address, preserve_request=True)
    words = {"touched": touched, "address": address, "undoes": True}
    return render(request, "booking/admin/switches.html", words)


def _of_matrix(request: StaffRequest, service: str, now: datetime) -> Trial | None:
    """Return what the ticks would change, or None for a form that the matrix page will refuse."""
    if service not in Service.values:
        raise Http404
    today = _today(request, now)
    grid = delegation.grid(clinic=request.clinic, service=Service(service), day=today)
    form = MatrixForm(request.POST, grid=grid)
    if not form.is_valid() or form.cleaned_data["version"] != grid.version:
        return None
    return preview.of_ticks(
        clinic=request.clinic,
        service=grid.service,
        on=form.ticks - grid.stored,
        off=grid.stored - form.ticks,
        day=today,
        last_day=today + policy.HORIZON,
    )


def _of_provider(request: StaffRequest, provider_id: int, now: datetime) -> Trial | None:
    """Return what the rights would change, or None for a form that the provider's page will refuse."""
    found = access.provider_of(clinic=request.clinic, provider_id=provider_id)
    if found is None:
        raise Http404
    switch, columns = services_forms(
        request.POST, provider=found, stored=access.columns_of(found), may_save=True
    )
    if not all([switch.is_valid(), *(form.is_valid() for form in columns.values())]):
        return None
    today = _today(request, now)
    return preview.of_provider(
        clinic=request.clinic,
        provider_id=found.pk,
        allowed=switch.cleaned_data["allowed"],
        columns={column: form.rights for column, form in columns.items()},
        day=today,
        last_day=today + policy.HORIZON,
    )


def _matrix_save(request: StaffRequest, service: str) -> Save:
    return Save(
        reverse("delegation_admin:matrix", args=[request.clinic.portal_identifier, service]),
        str(Service(service).label),
        ("fill", _("Back to the ticks")),
    )


def _provider_save(request: StaffRequest, provider_id: int) -> Save:
    return Save(
        reverse("access_admin:provider", args=[request.clinic.portal_identifier, provider_id]),
        _("Services"),
        ("back", _("Back to the services")),
    )


def _check(request: StaffRequest, trial: Trial | None, save: Save, now: datetime) -> HttpResponse:
    """Lead on to the page that saves, or ask once more."""
    if trial is None or "fill" in request.POST:
        return redirect(save.address, preserve_request=True)
    effect = _effect(trial, by_day=trial.days_matter)
    if not effect.asks_once_more:
        return redirect(save.address, preserve_request=True)
    return _page(request, trial, effect, save, now, asks=True)


def _effect_page(request: StaffRequest, trial: Trial | None, save: Save, now: datetime) -> HttpResponse:
    if trial is None:
        return redirect(save.address, preserve_request=True) if not request.htmx else HttpResponse(status=204)
    return _page(request, trial, _effect(trial, by_day=trial.days_matter), save, now, asks=False)


def _effect(trial: Trial, *, by_day: bool) -> Effect:
    return preview.effect(trial if by_day else trial.on_first_day)


def _page(
    request: StaffRequest, trial: Trial, effect: Effect, save: Save, now: datetime, *, asks: bool
) -> HttpResponse:
    words = {
        "effect": effect,
        "one_service": trial.services[0] if len(trial.services) == 1 else None,
        "by_day": trial.days_matter,
        "changes_something": trial.changes_something,
        "unusual": queries.unusual(trial, now=now),
        "asks": asks,
        "save": save,
        "carried": _carried(request.POST.lists()),
    }
    template = "access/preview_bar.html" if request.htmx else "access/preview.html"
    return render(request, template, words, status=200)


def _carried(lists: Iterable[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    """Return every field of the form, to be sent again."""
    return [
        (name, value)
        for name, values in lists
        for value in values
        if name not in {"csrfmiddlewaretoken", "fill"}
    ]


def _today(request: StaffRequest, now: datetime) -> date:
    return now.astimezone(request.clinic.zone).date()
