"""The patient's pages of the draw: ask for an urgent time, see what came of it, and take it back."""

from datetime import datetime
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_admin.guards import ClinicRequest, View
from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from services.booking.models import DrawRequest
from services.booking.release import operations, policy, queries
from services.booking.release.choices import DrawRefusal, Outcome
from services.booking.release.forms import AskForm
from services.booking.release.news import LOST
from services.booking.release.operations import DrawRefused
from services.booking.release.policy import Window
from services.booking.release.queries import PassedOver
from services.booking.reminders.words import choice_for


def keeps_up(view: View) -> View:
    """Hold a draw that is due before the page is made: what it shows and does never depends on a worker."""

    @wraps(view)
    def kept(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        operations.keep_up(cast(ClinicRequest, request).clinic, timezone.now())
        return view(request, *args, **kwargs)

    return kept


def _choices(request: PatientRequest, window: Window, now: datetime) -> list[Any]:
    return queries.whom_to_ask(
        patient=request.patient, day=window.day, assurance=request.sign_in.assurance, now=now
    )


@patient_page(area=Area.APPOINTMENTS)
@keeps_up
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: PatientRequest) -> HttpResponse:
    """Ask with whom and why, and put the patient into the draw. What was typed stays when something is wrong."""
    clinic, now = request.clinic, timezone.now()
    window = queries.window_now(clinic, now)
    if window is None:
        return _no_window(request, now)
    own = queries.request_for(patient=request.patient, day=window.day)
    if (
        request.method != "POST"
        and own is not None
        and own.outcome == Outcome.WAITING
        and "change" not in request.GET
    ):
        return _to_request(request, own)
    form = _form(request, window, own, now)
    if not form.is_valid():
        return _ask_page(request, form, window, None, status=422 if form.is_bound else 200)
    try:
        asked = operations.ask(
            patient=request.patient,
            reason=form.cleaned_data["reason"],
            wants_reminder=form.cleaned_data.get("wants_reminder", False),
            providers=form.cleaned_data["providers"],
            assurance=request.sign_in.assurance,
            actor=request.user,
            now=now,
        )
    except DrawRefused as refused:
        return _ask_page(request, form, window, DrawRefusal(refused.reason), status=422)
    return _to_request(request, asked)


def _form(request: PatientRequest, window: Window, own: DrawRequest | None, now: datetime) -> AskForm:
    waits = own is not None and own.outcome == Outcome.WAITING
    return AskForm(
        request.POST if request.method == "POST" else None,
        choices=_choices(request, window, now),
        reminder=choice_for(request.patient, request.clinic, now=now),
        initial={"providers": own.providers, "reason": own.reason, "wants_reminder": own.wants_reminder}
        if own is not None and waits
        else None,
    )


def _no_window(request: PatientRequest, now: datetime) -> HttpResponse:
    """Say that one can't ask now, and when one can; what was typed is shown to be copied."""
    clinic = request.clinic
    upcoming = policy.next_day(now, release_at=clinic.urgent_release_at, zone=clinic.zone)
    context = {
        "opens_at": queries.window_of(clinic, upcoming).opens_at if clinic.draws_urgent else None,
        "typed": request.POST.get("reason", "")[:500],
    }
    return render(request, "booking/release/no_window.html", context, status=409)


def _ask_page(
    request: PatientRequest, form: AskForm, window: Window, refusal: DrawRefusal | None, *, status: int
) -> HttpResponse:
    draw, now = queries.draw_of(clinic=request.clinic, day=window.day), timezone.now()
    known = [provider_id for provider_id, _name in form.fields["providers"].choices]  # type: ignore[attr-defined]
    context = {
        "form": form,
        "window": window,
        "refusal": refusal,
        "draw": draw,
        "passed_over": queries.passed_over(patient=request.patient, day=window.day, providers=known, now=now),
        "has_choices": bool(known),
    }
    return render(request, "booking/release/ask.html", context, status=status)


def _to_request(request: PatientRequest, asked: DrawRequest) -> HttpResponse:
    return redirect("release:request", request.clinic.portal_identifier, asked.pk)


@patient_page(area=Area.APPOINTMENTS)
@keeps_up
@require_safe
def request_page(request: PatientRequest, draw_request: UUID) -> HttpResponse:
    """Show what the patient asked for and what came of it, with all that is needed to check the draw."""
    own = _own(request, draw_request)
    now = timezone.now()
    window = queries.window_of_draw(request.clinic, own.draw)
    context = {
        "own": own,
        "draw": own.draw,
        "window": window,
        "is_open": window.is_open(now),
        "passed_over": _passed_over(request, own, window, now),
        "is_drawn": own.draw.drawn_at is not None,
        "names": queries.providers_named(request.clinic, own.providers),
        "asked": queries.number_asked(own.draw) if own.draw.drawn_at else None,
        "lot": policy.lot(own.draw.seed or "", own.pk) if own.draw.drawn_at else "",
        "has_lost": own.outcome in LOST,
        "may_see_reason": _may_see_reason(request, own),
    }
    return render(request, "booking/release/request.html", context)


def _passed_over(
    request: PatientRequest, own: DrawRequest, window: Window, now: datetime
) -> PassedOver | None:
    """Return which own appointments are in the way of what waits for the draw."""
    if own.outcome != Outcome.WAITING or not window.is_open(now):
        return None
    known = {choice.provider_id for choice in _choices(request, window, now)}
    providers = policy.acceptable(own.providers, known)
    return queries.passed_over(patient=request.patient, day=window.day, providers=providers, now=now)


@patient_page(area=Area.APPOINTMENTS)
@keeps_up
@require_POST
def withdraw(request: PatientRequest, draw_request: UUID) -> HttpResponse:
    """Take the request back; when the draw has been held meanwhile the page shows what came of it."""
    own = _own(request, draw_request)
    try:
        operations.withdraw(
            patient=request.patient, request_id=own.pk, actor=request.user, now=timezone.now()
        )
    except DrawRefused as refused:
        if refused.reason != DrawRefusal.CLOSED:
            raise
    return _to_request(request, own)


def _own(request: PatientRequest, request_id: UUID) -> DrawRequest:
    own = queries.own_request(patient=request.patient, request_id=request_id)
    if own is None:
        raise Http404
    return own


def _may_see_reason(request: PatientRequest, own: DrawRequest) -> bool:
    """Return whether the text may be read: others read what they wrote themselves, and what letters are open to."""
    if request.acting is None or request.acting.may(Area.LETTERS):
        return True
    return bool(own.asked_by_id == cast(Any, request.user).pk)
