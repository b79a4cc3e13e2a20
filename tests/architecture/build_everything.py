"""A clinic with one of everything that an address can name, and everyone who can open one."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from clinic_admin.choices import Role
from clinic_admin.models import Clinic, Closure, Provider, StaffMember
from identity.choices import Assurance, UserKind
from identity.models import LoginTransaction, ProviderLogout
from identity.national_id import make_synthetic
from portal import audit
from services.booking.choices import AppointmentStatus
from services.inbox.choices import ItemKind
from services.inbox.operations import open_item
from services.onboarding.models import NewStaff, SecondFactorReset
from services.registration.models import LoginRequest
from tests.build import make_clinic, make_patient, make_provider, make_staff_member, make_user
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_identity import provider_row
from tests.identity.build_saml import connect_saml
from tests.patients.build_sessions import sign_in
from tests.services.booking.build_booking import allow, make_absence, make_slot, make_template
from tests.services.booking.build_desk import make_block
from tests.services.booking.build_earlier import make_offer
from tests.services.booking.build_guests import make_guest
from tests.services.booking.build_release import make_draw_request
from tests.services.booking.build_staff import ahead, make_appointment
from tests.services.onboarding.build_onboarding import answers


@dataclass
class Place:
    """A clinic, and what its addresses hold."""

    clinic: Clinic
    gp: Provider
    patient: Any
    member: StaffMember
    named: dict[str, Any] = field(default_factory=dict)


def make_place() -> Place:
    """Store a clinic in full work."""
    clinic = make_clinic()
    gp = make_provider(clinic)
    locum = make_provider(clinic, has_patient_list=False)
    allow(gp)
    make_provider(clinic)
    patient = make_patient(clinic, gp=gp)
    patient.clinic = clinic
    admin, member = make_staff_member(clinic, Role.CLINIC_ADMINISTRATOR), make_staff_member(clinic)
    now, today = timezone.now(), timezone.now().date()
    waiting = make_appointment(make_slot(gp, ahead(clinic, 3)), patient)
    make_appointment(make_slot(gp, ahead(clinic, 4)), patient, status=AppointmentStatus.BOOKED)
    absence = make_absence(gp, today + timedelta(days=2), today + timedelta(days=5), locum)
    new = NewStaff.objects.create(
        clinic=clinic, started_by=admin.user, started_at=now, changed_at=now, told=answers(clinic)
    )
    reset = SecondFactorReset.objects.create(
        clinic=clinic,
        user=member.user,
        requested_by=admin.user,
        requested_at=now,
        expires_at=now + timedelta(days=1),
    )
    closure = Closure.objects.create(clinic=clinic, first_day=today, last_day=today)
    event = audit.record(
        action="clinic.changed", subject=clinic, actor=admin.user, now=now, before={}, after={}
    )
    provider_row(slug=f"bankid-{clinic.pk}").save()
    idp = connect_saml(clinic, slug=f"mitid-{clinic.pk}")
    sign_in = LoginTransaction.objects.create(
        provider=idp,
        clinic=clinic,
        state_hash=f"nobody-{clinic.pk}",
        nonce="n",
        code_verifier="v",
        required_assurance=Assurance.SUBSTANTIAL,
        created_at=now,
        expires_at=now + timedelta(minutes=15),
    )
    leaving = ProviderLogout.objects.create(
        provider=idp,
        clinic=clinic,
        request_id=f"_nobody-{clinic.pk}",
        name_id="nobody",
        created_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    asked = LoginRequest.objects.create(
        clinic=clinic,
        national_id=make_synthetic(clinic.country, today.replace(year=1980, day=1), serial=5),
        national_id_index=f"nobody-{clinic.pk}",
        given_name="Per",
        family_name="Spørsmål",
        email="per@x.example",
        language="nb",
        terms="1",
        is_proven=True,
        created_at=now,
    )
    item = open_item(
        clinic=clinic, kind=ItemKind.REGISTRATION, subject_id=asked.pk, who="Per Spørsmål", now=now
    )
    wish, offer = make_offer(gp, patient)
    passkey = Authenticator.objects.create(user=member.user, type="webauthn", data={"name": "Phone"})
    named = {
        "clinic": clinic.portal_identifier,
        "slot": make_slot(gp, ahead(clinic, 6)).pk,
        "appointment": waiting.pk,
        "appointment_id": waiting.pk,
        "patient_id": patient.pk,
        "absence_id": absence.pk,
        "block_id": make_block(gp).pk,
        "closure_id": closure.pk,
        "event_id": event.pk,
        "provider_id": gp.pk,
        "template_id": make_template(gp).pk,
        "new_staff_id": new.pk,
        "reset_id": reset.pk,
        "member_id": member.pk,
        "request_id": asked.pk,
        "item_id": item.pk,
        "passkey_id": passkey.pk,
        "guest_id": make_guest(gp).pk,
        "wish_id": wish.pk,
        "offer_id": offer.pk,
        "draw_request": make_draw_request(patient).pk,
        "word": "no-such-word",
        "part": "times",
        "provider": f"bankid-{clinic.pk}",
        "idp": idp.slug,
        "sign_in_id": sign_in.pk,
        "logout_id": leaving.pk,
        "session_id": uuid.uuid4(),
        "service": "booking",
        "language": "nb",
        "name": "role",
        "attempt": uuid.uuid4(),
        "kept_id": uuid.uuid4(),
        "token": "no-such-token",
        "frame": "public",
        "account": "AC1",
        "sid": "SM1",
        "realm": "bankid",
    }
    return Place(clinic, gp, patient, member, named)


def everyone(place: Place) -> dict[str, Client]:
    """Return a browser for everybody who might ask for a page, signed in at `place`."""
    browsers = {
        name: Client(raise_request_exception=False)
        for name in ("stranger", "patient", "assistant", "administrator", "one factor")
    }
    sign_in(browsers["patient"], place.patient)
    sign_in_staff(browsers["assistant"], place.clinic, Role.ASSISTANT)
    sign_in_staff(
        browsers["administrator"], place.clinic, Role.CLINIC_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR
    )
    post = make_staff_member(place.clinic, Role.CLINIC_ADMINISTRATOR, user=make_user(kind=UserKind.STAFF))
    browsers["one factor"].force_login(
        post.user, backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    return browsers
