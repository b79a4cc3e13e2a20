"""Leave the portal of a clinic."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin.guards import ClinicRequest
from identity import operations as identity
from identity import step_up
from identity.choices import Purpose
from patients.guards import PatientRequest, patient_page
from portal.audience import signing_in_page
from services.booking import queries as appointments
from services.own import operations
from services.own.choices import LeaveRefusal
from services.own.forms import LeaveForm
from services.own.operations import LeaveRefused


@patient_page
@step_up.proven(Purpose.LEAVE)
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: PatientRequest) -> HttpResponse:
    """Say what ends and what stays, ask about coming appointments, and let the patient go."""
    now, patient, clinic = timezone.now(), request.patient, request.clinic
    coming = list(appointments.upcoming(patient, now)[: operations.MOST_AT_ONCE])
    is_post = request.method == "POST"
    form = LeaveForm(request.POST if is_post else None, has_appointments=bool(coming))
    words = {"form": form, "coming": coming, "refusal": operations.refusal_of(patient, now)}
    if not is_post:
        return render(request, "own/leave.html", words)
    if not form.is_valid():
        return render(request, "own/leave.html", words, status=422)
    try:
        operations.leave(
            patient=patient,
            cancels=form.cancels,
            assurance=request.sign_in.assurance,
            actor=request.user,
            now=now,
        )
    except LeaveRefused as refused:
        words["refusal"] = LeaveRefusal(refused.reason.value)
        return render(request, "own/leave.html", words, status=403)
    identity.sign_out(request, now=now)
    answer = HttpResponseRedirect(reverse("own:left", args=[clinic.portal_identifier]))
    answer.status_code = 303
    answer["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@signing_in_page
@require_safe
def left(request: ClinicRequest) -> HttpResponse:
    """Say that it is done, and how to come back. Shows nothing about anybody."""
    return render(request, "own/left.html")
