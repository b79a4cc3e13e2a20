"""Staff see who waits for an earlier time, what was offered to whom, and who was passed over and why."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic_admin.guards import StaffRequest, staff_page
from patients.choices import SeenIn
from patients.operations import note_listed
from services.access import queries as access
from services.booking.earlier import queries, words


@staff_page
@require_safe
def waiting(request: StaffRequest) -> HttpResponse:
    """Show the line in its order, and the latest offers."""
    clinic = request.clinic
    wishes, offers = queries.waiting(clinic), queries.log(clinic)
    seen = {wish.patient_id for wish in wishes} | {offer.patient_id for offer in offers}
    for_nobody = queries.for_nobody(clinic)
    seen |= {one.wish.patient_id for time in for_nobody for one in time.passed}
    seen |= {one.wish.patient_id for offer in offers for one in offer.passed_over.all()}
    note_listed(
        clinic=clinic,
        patient_ids=sorted(seen),
        page=SeenIn.EARLIER,
        actor=request.user,
        now=timezone.now(),
    )
    names = {provider.pk: provider.name for provider in access.everyone(clinic)}
    context = {
        "wishes": [{"wish": wish, "suits": words.suits(wish, names)} for wish in wishes],
        "offers": offers,
        "for_nobody": for_nobody,
        "most": queries.PER_PAGE,
    }
    return render(request, "booking/staff/earlier.html", context)
