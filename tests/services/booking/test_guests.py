"""Booking without an account (F8, 004): by request only, with a confirmed mobile, and nothing told about anyone."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from clinic_admin.choices import Country, Service
from clinic_admin.models import Clinic, Closure
from delegation.models import MatrixTick
from identity import national_id
from identity.admin import traffic
from identity.by_code import code_sender, code_stops
from identity.choices import StopReason
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from patients.models import Patient
from portal.models import AuditEvent
from services.access.models import ProviderRights
from services.booking import operations as booking
from services.booking.choices import AppointmentStatus, BookingRefusal, SlotKind, SlotState
from services.booking.guests import operations, policy, queries
from services.booking.guests.choices import GuestRefusal, GuestStatus
from services.booking.guests.forms import WishForm
from services.booking.guests.operations import GuestRefused
from services.booking.models import Appointment, GuestRequest, RefusalWords, Slot
from services.booking.operations import BookingRefused
from services.booking.staff.queries import menu_counts
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.services.booking.build_booking import NOW, allow, make_absence, make_slot, make_world
from tests.services.booking.build_guests import (
    MOBILE,
    code_sent,
    make_guest,
    number_of,
    open_to_guests,
    wish,
)
from tests.services.booking.build_staff import ahead, sign_in_staff

pytestmark = pytest.mark.django_db
STARTED, WAITING = GuestStatus.STARTED, GuestStatus.WAITING


@pytest.fixture
def clinic():
    return make_clinic(phone="+4721560000")


@pytest.fixture
def provider(clinic):
    provider = make_provider(clinic, name="Lege Berg")
    open_to_guests(provider)
    return provider


@pytest.fixture(autouse=True)
def _sends_nothing(monkeypatch):
    monkeypatch.setattr(code_sender, "_start", lambda *_args: None)


def start(slot, serial=1, now=NOW, **values):
    return operations.start(
        clinic=slot.provider.clinic, slot_id=slot.pk, wish=wish(serial, **values), now=now
    ).request_id


def confirm(clinic, request_id, code=None, now=NOW):
    return operations.confirm(
        clinic=clinic, request_id=request_id, code=code or code_sent(request_id), now=now
    )


def ask(slot, serial=1, now=NOW, **values):
    return confirm(slot.provider.clinic, start(slot, serial, now, **values), now=now)


def offered(clinic, now=NOW):
    first_day = now.astimezone(clinic.zone).date()
    return queries.offer(clinic=clinic, first_day=first_day, last_day=first_day + timedelta(days=13), now=now)


# -- what is offered ---------------------------------------------------------------------------------------
def test_everyone_sees_the_times_of_whom_all_other_patients_may_book(clinic, provider):
    other = make_provider(clinic, name="Lege Ås")
    allow(other)
    mine = make_slot(provider)
    make_slot(other)
    found = offered(clinic)
    assert [slot.slot_id for slot in found.times] == [mine.pk]
    assert [one.choice.name for one in found.providers] == ["Lege Berg"]


def test_urgent_times_are_not_for_people_without_an_account(clinic, provider):
    slot = make_slot(provider, kind=SlotKind.URGENT, starts_at=NOW + timedelta(hours=3))
    assert not offered(clinic).times
    with pytest.raises(GuestRefused) as refused:
        start(slot)
    assert refused.value.reason == GuestRefusal.NOT_OFFERED


@pytest.mark.parametrize("spoil", ["column", "row", "absence", "closure", "switch", "portal", "access"])
def test_each_setting_that_closes_it_closes_it_at_the_moment_of_the_act(clinic, provider, spoil):
    slot = make_slot(provider)
    request_id = start(slot)
    {
        "column": lambda: ProviderRights.objects.filter(provider=provider).delete(),
        "row": lambda: MatrixTick.objects.filter(clinic=clinic, service=Service.BOOKING).delete(),
        "absence": lambda: make_absence(provider, slot.day, slot.day),
        "closure": lambda: Closure.objects.create(clinic=clinic, first_day=slot.day, last_day=slot.day),
        "switch": lambda: Clinic.objects.update(books_without_account=False),
        "portal": lambda: Clinic.objects.update(is_active=False),
        "access": lambda: type(provider).objects.update(has_portal_access=False),
    }[spoil]()
    with pytest.raises(GuestRefused):
        confirm(clinic, request_id)
    slot.refresh_from_db()
    assert slot.state == SlotState.FREE
    assert GuestRequest.objects.get().status == STARTED


def test_a_page_of_times_costs_the_same_however_many_there_are(
    client, clinic, provider, django_assert_num_queries
):
    for number in range(30):
        make_slot(provider, ahead(clinic, 9) + timedelta(minutes=20 * number))
    address = reverse("guests:find", args=[clinic.portal_identifier])
    client.get(address)
    with django_assert_num_queries(4):
        assert client.get(address).status_code == 200


# -- code and time -----------------------------------------------------------------------------------------
def test_the_time_is_free_until_the_mobile_is_confirmed_and_held_from_then_on(clinic, provider):
    slot = make_slot(provider)
    request_id = start(slot)
    slot.refresh_from_db()
    assert slot.state == SlotState.FREE
    guest = confirm(clinic, request_id)
    slot.refresh_from_db()
    assert (guest.status, slot.state) == (WAITING, SlotState.TAKEN)


def test_a_wrong_code_costs_a_try_and_five_end_it_also_for_the_right_one(clinic, provider):
    request_id = start(make_slot(provider))
    right = code_sent()
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    reasons = []
    for _number in range(policy.CODE_TRIES):
        with pytest.raises(GuestRefused) as refused:
            confirm(clinic, request_id, wrong)
        reasons.append(refused.value.reason)
    assert reasons == [GuestRefusal.WRONG_CODE] * 4 + [GuestRefusal.OVER]
    with pytest.raises(GuestRefused):
        confirm(clinic, request_id, right)


def test_c8_sent_and_used_codes_are_counted_and_none_goes_out_while_they_are_stopped(clinic, provider):
    slot = make_slot(provider)
    ask(slot)
    counted = traffic.codes_of(clinic.pk, now=NOW)
    assert (counted.sent, counted.used) == (1, 1)
    code_stops.stop(clinic, StopReason.UNUSED, ends_at=NOW + timedelta(hours=2), now=NOW)
    with pytest.raises(GuestRefused) as refused:
        start(make_slot(provider, starts_at=slot.starts_at + timedelta(hours=1)), 2, mobile="+4791239999")
    assert refused.value.reason == GuestRefusal.STOPPED
    assert GuestRequest.objects.count() == 1


def test_c9_the_page_names_the_countries_that_codes_go_to(client, clinic):
    with translation.override("en"):
        form = WishForm({"mobile": "+46701740605"}, country="NO", code_countries=["FI"])
        assert form.errors["mobile"] == [
            "The clinic sends codes to mobiles of these countries only: Norway, Denmark, Finland."
        ]
        form = WishForm({"mobile": "+46701740605"}, country="NO", code_countries=["SE"])
        assert "mobile" not in form.errors


def test_a_code_lasts_ten_minutes(clinic, provider):
    request_id = start(make_slot(provider))
    with pytest.raises(GuestRefused) as refused:
        confirm(clinic, request_id, now=NOW + policy.CODE_LASTS)
    assert refused.value.reason == GuestRefusal.OVER


def test_a_newer_code_ends_the_older_and_takes_back_its_message(clinic, provider):
    request_id = start(make_slot(provider))
    older = code_sent()
    with pytest.raises(GuestRefused):
        operations.send_again(clinic=clinic, request_id=request_id, now=NOW)
    operations.send_again(clinic=clinic, request_id=request_id, now=NOW + policy.CODE_COOL_DOWN)
    newer = OutboxMessage.objects.get(kind=MessageKind.SIGN_IN_CODE, version=2).body[-6:]
    if older != newer:
        with pytest.raises(GuestRefused):
            confirm(clinic, request_id, older, now=NOW + policy.CODE_COOL_DOWN)
    assert confirm(clinic, request_id, newer, now=NOW + policy.CODE_COOL_DOWN).status == WAITING
    assert OutboxMessage.objects.get(kind=MessageKind.SIGN_IN_CODE, version=1).state == "cancelled"


def test_the_code_rests_only_as_a_hash_and_in_its_encrypted_message(clinic, provider):
    start(make_slot(provider))
    guest = GuestRequest.objects.get()
    assert code_sent() not in guest.code_hash
    with connection.cursor() as cursor:
        cursor.execute("SELECT national_id, reason FROM booking_guestrequest")
        stored = cursor.fetchone()
    assert number_of() not in stored[0]
    assert "throat" not in stored[1]


def test_sent_twice_is_one_request(clinic, provider):
    slot = make_slot(provider)
    request_id = start(slot)
    code = code_sent()
    first = confirm(clinic, request_id, code)
    again = confirm(clinic, request_id, code)
    assert first.pk == again.pk
    assert OutboxMessage.objects.filter(kind=MessageKind.BOOKING_REQUESTED).count() == 1


def test_a_time_lost_meanwhile_keeps_everything_and_another_needs_no_new_code(clinic, provider):
    slot, other = make_slot(provider), make_slot(provider, NOW + timedelta(days=2))
    request_id = start(slot)
    Slot.objects.filter(pk=slot.pk).update(state=SlotState.TAKEN)
    with pytest.raises(GuestRefused) as refused:
        confirm(clinic, request_id)
    assert refused.value.reason == GuestRefusal.TAKEN
    guest = operations.choose(clinic=clinic, request_id=request_id, slot_id=other.pk, now=NOW)
    assert (guest.status, guest.slot_id, guest.reason) == (WAITING, other.pk, "Sore throat")


def test_without_a_confirmed_mobile_no_time_can_be_chosen(clinic, provider):
    slot = make_slot(provider)
    request_id = start(slot)
    with pytest.raises(GuestRefused):
        operations.choose(clinic=clinic, request_id=request_id, slot_id=slot.pk, now=NOW)


def test_two_requests_of_one_mobile_may_wait_and_no_third(clinic, provider):
    for number in range(policy.MOST_WAITING):
        ask(make_slot(provider, NOW + timedelta(days=number + 1)), serial=number)
    with pytest.raises(GuestRefused) as refused:
        ask(make_slot(provider, NOW + timedelta(days=5)), serial=9)
    assert refused.value.reason == GuestRefusal.TWO_WAIT


def test_another_clinics_request_and_slot_do_not_exist(clinic, provider):
    other = make_provider(make_clinic())
    open_to_guests(other)
    slot = make_slot(provider)
    with pytest.raises(GuestRefused):
        operations.start(clinic=other.clinic, slot_id=slot.pk, wish=wish(), now=NOW)
    request_id = start(slot)
    with pytest.raises(GuestRefused):
        confirm(other.clinic, request_id)
    with pytest.raises(GuestRequest.DoesNotExist):
        operations.approve(clinic=other.clinic, request_id=request_id, actor=make_user(), now=NOW)


def test_the_database_lets_one_request_hold_a_slot(clinic, provider):
    slot = make_slot(provider)
    make_guest(provider, slot)
    with pytest.raises(IntegrityError, match="guest_request_one_per_slot"), transaction.atomic():
        make_guest(provider, slot, serial=2)


@pytest.mark.django_db(transaction=True)
def test_of_guests_and_patients_who_want_the_same_time_one_wins():
    world = make_world()
    open_to_guests(world.gp)
    slot = make_slot(world.gp)
    requests, codes = [], []
    for serial in range(4):
        requests.append(start(slot, serial, mobile=f"+479123456{serial}"))
        codes.append(OutboxMessage.objects.get(subject_id=str(requests[-1])).body[-6:])
    gate = threading.Barrier(5)

    def as_guest(number):
        try:
            gate.wait()
            return confirm(world.clinic, requests[number], codes[number]).status
        except GuestRefused as refused:
            return refused.reason
        finally:
            connection.close()

    def as_patient():
        try:
            gate.wait()
            return world.book(slot).status
        except BookingRefused as refused:
            return refused.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        tries = [pool.submit(as_guest, number) for number in range(4)] + [pool.submit(as_patient)]
        answers = [one.result() for one in tries]
    won = [answer for answer in answers if answer in {WAITING, AppointmentStatus.BOOKED}]
    assert len(won) == 1
    assert {answer for answer in answers if answer not in won} <= {GuestRefusal.TAKEN, BookingRefusal.TAKEN}
    assert GuestRequest.objects.filter(status=WAITING).count() + Appointment.objects.count() == 1


# -- what the clinic answers -------------------------------------------------------------------------------
def test_approving_makes_a_record_and_an_appointment_on_the_same_time(clinic, provider):
    slot = make_slot(provider)
    guest, actor = ask(slot), make_user()
    operations.approve(clinic=clinic, request_id=guest.pk, actor=actor, now=NOW)
    appointment = Appointment.objects.get()
    patient = appointment.patient
    assert (patient.full_name, patient.mobile, patient.gp_id) == ("Gry Gjest", MOBILE, None)
    assert patient.national_id_index == national_id.index(wish().number)
    assert patient.registered_at is None
    assert (appointment.slot_id, appointment.status) == (slot.pk, AppointmentStatus.BOOKED)
    told = OutboxMessage.objects.filter(kind=MessageKind.BOOKING_CONFIRMED)
    assert [message.recipient for message in told] == [MOBILE]
    assert "21 56 00 00" in told[0].body


def test_an_existing_record_is_not_changed_and_its_own_contact_is_told_as_well(clinic, provider):
    patient = make_patient(clinic, mobile="+4798765432", email="real@x.example")
    Patient.objects.filter(pk=patient.pk).update(national_id_index=national_id.index(wish().number))
    guest = ask(make_slot(provider))
    operations.approve(clinic=clinic, request_id=guest.pk, actor=make_user(), now=NOW)
    patient.refresh_from_db()
    assert (patient.mobile, patient.email) == ("+4798765432", "real@x.example")
    told = OutboxMessage.objects.filter(kind=MessageKind.BOOKING_CONFIRMED)
    assert {message.recipient for message in told} == {MOBILE, "+4798765432", "real@x.example"}


def test_a_record_that_is_not_active_stops_the_approval_and_the_time_stays_held(clinic, provider):
    patient = make_patient(clinic)
    Patient.objects.filter(pk=patient.pk).update(
        national_id_index=national_id.index(wish().number), is_active=False
    )
    guest = ask(make_slot(provider))
    with pytest.raises(GuestRefused) as refused:
        operations.approve(clinic=clinic, request_id=guest.pk, actor=make_user(), now=NOW)
    assert refused.value.reason == GuestRefusal.NOT_ACTIVE
    assert GuestRequest.objects.get().status == WAITING


@pytest.mark.parametrize("act", ["refuse", "withdraw"])
def test_refused_and_withdrawn_ones_free_the_time_and_are_decided_once(clinic, provider, act):
    slot = make_slot(provider)
    guest, actor = ask(slot), make_user()
    if act == "refuse":
        operations.refuse(clinic=clinic, request_id=guest.pk, actor=actor, now=NOW)
        assert OutboxMessage.objects.filter(kind=MessageKind.BOOKING_REFUSED).count() == 1
    else:
        operations.withdraw(clinic=clinic, request_id=guest.pk, now=NOW)
        operations.withdraw(clinic=clinic, request_id=guest.pk, now=NOW)
    slot.refresh_from_db()
    assert slot.state == SlotState.FREE
    with pytest.raises(GuestRefused) as refused:
        operations.approve(clinic=clinic, request_id=guest.pk, actor=actor, now=NOW)
    assert refused.value.reason == GuestRefusal.DECIDED


def test_a_time_that_has_passed_can_only_be_refused(clinic, provider):
    slot = make_slot(provider)
    guest = ask(slot)
    with pytest.raises(GuestRefused) as refused:
        operations.approve(clinic=clinic, request_id=guest.pk, actor=make_user(), now=slot.starts_at)
    assert refused.value.reason == GuestRefusal.PAST


def test_a_provider_who_is_taken_at_that_time_stops_the_approval(clinic, provider):
    guest = ask(make_slot(provider))
    patient = make_patient(clinic)
    Appointment.objects.create(
        clinic=clinic,
        patient=patient,
        provider=provider,
        starts_at=guest.starts_at,
        ends_at=guest.ends_at,
        kind=SlotKind.PORTAL,
        status=AppointmentStatus.BOOKED,
        form_key="00000000-0000-4000-8000-000000000001",
        requested_at=NOW,
        requested_by=make_user(),
        decided_at=NOW,
    )
    with pytest.raises(GuestRefused) as refused:
        operations.approve(clinic=clinic, request_id=guest.pk, actor=make_user(), now=NOW)
    assert refused.value.reason == GuestRefusal.CLASHES
    assert GuestRequest.objects.get().status == WAITING


def test_what_nobody_needs_any_more_is_deleted(clinic, provider):
    started = start(make_slot(provider))
    old = make_guest(provider, make_slot(provider, NOW + timedelta(days=3)), serial=4)
    operations.refuse(clinic=clinic, request_id=old.pk, actor=make_user(), now=NOW)
    waits = make_guest(provider, make_slot(provider, NOW + timedelta(days=60)), serial=5)
    assert operations.forget(now=NOW + policy.KEPT_UNFINISHED + timedelta(seconds=1)) == 1
    assert not GuestRequest.objects.filter(pk=started).exists()
    assert operations.forget(now=NOW + policy.KEPT_DECIDED + timedelta(days=1)) == 1
    assert list(GuestRequest.objects.all()) == [waits]
    assert operations.forget(now=waits.starts_at + policy.KEPT_DECIDED + timedelta(days=1)) == 1


def test_the_audit_tells_each_step_and_nothing_that_was_written(clinic, provider):
    guest = ask(make_slot(provider))
    operations.approve(clinic=clinic, request_id=guest.pk, actor=make_user(), now=NOW)
    events = AuditEvent.objects.filter(action__startswith="guest.")
    assert [event.action for event in events.order_by("pk")] == ["guest.requested", "guest.approved"]
    text = str([event.details for event in events])
    assert not any(secret in text for secret in ("Gry", MOBILE[3:], number_of(), "throat"))


# -- pages -------------------------------------------------------------------------------------------------
def form(serial=1, **values):
    return {
        "given_name": "Gry",
        "family_name": "Gjest",
        "number": number_of(serial),
        "mobile": "912 34 567",
        "reason": "Sore throat",
    } | values


def page(name, clinic, *args):
    return reverse(f"guests:{name}", args=[clinic.portal_identifier, *args])


def soon(provider, hours=9):
    return make_slot(provider, ahead(provider.clinic, hours))


def test_the_whole_way_in_a_browser_without_scripts(client, clinic, provider):
    client.cookies["django_language"] = "en"
    slot = soon(provider)
    assert "Lege Berg" in client.get(page("find", clinic)).content.decode()
    answer = client.post(page("ask", clinic, slot.pk), form(), follow=True)
    assert "Write the code" in answer.content.decode()
    answer = client.post(page("code", clinic), {"code": code_sent()}, follow=True)
    assert "The clinic has your request" in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    answer = client.get(page("ask", clinic, slot.pk))
    assert answer.url == page("request", clinic), "it is not someone else who has it"
    answer = client.post(page("request", clinic), follow=True)
    assert "You have withdrawn the request" in answer.content.decode()
    assert "by the person" not in answer.content.decode(), "that is what the clinic reads"
    slot.refresh_from_db()
    assert slot.state == SlotState.FREE


def test_the_link_of_the_message_leads_to_the_request_in_any_browser_and_leaves_the_address(
    client, clinic, provider
):
    client.post(page("ask", clinic, soon(provider).pk), form())
    client.post(page("code", clinic), {"code": code_sent()})
    body = OutboxMessage.objects.get(kind=MessageKind.BOOKING_REQUESTED).body
    path = body[body.index("/", body.index("://") + 3) :].split()[0]
    other = Client()
    answer = other.get(path, follow=True)
    assert answer.redirect_chain[-1][0] == page("request", clinic)
    assert path.rstrip("/").rsplit("/", 1)[1] not in str(GuestRequest.objects.values())
    gone = Client().get(page("link", clinic, "made-up"), follow=True)
    assert gone.status_code == 404
    assert gone.redirect_chain[-1][0] == page("link_over", clinic)


def test_who_asks_for_another_code_reads_that_it_is_on_its_way_and_that_the_older_one_is_over(
    client, clinic, provider
):
    client.cookies["django_language"] = "en"
    client.post(page("ask", clinic, soon(provider).pk), form())
    text = client.post(page("again", clinic), follow=True).content.decode()
    assert "A code has just been sent to you. Try again in a minute." in text
    assert "Load the page again" not in text
    GuestRequest.objects.update(code_sent_at=timezone.now() - timedelta(minutes=2))
    text = client.post(page("again", clinic), follow=True).content.decode()
    assert "A new code is on its way by SMS. The older one does not work any more." in text


def test_who_goes_back_from_the_code_finds_what_was_written_but_the_national_id(client, clinic, provider):
    slot = soon(provider)
    sent = form(reason="Sore throat")
    client.post(page("ask", clinic, slot.pk), sent)
    shown = client.get(page("ask", clinic, slot.pk))
    assert [shown.context["form"][name].value() for name in ("given_name", "family_name", "reason")] == [
        sent["given_name"],
        sent["family_name"],
        "Sore throat",
    ]
    assert sent["number"] not in shown.text
    assert "Sore throat" not in Client().get(page("ask", clinic, slot.pk)).text
    client.post(page("code", clinic), {"code": code_sent()})
    other = client.get(page("ask", clinic, soon(provider, 11).pk)).text
    assert "Sore throat" not in other, "what was asked for is done with"


def test_who_comes_back_to_the_free_times_is_led_to_the_request_and_nobody_elses_browser_is(
    client, clinic, provider
):
    other = Client()
    for one in (client, other):
        one.cookies["django_language"] = "en"
    client.post(page("ask", clinic, soon(provider).pk), form())
    assert "a request of yours" not in client.get(page("find", clinic)).content.decode(), "nothing waits yet"
    client.post(page("code", clinic), {"code": code_sent()})
    text = client.get(page("find", clinic)).content.decode()
    assert "The clinic has a request of yours" in text
    assert f'href="{page("request", clinic)}"' in text
    assert "a request of yours" not in other.get(page("find", clinic)).content.decode()
    client.post(page("request", clinic))
    assert "a request of yours" not in client.get(page("find", clinic)).content.decode(), "it is withdrawn"


def test_the_same_page_answers_people_with_a_record_and_without(clinic, provider):
    patient = make_patient(clinic)
    Patient.objects.filter(pk=patient.pk).update(national_id_index=national_id.index(wish(1).number))
    slot, texts = soon(provider), []
    for serial in (1, 2):
        client = Client()
        client.cookies["django_language"] = "en"
        answer = client.post(page("ask", clinic, slot.pk), form(serial), follow=True)
        texts.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode()))
    known, unknown = (text.split("<main")[1] for text in texts)
    assert known == unknown


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"number": "123"}, "number"),
        ({"mobile": "21 56 00 00"}, "mobile"),
        ({"mobile": "+44 7700 900123"}, "mobile"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"given_name": ""}, "given_name"),
    ],
)
def test_bad_input_is_told_by_the_field_and_nothing_typed_is_lost(client, clinic, provider, values, message):
    answer = client.post(page("ask", clinic, soon(provider).pk), form(**values))
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {message}
    assert "Gjest" in answer.content.decode()
    assert not GuestRequest.objects.exists()


def test_where_it_is_off_there_is_no_such_page(client, clinic, provider):
    Clinic.objects.update(books_without_account=False)
    slot = soon(provider)
    for address in (page("find", clinic), page("ask", clinic, slot.pk), page("code", clinic)):
        assert client.get(address).status_code == 404
    front = client.get(reverse("clinic_front", args=[clinic.portal_identifier])).content.decode()
    assert page("find", clinic) not in front


def test_many_attempts_from_one_address_are_held_back(client, clinic, provider):
    slot = soon(provider)
    answers = [
        client.post(page("ask", clinic, slot.pk), form(serial, mobile=f"4{serial:07}")).status_code
        for serial in range(11)
    ]
    assert answers[:10] == [302] * 10
    assert answers[10] == 429


def test_a_time_taken_while_one_writes_the_code_offers_the_nearest_with_one_press(client, clinic, provider):
    client.cookies["django_language"] = "en"
    slot, other = soon(provider), soon(provider, 10)
    client.post(page("ask", clinic, slot.pk), form())
    Slot.objects.filter(pk=slot.pk).update(state=SlotState.TAKEN)
    answer = client.post(page("code", clinic), {"code": code_sent()})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "no new code is needed" in text
    assert page("ask", clinic, other.pk) in text
    answer = client.post(page("ask", clinic, other.pk), follow=True)
    assert "The clinic has your request" in answer.content.decode()


# -- staff -------------------------------------------------------------------------------------------------
def staff_page(name, clinic, *args):
    return reverse(f"guests_staff:{name}", args=[clinic.portal_identifier, *args])


def test_staff_see_who_waits_in_list_calendar_and_on_the_page(client, clinic, provider):
    client.cookies["django_language"] = "en"
    slot = soon(provider)
    guest = make_guest(provider, slot, now=timezone.now())
    sign_in_staff(client, clinic)
    assert "Gry Gjest" in client.get(staff_page("waiting", clinic)).content.decode()
    calendar = reverse("booking_staff:calendar", args=[clinic.portal_identifier])
    text = client.get(f"{calendar}?day={slot.day.isoformat()}").content.decode()
    assert staff_page("request", clinic, guest.pk) in text
    text = client.get(staff_page("request", clinic, guest.pk)).content.decode()
    assert "There is no record of this person" in text
    assert f"{number_of()[:6]} {number_of()[6:]}" in text
    assert AuditEvent.objects.filter(action="guest.viewed", subject_id=str(guest.pk)).count() == 1


def test_staff_approve_on_the_page_and_the_waiting_count_falls(client, clinic, provider):
    client.cookies["django_language"] = "en"
    guest = make_guest(provider, soon(provider), now=timezone.now())
    sign_in_staff(client, clinic)
    answer = client.post(staff_page("request", clinic, guest.pk), {"act": "approve"}, follow=True)
    assert "Approved. Gry Gjest is notified." in answer.content.decode()
    assert menu_counts(clinic).requests == 0
    answer = client.post(staff_page("request", clinic, guest.pk), {"act": "approve"}, follow=True)
    assert "Approved. Gry Gjest is notified." in answer.content.decode()
    answer = client.post(staff_page("request", clinic, guest.pk), {"act": "refuse"}, follow=True)
    text = answer.content.decode()
    assert "Someone has already decided this request." in text
    assert "Load the page again" not in text
    assert "Decided " in text
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize(
    ("phone", "told"), [("+4722334455", ", with the clinic&#x27;s phone, and"), ("", ", and")]
)
def test_staff_read_before_they_refuse_how_the_person_is_told_and_that_nothing_says_why(
    client, clinic, provider, phone, told
):
    client.cookies["django_language"] = "en"
    Clinic.objects.update(phone=phone)
    guest = make_guest(provider, soon(provider), now=timezone.now())
    sign_in_staff(client, clinic)
    shown = client.get(staff_page("request", clinic, guest.pk)).content.decode().replace("'", "&#x27;")
    assert f"could not be approved{told} the page of their request says the same." in shown
    assert "Neither says why: nobody has proven who they are." in shown
    assert 'name="words"' not in shown


def test_who_is_refused_without_an_account_reads_how_to_learn_why_and_no_words_of_the_staff(
    client, clinic, provider
):
    client.cookies["django_language"] = "en"
    client.post(page("ask", clinic, soon(provider).pk), form())
    client.post(page("code", clinic), {"code": code_sent()})
    staff = Client()
    sign_in_staff(staff, clinic)
    guest = GuestRequest.objects.get()
    staff.post(staff_page("request", clinic, guest.pk), {"act": "refuse", "words": "Known here as ill"})
    shown = client.get(page("request", clinic)).content.decode()
    assert "The clinic could not approve the time" in shown
    assert "Do you want to know why, or do you need another time?" in shown
    assert clinic.phone in shown
    assert "Known here as ill" not in shown
    assert not RefusalWords.objects.exists()
    assert all("Known here" not in message.body for message in OutboxMessage.objects.all())
    Clinic.objects.update(phone="")
    assert "Contact the clinic." in client.get(page("request", clinic)).content.decode()


def test_a_request_that_was_never_confirmed_is_no_page(client, clinic, provider):
    request_id = start(make_slot(provider))
    sign_in_staff(client, clinic)
    assert client.get(staff_page("request", clinic, request_id)).status_code == 404


def test_two_who_approve_at_the_same_moment_make_one_appointment(transactional_db):
    provider = make_provider(make_clinic())
    open_to_guests(provider)
    guest, actors = make_guest(provider), [make_user(), make_user()]
    gate = threading.Barrier(2)

    def approve(actor):
        try:
            gate.wait()
            return operations.approve(
                clinic=provider.clinic, request_id=guest.pk, actor=actor, now=NOW
            ).status
        except GuestRefused as refused:
            return refused.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(approve, actors))
    assert answers == sorted([GuestStatus.APPROVED, GuestRefusal.DECIDED])
    assert Appointment.objects.count() == 1


def test_calendars_made_anew_leave_a_held_time_alone(clinic, provider):
    guest = ask(make_slot(provider))
    booking.extend_calendar(provider=provider, now=NOW)
    assert Slot.objects.filter(pk=guest.slot_id, state=SlotState.TAKEN).exists()


def test_a_danish_clinic_sends_its_codes_by_sms_as_well():
    clinic = make_clinic(country=Country.DENMARK)
    provider = make_provider(clinic)
    open_to_guests(provider)
    ask(make_slot(provider), country="DK", mobile="+4523456789")
    assert OutboxMessage.objects.get(kind=MessageKind.SIGN_IN_CODE).channel == "sms"
