"""Someone leaves: asked, summed up, asked once more, done. And the two ways back."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic_admin.guards import StaffRequest, admin_page, dangerous
from clinic_admin.models import StaffMember
from portal.refusals import Refused
from services.onboarding import leaving_operations, queries, words
from services.onboarding.admin_views import do, found_person
from services.onboarding.forms import LeaveForm
from services.onboarding.queries import Ties


@admin_page
@dangerous(lambda sent: "confirmed" in sent)
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: StaffRequest, member_id: int) -> HttpResponse:
    """Ask when someone leaves and who takes over; say what that does; do it when it is confirmed."""
    member, line = found_person(request, member_id)
    if not line.is_active or line.leaves_on:
        return redirect("onboarding_admin:person", request.clinic.portal_identifier, member.pk)
    ties = queries.ties(member, timezone.now())
    form = _form(request, member, ties)
    if request.method != "POST":
        return _page(request, member, form, ties)
    if not form.is_valid():
        return _page(request, member, form, ties, status=422)
    try:
        if "confirmed" not in request.POST:
            return _summary(request, member, form)
        _decide(request, member, form)
    except Refused as refused:
        form.add_error(None, str(refused.message))
        return _page(request, member, form, ties, status=422)
    messages.success(request, _("It is decided when %(name)s leaves.") % {"name": member.name})
    return redirect("onboarding_admin:person", request.clinic.portal_identifier, member.pk)


@admin_page
@require_POST
def stay(request: StaffRequest, member_id: int) -> HttpResponse:
    """Call off that someone leaves."""
    return do(
        request,
        member_id,
        _("Called off. The weekly calendars still end on that day: prolong them under Weekly calendars."),
        lambda: leaving_operations.call_off(
            clinic=request.clinic, member_id=member_id, actor=request.staff_member, now=timezone.now()
        ),
    )


@admin_page
@dangerous()
@require_POST
def back(request: StaffRequest, member_id: int) -> HttpResponse:
    """Someone who left works here again."""
    return do(
        request,
        member_id,
        _("Works here again. Services, service matrix and calendar are empty: open them again."),
        lambda: leaving_operations.take_back(
            clinic=request.clinic, member_id=member_id, actor=request.staff_member, now=timezone.now()
        ),
    )


def _form(request: StaffRequest, member: StaffMember, ties: Ties) -> LeaveForm:
    now = timezone.now()
    asks_for_colleague = ties.gets_messages and request.staff_member.is_system_administrator
    return LeaveForm(
        request.POST if request.method == "POST" else None,
        initial={"last_day": now.astimezone(request.clinic.zone).date()},
        successors=queries.successors(member),
        colleagues=queries.colleagues(member) if asks_for_colleague else [],
        patients=ties.patients,
        may_save=request.staff_member.is_administrator,
    )


def _page(
    request: StaffRequest, member: StaffMember, form: LeaveForm, ties: Ties, status: int = 200
) -> HttpResponse:
    context = {
        "member": member,
        "form": form,
        "ties": ties,
        "may_save": request.staff_member.is_administrator,
    }
    return render(request, "onboarding/leave.html", context, status=status)


def _summary(request: StaffRequest, member: StaffMember, form: LeaveForm) -> HttpResponse:
    """Say what will happen. Raises Refused when it can't."""
    now = timezone.now()
    last_day = form.cleaned_data["last_day"]
    leaving_operations.check(member=member, last_day=last_day, actor=request.staff_member, now=now)
    ties = queries.ties(member, now, after=last_day)
    context: dict[str, Any] = {
        "member": member,
        "form": form,
        "last_day": last_day,
        "is_today": last_day == now.astimezone(request.clinic.zone).date(),
        "ties": ties,
        "patients_sentence": words.left_sentence(ties.patients, form.successor_name()),
        "successor": form.successor_name(),
        "colleague": form.colleague_name(),
    }
    return render(request, "onboarding/leave_summary.html", context)


def _decide(request: StaffRequest, member: StaffMember, form: LeaveForm) -> None:
    leaving_operations.decide(
        clinic=request.clinic,
        member_id=member.pk,
        last_day=form.cleaned_data["last_day"],
        successor_id=form.cleaned_data.get("successor"),
        messages_to_id=form.cleaned_data.get("messages_to"),
        actor=request.staff_member,
        now=timezone.now(),
    )
