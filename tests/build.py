"""Plain builders of the register's rows for tests: everything has a sensible default, everything can be said."""

import itertools
import uuid
from typing import Any

from clinic_admin.choices import Country, ProviderKind, Role
from clinic_admin.models import Clinic, Provider, StaffMember
from identity.choices import UserKind
from identity.models import User
from patients.models import Patient
from portal import crypto

_count = itertools.count(1)


def make_clinic(**values: Any) -> Clinic:
    """Store an active Norwegian clinic."""
    number = next(_count)
    country = values.setdefault("country", Country.NORWAY)
    values.setdefault("name", f"Legekontor {number}")
    values.setdefault("portal_identifier", f"legekontor-{number}")
    values.setdefault("time_zone", Country(country).time_zone)
    values.setdefault("is_active", True)
    values.setdefault("phone", "+4722334455")
    return Clinic.objects.create(**values)


def make_user(**values: Any) -> User:
    """Store a staff login; kind="patient" gives a patient's."""
    kind = values.setdefault("kind", UserKind.STAFF)
    if kind == UserKind.STAFF:
        values.setdefault("email", f"staff{next(_count)}@clinic.example")
    values.setdefault("name", "Siv Sekretær")
    user = User(**values)
    user.set_unusable_password()
    user.save()
    return user


def make_staff_member(clinic: Clinic, *roles: Role, **values: Any) -> StaffMember:
    """Store a staff member, an assistant if no role is given."""
    values.setdefault("user", None)
    values["user"] = values["user"] or make_user()
    values.setdefault("name", values["user"].name)
    return StaffMember.objects.create(clinic=clinic, roles=list(roles) or [Role.ASSISTANT], **values)


def make_provider(clinic: Clinic, **values: Any) -> Provider:
    """Store a GP with a list and portal access."""
    number = next(_count)
    values.setdefault("name", f"Lege {number}")
    values.setdefault("initials", f"L{number}")
    values.setdefault("kind", ProviderKind.GP)
    values.setdefault("has_patient_list", True)
    values.setdefault("has_portal_access", True)
    return Provider.objects.create(clinic=clinic, **values)


def make_patient(clinic: Clinic, **values: Any) -> Patient:
    """Store an active patient with an (encrypted) national ID that belongs to nobody."""
    national_id = values.pop("national_id", f"test-{uuid.uuid4().hex[:12]}")
    values.setdefault("given_name", "Line")
    values.setdefault("family_name", "Danser")
    values.setdefault("mobile", "+4791234567")
    if national_id is not None:
        values["national_id"] = national_id
        values.setdefault(
            "national_id_index", crypto.blind_index(f"{clinic.country}:{national_id}", purpose="national-id")
        )
    return Patient.objects.create(clinic=clinic, **values)
