"""The logs. All staff read them; only administrators take them out as a file."""

from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin.guards import StaffRequest, admin_page, staff_page
from patients import staff_queries
from patients.choices import SeenIn
from patients.operations import PatientRefused, note_listed, show_national_id
from services.reports import operations, patient_file, patient_queries, policy, queries
from services.reports.choices import ChangeKind, PatientOrder
from services.reports.forms import PORTAL_ITSELF, ChangesForm, LogSearchForm
from services.reports.patient_queries import PER_PAGE, Search
from services.reports.queries import ChangeFilter, Cursor


# -- patients ----------------------------------------------------------------------------------------------
@admin_page
@require_safe
def patients(request: StaffRequest) -> HttpResponse:
    """What each patient may use and has used."""
    form = _search_form(request, request.GET)
    if not form.is_valid():
        return _patients(request, Search(request.clinic), form=form, status=422)
    if not form.wanted.may_stand_in_an_address:
        return redirect("reports_admin:patients", request.clinic.portal_identifier)
    return _patients(request, _search(request, form), form=form)


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: StaffRequest) -> HttpResponse:
    """Find patients. Posted, so that a number never stands in an address; names go on to one that can be kept."""
    address = reverse("reports_admin:patients", args=[request.clinic.portal_identifier])
    if request.method != "POST":
        return redirect(address)
    form = _search_form(request, request.POST)
    if not form.is_valid():
        return _patients(request, Search(request.clinic), form=form, status=422)
    if form.wanted.may_stand_in_an_address:
        text = form.cleaned_data["q"]
        return redirect(f"{address}?{urlencode({'q': text})}" if text else address)
    found = patient_queries.ids_of(clinic=request.clinic, wanted=form.wanted)
    if found:
        return redirect(f"{address}?{urlencode({'patient': found}, doseq=True)}")
    form.refuse_stranger()
    return _patients(request, Search(request.clinic), form=form, status=422)


@staff_page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def national_id(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show one full national ID, in the line of the log or on a page of its own, and record who saw it."""
    if request.method != "POST":
        return redirect("reports_admin:patients", request.clinic.portal_identifier)
    patient = staff_queries.patient_of(clinic=request.clinic, patient_id=patient_id)
    if patient is None:
        raise Http404
    patient.clinic = request.clinic
    try:
        number = show_national_id(patient=patient, actor=request.user, now=timezone.now())
    except PatientRefused:
        number = ""
    template = "reports/national_id.html#number" if request.htmx else "reports/national_id.html"
    return render(request, template, {"patient": patient, "number": number})


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def file(request: StaffRequest) -> HttpResponse:
    """Take the log out as a file for spreadsheets: administrators only, and recorded."""
    if request.method != "POST":
        return redirect("reports_admin:patients", request.clinic.portal_identifier)
    form = _search_form(request, request.GET)
    if not form.is_valid() or not form.wanted.may_stand_in_an_address:
        return redirect("reports_admin:patients", request.clinic.portal_identifier)
    asked = _search(request, form)
    operations.record_export(
        clinic=request.clinic,
        patient_ids=asked.found.values_list("pk", flat=True),
        is_everyone=asked.is_everyone,
        actor=request.user,
        now=timezone.now(),
    )
    lines = patient_file.lines(patient_queries.every_line(asked))
    today = timezone.localdate(timezone=request.clinic.zone)
    name = f"{request.clinic.portal_identifier}-patients-{today:%Y-%m-%d}.csv"
    answer = StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
    return cast(HttpResponse, answer)


def _search_form(request: StaffRequest, data: QueryDict) -> LogSearchForm:
    today = timezone.localdate(timezone=request.clinic.zone)
    return LogSearchForm({"q": data.get("q", "")}, country=request.clinic.country, today=today)


def _search(request: StaffRequest, form: LogSearchForm) -> Search:
    try:
        chosen = tuple(UUID(text) for text in request.GET.getlist("patient")[:PER_PAGE])
    except ValueError:
        raise Http404 from None
    return Search(request.clinic, form.wanted, chosen)


def _patients(
    request: StaffRequest, asked: Search, *, form: LogSearchForm, status: int = 200
) -> HttpResponse:
    order = request.GET.get("order", "")
    if order.removeprefix("-") not in patient_queries.ORDERS:
        order = PatientOrder.FAMILY_NAME
    log = patient_queries.patient_log(asked, order=order, page=request.GET.get("page", "1"))
    note_listed(
        clinic=request.clinic,
        patient_ids=[line.patient_id for line in log.rows],
        page=SeenIn.LOG,
        actor=request.user,
        now=timezone.now(),
    )
    bars = patient_queries.bookings_per_week(request.clinic, timezone.localdate(timezone=request.clinic.zone))
    more: dict[str, Any] = {
        "log": log,
        "asked": asked,
        "form": form,
        "heads": _heads(request, order),
        "uses": patient_queries.USES,
        "bars": bars,
        "busiest": max(bars, key=lambda bar: bar.number),
        "bookings_in_chart": sum(bar.number for bar in bars),
        "chart_width": policy.width(bars),
        "chart_height": policy.HEIGHT,
        "bar_width": policy.BAR,
        "may_export": request.staff_member.is_administrator,
    }
    return render(request, "reports/patients.html", more, status=status)


def _heads(request: StaffRequest, order: str) -> dict[str, dict[str, str]]:
    """Return, for every column that sorts, the address that sorts by it (again: the other way) and how it is now."""
    heads = {}
    labels = dict(PatientOrder.choices) | {use.name: use.label for use in patient_queries.USES}
    for name, label in labels.items():
        query = request.GET.copy()
        query.pop("page", None)
        query["order"] = f"-{name}" if order == name else name
        sorted_now = {name: "ascending", f"-{name}": "descending"}.get(order, "")
        heads[name.replace("-", "_")] = {
            "address": f"?{query.urlencode()}",
            "label": str(label),
            "sorted": sorted_now,
        }
    return heads


# -- changes -----------------------------------------------------------------------------------------------
@admin_page
@require_safe
def changes(request: StaffRequest) -> HttpResponse:
    """Every change to services, delegations, rights, settings, calendars and staff."""
    staff = queries.staff_of(request.clinic)
    form = ChangesForm(request.GET, staff=staff)
    if not form.is_valid():
        return render(request, "reports/changes.html", {"form": form}, status=422)
    asked = _filter(form)
    after = Cursor.parse(request.GET.get("after", ""))
    page = queries.changes(request.clinic, asked, staff=staff, after=after)
    more = {"form": form, "page": page, "is_first": after is None, "is_narrowed": asked != ChangeFilter()}
    return render(request, "reports/changes.html", more)


def _filter(form: ChangesForm) -> ChangeFilter:
    chosen = form.cleaned_data
    by_portal = chosen["person"] == PORTAL_ITSELF
    return ChangeFilter(
        kind=ChangeKind(chosen["kind"]) if chosen["kind"] else None,
        person=UUID(chosen["person"]) if chosen["person"] and not by_portal else None,
        by_portal=by_portal,
        since=chosen["since"],
        until=chosen["until"],
    )
