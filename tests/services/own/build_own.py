"""A clinic with a GP, a secretary and a patient who reads what was done, and looks that staff take."""

import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.test import Client
from django.urls import reverse

from clinic_admin.choices import Role
from clinic_admin.models import Clinic, Provider, StaffMember
from identity.models import User
from patients.models import Patient
from tests.build import make_clinic, make_provider, make_staff_member
from tests.identity.build_codes import person
from tests.patients.build_sessions import sign_in
from tests.services.booking.build_booking import allow


@dataclass
class Place:
    """A clinic where Line Danser is on Magnard Koman's list."""

    clinic: Clinic
    gp: Provider
    doctor: StaffMember
    secretary: StaffMember
    patient: Patient

    def opens(self, name: str, *args: Any, by: StaffMember | None = None, **asked: str) -> Any:
        """Let the secretary, or somebody else, open a page of staff."""
        browser = Client()
        staff_in(browser, by or self.secretary)
        answer = browser.get(reverse(name, args=[self.clinic.portal_identifier, *args]), asked)
        assert answer.status_code == 200, answer.status_code
        return answer


def make_place(**values: Any) -> Place:
    """Store it."""
    clinic = make_clinic(**values)
    doctor = make_staff_member(clinic, Role.PROVIDER, name="Magnard Koman")
    gp = make_provider(clinic, name="Magnard Koman", initials="MK", staff_member=doctor)
    allow(gp)
    patient = person(clinic, 1, gp=gp)
    patient.clinic = clinic
    return Place(clinic, gp, doctor, make_staff_member(clinic, name="Siv Sekretær"), patient)


def staff_in(browser: Client, member: StaffMember) -> None:
    """Sign the browser in as somebody who works at the clinic, with both factors."""
    browser.force_login(member.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = browser.session
    session[settings.SECOND_FACTOR_MARK] = time.time()
    session.save()


def patient_in(browser: Client, patient: Patient, **how: Any) -> User:
    """Sign the browser in as the patient, in English."""
    browser.cookies["django_language"] = "en"
    user: User = sign_in(browser, patient, **how)
    return user


def page(browser: Client, clinic: Clinic, name: str, **asked: Any) -> Any:
    """Open one of the patient's own pages."""
    return browser.get(reverse(f"own:{name}", args=[clinic.portal_identifier]), asked)
