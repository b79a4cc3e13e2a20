"""What the demo's patients find when they ask who has seen or changed their data: some days of work at the clinic."""

from datetime import datetime, timedelta

from clinic_admin.models import Clinic, StaffMember
from identity.admin import traffic
from identity.by_code import sign_in as code_sign_in
from patients import operations as patients
from patients.choices import SeenIn
from patients.contact import operations as contact
from patients.models import Patient
from services.home import code_queries

_WRONG = "not-this-one"


def leave_traces(clinic: Clinic, known: dict[str, Patient], posts: list[StaffMember], now: datetime) -> None:
    """Let staff look at each of these patients in the days before `now`, and one correct a number."""
    for days, patient in enumerate(known.values(), start=1):
        for place, post in enumerate(posts[:3]):
            at = now - timedelta(days=days % 5 + place, hours=place)
            patients.note_listed(
                clinic=clinic, patient_ids=[patient.pk], page=SeenIn.LIST, actor=post.user, now=at
            )
            for minutes, part in enumerate(("general", "appointments", "portal")):
                patients.open_page(
                    clinic=clinic,
                    patient_id=patient.pk,
                    part=part,
                    actor=post.user,
                    now=at + timedelta(minutes=minutes),
                )
        if patient.email and posts:
            _correct(patient, posts[0], now - timedelta(days=6))


def _correct(patient: Patient, post: StaffMember, at: datetime) -> None:
    """Let someone at the clinic change the language of messages, and back a minute later."""
    for minutes, language in enumerate(("en", patient.language)):
        contact.change_contact(
            patient=patient,
            mobile=patient.mobile,
            email=patient.email,
            language=language,
            actor=post.user,
            now=at + timedelta(minutes=minutes),
        )


def leave_codes_unused(clinic: Clinic, now: datetime) -> None:
    """Let more codes have gone out than people wrote, and more sign-ins begun than usual, as both pages show it."""
    traffic.note(clinic.pk, now=now, tries=64, failures=23, sent=24, used=5)


def fail_to_sign_in(clinic: Clinic, patient: Patient, now: datetime) -> None:
    """Let somebody try the patient's number with a wrong password, two days before `now`."""
    at = now - timedelta(days=2)
    code_sign_in.begin(
        clinic=clinic,
        national_id_index=patient.national_id_index or "",
        password=_WRONG,
        recipient=code_queries.registered_recipient(patient, clinic),
        no_eid=patient.no_eid_at is not None,
        is_child=False,
        language=clinic.language,
        now=at,
        device={"browser": "Chrome", "system": "Windows"},
    )
