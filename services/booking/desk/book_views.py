"""Booking by hand: a time, a patient, and the question about rules that speak against it."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic_admin.guards import StaffRequest, staff_page
from patients.choices import SeenIn
from patients.models import Patient
from patients.operations import note_listed
from patients.search_form import SearchForm
from services.booking.desk import operations, queries
from services.booking.desk.forms import BookForm
from services.booking.desk.operations import RuleInTheWay
from services.booking.desk.origin import origin_of
from services.booking.desk.places import asked_place, asking_anew, parts
from services.booking.desk.queries import Place
from services.booking.models import Appointment, Slot
from services.booking.operations import BookingRefused
from services.booking.operations.telling import can_tell
from services.booking.staff.day import page_of


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def choose_patient(request: StaffRequest) -> HttpResponse:
    """Settle the time, if the address names none yet, and look for the patient."""
    now, origin = timezone.now(), origin_of(request.GET)
    asked = asked_place(request, now=now)
    if asked.place is None:
        wanted = {
            "form": asked.form,
            "keeps": origin.pairs,
            "back": origin.address(request.clinic, asked.day),
        }
        return render(request, "booking/desk/time.html", wanted, status=422 if asked.is_wrong else 200)
    today = now.astimezone(request.clinic.zone).date()
    sent = request.POST if request.method == "POST" else None
    form = SearchForm(sent, country=request.clinic.country, today=today, is_required=True)
    form.fields["q"].widget.attrs["autofocus"] = True  # nothing else is done on the page
    found = None
    if sent is not None and form.is_valid():
        found = queries.find_patients(clinic=request.clinic, wanted=form.wanted)
        note_listed(
            clinic=request.clinic,
            patient_ids=[one.pk for one in found],
            page=SeenIn.LIST,
            actor=request.user,
            now=now,
        )
    context: dict[str, Any] = {
        "form": form,
        "place": asked.place,
        "is_held": asked.place.is_held(now),
        "query": request.GET.urlencode(),
        "found": found,
        "is_all": found is not None and len(found) < queries.SHOWN_OF_SEARCH,
        "back": origin.address(request.clinic, asked.place.day),
    }
    return render(request, "booking/desk/patient.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def book(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Book the time for the patient; a rule that speaks against it is named and asked about once more."""
    now = timezone.now()
    patient = queries.patient_of(clinic=request.clinic, patient_id=patient_id)
    if patient is None:
        raise Http404
    place = asked_place(request, now=now).place
    if place is None:
        return redirect("desk:book", request.clinic.portal_identifier)
    if request.method != "POST":
        return _page(request, BookForm(), patient, place, done=queries.has_it(patient, place))
    form = BookForm(request.POST)
    if not form.is_valid():
        return _page(request, form, patient, place, status=422)
    try:
        done = operations.book(
            patient=patient,
            place=place,
            reason=form.cleaned_data["reason"],
            tells=form.cleaned_data["tells"],
            confirmed=form.put_aside.rules,
            known=form.put_aside.beside,
            form_key=form.key,
            actor=request.staff_member.user,
            now=now,
        )
    except RuleInTheWay as stopped:
        return _page(request, form, patient, place, status=422, stopped=stopped)
    except BookingRefused as refused:
        return _page(request, form, patient, place, status=422, refused=refused)
    is_told = form.cleaned_data["tells"] and can_tell(patient, done.starts_at, now=now)
    words = _("Booked. %(name)s is notified.") if is_told else _("Booked for %(name)s.")
    messages.success(request, words % {"name": patient.full_name})
    day = done.starts_at.astimezone(request.clinic.zone).date()
    return redirect(origin_of(request.GET).address(request.clinic, day, goal=done.pk))


def _nearest(request: StaffRequest, patient: Patient, place: Place) -> list[tuple[str, Slot]]:
    """Return other times of the provider, each with the address to which the same form is sent to book it."""
    page = reverse("desk:book_patient", args=[request.clinic.portal_identifier, patient.pk])
    kept = origin_of(request.GET).pairs
    return [
        (f"{page}?{urlencode([*kept, ('slot', slot.pk)])}", slot)
        for slot in queries.nearest_free(place, now=timezone.now())
    ]


def _page(
    request: StaffRequest,
    form: BookForm,
    patient: Patient,
    place: Place,
    *,
    status: int = 200,
    stopped: RuleInTheWay | None = None,
    refused: BookingRefused | None = None,
    done: Appointment | None = None,
) -> HttpResponse:
    query, origin = request.GET.urlencode(), origin_of(request.GET)
    context = {
        "form": form,
        "patient": patient,
        "place": place,
        "has_begun": place.starts_at <= timezone.now(),
        **asking_anew(form, stopped, patient, place),
        "refused": refused,
        "nearest": _nearest(request, patient, place) if refused or not (done or place.is_free) else (),
        "done": done and page_of(request.clinic, done.pk, origin.query),
        "other_patient": f"{reverse('desk:book', args=[request.clinic.portal_identifier])}?{query}",
        "back": origin.address(request.clinic, place.day, goal=done.pk if done else None),
        **parts(place),
    }
    return render(request, "booking/desk/book.html", context, status=status)
