"""Appointments with someone who is away then: moved to the cover, kept, or told of; and requests given to one person."""

import threading
import uuid
from datetime import UTC, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Service
from delegation import operations as delegation
from delegation import queries as delegation_queries
from delegation.choices import Topic
from delegation.models import Absence
from identity.choices import Assurance
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.access.choices import Approval
from services.booking import operations
from services.booking.absences import operations as absence_operations
from services.booking.absences import queries as absence_queries
from services.booking.choices import AppointmentStatus, SlotState
from services.booking.models import AbsenceAnswer, Appointment, Slot
from services.booking.operations import BookingRefused
from tests.build import make_clinic, make_patient, make_provider, make_staff_member, make_user
from tests.services.access.build_access import away
from tests.services.booking.build_booking import allow, make_slot
from tests.services.booking.build_staff import ahead, make_appointment, sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Magnard Koman", position=1)


@pytest.fixture
def lent(clinic):
    return make_provider(clinic, name="Konsu Lent", position=2)


@pytest.fixture
def booked(clinic, koman):
    danser = make_patient(clinic, gp=koman, given_name="Line", family_name="Danser", email="line@example.org")
    return make_appointment(
        make_slot(koman, ahead(clinic, 3, 9)), danser, status=AppointmentStatus.BOOKED, wants_reminder=True
    )


@pytest.fixture
def absence(clinic, koman, lent):
    day = timezone.now().astimezone(clinic.zone).date()
    return away(koman, day + timedelta(days=2), day + timedelta(days=5), cover=lent)


def move(absence, appointment, slot, **values):
    values = {"version": 1, "actor": make_user(), "now": timezone.now()} | values
    return absence_operations.move_to_cover(
        absence=absence, appointment_id=appointment.pk, slot_id=slot.pk, **values
    )


def told_of():
    return set(OutboxMessage.objects.exclude(state="cancelled").values_list("kind", flat=True))


# -- finding -----------------------------------------------------------------------------------------------
def test_the_same_time_with_the_cover_comes_first_and_no_time_is_offered_twice(clinic, koman, lent, absence):
    at_nine = make_appointment(make_slot(koman, ahead(clinic, 3, 9)))
    at_ten = make_appointment(make_slot(koman, ahead(clinic, 3, 10)))
    at_eleven = make_appointment(make_slot(koman, ahead(clinic, 3, 11)))
    same = make_slot(lent, ahead(clinic, 3, 10))
    near = make_slot(lent, ahead(clinic, 3, 8, 30))
    make_slot(lent, ahead(clinic, 30, 9))
    make_slot(lent, ahead(clinic, 3, 9, 0) + timedelta(minutes=30), kind="urgent")
    page = absence_queries.affected(absence, now=timezone.now())
    assert [(row.appointment, row.offer, row.is_same_time) for row in page.waiting] == [
        (at_nine, near, False),
        (at_ten, same, True),
        (at_eleven, None, False),
    ]


def test_only_coming_live_appointments_of_these_days_are_listed(clinic, koman, lent, absence):
    make_appointment(make_slot(koman, ahead(clinic, 1, 9)))
    make_appointment(make_slot(koman, ahead(clinic, 6, 9)))
    make_appointment(make_slot(lent, ahead(clinic, 3, 9)))
    make_appointment(make_slot(koman, ahead(clinic, 3, 12)), status="cancelled", cancelled_at=timezone.now())
    last = make_appointment(make_slot(koman, ahead(clinic, 5, 23, 30)))
    page = absence_queries.affected(absence, now=timezone.now())
    assert [row.appointment for row in page.waiting] == [last]


def test_days_on_which_the_cover_is_away_are_not_offered(clinic, koman, lent, absence, booked):
    make_slot(lent, ahead(clinic, 8, 9))
    day = ahead(clinic, 8).date()
    away(lent, day, day)
    assert absence_queries.affected(absence, now=timezone.now()).waiting[0].offer is None


def test_each_service_has_its_own_cover(clinic, koman, lent):
    third = make_provider(clinic, name="Third")
    day = ahead(clinic, 3).date()
    absence = away(koman, day, day, covers={Service.BOOKING: lent, Service.URGENT: third})
    make_appointment(make_slot(koman, ahead(clinic, 3, 9)))
    make_appointment(make_slot(koman, ahead(clinic, 3, 10), kind="urgent"))
    page = absence_queries.affected(absence, now=timezone.now())
    assert [row.cover for row in page.waiting] == [lent, third]


def test_many_appointments_take_as_many_queries_as_few(
    clinic, koman, lent, absence, django_assert_max_num_queries
):
    for minute in range(0, 400, 20):
        make_appointment(make_slot(koman, ahead(clinic, 3, 8) + timedelta(minutes=minute)))
        make_slot(lent, ahead(clinic, 3, 8) + timedelta(minutes=minute))
    found = delegation_queries.absence_of(clinic=clinic, absence_id=absence.pk)
    with django_assert_max_num_queries(4):
        page = absence_queries.affected(found, now=timezone.now())
    assert all(row.is_same_time for row in page.waiting)


# -- moving ------------------------------------------------------------------------------------------------
def test_moving_gives_the_new_time_frees_the_old_and_tells_the_patient(clinic, koman, lent, absence, booked):
    slot = make_slot(lent, ahead(clinic, 3, 10))
    moved = move(absence, booked, slot)
    moved.refresh_from_db()
    assert (moved.provider, moved.slot, moved.starts_at, moved.version) == (lent, slot, slot.starts_at, 2)
    assert Slot.objects.get(pk=slot.pk).state == SlotState.TAKEN
    assert Slot.objects.get(pk=booked.slot_id).state == SlotState.FREE
    assert told_of() == {"booking-moved", "reminder"}
    text = OutboxMessage.objects.filter(kind="booking-moved").first().body
    assert "Lent" not in text
    assert "Koman" not in text
    event = AuditEvent.objects.get(action="appointment.moved")
    assert event.details["before"] == {
        "slot": booked.slot_id,
        "provider": koman.pk,
        "starts_at": booked.starts_at.astimezone(UTC).isoformat(),
    }
    again = move(absence, booked, slot)
    assert (again.pk, again.version) == (booked.pk, 2), "sent twice it is moved once"
    assert AuditEvent.objects.filter(action="appointment.moved").count() == 1


def refused(absence, appointment, slot, **values):
    with pytest.raises(BookingRefused) as error:
        move(absence, appointment, slot, **values)
    appointment.refresh_from_db()
    assert appointment.version == 1
    assert Slot.objects.get(pk=appointment.slot_id).state == SlotState.TAKEN, "the old time is kept"
    assert not OutboxMessage.objects.exists()
    return error.value.reason.value


def test_the_old_time_is_kept_unless_the_new_one_is_won(clinic, koman, lent, absence, booked):
    taken = make_appointment(make_slot(lent, ahead(clinic, 3, 10))).slot
    assert refused(absence, booked, taken) == "taken"
    overlapping = make_slot(lent, ahead(clinic, 3, 12))
    busy = make_appointment(make_slot(lent, ahead(clinic, 3, 13)), status=AppointmentStatus.BOOKED)
    Appointment.objects.filter(pk=busy.pk).update(
        starts_at=overlapping.starts_at, ends_at=overlapping.ends_at
    )
    assert refused(absence, booked, overlapping) == "clashes"
    assert Slot.objects.get(pk=overlapping.pk).state == SlotState.FREE
    assert refused(absence, booked, make_slot(koman, ahead(clinic, 9, 9))) == "taken", "not the cover's"
    assert refused(absence, booked, make_slot(lent, ahead(clinic, 4, 9)), version=9) == "changed-meanwhile"


def test_other_clinics_are_not_there(clinic, lent, absence):
    stranger = make_appointment(make_slot(make_provider(make_clinic()), ahead(clinic, 3, 9)))
    with pytest.raises(Appointment.DoesNotExist):
        move(absence, stranger, make_slot(lent, ahead(clinic, 3, 9)))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_move_to_the_same_time_one_wins_and_the_other_keeps_theirs(clinic, koman, lent):
    day = ahead(clinic, 3).date()
    absence = away(koman, day, day, cover=lent)
    pair = [
        make_appointment(make_slot(koman, ahead(clinic, 3, hour)), status=AppointmentStatus.BOOKED)
        for hour in (9, 10)
    ]
    slot, actor, now = make_slot(lent, ahead(clinic, 3, 9)), make_user(), timezone.now()
    start, outcomes = threading.Barrier(2), []

    def run(appointment):
        try:
            start.wait()
            move(Absence.objects.get(pk=absence.pk), appointment, slot, actor=actor, now=now)
            outcomes.append("moved")
        except BookingRefused as refusal:
            outcomes.append(refusal.reason.value)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[one]) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["moved", "taken"]
    assert Appointment.objects.live().filter(provider=lent).count() == 1
    assert Appointment.objects.live().filter(provider=koman).count() == 1


# -- the page ----------------------------------------------------------------------------------------------
@pytest.fixture
def staff(client, clinic):
    return sign_in_staff(client, clinic)


def page_of(absence):
    return reverse("booking_staff:absence", args=[absence.clinic.portal_identifier, absence.pk])


def post(client, absence, appointment, **values):
    address = reverse(
        "booking_staff:answer_absence",
        args=[absence.clinic.portal_identifier, absence.pk, appointment.pk],
    )
    return client.post(address, {"version": appointment.version, **values}, follow=True)


def test_the_page_moves_keeps_and_tells(client, clinic, koman, lent, absence, booked, staff):
    client.cookies["django_language"] = "en"
    kept = make_appointment(make_slot(koman, ahead(clinic, 4, 9)), make_patient(clinic, given_name="Kari"))
    told = make_appointment(
        make_slot(koman, ahead(clinic, 4, 10)), make_patient(clinic, given_name="Tor", language="en")
    )
    slot = make_slot(lent, booked.starts_at)
    page = client.get(page_of(absence))
    assert "3 appointments wait for you to say what happens." in page.text
    assert "Konsu Lent is free at the same time" in page.text
    assert "Konsu Lent has no free time within a week" in page.text
    page = post(client, absence, booked, answer="move", slot=slot.pk)
    assert "Moved. Line Danser is notified." in page.text
    assert "1 is moved already." in page.text
    post(client, absence, kept, answer="keep")
    for _ in range(2):
        page = post(client, absence, told, answer="tell")
    assert "Stays as it is" in page.text
    assert "The patient is notified" in page.text
    assert sorted(AbsenceAnswer.objects.values_list("answer", flat=True)) == ["kept", "moved", "told"]
    in_doubt = OutboxMessage.objects.filter(kind="booking-in-doubt")
    assert in_doubt.count() == 1
    assert "may not take place as planned. Choose another time at" in in_doubt.get().body
    assert Appointment.objects.get(pk=kept.pk).version == 1


def test_a_stale_button_says_so_and_changes_nothing(client, clinic, lent, absence, booked, staff):
    client.cookies["django_language"] = "en"
    Appointment.objects.filter(pk=booked.pk).update(version=2)
    page = post(client, absence, booked, answer="move", slot=make_slot(lent, booked.starts_at).pk)
    assert "was changed while you had the page open" in page.text


def test_nonsense_and_other_clinics_are_not_there(client, clinic, absence, booked, staff):
    assert post(client, absence, booked, answer="burn").status_code == 404
    assert post(client, absence, booked, answer="keep", version="x").status_code == 404
    theirs = make_slot(make_provider(make_clinic()))
    assert post(client, absence, booked, answer="move", slot=theirs.pk).status_code == 404
    booked.pk = uuid.uuid4()
    assert post(client, absence, booked, answer="keep").status_code == 404
    foreign = make_clinic()
    provider = make_provider(foreign)
    day = ahead(foreign, 1).date()
    assert client.get(page_of(away(provider, day, day))).status_code == 404
    own = reverse("booking_staff:absence", args=[clinic.portal_identifier, Absence.objects.latest("pk").pk])
    assert client.get(own).status_code == 404


def test_an_absence_that_touches_nothing_says_so(client, absence, staff):
    client.cookies["django_language"] = "en"
    assert "No appointments on these days" in client.get(page_of(absence)).text


# -- message delegation ------------------------------------------------------------------------------------
def ask_for(patient, slot):
    return operations.book(
        patient=patient,
        slot_id=slot.pk,
        reason="",
        wants_reminder=False,
        form_key=uuid.uuid4(),
        assurance=Assurance.HIGH,
        actor=make_user(kind="patient", name="Line"),
        now=timezone.now(),
    )


def test_new_requests_go_to_the_one_who_was_chosen_and_old_ones_stay(client, clinic, koman, staff):
    client.cookies["django_language"] = "en"
    allow(koman, approval=Approval.BY_HAND)
    patient = make_patient(clinic, gp=koman)
    before = ask_for(patient, make_slot(koman, ahead(clinic, 3, 9)))
    me = clinic.staff_members.get(user__pk=client.session["_auth_user_id"])
    chief = make_staff_member(clinic, "system-administrator")
    delegation.delegate_messages(
        post=chief, topics={Topic.UNCONFIRMED_BOOKING}, recipient_id=me.pk, version=0, now=timezone.now()
    )
    after = ask_for(patient, make_slot(koman, ahead(clinic, 3, 10)))
    assert (before.assigned_to, after.assigned_to) == (None, me)
    waiting = reverse("booking_staff:waiting", args=[clinic.portal_identifier])
    assert [row.pk for row in client.get(waiting).context["page"].requests] == [before.pk, after.pk]
    mine = client.get(waiting, {"mine": "1"})
    assert [row.pk for row in mine.context["page"].requests] == [after.pk]
    assert me.name in mine.text
    allow(koman, approval=Approval.AUTOMATIC)
    assert ask_for(patient, make_slot(koman, ahead(clinic, 3, 11))).assigned_to is None
