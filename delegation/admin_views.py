"""Administration: the service matrix, absences and message delegation. All staff may look, administrators may save."""

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_admin import history
from clinic_admin.choices import Service
from clinic_admin.guards import StaffRequest, admin_page, dangerous
from clinic_admin.history import Undoing
from delegation import operations, queries, undo_queries
from delegation.choices import DelegationRefusal, Topic
from delegation.forms import AbsenceForm, MatrixForm, MessagesForm, absence_initial
from delegation.models import Absence
from delegation.operations import DelegationRefused, MatrixChanged
from delegation.policy import Tick
from delegation.queries import Grid

FIELD_OF = {
    DelegationRefusal.DAYS_NOT_IN_ORDER: "last_day",
    DelegationRefusal.COVERS_ONESELF: "cover",
    DelegationRefusal.COVER_IS_AWAY: "cover",
    DelegationRefusal.COVER_WITHOUT_ACCESS: "cover",
}
"""Where a refused absence shows its sentence; at the provider otherwise."""
LONGEST_NUMBER = 10
"""Digits of a version that a page could have sent."""
CONFLICT = 409


@admin_page
@require_safe
def first_matrix(request: StaffRequest) -> HttpResponse:
    """Lead on to the service that is asked for most."""
    return redirect("delegation_admin:matrix", request.clinic.portal_identifier, Service.BOOKING)


@admin_page
@dangerous(lambda sent: "fill" not in sent)
@require_http_methods(["GET", "HEAD", "POST"])
def matrix(request: StaffRequest, service: str) -> HttpResponse:
    """Show one service's matrix; tick a whole row or column on the page; save once."""
    if service not in Service.values:
        raise Http404
    grid = queries.grid(clinic=request.clinic, service=Service(service), day=_today(request))
    if request.method != "POST":
        return _matrix_page(request, grid)
    form = MatrixForm(request.POST, grid=grid)
    if not form.is_valid():
        return _matrix_page(request, grid, ticks=form.ticks, form=form, status=422)
    if "fill" in request.POST:
        ticks = _filled(grid, form.ticks, request.POST["fill"])
        return _matrix_page(request, grid, ticks=ticks, form=form)
    return _save_matrix(request, grid, form)


def _save_matrix(request: StaffRequest, grid: Grid, form: MatrixForm) -> HttpResponse:
    try:
        operations.save_matrix(
            clinic=request.clinic,
            service=grid.service,
            ticks=form.ticks,
            version=form.cleaned_data["version"],
            actor=request.staff_member.user,
            now=timezone.now(),
        )
    except MatrixChanged:
        fresh = queries.grid(clinic=request.clinic, service=grid.service, day=_today(request))
        own = queries.merged(grid=fresh, base=form.base_ticks, ticks=form.ticks)
        conflict = queries.conflict(grid=fresh, base=form.base_ticks)
        return _matrix_page(request, fresh, ticks=own, conflict=conflict, status=409)
    except DelegationRefused as refused:
        form.add_error(None, str(refused.message))
        return _matrix_page(request, grid, ticks=form.ticks, form=form, status=422)
    messages.success(request, _("The service matrix is saved. It applies from now on."))
    return redirect("delegation_admin:matrix", request.clinic.portal_identifier, grid.service)


def _matrix_page(
    request: StaffRequest,
    grid: Grid,
    *,
    ticks: frozenset[Tick] | None = None,
    form: MatrixForm | None = None,
    conflict: queries.Conflict | None = None,
    status: int = 200,
) -> HttpResponse:
    """Answer with the page. With a form, its version and base stay; without, they are what is stored now."""
    shown = (
        grid
        if ticks is None
        else queries.grid(clinic=request.clinic, service=grid.service, day=_today(request), ticks=ticks)
    )
    words = {
        "grid": shown,
        "services": [(service, shown.unserved[service]) for service in Service],
        "any_unserved": any(shown.unserved.values()),
        "version": form.data.get("version", "") if form else shown.version,
        "base": form.data.get("base", "") if form else " ".join(sorted(map(queries.key, shown.stored))),
        "form": form,
        "conflict": conflict,
        "changed": sum(cell.is_changed for row in shown.rows for cell in row.cells),
        "gaps": queries.gaps_from(clinic=request.clinic, day=_today(request)),
        "last": queries.last_save(clinic=request.clinic, version=shown.version) if shown.version else None,
        "may_save": request.staff_member.is_administrator,
    }
    return render(request, "delegation/matrix.html", words, status=status)


@admin_page
@dangerous()
@require_POST
def undo_matrix(request: StaffRequest, service: str) -> HttpResponse:
    """Put the matrix back to how it was before the last save, and return to the page of `service`."""
    if service not in Service.values:
        raise Http404
    sent = request.POST.get("version", "")
    version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < LONGEST_NUMBER else -1
    try:
        operations.undo_matrix(
            clinic=request.clinic, version=version, actor=request.staff_member.user, now=timezone.now()
        )
    except DelegationRefused as refused:
        more = _("Nothing is undone.")
        messages.warning(request, f"{refused.message} {more}")
    else:
        messages.success(request, _("Undone: the ticks are as they were before the last save."))
    return redirect("delegation_admin:matrix", request.clinic.portal_identifier, service)


def _filled(grid: Grid, ticks: frozenset[Tick], asked: str) -> frozenset[Tick]:
    """Return the ticks with a whole row ("row:12:on") or column ("column:12:off") switched."""
    part, _sep, rest = asked.partition(":")
    name, _sep, state = rest.partition(":")
    chosen = {box for box in grid.boxes if name == queries.key(box).split(":")[0 if part == "row" else 1]}
    return ticks | chosen if state == "on" else ticks - chosen


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def absences(request: StaffRequest) -> HttpResponse:
    """Show who is away from today on, and add an absence (C5)."""
    providers = queries.providers(request.clinic)
    if request.method != "POST":
        last = undo_queries.last_change(request.clinic)
        undoing = history.undoing(request.GET.get("undo"), last if undo_queries.was_removal(last) else None)
        removed = undo_queries.removed_absence(undoing.last_save) if undoing and undoing.last_save else None
        form = AbsenceForm(initial=absence_initial(removed) if removed else None, providers=providers)
        return _absences_page(request, form, undoing=undoing)
    form = AbsenceForm(request.POST, providers=providers)
    if not form.is_valid():
        return _absences_page(request, form, status=422)
    if "back" in request.POST:
        return _absences_page(request, form)
    by_id = {provider.pk: provider for provider in providers}
    try:
        absence = operations.add_absence(
            clinic=request.clinic,
            provider=by_id[form.cleaned_data["provider"]],
            first_day=form.cleaned_data["first_day"],
            last_day=form.cleaned_data["last_day"],
            covers={service: by_id[cover] for service, cover in form.covers.items()},
            actor=request.staff_member.user,
            now=timezone.now(),
        )
    except DelegationRefused as refused:
        form.add_error(FIELD_OF.get(DelegationRefusal(refused.reason), "provider"), str(refused.message))
        return _absences_page(request, form, status=422)
    messages.success(request, _("The absence is saved. It begins and ends by itself."))
    return redirect("booking_staff:absence", request.clinic.portal_identifier, absence.pk)


def _absences_page(
    request: StaffRequest, form: AbsenceForm, status: int = 200, *, undoing: Undoing | None = None
) -> HttpResponse:
    today = _today(request)
    last = undo_queries.last_change(request.clinic)
    words = {
        "undoing": undoing,
        "can_undo": undo_queries.was_removal(last),
        "absences": queries.absences_from(clinic=request.clinic, day=today),
        "today": today,
        "gaps": queries.gaps_from(clinic=request.clinic, day=today),
        "last": last,
        "form": form,
        "may_save": request.staff_member.is_administrator,
    }
    return render(request, "delegation/absences.html", words, status=status)


@admin_page
@require_POST
def remove_absence(request: StaffRequest, absence_id: int) -> HttpResponse:
    """Take an absence away. Pressed twice, it is gone once."""
    try:
        operations.remove_absence(
            clinic=request.clinic,
            absence_id=absence_id,
            actor=request.staff_member.user,
            now=timezone.now(),
        )
    except Absence.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("The absence is removed."))
    return redirect("delegation_admin:absences", request.clinic.portal_identifier)


@admin_page
@dangerous()
@require_http_methods(["GET", "HEAD", "POST"])
def message_delegation(request: StaffRequest) -> HttpResponse:
    """Show who gets which messages; a system administrator saves it (000 §4.3, C4)."""
    stored = queries.message_delegation(request.clinic)
    may_save = request.staff_member.is_system_administrator
    staff = queries.staff(request.clinic, also=stored.recipient_id)
    now_stored = {"version": stored.version, "topics": stored.topics, "recipient": stored.recipient_id or ""}
    if request.method != "POST":
        last = history.last_save(request.clinic, ["message_delegation.changed"])
        undoing = history.undoing(request.GET.get("undo"), last)
        shown = undoing.last_save.steps[0].details["before"] if undoing and undoing.last_save else {}
        form = MessagesForm(
            initial=now_stored | shown,
            staff=queries.staff(request.clinic, also=shown.get("recipient") or stored.recipient_id),
            may_save=may_save,
        )
        return _messages_page(request, form, undoing=undoing)
    if not may_save:
        return _messages_page(
            request, MessagesForm(initial=now_stored, staff=staff, may_save=False), status=403
        )
    form = MessagesForm(request.POST, staff=staff, may_save=True)
    if not form.is_valid():
        return _messages_page(request, form, status=422)
    try:
        operations.delegate_messages(
            post=request.staff_member,
            topics={Topic(name) for name in form.cleaned_data["topics"]},
            recipient_id=form.recipient_id,
            version=form.cleaned_data["version"],
            now=timezone.now(),
        )
    except DelegationRefused as refused:
        changed = refused.reason == DelegationRefusal.MESSAGES_CHANGED
        form.add_error(None if changed else "recipient", str(refused.message))
        return _messages_page(request, form, status=409 if changed else 422)
    messages.success(request, _("Saved. It applies to messages that come from now on."))
    return redirect("delegation_admin:messages", request.clinic.portal_identifier)


def _messages_page(
    request: StaffRequest, form: MessagesForm, status: int = 200, *, undoing: Undoing | None = None
) -> HttpResponse:
    stored = queries.message_delegation(request.clinic)
    words = {
        "undoing": undoing,
        "last": history.last_save(request.clinic, ["message_delegation.changed"]),
        "form": form,
        "stored": stored,
        "version": stored.version if status == CONFLICT else form["version"].value(),
        "is_delegated": bool(stored.topics and stored.recipient and stored.recipient.is_active),
        "topics": [topic.label for topic in Topic if topic in stored.topics],
        "log": queries.message_log(request.clinic),
        "may_save": request.staff_member.is_system_administrator,
    }
    return render(request, "delegation/messages.html", words, status=status)


def _today(request: StaffRequest) -> date:
    return timezone.now().astimezone(request.clinic.zone).date()
