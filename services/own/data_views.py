"""Take out everything that the portal holds about oneself."""

from typing import Any, cast

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from identity import step_up
from identity.choices import Purpose
from patients.guards import PatientRequest, patient_page
from services.own import data_file, operations
from services.own.data_queries import Reader

_KINDS = {
    "json": (data_file.json_lines, "application/json", "json"),
    "html": (data_file.html_lines, "text/html; charset=utf-8", "html"),
}


@patient_page
@require_safe
def data(request: PatientRequest) -> HttpResponse:
    """Say what the files hold, and offer them."""
    return render(request, "own/data.html")


@patient_page
@step_up.proven(Purpose.DOWNLOAD)
@require_http_methods(["GET", "HEAD", "POST"])
def file(request: PatientRequest) -> HttpResponse:
    """Hand the file out, made anew each time and recorded. Its name says nothing about the person."""
    if request.method != "POST":
        return redirect("own:data", request.clinic.portal_identifier)
    kind = request.POST.get("kind", "")
    if kind not in _KINDS:
        raise Http404
    lines, content_type, ending = _KINDS[kind]
    now, account = timezone.now(), cast(Any, request.user).account
    operations.record_data_taken(patient=request.patient, kind=kind, actor=request.user, now=now)
    reader = Reader(
        patient=request.patient,
        account=account,
        assurance=request.sign_in.assurance,
        clinic_scope=request.sign_in.clinic_scope,
        now=now,
    )
    answer = StreamingHttpResponse(
        lines(reader),
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="my-data-{now:%Y-%m-%d}.{ending}"',
            "Cache-Control": "no-store",
        },
    )
    return cast(HttpResponse, answer)
