"""Fills the demo's clinics in through the product's own operations, so that the demo obeys the rules it shows."""

import random
import secrets
import uuid
from base64 import b32encode
from dataclasses import replace
from datetime import datetime, time, timedelta

from django.db import transaction

from clinic_admin import operations as register
from clinic_admin import queries as clinics
from clinic_admin.choices import Role, Service
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic, Provider, StaffMember
from clinic_admin.policy import OpenPeriod
from delegation import operations as delegation
from delegation.policy import Tick
from identity import operations as identity
from identity.by_code import child_memberships, memberships, passwords
from identity.choices import Assurance, EidProof
from identity.demo_idp import setup as demo_idp
from identity.demo_idp.people import PEOPLE, Person
from identity.models import User
from patients import operations as patients
from patients.models import Patient
from patients.synthetic import invented_people
from portal import audit
from services.access import operations as access
from services.access.choices import Approval, Column
from services.access.policy import Rights, SpecialRights
from services.booking import free_times
from services.booking import operations as booking
from services.booking.free_times import FreeSlot
from services.booking.policy import overlap
from services.booking.weekly import operations as template_operations
from services.booking.weekly.policy import WeekBlock
from services.home import code_queries
from services.home.demo import desk, draws, earlier, families, guests, insight, records, reminders, waiting
from services.home.demo.clinics import CLINICS, PASSWORD, PATIENT_PASSWORD, DemoClinic, DemoProvider
from services.home.demo.reasons import REASONS
from services.onboarding import leaving_operations as leaving
from services.onboarding.leaver import Who

SEED = 20
BOOKED_PEOPLE = 36
DAYS_BOOKED = timedelta(days=10)


def fill(now: datetime) -> list[Clinic]:
    """Make the demo's clinics that are not there yet and return them. What exists is left as it is.

    Only the demo's identity providers are connected anew each time: their address follows the portal's.
    """
    made = []
    for demo in CLINICS:
        clinic = clinics.clinic_by_identifier(demo.identifier)
        if clinic is None:
            clinic = _make(demo, now)
            made.append(clinic)
        demo_idp.connect(clinic, now=now)
        _password(demo, clinic, now)
        _child(clinic, now)
    families.load(now)
    return made


def _password(demo: DemoClinic, clinic: Clinic, now: datetime) -> None:
    """Give one of the clinic's people an account with password, once; the demo shows the password."""
    people = [person for person in PEOPLE if person.full_name == demo.person_with_password]
    for name, patient in records.known(clinic, people).items():
        holder = code_queries.holder_of(patient, clinic)
        index = patient.national_id_index or ""
        if patient.no_eid_at is None and rules_of(clinic.country).codes_need_reason:
            patients.set_no_eid(patient=patient, proof=EidProof.PAPERS, actor=audit.SYSTEM, now=now)
        if holder and name and not memberships.membership_of(clinic=clinic, national_id_index=index):
            memberships.set_up_for_demo(clinic=clinic, holder=holder, password=PATIENT_PASSWORD, now=now)
            insight.fail_to_sign_in(clinic, patient, now)


def _child(clinic: Clinic, now: datetime) -> None:
    """Give the demo's Danish children a sign-in of their own, as a guardian would have made it."""
    if not rules_of(clinic.country).child_signs_in:
        return
    own = [person for person in PEOPLE if person.country == clinic.country]
    people = [person for person in own if person.full_name in families.CHILDREN]
    for patient in records.known(clinic, people).values():
        holder = code_queries.holder_of(patient, clinic)
        if holder is not None:
            hashed = passwords.hashed(PATIENT_PASSWORD)
            child_memberships.make(clinic=clinic, holder=holder, password=hashed, terms="demo", now=now)


@transaction.atomic
def _make(demo: DemoClinic, now: datetime) -> Clinic:
    """Make one clinic whole: cut off in the middle it leaves nothing behind."""
    clinic = _open_clinic(demo, now)
    posts = _staff(demo, clinic, now)
    administrator = next(post.user for post in posts.values() if post.is_administrator)
    providers = {one.initials: _provider(one, clinic, posts, now) for one in demo.providers}
    for one in demo.providers:
        _rights(one, clinic, providers[one.initials], administrator, now)
    _matrix(demo, clinic, providers, administrator, now)
    known = _patients(demo, clinic, providers, now)
    for one in demo.providers:
        _calendar(one, clinic, providers[one.initials], name=demo.calendar_name, actor=administrator, now=now)
    _appointments(clinic, known, now)
    first = next(iter(providers.values()))
    desk.load(clinic, first, records.some_with_gp(clinic, 2), administrator, now)
    guests.load(clinic, now)
    earlier.load(clinic, known, now)
    draws.load(clinic, administrator, now)
    desk.say_who_came(clinic, administrator, now)
    reminders.load(clinic, now)
    families.give_proxy(clinic, known, actor=administrator, now=now)
    insight.leave_traces(clinic, known, list(posts.values()), now)
    waiting.say(known, now)
    waiting.ask(clinic, now)
    if demo.code_countries:
        insight.leave_codes_unused(clinic, now)
    _leaving(demo, clinic, providers, posts, now)
    return clinic


def _open_clinic(demo: DemoClinic, now: datetime) -> Clinic:
    clinic = register.create_clinic(
        name=demo.name,
        portal_identifier=demo.identifier,
        country=demo.country,
        is_active=True,
        street=demo.street,
        postcode=demo.postcode,
        city=demo.city,
        phone=demo.phone,
        email=demo.email,
        out_of_hours_phone=demo.out_of_hours_phone,
        actor=audit.SYSTEM,
        now=now,
    )
    settings = replace(
        clinics.settings_of(clinic),
        self_registration=demo.self_registration,
        books_without_account=demo.books_without_account,
        draws_urgent=demo.draws_urgent,
        sms_ore=demo.sms_ore,
        code_countries=list(demo.code_countries),
    )
    register.change_settings(clinic=clinic, settings=settings, seen=None, actor=audit.SYSTEM, now=now)
    week = [OpenPeriod(weekday, demo.opens, demo.closes) for weekday in "01234"]
    register.set_opening_hours(clinic=clinic, periods=week, actor=audit.SYSTEM, now=now)
    return clinic


def _staff(demo: DemoClinic, clinic: Clinic, now: datetime) -> dict[str, StaffMember]:
    """Return e-mail -> post. Everyone has the demo's password and a code app whose codes the demo shows."""
    posts = {}
    for one in demo.staff:
        user = identity.create_staff_user(
            email=one.email, name=one.name, password=PASSWORD, actor=audit.SYSTEM, now=now
        )
        identity.set_totp(user, b32encode(secrets.token_bytes(20)).decode(), actor=audit.SYSTEM, now=now)
        posts[one.email] = register.add_staff_member(
            clinic=clinic, user=user, roles=[Role(role) for role in one.roles], actor=audit.SYSTEM, now=now
        )
    return posts


def _provider(one: DemoProvider, clinic: Clinic, posts: dict[str, StaffMember], now: datetime) -> Provider:
    return register.add_provider(
        clinic=clinic,
        name=one.name,
        initials=one.initials,
        kind=one.kind,
        has_patient_list=one.has_list,
        has_portal_access=one.has_access,
        staff_member=posts.get(one.staff_email),
        actor=audit.SYSTEM,
        now=now,
    )


def _rights(one: DemoProvider, clinic: Clinic, provider: Provider, actor: User, now: datetime) -> None:
    for column, approval in ((Column.WITH_GP, one.with_gp), (Column.WITHOUT_GP, one.without_gp)):
        if approval is not None:
            access.set_provider_rights(
                clinic=clinic,
                provider_id=provider.pk,
                column=column,
                rights=Rights(
                    renewal=True,
                    consultation=True,
                    booking=True,
                    approval=Approval(approval),
                    cancelling=True,
                ),
                actor=actor,
                now=now,
            )


def _leaving(
    demo: DemoClinic,
    clinic: Clinic,
    providers: dict[str, Provider],
    posts: dict[str, StaffMember],
    now: datetime,
) -> None:
    """Decide that a provider without a login leaves one day, where the demo has one."""
    if demo.leaves is None:
        return
    who, successor, days = demo.leaves
    leaving.decide(
        clinic=clinic,
        who=Who(provider_id=providers[who].pk),
        last_day=now.astimezone(clinic.zone).date() + timedelta(days=days),
        successor_id=providers[successor].pk,
        actor=next(post for post in posts.values() if post.is_administrator),
        now=now,
    )


def _matrix(
    demo: DemoClinic, clinic: Clinic, providers: dict[str, Provider], actor: User, now: datetime
) -> None:
    for version, service in enumerate(Service):
        ticks = {
            Tick(service, providers[row].pk if row else None, providers[column].pk)
            for ticked, row, column in demo.ticks
            if ticked == service
        }
        delegation.save_matrix(
            clinic=clinic, service=service, ticks=ticks, version=version, actor=actor, now=now
        )


def _patients(
    demo: DemoClinic, clinic: Clinic, providers: dict[str, Provider], now: datetime
) -> dict[str, Patient]:
    """Import the crowd and the people one can be; return the latter by full name."""
    lists = [one.initials for one in demo.providers if one.has_list]
    crowd = invented_people(demo.country, demo.patients - len(PEOPLE), seed=SEED, gps=lists)
    own = [person for person in PEOPLE if person.country == demo.country]
    recorded = [row for one in own if (row := records.of_person(one, clinic)) is not None]
    records.store(clinic, [*recorded, *crowd], now=now)
    known = records.known(clinic, own)
    for patient in known.values():
        patients.note_registered(patient=patient, actor=audit.SYSTEM, now=now)
    for person in own:
        _peculiarities(person, known, now)
    return known


def _peculiarities(person: Person, known: dict[str, Patient], now: datetime) -> None:
    if person.full_name == "Mikkel Mus":
        access.set_special_rights(
            patient=known[person.full_name], special=SpecialRights(booking=False), actor=audit.SYSTEM, now=now
        )


def _calendar(
    one: DemoProvider, clinic: Clinic, provider: Provider, *, name: str, actor: User, now: datetime
) -> None:
    today = now.astimezone(clinic.zone).date()
    blocks = [
        WeekBlock(int(weekday), time.fromisoformat(start), time.fromisoformat(end), minutes, kind)
        for weekdays, start, end, minutes, kind in one.week
        for weekday in weekdays
    ]
    template_operations.save_template(
        clinic=clinic,
        provider=provider,
        name=name,
        valid_from=today - timedelta(days=today.weekday()),
        valid_until=None,
        blocks=blocks,
        actor=actor,
        now=now,
    )


def _appointments(clinic: Clinic, known: dict[str, Patient], now: datetime) -> None:
    """Let some patients book in the coming days, as they would themselves."""
    chance = random.Random(SEED)  # noqa: S311  the demo is the same everywhere
    for patient in records.some_with_gp(clinic, BOOKED_PEOPLE):
        _book(patient, chance, now)
    for name in ("Line Danser", "Donald Andersen", "Søren Østergaard", "Mette Æbelø"):
        if name in known:
            _book(known[name], chance, now, beside_others=True)


def _book(patient: Patient, chance: random.Random, now: datetime, *, beside_others: bool = False) -> None:
    """Let the patient book; `beside_others` one of the times at which somebody else is free as well, if there is one.

    That other time then says that the patient is busy.
    """
    today = now.astimezone(patient.clinic.zone).date()
    free = free_times.free_slots(
        patient=patient, assurance=Assurance.HIGH, first_day=today, last_day=today + DAYS_BOOKED, now=now
    )
    if not free:
        return
    if beside_others:
        free = [one for one in free if any(_competes(one, other) for other in free)] or free
    booking.book(
        patient=patient,
        slot_id=chance.choice(free).slot_id,
        reason=chance.choice(REASONS[patient.clinic.country]),
        wants_reminder=chance.random() < 0.5,
        form_key=uuid.uuid4(),
        assurance=Assurance.HIGH,
        actor=records.login_of(patient, now),
        now=now,
    )


def _competes(one: FreeSlot, other: FreeSlot) -> bool:
    """Return whether a patient can have only one of these two, which are with different people."""
    return one.provider_id != other.provider_id and overlap(one, other)
