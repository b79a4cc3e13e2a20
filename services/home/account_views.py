"""Staff: a patient's account with password and code: create, send links, remove (B5, D6)."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic_admin.guards import StaffRequest, dangerous, staff_page
from identity.by_code import memberships
from identity.by_code.holders import Holder
from identity.by_code.memberships import MembershipRefused
from identity.choices import EidProof, LinkPurpose, MembershipRefusal
from patients import operations as patients
from patients import staff_queries
from patients.contact import operations as contact
from patients.models import Patient
from patients.operations import PatientRefused
from services.home import account_card, code_queries
from services.home.code_forms import AccountForm, NoEidForm


@staff_page
@dangerous(lambda sent: sent.get("act") == "no-eid")
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Do what was pressed on the patient's portal page, and lead back there."""
    patient = staff_queries.patient_of(clinic=request.clinic, patient_id=patient_id)
    if patient is None:
        raise Http404
    patient.clinic = request.clinic
    if request.method == "POST":
        acts = {
            "create": _create,
            "link": _link,
            "remove": _remove,
            "no-eid": _no_eid,
            "has-eid": _has_eid,
            "answers": _answers,
            "leave": _leave,
        }
        act = acts.get(request.POST.get("act", ""))
        if act is None:
            raise Http404
        try:
            answer = act(request, patient)
        except (MembershipRefused, PatientRefused) as refused:
            messages.warning(request, str(refused.message))
        else:
            if answer is not None:
                return answer
    return redirect("patients_staff:portal", request.clinic.portal_identifier, patient.pk)


def _create(request: StaffRequest, patient: Patient) -> HttpResponse | None:
    form, now = AccountForm(request.POST), timezone.now()
    if not form.is_valid():
        return _asked(request, patient, form)
    email = form.cleaned_data["email"]
    holder = _holder(request, patient, email)
    with transaction.atomic():
        contact.change_contact(
            patient=patient,
            mobile=patient.mobile,
            email=email,
            language=patient.language,
            actor=request.user,
            now=now,
        )
        memberships.create(
            clinic=request.clinic,
            holder=holder,
            patient_id=patient.pk,
            actor=request.staff_member.user,
            now=now,
        )
        patients.note_registered(patient=patient, actor=request.user, now=now)
    messages.success(request, _("The account is made. A link to choose a password is on its way by e-mail."))
    return None


def _holder(request: StaffRequest, patient: Patient, email: str = "") -> Holder:
    """Return who would get a link; where the record is not active it would open nothing. Raises MembershipRefused."""
    if not patient.is_active:
        raise MembershipRefused(MembershipRefusal.NOT_ACTIVE)
    holder = code_queries.holder_of(patient, request.clinic, email=email)
    if holder is None:
        raise Http404
    return holder


def _link(request: StaffRequest, patient: Patient) -> None:
    holder = _holder(request, patient)
    purpose = memberships.send_link(
        clinic=request.clinic,
        holder=holder,
        patient_id=patient.pk,
        actor=request.staff_member.user,
        now=timezone.now(),
    )
    done = (
        _("A link to choose a new password is on its way by e-mail. It works for half an hour.")
        if purpose is LinkPurpose.RESET
        else _("A new link is on its way by e-mail. The older one doesn't work any more.")
    )
    messages.success(request, done)


def _remove(request: StaffRequest, patient: Patient) -> HttpResponse | None:
    if "sure" not in request.POST:
        return _asked(request, patient, None)
    memberships.remove(
        clinic=request.clinic,
        national_id_index=patient.national_id_index or "",
        patient_id=patient.pk,
        actor=request.staff_member.user,
        now=timezone.now(),
    )
    messages.success(request, _("The account is removed here. The patient can still sign in with eID."))
    return None


def _no_eid(request: StaffRequest, patient: Patient) -> HttpResponse | None:
    form = NoEidForm(request.POST)
    if not form.is_valid():
        words = {
            "asked": patient,
            "card": account_card.card_of(patient, now=timezone.now(), no_eid_form=form),
        }
        return render(request, "home/staff/patient_account_page.html", words, status=422)
    patients.set_no_eid(
        patient=patient,
        proof=EidProof(form.cleaned_data["proof"]),
        actor=request.user,
        now=timezone.now(),
    )
    messages.success(request, _("Noted: no eID. The patient can sign in with password and code."))
    return None


def _has_eid(request: StaffRequest, patient: Patient) -> None:
    patients.set_no_eid(patient=patient, proof=None, actor=request.user, now=timezone.now())
    messages.success(request, _("The mark is gone. From now on the patient signs in with eID."))


def _answers(request: StaffRequest, patient: Patient) -> None:
    patients.set_wants_electronic_answers(
        patient=patient, wants=request.POST.get("wants") == "yes", actor=request.user, now=timezone.now()
    )
    messages.success(request, _("Saved."))


def _leave(request: StaffRequest, patient: Patient) -> HttpResponse | None:
    if "sure" not in request.POST:
        words = {
            "asked": patient,
            "card": account_card.card_of(patient, now=timezone.now()),
            "asks_to_leave": True,
        }
        return render(request, "home/staff/patient_account_page.html", words)
    patients.remove_from_portal(patient=patient, actor=request.user, now=timezone.now())
    messages.success(request, _("The patient is no longer registered at this clinic's portal."))
    return None


def _asked(request: StaffRequest, patient: Patient, form: AccountForm | None) -> HttpResponse:
    """Show the form again with what is wrong, or ask whether to remove the account."""
    words = {
        "asked": patient,
        "card": account_card.card_of(patient, now=timezone.now(), form=form),
        "asks_to_remove": form is None,
    }
    return render(request, "home/staff/patient_account_page.html", words, status=200 if form is None else 422)
