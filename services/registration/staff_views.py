"""Staff decide about a login request."""

from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic_admin.guards import StaffRequest, staff_page
from services.inbox import operations as inbox
from services.registration import operations, queries
from services.registration.forms import ProofForm, RefuseForm
from services.registration.operations import RegistrationRefused
from services.registration.queries import Asked


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def login_request(request: StaffRequest, request_id: UUID) -> HttpResponse:
    """Show who asks, and accept or refuse."""
    found = queries.asked(clinic=request.clinic, request_id=request_id)
    if found is None:
        raise Http404
    if request.method != "POST":
        if found.item is not None:
            inbox.note_seen(item=found.item, now=timezone.now())
        return _page(request, found)
    form = _form(request, found)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    try:
        done = _decide(request, request_id, form)
    except RegistrationRefused as refused:
        messages.warning(request, str(refused.message))
        return redirect("registration_staff:request", request.clinic.portal_identifier, request_id)
    messages.success(request, done)
    return redirect("inbox:inbox", request.clinic.portal_identifier)


def _form(request: StaffRequest, found: Asked) -> Form:
    """Return the form of the act that was pressed; putting aside and back need nothing."""
    act = request.POST.get("act")
    if act == "accept" and found.request.needs_guardian_proof:
        return ProofForm(request.POST)
    return RefuseForm(request.POST) if act == "refuse" else Form(request.POST)


def _decide(request: StaffRequest, request_id: UUID, form: Form) -> str:
    act, actor, now = request.POST.get("act"), request.staff_member.user, timezone.now()
    if act == "accept":
        proof = form.cleaned_data.get("proof", "")
        asked = operations.accept(
            clinic=request.clinic, request_id=request_id, proof=proof, actor=actor, now=now
        )
        return _("%(name)s can use the portal now, and is told by e-mail.") % {"name": asked.full_name}
    if act == "set-aside":
        operations.set_aside(clinic=request.clinic, request_id=request_id, actor=actor, now=now)
        return _("Put aside without an answer. It stands under Done, and can be put back.")
    if act == "put-back":
        operations.put_back(clinic=request.clinic, request_id=request_id, actor=actor, now=now)
        return _("It waits again.")
    if act != "refuse":
        raise Http404
    reason = form.cleaned_data["reason"]
    asked = operations.refuse(
        clinic=request.clinic, request_id=request_id, reason=reason, actor=actor, now=now
    )
    return _("The request of %(name)s is refused; they are told by e-mail.") % {"name": asked.full_name}


def _page(request: StaffRequest, found: Asked, form: Form | None = None, status: int = 200) -> HttpResponse:
    words = {
        "found": found,
        "asked": found.request,
        "form": form,
        "refuse_form": form if isinstance(form, RefuseForm) else RefuseForm(),
        "proof_form": form if isinstance(form, ProofForm) else ProofForm(),
    }
    return render(request, "registration/request.html", words, status=status)
