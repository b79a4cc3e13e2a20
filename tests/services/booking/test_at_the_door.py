"""Where no urgent time is left the press for the first one is answered at the door; all else goes on to the page."""

import uuid
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from bench.people import fill_slots
from clinic_admin.models import Clinic
from identity.choices import UserKind
from identity.models import KeptForm, User
from patients.models import Patient
from services.booking import at_the_door
from services.booking.choices import SlotKind, SlotState
from services.booking.models import Appointment, Slot
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.services.booking.build_booking import NOW, make_slot, make_world
from tests.services.booking.build_signed_in import BY_ITSELF, client, on_a_monday_at_nine, world
from tests.services.booking.test_pages import address, fill_in, sign_in

pytestmark = pytest.mark.django_db
__all__ = ["client", "on_a_monday_at_nine", "world"]
NONE_LEFT = "No urgent time is free right now"
TODAY_AT_ELEVEN = NOW + timedelta(hours=2)
WENT_ON = 299
"""Nobody else answers so: the press went on to the page."""


def urgent(world, starts_at=TODAY_AT_ELEVEN, **values):
    return make_slot(world.gp, starts_at, kind=SlotKind.URGENT, **values)


AS_PAGES_SEND_IT = "application/x-www-form-urlencoded"


def press(client, world, form=None, **headers):
    sent = urlencode(form or fill_in())
    return client.post(
        address("any_urgent", world), sent, headers=BY_ITSELF | headers, content_type=AS_PAGES_SEND_IT
    )


def at_door(client, world, form=None, *, by_itself=True, is_looked_at=False, in_parts=False, **headers):
    """Return how the door alone answers what the browser sends: WENT_ON if it does not."""
    door = at_the_door.NothingLeftMiddleware(lambda request: HttpResponse(status=WENT_ON))
    headers, where, sent = (
        (BY_ITSELF if by_itself else {}) | headers,
        address("any_urgent", world),
        form or fill_in(),
    )
    if is_looked_at:
        request = RequestFactory().get(where, sent, headers=headers)
    elif in_parts:
        request = RequestFactory().post(where, sent, headers=headers)
    else:
        request = RequestFactory().post(
            where, urlencode(sent), headers=headers, content_type=AS_PAGES_SEND_IT
        )
    request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}
    return door(request).status_code


# -- what is said at the door ------------------------------------------------------------------------------
def test_who_finds_no_urgent_time_left_is_told_after_one_query(world, client, django_assert_num_queries):
    urgent(world, state=SlotState.TAKEN)
    urgent(world, NOW + timedelta(hours=3), held_until=NOW + timedelta(minutes=5))
    urgent(world, NOW + timedelta(minutes=-5))
    press(client, world)
    with django_assert_num_queries(1):
        answer = press(client, world)
    assert answer.status_code == 422
    assert NONE_LEFT in answer.content.decode()
    assert "Nothing is booked. What you wrote is kept below." in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_urgent_times_that_are_not_out_yet_are_none(world, client, django_assert_num_queries):
    """A clinic has them for weeks ahead: they come out at its hour of the day before, by its own clock."""
    tomorrow = urgent(world, NOW + timedelta(days=1, hours=1))
    urgent(world, NOW + timedelta(days=7))
    release = NOW + timedelta(hours=7)
    session_is(opened_at=release.isoformat(), seen_at=release.isoformat())(world, client)
    with time_machine.travel(release - timedelta(seconds=1), tick=False):
        press(client, world)
        with django_assert_num_queries(1):
            answer = press(client, world)
        assert "Urgent times for tomorrow open today at 16:00" in answer.content.decode()
    with time_machine.travel(release, tick=False):
        press(client, world)
    assert Appointment.objects.get().slot == tomorrow


def test_without_a_script_the_page_says_so(world, client):
    urgent(world, NOW + timedelta(days=7))
    answer = client.post(address("any_urgent", world), fill_in())
    assert answer.status_code == 422
    assert NONE_LEFT in answer.content.decode()
    assert "<html" in answer.content.decode()


def test_the_answer_has_the_headers_that_every_answer_has(world, client, caplog):
    with caplog.at_level("INFO", logger="venterom.request"):
        answer = press(client, world)
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert (answer["X-Frame-Options"], answer["Cache-Control"]) == ("DENY", "no-store")
    assert answer["X-Request-ID"]
    assert caplog.records[-1].route == "booking:any_urgent"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("da", "Ingen akut tid er ledig lige nu"),
        ("en", NONE_LEFT),
        (None, "Ingen hastetime er ledig akkurat nå"),
    ],
)
def test_it_speaks_the_reader_s_language_or_the_clinic_s(world, client, language, said):
    del client.cookies[settings.LANGUAGE_COOKIE_NAME]
    if language:
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    assert said in client.get(address("any_urgent", world)).content.decode()
    assert said in press(client, world).content.decode()


def test_the_press_counts_as_use_of_the_session(world, client):
    before = client.session["seen_at"]
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        assert at_door(client, world) == 422
        assert client.session["seen_at"] == timezone.now().isoformat() != before


def test_what_the_page_said_would_be_had_is_said_no_more(world, client):
    assert '<span id="right-now" hx-swap-oob="true"></span>' in press(client, world).content.decode()


def test_a_lost_database_is_said_calmly_and_when_to_try_again(world, client, monkeypatch):
    def lost(**_values):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(at_the_door._WHO_COMES, "first", lost)
    client.raise_request_exception = False
    answer = press(client, world)
    assert (answer.status_code, answer.get("Retry-After")) == (503, "10")


# -- what goes on to the page ------------------------------------------------------------------------------
def test_while_a_time_is_left_everyone_goes_on(world, client):
    urgent(world)
    assert at_door(client, world) == WENT_ON


def test_a_time_whose_hold_is_over_is_left(world, client):
    urgent(world, held_until=NOW)
    assert at_door(client, world) == WENT_ON


def test_who_has_won_the_last_one_and_sends_again_is_led_to_it(world, client):
    urgent(world)
    form = fill_in()
    ways = {press(client, world, form)["HX-Redirect"] for _ in range(2)}
    assert ways == {address("appointment", world, Appointment.objects.get().pk)}
    assert not Slot.objects.filter(state=SlotState.FREE).exists()
    assert at_door(client, world) == 422, "another form has won nothing"


def test_who_has_won_the_last_one_and_goes_back_reads_that_they_have_it(world, client):
    urgent(world)
    assert "You have an urgent time already" not in client.get(address("any_urgent", world)).content.decode()
    press(client, world)
    page = client.get(address("any_urgent", world)).content.decode()
    assert "You have an urgent time already" in page
    assert address("appointment", world, Appointment.objects.get().pk) in page
    assert NONE_LEFT in page


def test_another_clinic_s_times_are_not_its_own(world, client):
    elsewhere = make_provider(make_clinic())
    make_slot(elsewhere, TODAY_AT_ELEVEN, kind=SlotKind.URGENT)
    assert at_door(client, world) == 422


def session_is(**values):
    def change(world, client):
        session = client.session
        session.update(values)
        session.save()

    return change


def before(**past):
    return (NOW - timedelta(**past)).isoformat()


def rows_are(model, **values):
    return lambda _world, _client: model.objects.update(**values)


def signed_out(_world, client):
    client.session.flush()


def never_here(_world, client):
    client.cookies.clear()


def acts_for_a_child(world, client):
    acting = {"clinic": world.clinic.pk, "kind": "guardian", "relation": str(uuid.uuid4())}
    session_is(acting_for=acting)(world, client)


def somebody_else_s_cookie(_world, client):
    client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32


SIGN_IN = {"method": "one-time-code", "assurance": 2, "at": NOW.isoformat(), "provider": ""}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(signed_out, id="signed out"),
        pytest.param(never_here, id="never signed in"),
        pytest.param(somebody_else_s_cookie, id="no such session"),
        pytest.param(rows_are(Session, expire_date=NOW), id="session expired"),
        pytest.param(rows_are(Session, session_data="made up"), id="session not signed by us"),
        pytest.param(session_is(seen_at=before(minutes=21)), id="unused for too long"),
        pytest.param(session_is(seen_at=before(minutes=19)), id="warned of the end"),
        pytest.param(session_is(opened_at=before(hours=4)), id="open for too long"),
        pytest.param(session_is(sign_in=None), id="not signed in as a patient"),
        pytest.param(session_is(sign_in=SIGN_IN | {"clinic_scope": 0}), id="good for another clinic only"),
        pytest.param(acts_for_a_child, id="acts for a child"),
        pytest.param(rows_are(User, is_active=False), id="login closed"),
        pytest.param(rows_are(User, kind=UserKind.STAFF, email="staff@clinic.example"), id="staff"),
        pytest.param(rows_are(Patient, is_active=False), id="record inactive"),
        pytest.param(rows_are(Patient, left_at=NOW), id="has left"),
        pytest.param(rows_are(Patient, national_id_index="another"), id="no record here"),
        pytest.param(rows_are(Clinic, is_active=False), id="portal off"),
        pytest.param(rows_are(Clinic, draws_urgent=True), id="draws"),
        pytest.param(rows_are(Clinic, portal_identifier="moved"), id="no such clinic"),
    ],
)
def test_who_is_not_plainly_a_patient_of_the_clinic_goes_on(world, client, change):
    assert at_door(client, world) == 422
    change(world, client)
    assert at_door(client, world) == WENT_ON


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"by_itself": False}, id="without a script"),
        pytest.param({"form": fill_in(form_key="")}, id="no form's key"),
        pytest.param({"form": fill_in(form_key="x")}, id="no key at all"),
        pytest.param({"X-Keep-Form": "1"}, id="only to be kept"),
        pytest.param({"is_looked_at": True}, id="only looked at"),
        pytest.param({"in_parts": True}, id="as no page of ours sends it"),
    ],
)
def test_what_is_no_press_goes_on(world, client, sent):
    assert at_door(client, world) == 422
    assert at_door(client, world, **sent) == WENT_ON


def test_a_form_that_is_kept_before_the_session_ends_is_kept(world, client):
    press(client, world, **{"X-Keep-Form": "1"})
    assert KeptForm.objects.count() == 1


def test_a_patient_of_one_clinic_learns_nothing_of_another(world, client):
    other = make_world()
    assert at_door(client, other) == WENT_ON
    stranger = replace(other, patient=make_patient(other.clinic), user=make_user(kind=UserKind.PATIENT))
    assert at_door(sign_in(stranger), other) == WENT_ON, (
        "a session that is not on the list of those opened here"
    )


# -- what it costs -----------------------------------------------------------------------------------------
def test_a_plan_for_everyone_finds_it_by_the_index_of_free_urgent_times(world):
    """Postgres makes one plan for all values after a few times: it can't know then that only urgent ones are meant."""
    made = at_the_door._WHO_COMES.made
    sql = made.sql % tuple(f"${number + 1}" for number in range(len(made.parameters)))
    fill_slots(world.clinic, [world.gp.pk], days=40, first_day=date(2026, 3, 2))
    values = {"identifier": "'x'", "key": "'x'", "now": "now()", "form_key": f"'{uuid.uuid4()}'"}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE booking_slot")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE urgent AS {sql}")
        cursor.execute(f"EXPLAIN EXECUTE urgent({', '.join(values[one.name] for one in made.parameters)})")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE urgent")
    assert "slot_urgent_free" in plan, plan
    assert "Seq Scan" not in plan, plan
