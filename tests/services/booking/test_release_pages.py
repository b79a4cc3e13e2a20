"""The pages of the fair release: the patient's own, the rehearsal, the report and the command."""

import re
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic_admin import operations as register
from clinic_admin import queries as clinics
from clinic_admin.models import Clinic, Closure
from identity.choices import Assurance
from identity.models import Account
from portal import audit
from portal.models import AuditEvent
from services.booking.choices import SlotKind, SlotState
from services.booking.models import Appointment, Draw, DrawRequest
from services.booking.release import operations, policy, queries
from services.booking.release.choices import Outcome
from tests.build import make_provider
from tests.services.booking.build_booking import NOW, allow, make_absence, make_slot, make_world
from tests.services.booking.build_release import (
    CLOSES,
    DURING,
    OPENS,
    TUESDAY,
    ask,
    fair_world,
    hold,
    someone,
    urgent,
)
from tests.services.booking.build_staff import make_appointment, sign_in_staff
from tests.services.booking.test_pages import sign_in


# -- the patient's pages -----------------------------------------------------------------------------------
def page(name, world, *args):
    """Return the address of one of the pages."""
    return reverse(f"release:{name}", args=[world.clinic.portal_identifier, *args])


def text(response):
    """Return the words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def at(moment):
    """Stop the clock."""
    return time_machine.travel(moment, tick=False)


@pytest.mark.django_db
def test_who_opens_the_first_urgent_time_where_lots_are_drawn_is_led_to_the_draw():
    world = fair_world()
    urgent(world)
    first = reverse("booking:any_urgent", args=[world.clinic.portal_identifier])
    with at(DURING):
        client = sign_in(world)
        before = client.get(first)
        assert "ask before 16:10" in text(before)
        assert page("ask", world) in before.content.decode()
        own = ask(world)
        after = client.get(first).content.decode()
    assert page("request", world, own.pk) in after
    assert page("ask", world) + '"' not in after


@pytest.mark.django_db
def test_who_asks_at_a_price_that_has_changed_reads_the_new_one_before_being_in_the_draw():
    world = fair_world()
    urgent(world)
    with at(DURING):
        client = sign_in(world)
        told = re.search(r'name="told_ore" value="(\d+)"', client.get(page("ask", world)).content.decode())[1]
        Clinic.objects.update(sms_ore=250)
        answer = client.post(
            page("ask", world), {"reason": "Fever", "wants_reminder": "on", "told_ore": told}
        )
    assert answer.status_code == 422
    assert "The price has changed since you opened the page. Choose again." in text(answer)
    assert "2,50" in text(answer)
    assert not DrawRequest.objects.exists()


@pytest.mark.django_db
def test_a_patient_asks_waits_and_sees_what_came_of_it_with_no_worker_alive(django_assert_max_num_queries):
    world = fair_world()
    slot = urgent(world)
    find = reverse("booking:find", args=[world.clinic.portal_identifier])
    with at(OPENS - timedelta(minutes=1)):
        client = sign_in(world)
        assert "can be asked for today from 16:00" in text(client.get(find))
    with at(DURING):
        client.get(find)
        with django_assert_max_num_queries(14):
            shown = client.get(find)
        assert "ask before 16:10" in text(shown)
        with django_assert_max_num_queries(12):
            form = client.get(page("ask", world))
        assert Draw.objects.get(day=TUESDAY).seed_hash in text(form)
        assert Draw.objects.get(day=TUESDAY).seed not in form.content.decode()
        empty = client.post(page("ask", world), {"reason": "", "providers": [world.gp.pk]})
        assert empty.status_code == 422
        assert "Write in a few words" in text(empty)
        answer = client.post(page("ask", world), {"reason": "Fever", "providers": [world.gp.pk]}, follow=True)
        assert "You are in the draw" in text(answer)
        assert Draw.objects.get(day=TUESDAY).seed not in answer.content.decode()
        assert client.get(page("ask", world)).status_code == 302
        assert "Fever" in client.get(page("ask", world) + "?change=1").content.decode()
    own = DrawRequest.objects.get()
    with at(CLOSES):
        shown = client.get(page("request", world, own.pk))
        assert "You got a time" in text(shown)
        assert Draw.objects.get(day=TUESDAY).seed in text(shown)
        assert policy.lot(Draw.objects.get(day=TUESDAY).seed, own.pk) in text(shown)
    slot.refresh_from_db()
    assert slot.state == SlotState.TAKEN


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["home:start", "release:request"])
def test_a_window_that_was_made_longer_is_told_with_its_new_end(place):
    world = fair_world()
    urgent(world)
    own = ask(world)
    Clinic.objects.update(draw_minutes=30)
    arguments = [world.clinic.portal_identifier, *([own.pk] if place == "release:request" else [])]
    with at(DURING):
        assert "Lots are drawn at 16:30." in text(sign_in(world).get(reverse(place, args=arguments)))


def stops_drawing(world):
    """Let an administrator switch the draw off while patients ask."""
    settings = replace(clinics.settings_of(world.clinic), draws_urgent=False)
    register.change_settings(
        clinic=world.clinic, settings=settings, seen=None, actor=audit.SYSTEM, now=DURING
    )


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["home:start", "booking:find", "booking:appointments", "release:request"])
def test_who_had_asked_when_drawing_was_switched_off_reads_that_lots_are_drawn_and_when(place):
    world = fair_world()
    urgent(world)
    own = ask(world)
    stops_drawing(world)
    # What is set afterwards holds for no draw any more.
    Clinic.objects.update(draw_minutes=30)
    arguments = [world.clinic.portal_identifier, *([own.pk] if place == "release:request" else [])]
    of_all = "home:start" if place == "release:request" else place
    with at(DURING):
        shown = text(sign_in(world).get(reverse(place, args=arguments)))
        stranger = text(sign_in(someone(world)).get(reverse(of_all, args=arguments[:1])))
    assert "Lots are drawn at 16:10." in shown
    assert "The clinic has stopped drawing lots" in shown
    assert "Change what you asked for" not in shown
    assert "Lots are drawn" not in stranger
    assert "asked for an urgent time" not in stranger


@pytest.mark.django_db
def test_what_came_of_a_draw_that_was_switched_off_meanwhile_is_told_where_one_comes_in():
    world = fair_world()
    slot = urgent(world)
    own = ask(world)
    slot.delete()
    Clinic.objects.update(draws_urgent=False)
    with at(CLOSES):
        operations.keep_up_everywhere(CLOSES)
        shown = sign_in(world).get(reverse("home:start", args=[world.clinic.portal_identifier]))
    assert "No time was left." in text(shown)
    assert page("request", world, own.pk) in shown.content.decode()
    assert "Lots are drawn" not in text(shown)


@pytest.mark.django_db
def test_free_times_ask_for_a_draw_that_is_left_over_until_its_day_is_past_and_tell_what_came_of_it():
    world = fair_world()
    urgent(world)
    ask(world)
    stops_drawing(world)
    find = reverse("booking:find", args=[world.clinic.portal_identifier])
    with at(CLOSES):
        operations.keep_up_everywhere(CLOSES)
        client = sign_in(world)
        assert "You got a time" in text(client.get(find))
    after = datetime.combine(TUESDAY + timedelta(days=1), CLOSES.time(), tzinfo=UTC)
    for now, asks in ((CLOSES, 1), (after - timedelta(days=1), 1), (after, 0)):
        with at(now):
            Account.objects.all().delete()
            client = sign_in(world)
            client.get(find)
            with CaptureQueriesContext(connection) as asked:
                client.get(find)
        assert len([one for one in asked if "booking_drawrequest" in one["sql"]]) == asks


@pytest.mark.django_db
def test_the_start_page_asks_once_for_a_draw_that_is_left_over_and_free_times_never_where_none_can_be():
    counts = {}
    for draws in (False, True):
        world = fair_world()
        urgent(world)
        ask(world)
        Clinic.objects.filter(pk=world.clinic.pk).update(draws_urgent=draws)
        with at(DURING):
            client = sign_in(world)
            for place in ("home:start", "booking:find"):
                address = reverse(place, args=[world.clinic.portal_identifier])
                client.get(address)
                with CaptureQueriesContext(connection) as asked:
                    client.get(address)
                of_draws = [one["sql"] for one in asked if "booking_drawrequest" in one["sql"]]
                counts[place, draws] = len(asked), len(of_draws)
    assert counts["home:start", False][1] == 1
    assert counts["home:start", False][0] <= counts["home:start", True][0]
    assert counts["booking:find", False][1] == 0


# -- other appointments of the patient ---------------------------------------------------------------------
def busy_at(world, *slots):
    """Let the patient have an appointment at the time of each of these."""
    for slot in slots:
        own = make_slot(make_provider(world.clinic), slot.starts_at, state=SlotState.TAKEN)
        make_appointment(own, world.patient)


@pytest.mark.django_db
def test_who_has_something_else_at_some_of_the_times_reads_it_before_and_after_asking(
    django_assert_max_num_queries,
):
    world = fair_world()
    busy_at(world, urgent(world, 9))
    urgent(world, 11)
    with at(DURING):
        client = sign_in(world)
        client.get(page("ask", world))
        with django_assert_max_num_queries(12):
            form = text(client.get(page("ask", world)))
        asked = text(client.post(page("ask", world), {"reason": "Fever"}, follow=True))
    for shown in (form, asked):
        assert "You have another appointment at some of the times" in shown
        assert "passes over those times, unless that appointment is moved or cancelled before 16:10" in shown
        assert "You have Tuesday 24 November at 10:00–10:20 with" in shown
        assert "Move or cancel that one first" in shown
    hold(world)
    assert DrawRequest.objects.get().appointment.starts_at.hour == 11


@pytest.mark.django_db
def test_who_is_busy_at_all_times_of_those_asked_for_reads_that_none_can_be_won_and_none_is():
    world = fair_world()
    other = make_provider(world.clinic)
    allow(other, row=world.gp)
    busy_at(world, urgent(world, 9))
    urgent(world, 11, provider=other)
    with at(DURING):
        client = sign_in(world)
        assert "at some of the times" in text(client.get(page("ask", world)))
        only_gp = {"reason": "Fever", "providers": [world.gp.pk]}
        asked = text(client.post(page("ask", world), only_gp, follow=True))
    assert "As things are, you can get none of these times" in asked
    assert "You can ask all the same." in asked
    hold(world)
    assert DrawRequest.objects.get().outcome == Outcome.OWN_TIME


@pytest.mark.django_db
def test_appointments_at_none_of_the_times_are_not_spoken_of():
    world = fair_world()
    slot = urgent(world, 9)
    touching = make_slot(make_provider(world.clinic), slot.ends_at, state=SlotState.TAKEN)
    make_appointment(touching, world.patient)
    busy_at(someone(world), slot)
    with at(DURING):
        assert "another appointment at" not in text(sign_in(world).get(page("ask", world)))


@pytest.mark.django_db
def test_a_loser_sees_the_other_ways_and_keeps_what_was_written():
    world = fair_world()
    urgent(world)
    first, second = [(one, ask(one)) for one in (world, someone(world))]
    hold(world)
    loser, own = first if DrawRequest.objects.get(pk=first[1].pk).outcome != Outcome.WON else second
    with at(CLOSES):
        shown = sign_in(loser).get(page("request", loser, own.pk))
        words = text(shown)
    assert "You got no time this time" in words
    assert "Sore throat" in words
    assert "2 of 2" in words
    assert reverse("booking:find", args=[world.clinic.portal_identifier]) in shown.content.decode()


@pytest.mark.django_db
def test_another_patients_request_does_not_exist():
    world = fair_world()
    urgent(world)
    own, other = ask(world), someone(world)
    with at(DURING):
        client = sign_in(other)
        assert client.get(page("request", other, own.pk)).status_code == 404
        assert client.post(page("withdraw", other, own.pk)).status_code == 404
        assert client.get(page("request", other, uuid.uuid4())).status_code == 404
    assert DrawRequest.objects.get().outcome == Outcome.WAITING


@pytest.mark.django_db
def test_too_late_is_said_with_the_next_time_and_what_was_typed():
    world = fair_world()
    urgent(world)
    with at(CLOSES):
        answer = sign_in(world).post(page("ask", world), {"reason": "<b>Fever</b>"})
    assert answer.status_code == 409
    assert "&lt;b&gt;Fever&lt;/b&gt;" in answer.content.decode()
    assert "Tuesday 24 November at 16:00" in text(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("sent", ["0", "x", str(2**70), "-1"])
def test_a_provider_who_can_not_be_asked_for_is_an_error_by_the_field(sent):
    world = fair_world()
    urgent(world)
    with at(DURING):
        answer = sign_in(world).post(page("ask", world), {"reason": "Fever", "providers": [sent]})
    assert answer.status_code == 422
    assert "Choose again" in text(answer)
    assert "Fever" in answer.content.decode()
    assert not DrawRequest.objects.exists()


@pytest.mark.django_db
def test_withdrawing_on_the_page_and_after_the_draw():
    world = fair_world()
    urgent(world)
    own = ask(world)
    with at(DURING):
        client = sign_in(world)
        assert "You have withdrawn" in text(client.post(page("withdraw", world, own.pk), follow=True))
        ask(world)
    with at(CLOSES):
        assert "You got a time" in text(client.post(page("withdraw", world, own.pk), follow=True))


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["home:start", "booking:appointments"])
def test_who_lost_reads_it_where_they_come_in_with_place_and_ways_on(place):
    world = fair_world()
    urgent(world)
    loser = someone(world)
    ask(world)
    own = ask(loser)
    hold(world)
    own.refresh_from_db()
    winner = loser if own.outcome == Outcome.WON else world
    other = world if winner is loser else loser
    address = reverse(place, args=[world.clinic.portal_identifier])
    with at(CLOSES):
        lost = text(sign_in(other).get(address))
        assert "No time was left. 1 time was drawn; the place in the order was 2." in lost
        assert "What you can do now, and how to check the draw" in lost
        assert "You asked for an urgent time" not in text(sign_in(winner).get(address))


# -- the staff's page --------------------------------------------------------------------------------------
def release_page(client, world, **query):
    """Open the page of releases, in English."""
    client.cookies["django_language"] = "en"
    return client.get(reverse("release_staff:release", args=[world.clinic.portal_identifier]), query)


@pytest.mark.django_db
@pytest.mark.parametrize("draws", [False, True])
def test_the_rehearsal_says_which_times_come_out_when_and_for_how_many(
    client, draws, django_assert_max_num_queries
):
    world = make_world({"draws_urgent": draws})
    urgent(world, 9)
    for _ in range(3):
        someone(world)
    someone(world, is_active=False)
    nobody = make_provider(world.clinic, name="Anna Unreachable")
    make_slot(nobody, datetime(2026, 11, 24, 12, tzinfo=UTC), kind=SlotKind.URGENT)
    with at(NOW):
        sign_in_staff(client, world.clinic)
        release_page(client, world)
        with django_assert_max_num_queries(22):
            words = text(release_page(client, world))
    assert "What opens at 16:00" in words
    assert f"{world.gp.name}'s list: 4 of 4" in words
    assert "Anna Unreachable" in words
    assert "Nobody may take these times" in words
    assert ("lots are drawn" in words) == draws


@pytest.mark.django_db
def test_the_rehearsal_counts_exactly_those_who_may_book():
    world = make_world()
    other = make_provider(world.clinic)
    allow(other, row=world.gp)
    urgent(world, 9), urgent(world, 10, provider=other)
    people = [world, *(someone(world) for _ in range(3)), *(someone(world, gp=other) for _ in range(2))]
    people.append(someone(world, gp=None))
    make_absence(world.gp, TUESDAY, TUESDAY)
    found = queries.rehearsal(clinic=world.clinic, day=TUESDAY, now=NOW)
    for opening in found.openings:
        may = [
            one
            for one in people
            if opening.slots[0].provider_id
            in {
                choice.provider_id
                for choice in queries.whom_to_ask(
                    patient=one.patient, day=TUESDAY, assurance=Assurance.HIGH, now=NOW
                )
            }
        ]
        assert opening.patients == len(may)
    assert {one.name: one.patients for one in found.openings} == {world.gp.name: 0, other.name: 4}


@pytest.mark.django_db
def test_over_a_weekend_and_a_closed_day_the_next_release_is_the_evening_before_the_next_open_day(client):
    world = make_world()
    friday = datetime(2026, 11, 27, 16, tzinfo=UTC)
    for day in (30, 29):
        make_slot(world.gp, datetime(2026, 11, day, 9, tzinfo=UTC), kind=SlotKind.URGENT)
    Closure.objects.create(clinic=world.clinic, first_day=date(2026, 11, 29), last_day=date(2026, 11, 29))
    found = queries.coming(clinic=world.clinic, now=friday)
    assert [(one.day, one.opens_at) for one in found] == [
        (date(2026, 11, 30), datetime(2026, 11, 29, 15, tzinfo=UTC))
    ]
    with at(friday):
        sign_in_staff(client, world.clinic)
        assert "They come out Sunday 29 November at 16:00" in text(release_page(client, world))
        assert "The clinic is closed that day" in text(release_page(client, world, day="2026-11-29"))


@pytest.mark.django_db
def test_while_patients_ask_staff_read_what_was_opened_and_until_when_they_can(client):
    world = fair_world()
    urgent(world)
    ask(world)
    with at(DURING):
        sign_in_staff(client, world.clinic)
        words = text(release_page(client, world))
    assert "What was opened" in words
    assert (
        "They came out Monday 23 November at 16:00. Patients ask until 16:10; then lots are drawn." in words
    )
    assert "The window is open now" in words
    assert world.patient.full_name not in words


@pytest.mark.django_db
def test_the_report_names_who_won_in_which_order_and_records_who_looked(client):
    world = fair_world()
    urgent(world)
    people = [world, someone(world)]
    for one in people:
        ask(one)
    hold(world)
    with at(CLOSES):
        sign_in_staff(client, world.clinic)
        shown = release_page(client, world, day=TUESDAY.isoformat())
    words, draw = text(shown), Draw.objects.get(day=TUESDAY)
    assert "Checked: the seed gives exactly this order" in words
    assert (
        "They came out Monday 23 November at 16:00. Patients asked until 16:10; then lots were drawn."
        in words
    )
    assert draw.seed in words
    first, second = DrawRequest.objects.order_by("rank")
    assert words.index(first.patient.full_name) < words.rindex(second.patient.full_name)
    assert AuditEvent.objects.filter(action="patient.listed").count() == 2


@pytest.mark.django_db
def test_staff_who_look_while_a_worker_holds_the_draw_read_that_it_is_under_way(client):
    world = fair_world()
    urgent(world)
    ask(world)
    with connection.get_new_connection(connection.get_connection_params()) as worker, at(CLOSES):
        sign_in_staff(client, world.clinic)
        worker.execute("SELECT pg_advisory_xact_lock(%s, %s)", [operations._LOCK_CLASS, world.clinic.pk])
        words = text(release_page(client, world, day=TUESDAY.isoformat()))
        assert "The draw is under way" in words
        assert "switched off" not in words
        worker.rollback()
        assert "Checked: the seed" in text(release_page(client, world, day=TUESDAY.isoformat()))


@pytest.mark.django_db
def test_the_report_says_what_happened_where_nothing_is_drawn(client):
    world = make_world()
    world.book(urgent(world), now=OPENS + timedelta(seconds=2))
    with at(CLOSES):
        sign_in_staff(client, world.clinic)
        words = text(release_page(client, world, day=TUESDAY.isoformat()))
    assert "whoever came first" in words
    assert world.patient.full_name in words


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["x", "2026-13-01", "9999-12-31", ""])
def test_nonsense_for_a_day_is_never_an_error_page(client, day):
    world = make_world()
    with at(NOW):
        sign_in_staff(client, world.clinic)
        assert release_page(client, world, day=day).status_code == 200


@pytest.mark.django_db
def test_a_changed_record_is_found_by_the_page_and_by_the_command(client):
    world = fair_world()
    urgent(world)
    for one in (world, someone(world)):
        ask(one)
    hold(world)
    out = StringIO()
    asked = {"clinic": world.clinic.portal_identifier, "day": TUESDAY.isoformat()}
    call_command("check_draw", **asked, stdout=out)
    assert "The draw is in order." in out.getvalue()
    assert world.patient.full_name not in out.getvalue()
    first, second = DrawRequest.objects.order_by("rank")
    DrawRequest.objects.filter(pk=second.pk).update(rank=10)
    DrawRequest.objects.filter(pk=first.pk).update(rank=2)
    DrawRequest.objects.filter(pk=second.pk).update(rank=1)
    with pytest.raises(CommandError, match="order"):
        call_command("check_draw", **asked, stdout=out)
    with at(CLOSES):
        sign_in_staff(client, world.clinic)
        assert "not in order" in text(release_page(client, world, day=TUESDAY.isoformat()))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("clinic", "day"), [("nowhere", "2026-11-24"), (None, "2026-11-24")], ids=["no clinic", "no draw"]
)
def test_the_command_says_what_is_missing(clinic, day):
    world = fair_world()
    with pytest.raises(CommandError, match=r"There is no clinic|No draw"):
        call_command("check_draw", clinic=clinic or world.clinic.portal_identifier, day=day)


@pytest.mark.django_db
def test_old_draws_name_nobody_and_can_be_checked_as_before(client):
    world = fair_world()
    urgent(world)
    for one in (world, someone(world), someone(world)):
        ask(one)
    hold(world)
    assert operations.forget_people(CLOSES + policy.KEPT) == 0
    assert operations.forget_people(CLOSES + policy.KEPT + timedelta(minutes=1)) == 3
    rows = DrawRequest.objects.values_list("patient", "asked_by", "appointment", "reason")
    assert set(rows) == {(None, None, None, "")}
    assert queries.faults_of(Draw.objects.get(day=TUESDAY)) == []
    assert Appointment.objects.count() == 1
    with at(NOW + policy.KEPT + timedelta(days=2)):
        sign_in_staff(client, world.clinic)
        words = text(release_page(client, world, day=TUESDAY.isoformat()))
    assert words.count("no longer kept") == 3
    call_command("check_draw", clinic=world.clinic.portal_identifier, day=TUESDAY.isoformat())
