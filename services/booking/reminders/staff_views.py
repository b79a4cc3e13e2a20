"""Staff see which reminders of coming appointments did not arrive, why, and what to do about it."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic_admin.guards import StaffRequest, staff_page
from notifications.choices import WhyNotSent
from patients.choices import SeenIn
from patients.operations import note_listed
from services.booking import policy
from services.booking.reminders import queries
from services.booking.staff import queries as staff_queries
from services.booking.staff.forms import DayForm


@require_safe
@staff_page
def failed(request: StaffRequest) -> HttpResponse:
    """List them in order of time, all that are coming or those of `?day=`; `?after=` is the next page."""
    clinic, now = request.clinic, timezone.now()
    form = DayForm(request.GET if request.GET.get("day") else {}, today=now.astimezone(clinic.zone).date())
    day = form.cleaned_data["day"] if request.GET.get("day") and form.is_valid() else None
    since, before = now, now + policy.HORIZON + timedelta(days=366)
    if day is not None:
        starts, before = staff_queries.bounds(clinic, day)
        since = max(since, starts)
    page = queries.failed(clinic, since=since, before=before, after=request.GET.get("after", "")[:80])
    note_listed(
        clinic=clinic,
        patient_ids=sorted({one.appointment.patient_id for one in page.rows}),
        page=SeenIn.REMINDERS,
        actor=request.user,
        now=now,
    )
    context = {
        "form": form,
        "day": day,
        "rows": [
            {"appointment": one.appointment, "line": one.line, "what_to_do": _advice(one)}
            for one in page.rows
        ],
        "after": page.after,
        "is_first": "after" not in request.GET,
    }
    return render(request, "booking/staff/reminders.html", context)


def _advice(one: queries.Failed) -> str:
    if not one.appointment.patient.mobile:
        return _("There is no number: ask for it when the patient comes, or find it elsewhere.")
    if one.line.why is WhyNotSent.NUMBER:
        return _("Find the right number, and correct it in the contact details.")
    return _("Phone the patient.")
