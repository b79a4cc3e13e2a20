"""Who comes in: pages of a clinic that anyone may see, and pages of its staff.

A guard declares the audience, checks it, and puts what it found on a typed request. Views under /<clinic>/ do not
take the identifier as an argument: the middleware has already put the clinic on the request.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from clinic_admin import queries
from clinic_admin.models import Clinic, StaffMember
from portal import proof
from portal.audience import Audience, declare


class ClinicRequest(HttpRequest):
    """A request for an address under /<clinic>/."""

    clinic: Clinic
    htmx: HtmxDetails


class StaffRequest(ClinicRequest):
    """A request by a signed-in staff member of that clinic."""

    staff_member: StaffMember
    posts: list[StaffMember]
    """All the person's posts, this one among them, by the clinics' names."""


View = Callable[..., HttpResponse]
SAFE = frozenset({"GET", "HEAD"})


def clinic_page(view: View) -> View:
    """Let everyone in, signed in or not, also while the clinic's portal is off."""

    @declare(Audience.PUBLIC)
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(cast(ClinicRequest, request), *args, **kwargs)

    return guarded


def staff_page(view: View) -> View:
    """Let in the clinic's active staff who signed in with both factors; to others the page does not exist."""
    return _staff_guard(view, Audience.STAFF)


def admin_page(view: View) -> View:
    """Let all of the clinic's staff look at a setting, and only its administrators save it (000 §2.2)."""

    @wraps(view)
    def saving_is_for_administrators(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in SAFE and not request.staff_member.is_administrator:
            return render(request, "clinic_admin/read_only.html", status=403)
        return view(request, *args, **kwargs)

    return _staff_guard(saving_is_for_administrators, Audience.ADMINISTRATOR)


def dangerous(only_if: Callable[[QueryDict], bool] = lambda sent: True) -> Callable[[View], View]:
    """Save only when the second factor was shown within the last minutes, else ask for it first (F16).

    Stands below the guard that says whom the page is for. Looking at the page asks for nothing, and neither does a form
    for which `only_if` says no, because it leads to another look.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def proven(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            is_look = request.method in SAFE or not only_if(request.POST)
            question = None if is_look else proof.page_before(request)
            return question or view(request, *args, **kwargs)

        return proven

    return mark


def _staff_guard(view: View, audience: Audience) -> View:
    @declare(audience)
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        if not user.is_authenticated:
            return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': request.path})}")
        if user.kind != "staff":
            raise Http404
        if not proof.was_given(request):
            return HttpResponseRedirect(settings.SECOND_FACTOR_URL)
        staff_request = cast(StaffRequest, request)
        staff_request.posts = queries.posts_of(user.pk)
        post = next((one for one in staff_request.posts if one.clinic_id == staff_request.clinic.pk), None)
        if post is None:
            raise Http404
        staff_request.staff_member = post
        return view(staff_request, *args, **kwargs)

    return guarded
