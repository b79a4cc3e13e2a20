"""How the clinic's patients sign in."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic_admin import history
from clinic_admin.choices import ClinicRefusal
from clinic_admin.guards import StaffRequest, admin_page, dangerous
from clinic_admin.operations import ClinicChangeRefused
from identity.admin import sign_in_methods
from identity.admin.forms import SignInMethodsForm
from identity.by_code import code_stops
from identity.saml import certificate_ends


@admin_page
@dangerous()
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: StaffRequest) -> HttpResponse:
    """Switch the ways of signing in on or off (A7)."""
    clinic = request.clinic
    available = sign_in_methods.ways(clinic)
    if request.method != "POST":
        return _page(request, available)
    form = SignInMethodsForm(request.POST, ways=available)
    if not form.is_valid():
        return _page(request, available, form, status=422)
    try:
        sign_in_methods.switch(
            clinic=clinic,
            slugs=form.cleaned_data["providers"],
            seen=form.cleaned_data["seen"].split(),
            actor=request.user,
            now=timezone.now(),
        )
    except ClinicChangeRefused as refused:
        return _refused(request, available, refused)
    messages.success(request, _("The ways of signing in are saved."))
    return redirect("identity_admin:sign_in", clinic.portal_identifier)


@admin_page
@dangerous()
@require_POST
def resume_codes(request: StaffRequest) -> HttpResponse:
    """Let codes go out again before the stop ends by itself."""
    if code_stops.resume(request.clinic, actor=request.user, now=timezone.now()):
        messages.success(request, _("Codes go out again, and are counted anew."))
    else:
        messages.info(request, _("Codes were not stopped any more."))
    return redirect("identity_admin:sign_in", request.clinic.portal_identifier)


def _refused(
    request: StaffRequest, available: list[tuple[str, str]], refused: ClinicChangeRefused
) -> HttpResponse:
    """Show what was ticked, beside what is stored now; saving again is then done knowingly."""
    on = sign_in_methods.switched_on(request.clinic)
    again = request.POST.copy()
    again["seen"] = " ".join(on)
    form = SignInMethodsForm(again, ways=available)
    is_stale = refused.reason == ClinicRefusal.CHANGED_MEANWHILE
    names = ", ".join(name for slug, name in available if slug in on)
    return _page(
        request,
        available,
        form,
        refusal=None if is_stale else refused,
        differences=[names] if is_stale else [],
        status=409,
    )


def _page(
    request: StaffRequest,
    available: list[tuple[str, str]],
    form: SignInMethodsForm | None = None,
    *,
    refusal: ClinicChangeRefused | None = None,
    differences: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    clinic = request.clinic
    may_save = request.staff_member.is_administrator
    last = history.last_save(clinic, ("sign_in.changed", "provider.connected"), subject=clinic)
    can_undo = last is not None and last.steps[0].action == "sign_in.changed"  # the vendor's doings stay
    undoing = history.undoing(request.GET.get("undo"), last if can_undo else None) if form is None else None
    if form is None:
        on = sign_in_methods.switched_on(clinic)
        shown = undoing.last_save.steps[0].details["before"] if undoing and undoing.last_save else on
        form = SignInMethodsForm(initial={"providers": shown, "seen": " ".join(on)}, ways=available)
    form.fields["providers"].disabled = not may_save
    more = {
        "form": form,
        "may_save": may_save and bool(available),
        "available": available,
        "refusal": refusal,
        "last": last,
        "undoing": undoing,
        "can_undo": can_undo,
        "differences": differences,
        "codes": code_stops.watched(clinic, now=timezone.now()),
        "certificates": certificate_ends.of_clinic(clinic, timezone.now()),
    }
    return render(request, "identity/sign_in_methods.html", more, status=status)
