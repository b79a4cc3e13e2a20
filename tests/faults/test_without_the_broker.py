"""Redis is gone: patients sign in, book and cancel all the same, and what is to be sent waits in Postgres."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country
from identity.choices import Assurance
from identity.models import Account
from notifications import wakeup
from notifications.choices import State
from notifications.models import OutboxMessage
from patients.models import Patient
from services.booking.choices import AppointmentStatus, SlotState
from services.booking.models import Appointment
from tests.broker import all_told
from tests.build import make_clinic, make_provider
from tests.identity import build_saml as saml
from tests.identity.build_identity import begin, come_back, connect, enter, record_for, running_idp
from tests.services.booking.build_booking import allow, make_slot

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY_THERE = "redis://localhost:1/0"


@pytest.fixture(autouse=True)
def asked_in_vain(settings, monkeypatch):
    """Take the broker away; count how often somebody asked it nevertheless."""
    settings.CELERY_BROKER_URL = NOBODY_THERE
    monkeypatch.setattr(wakeup._Broker, "silent_until", 0.0)
    asked, publish = [], wakeup._publish

    def counting(*task):
        asked.append(1)
        publish(*task)

    monkeypatch.setattr(wakeup, "_publish", counting)
    yield asked
    all_told()
    monkeypatch.undo()
    wakeup._Broker.silent_until = 0.0


def can_be_booked(clinic, patient):
    """Give the patient a GP with a free time tomorrow, and return that."""
    gp = make_provider(clinic)
    allow(gp)
    Patient.objects.filter(pk=patient.pk).update(gp=gp, registered_at=timezone.now())
    tomorrow = (timezone.now() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    while tomorrow.weekday() > 4:
        tomorrow += timedelta(days=1)
    return make_slot(gp, tomorrow)


def books_and_cancels(client, clinic, slot):
    def address(name, *more):
        return reverse(f"booking:{name}", args=[clinic.portal_identifier, *more])

    assert client.get(address("find")).status_code == 200
    form = {"reason": "Sore throat", "wants_reminder": "on", "form_key": str(uuid.uuid4())}
    booked = client.post(address("book", slot.pk), form)
    assert booked.status_code in {302, 303}, booked.content.decode()[:2000]
    appointment = Appointment.objects.get()
    slot.refresh_from_db()
    assert (appointment.status, slot.state) == (AppointmentStatus.BOOKED, SlotState.TAKEN)
    assert client.get(booked["Location"]).status_code == 200
    waiting = OutboxMessage.objects.filter(state=State.QUEUED)
    assert waiting.exists()
    assert client.post(address("cancel", appointment.pk)).status_code in {302, 303}
    appointment.refresh_from_db()
    assert appointment.status == AppointmentStatus.CANCELLED


def test_a_norwegian_patient_signs_in_with_eid_and_books(asked_in_vain):
    clinic = make_clinic()
    slot = can_be_booked(clinic, record_for(clinic))
    client = Client()
    with running_idp() as idp:
        connect(clinic, idp)
        begin(client, clinic)
        come_back(client, idp)
        entered = enter(client, clinic)
    assert entered.status_code in {302, 303}
    assert client.get(reverse("home:start", args=[clinic.portal_identifier])).status_code in {200, 302}
    assert client.session["sign_in"]["assurance"] == Assurance.HIGH
    assert Account.objects.count() == 1
    books_and_cancels(client, clinic, slot)
    all_told()
    assert asked_in_vain, "nobody asked the broker, so its being gone shows nothing"


def test_a_danish_patient_signs_in_with_saml_and_books(asked_in_vain):
    clinic = make_clinic(country=Country.DENMARK)
    slot = can_be_booked(clinic, record_for(clinic, saml.CPR))
    saml.connect_saml(clinic)
    client = Client()
    saml.come_back(client, saml.begin_saml(client, clinic))
    enter(client, clinic)
    assert client.session["sign_in"]["assurance"] >= Assurance.SUBSTANTIAL
    books_and_cancels(client, clinic, slot)
    all_told()
    assert asked_in_vain


def test_a_broker_that_is_gone_is_not_asked_by_every_request(asked_in_vain):
    """A line in the log once in a while, whatever a crowd does at 16:00."""
    for _ in range(20):
        wakeup.wake()
        all_told()
    assert len(asked_in_vain) == 1
