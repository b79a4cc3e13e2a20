"""Staff decide about requests from people without an account."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin.guards import StaffRequest, staff_page
from services.booking.desk.choices import Rule
from services.booking.desk.forms import PutAside
from services.booking.desk.origin import FROM_CALENDAR, origin_of
from services.booking.guests import operations, queries
from services.booking.guests.choices import GuestStatus, RefusedBecause
from services.booking.guests.forms import RefusalForm
from services.booking.guests.operations import GuestRefused
from services.booking.guests.story import history_of
from services.booking.models import GuestRequest
from services.booking.staff import decided
from services.booking.staff import queries as staff_queries


@dataclass(frozen=True, slots=True)
class _Decision:
    """What whoever pressed wants to have happened."""

    status: GuestStatus
    because: RefusedBecause | None = None

    def is_done(self, found: GuestRequest, request: StaffRequest) -> bool:
        """Return whether the one who asks has decided just so already."""
        return (
            found.decided_by_id == request.staff_member.user_id
            and found.status == self.status
            and found.refused_because == (self.because or "")
        )


@staff_page
@require_safe
def waiting(request: StaffRequest) -> HttpResponse:
    """List the requests that wait, oldest first, and those that were answered and are still kept."""
    counts = staff_queries.waiting_counts(request.clinic)
    context = {
        "guests": queries.waiting(clinic=request.clinic),
        "answered": queries.answered(clinic=request.clinic),
        "most": queries.PER_PAGE,
        "is_guests": True,
        "is_all": False,
        "is_mine": False,
        "request_count": counts.requests,
        "guest_count": counts.guests,
        "mine_count": staff_queries.waiting_for(request.staff_member),
    }
    return render(request, "booking/staff/guests.html", context)


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def guest_request(request: StaffRequest, guest_id: UUID) -> HttpResponse:
    """Show who asks for which time and why, whose record it is, and approve or refuse."""
    if request.method != "POST":
        return _page(request, guest_id, RefusalForm())
    act = {"approve": _approve, "refuse": _refuse}.get(request.POST.get("act", ""))
    if act is None:
        raise Http404
    return act(request, guest_id)


def _page(request: StaffRequest, guest_id: UUID, form: RefusalForm, status: int = 200) -> HttpResponse:
    clinic, now = request.clinic, timezone.now()
    guest = operations.open_request(
        clinic=clinic, request_id=guest_id, actor=request.staff_member.user, now=now
    )
    if guest is None:
        raise Http404
    record, waits = queries.record_of(guest, clinic), guest.status == GuestStatus.WAITING
    context = {
        "guest": guest,
        "form": form,
        "history": history_of(guest),
        "number": _number(guest.national_id or ""),
        "record": record,
        "waits": waits,
        "beside": queries.own_appointments(guest, record) if waits else [],
        "own_time": Rule.OWN_TIME,
        "has_passed": guest.starts_at <= now,
        "day": guest.starts_at.astimezone(clinic.zone).date(),
        "to_calendar": _calendar(request, guest),
    }
    return render(request, "booking/staff/guest.html", context, status=status)


def _approve(request: StaffRequest, guest_id: UUID) -> HttpResponse:
    put_aside = PutAside.of(request.POST)
    act = partial(operations.approve, confirmed=put_aside.rules, known=put_aside.beside)
    return _answer(request, guest_id, act, _Decision(GuestStatus.APPROVED))


def _refuse(request: StaffRequest, guest_id: UUID) -> HttpResponse:
    form = RefusalForm(request.POST)
    if not form.is_valid():
        return _page(request, guest_id, form, status=422)
    act = partial(operations.refuse, because=form.chosen)
    return _answer(request, guest_id, act, _Decision(GuestStatus.REFUSED, form.chosen))


def _answer(
    request: StaffRequest, guest_id: UUID, act: partial[GuestRequest], wanted: _Decision
) -> HttpResponse:
    now = timezone.now()
    try:
        guest = act(clinic=request.clinic, request_id=guest_id, actor=request.staff_member.user, now=now)
    except GuestRequest.DoesNotExist:
        raise Http404 from None
    except GuestRefused as refused:
        found: GuestRequest | None = refused.details.get("found")
        if found is None or not wanted.is_done(found, request):
            messages.warning(request, str(refused.message))  # the page says the rest
            return redirect(request.get_full_path())
        guest = found  # whoever pressed twice reads what the first press did
    messages.success(request, _told(guest, now))
    return redirect(
        _calendar(request, guest) or reverse("guests_staff:waiting", args=[request.clinic.portal_identifier])
    )


def _calendar(request: StaffRequest, guest: GuestRequest) -> str:
    """Return the day or week that one came from, at what became of the request; empty for who came from the list."""
    if FROM_CALENDAR not in request.GET:
        return ""
    day = guest.starts_at.astimezone(request.clinic.zone).date()
    return origin_of(request.GET).address(request.clinic, day, goal=guest.appointment_id)


def _number(digits: str) -> str:
    """Return the national ID as people of both countries write it: the birth date apart."""
    return f"{digits[:6]} {digits[6:]}"


def _told(guest: GuestRequest, now: datetime) -> str:
    return decided.outcome(
        guest.full_name,
        is_approved=guest.status == GuestStatus.APPROVED,
        has_passed=guest.starts_at <= now,
        is_told=True,  # by their mobile, which they have confirmed
    )
