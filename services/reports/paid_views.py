"""Reminders that patients pay for, month by month. All staff read it; only administrators take it out as a file."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin.guards import StaffRequest, admin_page
from clinic_admin.sms_price import in_crowns
from patients.choices import SeenIn
from patients.operations import note_listed
from services.booking.reminders import paid
from services.booking.reminders.paid import Month
from services.reports import operations, paid_file


@admin_page
@require_safe
def reminders(request: StaffRequest) -> HttpResponse:
    """Show what patients owe for reminders of `?month=`; `?after=` is the next page."""
    clinic, month, today = request.clinic, _month(request), timezone.localdate(timezone=request.clinic.zone)
    page = paid.page(clinic, month, after=request.GET.get("after", "")[:80])
    total = paid.total(clinic, month)
    note_listed(
        clinic=clinic,
        patient_ids=[one.patient_id for one in page.rows],
        page=SeenIn.PAID,
        actor=request.user,
        now=timezone.now(),
    )
    context = {
        "month": month,
        "later": month.following if month.following.first <= today else None,
        "rows": [(one, in_crowns(clinic, one.ore)) for one in page.rows],
        "after": page.after,
        "is_first": "after" not in request.GET,
        "number": total.number,
        "sum": in_crowns(clinic, total.ore),
        "may_export": request.staff_member.is_administrator,
    }
    return render(request, "reports/paid_reminders.html", context)


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def file(request: StaffRequest) -> HttpResponse:
    """Take a month out as a file for spreadsheets: administrators only, and recorded."""
    clinic, month = request.clinic, _month(request)
    if request.method != "POST":
        page = reverse("reports_admin:paid_reminders", args=[clinic.portal_identifier])
        return redirect(f"{page}?month={month}")
    rows = list(paid.every(clinic, month))
    operations.record_paid_export(
        clinic=clinic,
        patient_ids=dict.fromkeys(one.patient_id for one in rows),
        month=str(month),
        actor=request.user,
        now=timezone.now(),
    )
    name = f"{clinic.portal_identifier}-reminders-{month}.csv"
    return HttpResponse(
        "".join(paid_file.lines(clinic, rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _month(request: StaffRequest) -> Month:
    return Month.of(request.GET.get("month", "")[:7], today=timezone.localdate(timezone=request.clinic.zone))
