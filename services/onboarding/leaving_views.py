"""Someone leaves: asked, summed up, asked once more, done. And the two ways back."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic_admin.guards import StaffRequest, admin_page, dangerous
from portal.refusals import Refused
from services.onboarding import leaving_operations, leaving_queries, words
from services.onboarding.admin_views import addresses, do, found_leaver, to_person
from services.onboarding.forms import LeaveForm
from services.onboarding.leaver import Leaver, Who
from services.onboarding.leaving_queries import Ties


@admin_page
@dangerous(lambda sent: "confirmed" in sent)
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: StaffRequest, **named: int) -> HttpResponse:
    """Ask when someone leaves and who takes over; say what that does; do it when it is confirmed."""
    leaver = found_leaver(request, Who(**named))
    if not leaver.is_active or leaving_queries.leaving_of(leaver):
        return to_person(request, leaver.who)
    ties = leaving_queries.ties(leaver, timezone.now())
    form = _form(request, leaver, ties)
    if request.method != "POST":
        return _page(request, leaver, form, ties)
    if not form.is_valid():
        return _page(request, leaver, form, ties, status=422)
    try:
        if "confirmed" not in request.POST:
            return _summary(request, leaver, form)
        _decide(request, leaver, form)
    except Refused as refused:
        form.add_error(None, str(refused.message))
        return _page(request, leaver, form, ties, status=422)
    messages.success(request, _("It is decided when %(name)s leaves.") % {"name": leaver.name})
    return to_person(request, leaver.who)


@admin_page
@require_POST
def stay(request: StaffRequest, **named: int) -> HttpResponse:
    """Call off that someone leaves."""
    return do(
        request,
        Who(**named),
        _("Called off. The weekly calendars still end on that day: prolong them under Weekly calendars."),
        lambda: leaving_operations.call_off(
            clinic=request.clinic, who=Who(**named), actor=request.staff_member, now=timezone.now()
        ),
    )


@admin_page
@dangerous()
@require_POST
def back(request: StaffRequest, **named: int) -> HttpResponse:
    """Someone who left works here again."""
    return do(
        request,
        Who(**named),
        _("Works here again. Services, service matrix and calendar are empty: open them again."),
        lambda: leaving_operations.take_back(
            clinic=request.clinic, who=Who(**named), actor=request.staff_member, now=timezone.now()
        ),
    )


def _form(request: StaffRequest, leaver: Leaver, ties: Ties) -> LeaveForm:
    now = timezone.now()
    asks_for_colleague = ties.gets_messages and request.staff_member.is_system_administrator
    return LeaveForm(
        request.POST if request.method == "POST" else None,
        initial={"last_day": now.astimezone(request.clinic.zone).date()},
        successors=leaving_queries.successors(leaver),
        colleagues=leaving_queries.colleagues(leaver) if asks_for_colleague else [],
        patients=ties.patients,
        may_save=request.staff_member.is_administrator,
    )


def _page(
    request: StaffRequest, leaver: Leaver, form: LeaveForm, ties: Ties, status: int = 200
) -> HttpResponse:
    context = {
        "leaver": leaver,
        "to": addresses(request, leaver.who),
        "form": form,
        "ties": ties,
        "may_save": request.staff_member.is_administrator,
    }
    return render(request, "onboarding/leave.html", context, status=status)


def _summary(request: StaffRequest, leaver: Leaver, form: LeaveForm) -> HttpResponse:
    """Say what will happen. Raises Refused when it can't."""
    now = timezone.now()
    last_day = form.cleaned_data["last_day"]
    leaving_operations.check(leaver=leaver, last_day=last_day, actor=request.staff_member, now=now)
    ties = leaving_queries.ties(leaver, now, after=last_day)
    context: dict[str, Any] = {
        "leaver": leaver,
        "to": addresses(request, leaver.who),
        "form": form,
        "last_day": last_day,
        "is_today": last_day == now.astimezone(request.clinic.zone).date(),
        "ties": ties,
        "patients_sentence": words.left_sentence(ties.patients, form.successor_name()),
        "successor": form.successor_name(),
        "colleague": form.colleague_name(),
    }
    return render(request, "onboarding/leave_summary.html", context)


def _decide(request: StaffRequest, leaver: Leaver, form: LeaveForm) -> None:
    leaving_operations.decide(
        clinic=request.clinic,
        who=leaver.who,
        last_day=form.cleaned_data["last_day"],
        successor_id=form.cleaned_data.get("successor"),
        messages_to_id=form.cleaned_data.get("messages_to"),
        actor=request.staff_member,
        now=timezone.now(),
    )
