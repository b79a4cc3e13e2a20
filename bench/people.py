"""A clinic with doctors who can be booked and patients who are signed in, made in few statements."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import time as time_now

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from django.utils.crypto import get_random_string

from bench import load
from clinic_admin.choices import Country, ProviderKind, Role, Service
from clinic_admin.models import Clinic, Provider, StaffMember
from delegation.models import MatrixTick
from identity import sessions
from identity.choices import Assurance, Method, UserKind
from identity.models import Account, User
from identity.operations import PATIENT_BACKEND
from identity.session import clock as session_clock
from identity.sessions import SignIn
from patients.models import Patient
from portal import crypto
from services.access.choices import Approval, Column
from services.access.models import ProviderRights
from services.booking.choices import SlotKind, SlotState
from services.booking.models import Slot

STAFF_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
TOKEN = "b" * 32
"""What stands in the cookie and in the form against forged posts."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A patient with a session."""

    patient: Patient
    user: User
    cookies: str


@dataclass(frozen=True, slots=True)
class Practice:
    """A clinic, its providers, and the patients on their lists."""

    clinic: Clinic
    providers: tuple[Provider, ...]
    guests: tuple[Guest, ...]

    def booking(self, guest: Guest, slot_id: int, *, form_key: str = "", in_place: bool = False) -> bytes:
        """Return the request by which the guest books the slot; `in_place` as the page's script sends it."""
        return self._wish(guest, f"book/{slot_id}/", form_key, in_place=in_place)

    def any_urgent(self, guest: Guest, *, form_key: str = "", in_place: bool = False) -> bytes:
        """Return the request by which the guest takes the first free urgent time."""
        return self._wish(guest, "book/first-urgent/", form_key, in_place=in_place)

    def _wish(self, guest: Guest, path: str, form_key: str, *, in_place: bool) -> bytes:
        fields = {
            "reason": "Sore throat",
            "wants_reminder": "on",
            "form_key": form_key or str(uuid.uuid4()),
            "csrfmiddlewaretoken": TOKEN,
        }
        where = f"/{self.clinic.portal_identifier}/{path}"
        return load.post(where, fields, cookies=guest.cookies, in_place=in_place)

    def page(self, guest: Guest, path: str, *, in_place: bool = False) -> bytes:
        """Return the request for one of the clinic's pages, as in "start/", or for a part of one."""
        return load.get(f"/{self.clinic.portal_identifier}/{path}", cookies=guest.cookies, in_place=in_place)


def make_practice(*, providers: int, patients: int, name: str = "bench") -> Practice:
    """Store a practice whose urgent times come out at midnight, and open a session for every patient."""
    clinic = Clinic.objects.create(
        name=name.title(),
        portal_identifier=name,
        country=Country.NORWAY,
        time_zone=Country.NORWAY.time_zone,
        is_active=True,
        phone="+4722334455",
        urgent_release_at=time(0),
    )
    staff = tuple(
        Provider.objects.bulk_create(
            Provider(
                clinic=clinic,
                name=f"Doctor {number}",
                initials=f"D{number}",
                kind=ProviderKind.GP,
                has_patient_list=True,
                has_portal_access=True,
            )
            for number in range(providers)
        )
    )
    _allow(clinic, staff)
    return Practice(clinic, staff, _guests(clinic, staff, patients))


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody of the staff who may change settings, and a client that is signed in as them."""

    post: StaffMember
    client: Client


def make_administrator(clinic: Clinic) -> Administrator:
    """Store an administrator of the clinic and sign them in with both factors."""
    email = f"{get_random_string(12).lower()}@{clinic.portal_identifier}.example"
    user = User.objects.create(kind=UserKind.STAFF, name="Arne Oppsett", email=email)
    post = StaffMember.objects.create(
        clinic=clinic, user=user, name=user.name, roles=[Role.CLINIC_ADMINISTRATOR]
    )
    client = Client()
    client.force_login(user, backend=STAFF_BACKEND)
    session = client.session
    session[settings.SECOND_FACTOR_MARK] = time_now()
    session.save()
    return Administrator(post, client)


def make_user(name: str) -> User:
    """Store somebody who signs in as a patient."""
    user = User(kind=UserKind.PATIENT, name=name)
    user.set_unusable_password()
    user.save()
    return user


def _allow(clinic: Clinic, providers: Sequence[Provider]) -> None:
    ProviderRights.objects.bulk_create(
        ProviderRights(
            provider=provider, column=column, booking=True, cancelling=True, approval=Approval.AUTOMATIC
        )
        for provider in providers
        for column in Column
    )
    MatrixTick.objects.bulk_create(
        MatrixTick(clinic=clinic, service=service, row=row, provider=provider)
        for service in (Service.BOOKING, Service.URGENT)
        for row in providers
        for provider in providers
    )


def _guests(clinic: Clinic, providers: Sequence[Provider], number: int) -> tuple[Guest, ...]:
    now = timezone.now()
    people = [f"bench-{clinic.pk}-{one}" for one in range(number)]
    indexes = [crypto.blind_index(f"{clinic.country}:{one}", purpose="national-id") for one in people]
    users = [User(kind=UserKind.PATIENT, name="Line Danser") for _ in people]
    for user in users:
        user.set_unusable_password()
    User.objects.bulk_create(users)
    Account.objects.bulk_create(
        Account(user=user, country=clinic.country, national_id=one, national_id_index=index)
        for user, one, index in zip(users, people, indexes, strict=True)
    )
    patients = Patient.objects.bulk_create(
        Patient(
            clinic=clinic,
            national_id=one,
            national_id_index=index,
            birth_date=date(1980, 5, 17),
            given_name="Line",
            family_name="Danser",
            mobile="+4791234567",
            gp=providers[place % len(providers)],
        )
        for place, (one, index) in enumerate(zip(people, indexes, strict=True))
    )
    stored = [_session(user, now) for user in users]
    Session.objects.bulk_create(stored)
    UserSession.objects.bulk_create(
        UserSession(user=user, session_key=session.session_key, ip=load.HOST)
        for user, session in zip(users, stored, strict=True)
    )
    return tuple(
        Guest(
            patient,
            user,
            f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={TOKEN}",
        )
        for patient, user, session in zip(patients, users, stored, strict=True)
    )


def _session(user: User, now: datetime) -> Session:
    """Return what sign-in with eID leaves in the database."""
    request = HttpRequest()
    request.session = SessionStore()
    sessions.store(request, SignIn(method=Method.BANKID, assurance=Assurance.HIGH, at=now))
    session_clock.start(request, now)
    request.session[SESSION_KEY] = str(user.pk)
    request.session[BACKEND_SESSION_KEY] = PATIENT_BACKEND
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    return Session(
        session_key=get_random_string(32),
        session_data=request.session.encode(dict(request.session.items())),
        expire_date=now + timedelta(hours=4),
    )


def make_slots(
    practice: Practice,
    number: int,
    *,
    kind: SlotKind = SlotKind.PORTAL,
    hour: int = 8,
    minute: int = 0,
    days_ahead: int = 1,
) -> list[int]:
    """Store free slots of five minutes from then on (if nothing is said, tomorrow), spread over the providers.

    Return their ids.
    """
    first_day = timezone.now().astimezone(practice.clinic.zone).date() + timedelta(days=days_ahead)
    full_hour = datetime.combine(first_day, time(hour), tzinfo=practice.clinic.zone)
    begins = full_hour + timedelta(minutes=minute)
    each = [
        (
            practice.providers[place % len(practice.providers)],
            begins + timedelta(minutes=5) * (place // len(practice.providers)),
        )
        for place in range(number)
    ]
    made = Slot.objects.bulk_create(
        Slot(
            clinic=practice.clinic,
            provider=provider,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=5),
            day=starts_at.date(),
            kind=kind,
        )
        for provider, starts_at in each
    )
    return [slot.pk for slot in made]


_FILL = """
INSERT INTO booking_slot (clinic_id, provider_id, starts_at, ends_at, day, kind, state)
SELECT %s, provider, t, t + interval '20 minutes', (t AT TIME ZONE 'Europe/Oslo')::date, 'portal',
       CASE WHEN random() < 0.5 THEN %s ELSE %s END
FROM unnest(%s::bigint[]) AS provider, generate_series(%s::timestamptz, %s::timestamptz, interval '20 minutes') AS t
"""


def fill_slots(clinic: Clinic, provider_ids: Sequence[int], *, days: int, first_day: date) -> None:
    """Store slots around the clock for these providers, half of them taken: 72 a day and provider."""
    begins = datetime.combine(first_day, time(0), tzinfo=clinic.zone)
    ends = begins + timedelta(days=days) - timedelta(minutes=20)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [clinic.pk, SlotState.TAKEN, SlotState.FREE, list(provider_ids), begins, ends])
