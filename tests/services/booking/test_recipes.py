"""The recipes of the administrators' guide, through the pages; then the patients concerned look."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import ProviderKind, Service
from identity.choices import Assurance
from services.access import queries as access
from tests.build import make_clinic, make_patient, make_provider
from tests.delegation.build_delegation import sign_in as sign_in_staff
from tests.patients.build_sessions import sign_in as sign_in_patient
from tests.services.booking.build_booking import make_slot
from tests.services.booking.build_staff import ahead

pytestmark = pytest.mark.django_db


class Office:
    """A clinic, its administrator at the pages, and its patients at theirs."""

    def __init__(self):
        self.clinic = make_clinic()
        self.koman = make_provider(self.clinic, name="Magnard Koman", position=1)
        self.sjef = make_provider(self.clinic, name="Sjef Lege", position=2)
        self.lent = self._helper("Konsu Lent", ProviderKind.LOCUM, 3)
        self.test = self._helper("Test Test", ProviderKind.INTERN, 4)
        self.danser = make_patient(self.clinic, gp=self.koman)
        self.duck = make_patient(self.clinic, gp=self.sjef)
        self.without = make_patient(self.clinic, gp=None)
        self.admin = Client()
        sign_in_staff(self.admin, self.clinic)
        self.clients = {}

    def _helper(self, name, kind, position):
        return make_provider(self.clinic, name=name, kind=kind, position=position, has_patient_list=False)

    def address(self, name, *args):
        return reverse(name, args=[self.clinic.portal_identifier, *args])

    def open(self, provider, *rights, column="with-gp"):
        """Services: tick rights in one column, and save (as often as asked)."""
        sent = {"allowed": "on", "with-gp-approval": "automatic", "without-gp-approval": "by-hand"}
        sent |= {f"{column}-{right}": "on" for right in rights}
        self._post("booking_admin:check_provider", "access_admin:provider", sent, provider.pk)

    def matrix(self, service, on=(), off=()):
        """Service matrix: switch these boxes of (row, provider); row None is everybody else."""
        page = self.admin.get(self.address("delegation_admin:matrix", service))
        boxes = {cell.key for row in page.context["grid"].rows for cell in row.cells if cell.is_ticked}
        key = "{}:{}".format
        boxes |= {key(row.pk if row else "others", provider.pk) for row, provider in on}
        boxes -= {key(row.pk if row else "others", provider.pk) for row, provider in off}
        sent = {"tick": sorted(boxes), "version": page.context["version"], "base": page.context["base"]}
        self._post("booking_admin:check_matrix", "delegation_admin:matrix", sent, service)

    def away(self, provider, first, last, **more):
        """Absences: who is away on which days."""
        sent = {"provider": provider.pk, "first_day": first.isoformat(), "last_day": last.isoformat(), **more}
        self._post("booking_admin:check_absence", "delegation_admin:absences", sent)

    def _post(self, check, save, sent, *args):
        """Press Save, and "Save all the same" where the page asks once more."""
        answer = self.admin.post(self.address(check, *args), sent, follow=True)
        assert answer.status_code == 200
        if answer.context.get("asks"):
            answer = self.admin.post(self.address(save, *args), sent, follow=True)
            assert answer.status_code == 200

    def offered(self, patient):
        """Return whom the booking page offers to the patient."""
        if patient.pk not in self.clients:
            self.clients[patient.pk] = Client()
            sign_in_patient(self.clients[patient.pk], patient)
        page = self.clients[patient.pk].get(self.address("booking:find"))
        assert page.status_code == 200
        return {one.choice.name for one in page.context["offer"].providers}

    def may(self, patient, service):
        day = timezone.now().astimezone(self.clinic.zone).date()
        choices = access.with_whom(patient=patient, service=service, assurance=Assurance.HIGH, day=day)
        return {choice.name for choice in choices}


@pytest.fixture
def office(db):
    return Office()


def test_in_a_new_clinic_nobody_may_do_anything(office):
    for patient in (office.danser, office.duck, office.without):
        assert office.offered(patient) == set()


def test_times_only_with_the_own_gp_the_locum_and_the_intern(office):
    office.open(office.koman, "booking", "cancelling")
    office.open(office.sjef, "booking")
    office.matrix(Service.BOOKING, on=[(office.koman, office.koman), (office.sjef, office.sjef)])
    assert office.offered(office.danser) == {"Magnard Koman"}
    office.matrix(Service.BOOKING, on=[(office.koman, office.lent), (office.koman, office.test)])
    assert office.offered(office.danser) == {"Magnard Koman", "Konsu Lent", "Test Test"}
    assert office.offered(office.duck) == {"Sjef Lege"}
    assert office.offered(office.without) == set()


def test_one_doctor_takes_all_urgent_times_this_week(office):
    office.open(office.koman, "booking")
    office.open(office.sjef, "booking")
    rows = [office.koman, office.sjef]
    office.matrix(Service.URGENT, on=[(row, office.koman) for row in rows])
    assert office.offered(office.duck) == {"Magnard Koman"}
    office.matrix(
        Service.URGENT,
        on=[(row, office.sjef) for row in rows],
        off=[(row, office.koman) for row in rows],
    )
    for patient in (office.danser, office.duck):
        assert office.offered(patient) == {"Sjef Lege"}


def test_the_intern_takes_urgent_times_and_everyone_without_a_gp(office):
    office.open(office.koman, "booking")
    office.open(office.sjef, "booking")
    office.open(office.test, "booking", "consultation", "renewal", column="without-gp")
    office.matrix(Service.URGENT, on=[(row, office.test) for row in (office.koman, office.sjef, None)])
    for service in (Service.BOOKING, Service.CONSULTATION, Service.RENEWAL):
        office.matrix(service, on=[(None, office.test)])
    for patient in (office.danser, office.duck, office.without):
        assert office.may(patient, Service.URGENT) == {"Test Test"}
    for service in Service:
        assert office.may(office.without, service) == {"Test Test"}
    assert office.may(office.danser, Service.BOOKING) == set()


def test_a_locum_covers_an_absence_in_every_service_and_afterwards_all_is_as_before(office):
    office.open(office.koman, "booking", "consultation", "renewal")
    for service in Service:
        office.matrix(service, on=[(office.koman, office.koman)])
    first, last = ahead(office.clinic, 1).date(), ahead(office.clinic, 3).date()
    for provider in (office.koman, office.lent):
        for days in (1, 3, 4):
            make_slot(provider, ahead(office.clinic, days, 9))
    office.away(office.koman, first, last, cover=office.lent.pk)

    def shown(provider):
        return [
            (window.first_day, window.last_day)
            for window in access.windows(
                patient=office.danser,
                services=[Service.BOOKING],
                assurance=Assurance.HIGH,
                first_day=first,
                last_day=last + timedelta(days=1),
            )
            if window.provider.provider_id == provider.pk
        ]

    assert shown(office.lent) == [(first, last)]
    assert shown(office.koman) == [(last + timedelta(days=1), last + timedelta(days=1))]
    assert office.offered(office.danser) == {"Magnard Koman", "Konsu Lent"}


def test_the_manual_way_works_as_well(office):
    office.open(office.koman, "booking")
    office.matrix(Service.BOOKING, on=[(office.koman, office.koman)])
    office.matrix(Service.BOOKING, on=[(office.koman, office.lent)], off=[(office.koman, office.koman)])
    assert office.offered(office.danser) == {"Konsu Lent"}
    office.matrix(Service.BOOKING, on=[(office.koman, office.koman)], off=[(office.koman, office.lent)])
    assert office.offered(office.danser) == {"Magnard Koman"}


def test_a_different_cover_for_one_service(office):
    office.open(office.koman, "booking", "renewal")
    for service in (Service.BOOKING, Service.RENEWAL):
        office.matrix(service, on=[(office.koman, office.koman)])
    today = ahead(office.clinic, 0).date()
    office.away(office.koman, today, today, cover=office.lent.pk, **{"cover-renewal": office.test.pk})
    assert office.may(office.danser, Service.BOOKING) == {"Konsu Lent"}
    assert office.may(office.danser, Service.RENEWAL) == {"Test Test"}


def test_a_right_taken_away_after_an_appointment_leaves_it_and_gives_no_new_one(office):
    office.open(office.koman, "booking")
    office.matrix(Service.BOOKING, on=[(office.koman, office.koman)])
    slot = make_slot(office.koman, ahead(office.clinic, 2, 9))
    assert office.offered(office.danser) == {"Magnard Koman"}
    form = office.clients[office.danser.pk].get(office.address("booking:book", slot.pk))
    key = str(form.context["form"].key)
    booked = office.clients[office.danser.pk].post(
        office.address("booking:book", slot.pk), {"form_key": key, "reason": "Kne"}
    )
    assert booked.status_code == 302
    office.open(office.koman)
    assert office.offered(office.danser) == set()
    appointment = office.danser.appointments.get()
    assert appointment.status == "booked", "approved at once, as the GP's column says"
