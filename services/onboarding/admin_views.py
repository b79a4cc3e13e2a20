"""Everyone who works here, and one person: roles, second factor, link, last day. Administrators save, all staff may look."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_admin import history
from clinic_admin.choices import Role
from clinic_admin.guards import StaffRequest, admin_page, dangerous
from clinic_admin.history import LastSave, Undoing
from clinic_admin.models import StaffMember
from portal.refusals import Refused
from services.onboarding import leaving_queries, operations, queries
from services.onboarding.choices import StaffRefusal, Step
from services.onboarding.forms import RolesForm
from services.onboarding.leaver import Leaver, Who
from services.onboarding.operations import StaffChangeRefused
from services.onboarding.queries import StaffLine


@admin_page
@require_safe
def staff(request: StaffRequest) -> HttpResponse:
    """Show everyone who works here, resets that wait, and who is being added."""
    lines = queries.staff_lines(request.clinic)
    without_login = queries.providers_without_login(request.clinic)
    context = {
        "lines": [line for line in lines if line.is_active],
        "left": [line for line in lines if not line.is_active],
        "without_login": [line for line in without_login if line.provider.is_active],
        "left_without_login": [line.provider for line in without_login if not line.provider.is_active],
        "unfinished": [
            {"new": new, "name": new.told.get(Step.ROLE, {}).get("name", "")}
            for new in queries.unfinished(request.clinic)
        ],
        "resets": queries.open_resets(request.clinic, timezone.now()),
        "may_save": request.staff_member.is_administrator,
    }
    return render(request, "onboarding/staff.html", context)


@admin_page
@dangerous()
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: StaffRequest, member_id: int) -> HttpResponse:
    """Show one person, and save their roles."""
    member, line = found_person(request, member_id)
    form = _roles_form(request, member)
    if request.method != "POST":
        return _person_page(request, member, line, form)
    if not form.is_valid():
        return _person_page(request, member, line, form, status=422)
    chosen = form.chosen()
    if not request.staff_member.is_system_administrator and Role.SYSTEM_ADMINISTRATOR in member.roles:
        chosen.append(Role.SYSTEM_ADMINISTRATOR)  # isn't on this administrator's form, so it stays
    try:
        operations.change_roles(
            clinic=request.clinic,
            member_id=member.pk,
            roles=set(chosen),
            seen=form.cleaned_data["seen"].split() or None,
            actor=request.staff_member,
            now=timezone.now(),
        )
    except StaffChangeRefused as refused:
        if refused.reason == StaffRefusal.CHANGED_MEANWHILE:
            return _roles_changed_meanwhile(request, member_id)
        form.add_error("roles", str(refused.message))
        return _person_page(request, member, line, form, status=422)
    messages.success(request, _("Saved. It applies from now on."))
    return to_person(request, Who(member.pk))


@admin_page
@require_safe
def provider(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Show one provider whom nobody signs in as, working here or not."""
    leaver = found_leaver(request, Who(provider_id=provider_id))
    return render(request, "onboarding/provider.html", _leaving_context(request, leaver))


@admin_page
@dangerous()
@require_POST
def link(request: StaffRequest, member_id: int) -> HttpResponse:
    """Send a new link for choosing a password."""
    return do(
        request,
        Who(member_id),
        _("A new link is on its way. The older one doesn't work any more."),
        lambda: operations.send_link_again(
            clinic=request.clinic, member_id=member_id, actor=request.staff_member, now=timezone.now()
        ),
    )


@admin_page
@dangerous()
@require_POST
def request_reset(request: StaffRequest, member_id: int) -> HttpResponse:
    """Ask that a lost code app, and passkeys, be taken away."""
    return do(
        request,
        Who(member_id),
        _("Asked. Another administrator must confirm within 24 hours; nothing changes before that."),
        lambda: operations.request_reset(
            clinic=request.clinic, member_id=member_id, actor=request.staff_member, now=timezone.now()
        ),
    )


@admin_page
@dangerous()
@require_POST
def confirm_reset(request: StaffRequest, reset_id: UUID) -> HttpResponse:
    """Agree to a reset that another administrator asked for."""
    return do(
        request,
        None,
        _("Done. The next sign-in sets up a new code app or passkey."),
        lambda: operations.confirm_reset(
            clinic=request.clinic, reset_id=reset_id, actor=request.staff_member, now=timezone.now()
        ),
    )


@admin_page
@require_POST
def withdraw_reset(request: StaffRequest, reset_id: UUID) -> HttpResponse:
    """Take a reset back."""
    return do(
        request,
        None,
        _("Taken back. Code app and passkeys stay."),
        lambda: operations.withdraw_reset(
            clinic=request.clinic, reset_id=reset_id, actor=request.staff_member, now=timezone.now()
        ),
    )


def do(request: StaffRequest, who: Who | None, done: str, change: Callable[[], object]) -> HttpResponse:
    """Make one change and go back, with what happened, or why it didn't, in a message."""
    try:
        change()
    except ObjectDoesNotExist:
        raise Http404 from None
    except Refused as refused:
        messages.error(request, str(refused.message))
    else:
        messages.success(request, done)
    if who is None:
        return redirect("onboarding_admin:staff", request.clinic.portal_identifier)
    return to_person(request, who)


def found_person(request: StaffRequest, member_id: int) -> tuple[StaffMember, StaffLine]:
    """Return the person with a post at this clinic, or answer 404."""
    found = queries.staff_line(request.clinic, member_id)
    if found is None:
        raise Http404
    return found


def found_leaver(request: StaffRequest, who: Who) -> Leaver:
    """Return whom the address is about, or answer 404."""
    found = leaving_queries.leaver_of(request.clinic, who)
    if found is None:
        raise Http404
    return found


def _roles_changed_meanwhile(request: StaffRequest, member_id: int) -> HttpResponse:
    """Show what was ticked beside what somebody else saved; saving again is then done knowingly."""
    member, line = found_person(request, member_id)
    again = request.POST.copy()
    again["seen"] = " ".join(sorted(member.roles))
    form = _roles_form(request, member, again)
    differences = [", ".join(str(Role(role).label) for role in sorted(member.roles))]
    return _person_page(request, member, line, form, differences=differences, status=409)


def _last_roles(request: StaffRequest, member: StaffMember) -> LastSave | None:
    return history.last_save(request.clinic, ["staff_member.roles_changed"], subject=member)


def _undoing(request: StaffRequest, member: StaffMember) -> Undoing | None:
    if request.method == "POST" or not member.is_active:
        return None
    return history.undoing(request.GET.get("undo"), _last_roles(request, member))


def _roles_form(request: StaffRequest, member: StaffMember, sent: Any = None) -> RolesForm:
    undoing = _undoing(request, member)
    shown = undoing.last_save.steps[0].details["before"] if undoing and undoing.last_save else member.roles
    return RolesForm(
        (sent or request.POST) if request.method == "POST" else None,
        initial={"roles": shown, "seen": " ".join(sorted(member.roles))},
        may_save=request.staff_member.is_administrator and member.is_active,
        with_system=request.staff_member.is_system_administrator,
    )


def _person_page(
    request: StaffRequest,
    member: StaffMember,
    line: StaffLine,
    form: Any,
    status: int = 200,
    differences: Sequence[str] = (),
) -> HttpResponse:
    now = timezone.now()
    resets = [one for one in queries.open_resets(request.clinic, now) if one.user_id == member.user_id]
    context = _leaving_context(request, Leaver(request.clinic, member, line.provider)) | {
        "member": member,
        "line": line,
        "form": form,
        "resets": resets,
        "link": queries.open_link(member.user_id, now),
        "is_self": member.user_id == request.staff_member.user_id,
        "own_login_sentence": StaffRefusal.OWN_LOGIN.label,
        "last": _last_roles(request, member),
        "undoing": _undoing(request, member),
        "differences": differences,
    }
    return render(request, "onboarding/person.html", context, status=status)


def _leaving_context(request: StaffRequest, leaver: Leaver) -> dict[str, Any]:
    """Return what the page of someone says about leaving and coming back."""
    return {
        "leaver": leaver,
        "to": addresses(request, leaver.who),
        "leaving": leaving_queries.leaving_of(leaver),
        "absence_id": leaving_queries.absence_after(leaver),
        "may_save": request.staff_member.is_administrator,
    }


def addresses(request: StaffRequest, who: Who) -> dict[str, str]:
    """Return where the person's page is, and where one says that they leave, stay, or are back."""
    prefix, pk = ("", who.member_id) if who.provider_id is None else ("provider_", who.provider_id)
    return {
        name: reverse(f"onboarding_admin:{prefix}{name}", args=[request.clinic.portal_identifier, pk])
        for name in ("person", "leave", "stay", "back")
    }


def to_person(request: StaffRequest, who: Who) -> HttpResponse:
    """Lead to the person's page."""
    return redirect(addresses(request, who)["person"])
