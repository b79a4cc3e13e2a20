"""Closing a stretch of somebody's day, and opening it again."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from clinic_admin.guards import StaffRequest, staff_page
from services.booking.desk import operations, queries
from services.booking.desk.forms import BlockForm
from services.booking.desk.origin import origin_of
from services.booking.models import Block
from services.booking.operations import BookingRefused
from services.booking.staff.forms import DayForm


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def block(request: StaffRequest) -> HttpResponse:
    """Ask what to close and why, and close what is free of it."""
    now, clinic = timezone.now(), request.clinic
    today = now.astimezone(clinic.zone).date()
    shown = DayForm(request.GET, today=today)
    day = shown.cleaned_data["day"] if shown.is_valid() else today
    sent = request.POST if request.method == "POST" else None
    initial = {"day": day, "provider": request.GET.get("provider")}
    form = BlockForm(sent, providers=queries.providers(clinic), today=today, initial=initial)
    if sent is not None and form.is_valid():
        try:
            return _close(request, form)
        except BookingRefused as refused:
            form.add_error(None, str(refused.message))
    context = {"form": form, "back": origin_of(request.GET).address(clinic, day)}
    return render(request, "booking/desk/block.html", context, status=422 if form.errors else 200)


def _close(request: StaffRequest, form: BlockForm) -> HttpResponse:
    place = queries.free_place(clinic=request.clinic, **form.wanted())
    if place is None:
        raise Http404
    done = operations.block(
        clinic=request.clinic,
        place=place,
        reason=form.cleaned_data["reason"],
        actor=request.staff_member.user,
        now=timezone.now(),
    )
    messages.success(request, _("Blocked."))
    if done.taken:
        words = ngettext(
            "%(number)d appointment lies within it and stays. Move it if need be.",
            "%(number)d appointments lie within it and stay. Move them if need be.",
            done.taken,
        )
        messages.warning(request, words % {"number": done.taken})
    return redirect(origin_of(request.GET).address(request.clinic, place.day))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def blocked(request: StaffRequest, block_id: int) -> HttpResponse:
    """Show who closed it and why, and open it again."""
    clinic = request.clinic
    found = queries.block_of(clinic=clinic, block_id=block_id)
    if found is None:  # opened already, by a colleague or by a first press
        return render(request, "booking/desk/no_block.html", status=404)
    back = origin_of(request.GET).address(clinic, found.starts_at.astimezone(clinic.zone).date())
    if request.method != "POST":
        return render(request, "booking/desk/blocked.html", {"closed": found, "back": back})
    try:
        operations.unblock(
            clinic=clinic, block_id=block_id, actor=request.staff_member.user, now=timezone.now()
        )
    except Block.DoesNotExist:
        messages.info(request, _("Somebody has opened it already."))
    else:
        messages.success(request, _("The time is open again."))
    return redirect(back)
