"""The new-staff wizard, step by step. Whoever isn't an administrator may look."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_admin.choices import Service
from clinic_admin.guards import StaffRequest, admin_page, dangerous
from portal.refusals import Refused
from services.onboarding import policy, queries, wizard_operations, words
from services.onboarding.choices import Step
from services.onboarding.forms import AnyStep, step_form
from services.onboarding.models import NewStaff


@admin_page
@require_POST
def start(request: StaffRequest) -> HttpResponse:
    """Begin with someone new."""
    new = wizard_operations.start(clinic=request.clinic, actor=request.staff_member.user, now=timezone.now())
    return redirect("onboarding_admin:step", request.clinic.portal_identifier, new.pk, Step.ROLE.value)


@admin_page
@require_safe
def go_on(request: StaffRequest, new_staff_id: UUID) -> HttpResponse:
    """Lead to the first step that is not filled in."""
    new = _found(request, new_staff_id)
    return _to(request, new, policy.next_step(new.told))


@admin_page
@require_POST
def discard(request: StaffRequest, new_staff_id: UUID) -> HttpResponse:
    """Forget what was filled in."""
    _found(request, new_staff_id)
    if wizard_operations.discard(
        clinic=request.clinic,
        new_staff_id=new_staff_id,
        actor=request.staff_member.user,
        now=timezone.now(),
    ):
        messages.success(request, _("Discarded. Nothing was made of it."))
    return redirect("onboarding_admin:staff", request.clinic.portal_identifier)


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: StaffRequest, new_staff_id: UUID, name: str) -> HttpResponse:
    """Show and keep one step; the last one says what will be done, and does it."""
    new = _found(request, new_staff_id)
    if name not in Step.values or Step(name) not in policy.steps(new.told):
        raise Http404
    here = Step(name)
    if new.finished_at is not None or not policy.is_reached(new.told, here):
        return _to(request, new, policy.next_step(new.told))
    if here is Step.SUMMARY:
        return dangerous()(_summary)(request, new)
    sent = request.POST if request.method == "POST" else None
    form = step_form(
        here,
        sent,
        clinic=request.clinic,
        told=new.told,
        with_system=request.staff_member.is_system_administrator,
        today=_today(request),
    )
    if not request.staff_member.is_administrator:
        form.disable()
    if sent is None:
        return _page(request, new, here, form)
    if not form.is_valid():
        return _page(request, new, here, form, status=422)
    try:
        told = wizard_operations.tell(
            clinic=request.clinic,
            new_staff_id=new.pk,
            step=here,
            said=form.stored(),
            now=timezone.now(),
        )
    except Refused:  # another window finished it, or took a step back
        return redirect("onboarding_admin:go_on", request.clinic.portal_identifier, new.pk)
    return _to(request, told, policy.following(told.told, here))


def _summary(request: StaffRequest, new: NewStaff) -> HttpResponse:
    refusal: Any = ""
    if request.method == "POST":
        try:
            member = wizard_operations.finish(
                clinic=request.clinic,
                new_staff_id=new.pk,
                actor=request.staff_member,
                now=timezone.now(),
            )
        except Refused as refused:
            refusal = refused.message
        else:
            messages.success(request, _("%(name)s has been added.") % {"name": member.name})
            return redirect("onboarding_admin:person", request.clinic.portal_identifier, member.pk)
    context = _context(request, new, Step.SUMMARY) | {
        "parts": words.summary(request.clinic, new.told),
        "refusal": refusal,
    }
    return render(request, "onboarding/summary.html", context, status=422 if refusal else 200)


def _page(request: StaffRequest, new: NewStaff, here: Step, form: AnyStep, status: int = 200) -> HttpResponse:
    context = _context(request, new, here) | {
        "form": form,
        "problems": [one for one in form.problems() if one.is_bound],
        "services": list(Service),
    }
    return render(request, f"onboarding/step_{here.value}.html", context, status=status)


def _context(request: StaffRequest, new: NewStaff, here: Step) -> dict[str, Any]:
    order = policy.steps(new.told)
    return {
        "new": new,
        "name": new.told.get(Step.ROLE, {}).get("name", ""),
        "step": here,
        "steps": [str(one.label) for one in order],
        "number": order.index(here) + 1,
        "before": policy.before(new.told, here),
        "may_save": request.staff_member.is_administrator,
    }


def _found(request: StaffRequest, new_staff_id: UUID) -> NewStaff:
    new = queries.new_staff_of(request.clinic, new_staff_id)
    if new is None:
        raise Http404
    return new


def _to(request: StaffRequest, new: NewStaff, there: Step) -> HttpResponse:
    """Lead to a step; from a finished wizard to the person it made."""
    identifier = request.clinic.portal_identifier
    if new.staff_member_id is not None:
        return redirect("onboarding_admin:person", identifier, new.staff_member_id)
    return redirect("onboarding_admin:step", identifier, new.pk, there.value)


def _today(request: StaffRequest) -> date:
    return timezone.now().astimezone(request.clinic.zone).date()
