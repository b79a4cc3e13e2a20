"""Booking without an account: find a time, say who one is, confirm the mobile, wait for the clinic's answer."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_admin.guards import ClinicRequest
from identity import national_id
from identity.by_code import code_sender, code_stops
from portal import network_address, throttle
from portal.audience import signing_in_page
from portal.throttle import Limit
from services.booking import choosing, times
from services.booking.choices import BookingRefusal
from services.booking.guests import operations, policy, queries
from services.booking.guests.choices import GuestRefusal, GuestStatus
from services.booking.guests.forms import ConfirmForm, WishForm
from services.booking.guests.operations import GuestRefused, Wish
from services.booking.guests.queries import Considered
from services.booking.models import GuestRequest

PER_ADDRESS = Limit("guest-address", 10, timedelta(hours=1))
PER_PERSON = Limit("guest-person", 5, timedelta(days=1))
PER_MOBILE = Limit("guest-mobile", 5, timedelta(days=1))
PER_CLINIC = Limit("guest-clinic", 300, timedelta(days=1))
"""What the codes of people without an account may cost a clinic in a day, whatever happens."""
_REQUEST = "guest_request"
"""Session key: which request this browser made or opened."""

View = Callable[..., HttpResponse]


def guest_page(view: View) -> View:
    """Let everyone in where the clinic takes requests without an account; elsewhere the page does not exist."""

    @own_request_page
    @wraps(view)
    def guarded(request: ClinicRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.clinic.books_without_account:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def own_request_page(view: View) -> View:
    """Let everyone in: what was asked for can be seen and taken back also when the clinic takes no more requests."""

    @signing_in_page
    @wraps(view)
    def guarded(request: ClinicRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.clinic.is_active:
            return redirect("clinic_front", request.clinic.portal_identifier)
        response = view(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        return response

    return guarded


# -- find --------------------------------------------------------------------------------------------------
@guest_page
@require_safe
def find(request: ClinicRequest) -> HttpResponse:
    """Show whom anyone may ask for a time, and a week of free times."""
    clinic, now = request.clinic, timezone.now()
    context = choosing.words(
        request.GET,
        clinic=clinic,
        page=reverse("guests:find", args=[clinic.portal_identifier]),
        offer_of=partial(queries.offer, clinic=clinic),
        now=now,
    )
    if quiet := choosing.answer_quietly(request, context):
        return quiet
    if choosing.wants_part(request.htmx):
        return render(request, "booking/guests/find.html#offer", context)
    own = _own(request, now)
    more = {
        "stop": code_stops.of_clinic(clinic.pk, now=now),
        "waiting": own if own and own.status == GuestStatus.WAITING and own.starts_at > now else None,
    }
    return render(request, "booking/guests/find.html", context | more)


# -- ask ---------------------------------------------------------------------------------------------------
@guest_page
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: ClinicRequest, slot: int) -> HttpResponse:
    """Ask who it is and why, and send a code. Whose mobile is confirmed already only takes another time."""
    now = timezone.now()
    own = _own(request, now)
    if own is not None and own.confirmed_at is not None and own.status == GuestStatus.STARTED:
        return _choose(request, own, slot, now)
    if own is not None and own.status == GuestStatus.WAITING and own.slot_id == slot:
        return redirect(
            "guests:request", request.clinic.portal_identifier
        )  # it is not someone else who has it
    seen = queries.consider(clinic=request.clinic, slot_id=slot, now=now)
    if seen is None or seen.refusal is not None:
        return _gone(request, seen, now, status=404 if seen is None else 409)
    is_post = request.method == "POST"
    form = WishForm(
        request.POST if is_post else None,
        initial=_written(own),
        country=request.clinic.country,
        code_countries=request.clinic.code_countries,
    )
    if not form.is_valid():
        return _form_page(request, form, seen, status=422 if is_post else 200)
    if _too_many(request, form, now):
        form.add_error(None, _sentence(GuestRefusal.TOO_MANY))
        return _form_page(request, form, seen, status=429)
    try:
        started = operations.start(clinic=request.clinic, slot_id=slot, wish=_wish(request, form), now=now)
    except GuestRefused as refused:
        form.add_error(None, _sentence(refused.reason))
        return _form_page(request, form, seen, status=422)
    request.session[_REQUEST] = str(started.request_id)
    code_sender.send_message_soon(started.message_id)
    return redirect("guests:code", request.clinic.portal_identifier)


def _choose(request: ClinicRequest, own: GuestRequest, slot_id: int, now: datetime) -> HttpResponse:
    clinic = request.clinic
    seen = queries.consider(clinic=clinic, slot_id=slot_id, now=now)
    if request.method == "POST" and seen is not None:
        try:
            operations.choose(clinic=clinic, request_id=own.pk, slot_id=slot_id, now=now)
        except GuestRefused as refused:
            return _stopped(request, seen, refused.reason, now)
        return redirect("guests:request", clinic.portal_identifier)
    if seen is None or seen.refusal is not None:
        return _gone(request, seen, now, status=404 if seen is None else 409)
    return render(request, "booking/guests/choose.html", {"seen": seen, "guest": own})


# -- confirm -----------------------------------------------------------------------------------------------
@guest_page
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: ClinicRequest) -> HttpResponse:
    """Ask for the code. The right one takes the time; a time lost meanwhile loses nothing that was written."""
    clinic, now = request.clinic, timezone.now()
    own = _own(request, now)
    if own is None:
        return redirect("guests:find", clinic.portal_identifier)
    if own.status != GuestStatus.STARTED:
        return redirect("guests:request", clinic.portal_identifier)
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _code_page(request, form, own, now, status=422 if form.is_bound else 200)
    try:
        operations.confirm(clinic=clinic, request_id=own.pk, code=form.cleaned_data["code"], now=now)
    except GuestRefused as refused:
        if refused.reason in {GuestRefusal.WRONG_CODE, GuestRefusal.OVER}:
            form.add_error("code", str(refused.message))
            own.refresh_from_db()
            return _code_page(request, form, own, now, status=422)
        seen = queries.consider(clinic=clinic, slot_id=own.slot_id or 0, now=now)
        return _stopped(request, seen, refused.reason, now)
    return redirect("guests:request", clinic.portal_identifier)


@guest_page
@require_POST
def again(request: ClinicRequest) -> HttpResponse:
    """Send another code; the older one is worth nothing from then on."""
    clinic, now = request.clinic, timezone.now()
    own = _own(request, now)
    if own is None:
        return redirect("guests:find", clinic.portal_identifier)
    if throttle.is_exceeded(PER_CLINIC, key=str(clinic.pk), now=now):
        messages.warning(request, _sentence(GuestRefusal.TOO_MANY))
        return redirect("guests:code", clinic.portal_identifier)
    try:
        started = operations.send_again(clinic=clinic, request_id=own.pk, now=now)
    except GuestRefused as refused:
        messages.warning(request, _sentence(refused.reason))
    else:
        code_sender.send_message_soon(started.message_id)
        messages.success(request, _("A new code is on its way by SMS. The older one does not work any more."))
    return redirect("guests:code", clinic.portal_identifier)


# -- the request -------------------------------------------------------------------------------------------
@own_request_page
@require_http_methods(["GET", "HEAD", "POST"])
def request_page(request: ClinicRequest) -> HttpResponse:
    """Show how the request stands, and let the person take it back while it waits."""
    clinic, now = request.clinic, timezone.now()
    own = _own(request, now)
    if own is None:
        return redirect("guests:find", clinic.portal_identifier)
    if own.status == GuestStatus.STARTED:
        return redirect("guests:code", clinic.portal_identifier)
    if request.method == "POST":
        try:
            operations.withdraw(clinic=clinic, request_id=own.pk, now=now)
        except GuestRefused as refused:
            messages.warning(request, _sentence(refused.reason))
        return redirect("guests:request", clinic.portal_identifier)
    context = {
        "guest": own,
        "is_over": own.starts_at <= now,
        "may_ask_again": policy.may_ask_again(because=own.refused_because) and clinic.books_without_account,
        "leads_to_sign_in": policy.leads_to_sign_in(because=own.refused_because),
    }
    return render(request, "booking/guests/request.html", context)


@own_request_page
@require_safe
def link(request: ClinicRequest, word: str) -> HttpResponse:
    """Take the word of a message out of the address, and show the request it leads to."""
    found = queries.request_by_word(clinic=request.clinic, word=word)
    if found is None:
        return redirect("guests:link_over", request.clinic.portal_identifier)
    request.session[_REQUEST] = str(found.pk)
    return redirect("guests:request", request.clinic.portal_identifier)


@own_request_page
@require_safe
def link_over(request: ClinicRequest) -> HttpResponse:
    """Say that the link is over, at an address without its word."""
    return render(request, "booking/guests/link_over.html", status=404)


# -- parts -------------------------------------------------------------------------------------------------
def _own(request: ClinicRequest, now: datetime) -> GuestRequest | None:
    """Return the request of this browser at this clinic, unless it was begun too long ago."""
    try:
        wanted = UUID(str(request.session.get(_REQUEST, "")))
    except ValueError:
        return None
    own = queries.request_of(clinic=request.clinic, request_id=wanted)
    if own is None:
        return None
    is_open = policy.is_open(status=own.status, created_at=own.created_at, now=now)
    return own if is_open or own.status != GuestStatus.STARTED else None


def _written(own: GuestRequest | None) -> dict[str, str]:
    """Return what the person wrote before going back from the page of the code; never the national ID."""
    if own is None or own.status != GuestStatus.STARTED:
        return {}
    return {name: getattr(own, name) for name in ("given_name", "family_name", "mobile", "reason")}


def _wish(request: ClinicRequest, form: WishForm) -> Wish:
    values = form.cleaned_data
    return Wish(
        number=values["number"],
        given_name=values["given_name"],
        family_name=values["family_name"],
        mobile=values["mobile"],
        reason=values["reason"],
        language=get_language() or request.clinic.language,
    )


def _too_many(request: ClinicRequest, form: WishForm, now: datetime) -> bool:
    """Count the attempt everywhere, and return whether it is one too many anywhere."""
    address, clinic = network_address.of(request), request.clinic.pk
    counted = (
        (PER_PERSON, f"{clinic}:{national_id.index(form.cleaned_data['number'])}"),
        (PER_MOBILE, form.cleaned_data["mobile"]),
        (PER_CLINIC, str(clinic)),
    )
    exceeded = [throttle.is_exceeded(limit, key=key, now=now) for limit, key in counted]
    exceeded.append(throttle.is_exceeded_from(address, PER_ADDRESS, now=now))
    return any(exceeded)


def _sentence(reason: Any) -> str:
    return f"{reason.label} {reason.next_step.label}."


def _form_page(request: ClinicRequest, form: WishForm, seen: Considered, status: int) -> HttpResponse:
    return render(request, "booking/guests/ask.html", {"form": form, "seen": seen}, status=status)


def _code_page(
    request: ClinicRequest, form: ConfirmForm, own: GuestRequest, now: datetime, status: int
) -> HttpResponse:
    late = policy.refuse_code(
        status=own.status, sent_at=own.code_sent_at, tries_left=own.code_tries_left, now=now
    )
    context = {
        "form": form,
        "guest": own,
        "is_over": late is not None,
        "minutes": policy.CODE_LASTS // timedelta(minutes=1),
        "may_ask_again": own.codes_sent < policy.MOST_CODES,
    }
    return render(request, "booking/guests/code.html", context, status=status)


def _gone(request: ClinicRequest, seen: Considered | None, now: datetime, status: int) -> HttpResponse:
    refusal = (seen.refusal if seen else None) or BookingRefusal.NOT_OFFERED
    return _nearest_page(request, seen, refusal, now, status)


def _stopped(request: ClinicRequest, seen: Considered | None, reason: Any, now: datetime) -> HttpResponse:
    """Say what stopped a confirmed request; what was written is kept, and another time is one press away."""
    return _nearest_page(request, seen, reason, now, 422)


def _nearest_page(
    request: ClinicRequest, seen: Considered | None, refusal: Any, now: datetime, status: int
) -> HttpResponse:
    clinic = request.clinic
    page = reverse("guests:find", args=[clinic.portal_identifier])
    own = _own(request, now)
    found = queries.nearest(
        clinic=clinic,
        to=max(seen.slot.starts_at, now) if seen else now,
        provider_id=seen.slot.provider_id if seen else None,
        now=now,
    )
    context = {
        "refusal": refusal,
        "seen": seen,
        "is_confirmed": own is not None and own.status == GuestStatus.STARTED and bool(own.confirmed_at),
        "nearest": []
        if refusal == GuestRefusal.TWO_WAIT
        else [
            {"slot": slot, "look": times.choice_of(slot, zone=clinic.zone, page=page, names_provider=True)}
            for slot in found
        ],
    }
    return render(request, "booking/guests/gone.html", context, status=status)
