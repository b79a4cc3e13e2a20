"""My children and proxies: for whom one can act, and who can act for oneself."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from patients.guardianship import acting, operations, queries
from patients.guardianship.acting import Choice
from patients.guardianship.choices import ActingRefusal, Kind
from patients.guardianship.queries import Acting
from patients.guards import PersonRequest, person_page


@person_page
@require_safe
def people(request: PersonRequest) -> HttpResponse:
    """Show for whom the person can act here, and who can act for them."""
    now, clinic = timezone.now(), request.clinic
    account = cast(Any, request.user).account
    has_eid = request.sign_in.assurance.is_eid
    if has_eid:
        acting.look_up_once(request, clinic, account, now=now)
    today = now.astimezone(clinic.zone).date()
    own = request.patient
    words = {
        "people": queries.people(clinic=clinic, adult=account, now=now) if has_eid else [],
        "guardians": queries.guardians_who_act(own, now=now) if own else [],
        "given": queries.proxies_given(request.patient, today=today) if request.patient else [],
        "has_eid": has_eid,
    }
    return render(request, "patients/people.html", words)


@person_page
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: PersonRequest) -> HttpResponse:
    """Act for the chosen patient from now on, if the right holds at this moment."""
    if request.method != "POST":
        return _to_people(request)
    now, clinic, user = timezone.now(), request.clinic, cast(Any, request.user)
    choice = _choice(request)
    patient, answer = acting.resolve(choice, clinic=clinic, account=user.account, now=now)
    if patient is None:
        raise Http404
    if not request.sign_in.assurance.is_eid:
        answer = ActingRefusal.NEEDS_EID
    if not isinstance(answer, Acting):
        messages.warning(request, str(answer.label))
        return _to_people(request)
    acting.remember(request, clinic, choice)
    rotate_token(request)  # a form that was opened for someone else can't be sent any more
    operations.note_started(patient=patient, acting=answer, actor=user, now=now)
    return redirect("home:start", clinic.portal_identifier)


@person_page
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: PersonRequest) -> HttpResponse:
    """Be oneself again. Ending twice is ending."""
    if request.method != "POST":
        return _to_people(request)
    now, clinic, user = timezone.now(), request.clinic, cast(Any, request.user)
    choice = acting.chosen(request, clinic)
    if choice is not None:
        patient, _answer = acting.resolve(choice, clinic=clinic, account=user.account, now=now)
        acting.forget(request)
        rotate_token(request)
        operations.note_stopped(
            clinic=clinic, patient_id=patient.pk if patient else None, actor=user, reason="by-choice", now=now
        )
    return redirect("home:start" if request.patient else "acting:people", clinic.portal_identifier)


@person_page
@require_http_methods(["GET", "HEAD", "POST"])
def end_proxy(request: PersonRequest) -> HttpResponse:
    """End a proxy that one has given or received."""
    if request.method != "POST":
        return _to_people(request)
    now, clinic, user = timezone.now(), request.clinic, cast(Any, request.user)
    proxy = queries.proxy_of(clinic=clinic, relation_id=_choice(request, kind=Kind.PROXY).relation_id)
    is_giver = proxy is not None and request.patient is not None and proxy.patient_id == request.patient.pk
    is_receiver = proxy is not None and proxy.receiver_index == user.account.national_id_index
    if proxy is None or not (is_giver or is_receiver):
        raise Http404
    why = "by-giver" if is_giver else "by-receiver"
    operations.end_proxy(clinic=clinic, relation_id=proxy.pk, actor=user, why=why, now=now)
    messages.success(request, _("The proxy has ended."))
    return _to_people(request)


def _choice(request: PersonRequest, *, kind: Kind | None = None) -> Choice:
    """Return which relation the form names; whose it is is asked of the database."""
    try:
        return Choice(kind or Kind(request.POST.get("kind", "")), UUID(request.POST.get("relation", "")))
    except ValueError:
        raise Http404 from None


def _to_people(request: PersonRequest) -> HttpResponse:
    return redirect("acting:people", request.clinic.portal_identifier)
