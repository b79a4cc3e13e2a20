"""How the clinic's patients sign in."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic_admin import history
from clinic_admin.guards import StaffRequest, admin_page
from clinic_admin.operations import ClinicChangeRefused
from identity import sign_in_methods
from identity.admin_forms import SignInMethodsForm


@admin_page
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
        # Ticks are few: show them as they are now, and say so.
        return _page(request, available, refusal=refused, status=409)
    messages.success(request, _("The ways of signing in are saved."))
    return redirect("identity_admin:sign_in", clinic.portal_identifier)


def _page(
    request: StaffRequest,
    available: list[tuple[str, str]],
    form: SignInMethodsForm | None = None,
    *,
    refusal: ClinicChangeRefused | None = None,
    status: int = 200,
) -> HttpResponse:
    clinic = request.clinic
    may_save = request.staff_member.is_administrator
    if form is None:
        on = sign_in_methods.switched_on(clinic)
        form = SignInMethodsForm(initial={"providers": on, "seen": " ".join(on)}, ways=available)
    form.fields["providers"].disabled = not may_save
    more = {
        "form": form,
        "may_save": may_save and bool(available),
        "available": available,
        "refusal": refusal,
        "last": history.last_change(clinic, ("sign_in.changed", "provider.connected"), subject=clinic),
    }
    return render(request, "identity/sign_in_methods.html", more, status=status)
