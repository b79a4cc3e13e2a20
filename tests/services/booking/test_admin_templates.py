import re
import uuid
from datetime import time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin.choices import Role
from portal.models import AuditEvent
from services.booking import policy
from services.booking.choices import AppointmentStatus, SlotKind, SlotState
from services.booking.models import Appointment, CalendarTemplate, Slot
from services.booking.weekly import effects as template_effects
from services.booking.weekly import policy as template_policy
from services.booking.weekly import queries as template_queries
from services.booking.weekly.choices import RowProblem
from services.booking.weekly.operations import TemplateRefused, clashes, delete_template, save_template
from services.booking.weekly.policy import WeekBlock
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.services.booking.build_staff import make_appointment, sign_in_staff


@pytest.fixture
def clinic(db):
    return make_clinic()


@pytest.fixture
def provider(clinic):
    return make_provider(clinic, name="Lege Berg")


@pytest.fixture
def admin(client, clinic):
    client.cookies["django_language"] = "en"
    return sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)


def block(weekday=0, starts=9, ends=10, minutes=20, kind=SlotKind.PORTAL):
    return WeekBlock(weekday, time(starts), time(ends), minutes, kind)


WEEK = [block(day) for day in range(7)]


def save(provider, blocks=WEEK, **values):
    return save_template(
        **{
            "clinic": provider.clinic,
            "provider": provider,
            "name": "Winter",
            "valid_from": timezone.now().date() - timedelta(days=1),
            "valid_until": None,
            "blocks": blocks,
            "actor": make_user(),
            "now": timezone.now(),
        }
        | values
    )


def address(name, clinic, *args):
    return reverse(f"booking_admin:{name}", args=[clinic.portal_identifier, *args])


def rows(*given, total=8, **values):
    data = {
        "name": "Winter",
        "valid_from": timezone.now().date().isoformat(),
        "valid_until": "",
        "rows-TOTAL_FORMS": str(total),
        "rows-INITIAL_FORMS": "0",
    }
    for number in range(total):
        row = given[number] if number < len(given) else {}
        words = {"weekday": "", "starts_at": "", "ends_at": "", "minutes": "15", "kind": "portal"} | row
        data |= {f"rows-{number}-{name}": word for name, word in words.items()}
    return data | values


MONDAY_MORNING = {"weekday": "0", "starts_at": "09:00", "ends_at": "10:00"}


# -- rules
@given(
    st.lists(
        st.builds(
            WeekBlock,
            st.integers(0, 6),
            st.times(time(6), time(12)),
            st.times(time(10), time(20)),
            st.integers(5, 60),
            st.just("portal"),
        ),
        max_size=8,
    )
)
def test_rows_without_problems_share_no_minute_and_leave_no_rest(blocks):
    if template_policy.problems(blocks):
        return
    for number, one in enumerate(blocks):
        assert one.starts_at < one.ends_at
        assert not any(one.overlaps(other) for other in blocks[number + 1 :])


@pytest.mark.parametrize(
    ("blocks", "found"),
    [
        ([block(starts=10, ends=9)], {0: RowProblem.NOT_IN_ORDER}),
        ([block(starts=9, ends=9)], {0: RowProblem.NOT_IN_ORDER}),
        ([block(minutes=25)], {0: RowProblem.DOES_NOT_DIVIDE}),
        ([block(), block(starts=8, ends=11)], {1: RowProblem.OVERLAPS}),
        ([block(), block(starts=10, ends=11)], {}),
        ([block(), block(1)], {}),
    ],
)
def test_what_is_wrong_with_rows(blocks, found):
    assert template_policy.problems(blocks) == found


# -- operations
def test_saving_makes_the_times_and_is_recorded(provider):
    saved = save(provider)
    assert saved.change.added == Slot.objects.filter(provider=provider).count() > 200
    event = AuditEvent.objects.get(action="calendar-template.saved")
    assert event.details["before"] is None
    assert len(event.details["after"]["blocks"]) == 7


def test_changing_the_week_keeps_what_is_booked_and_says_so(provider):
    first = save(provider)
    booked = Slot.objects.filter(provider=provider, starts_at__gt=timezone.now()).order_by("starts_at")[5]
    make_appointment(booked, status=AppointmentStatus.BOOKED)
    saved = save(provider, [block(day, 14, 15) for day in range(7)], template_id=first.template.pk)
    assert saved.kept == 1
    assert Slot.objects.get(pk=booked.pk).state == SlotState.TAKEN
    free = Slot.objects.filter(provider=provider, state=SlotState.FREE)
    assert {slot.starts_at.astimezone(provider.clinic.zone).hour for slot in free} == {14}
    assert CalendarTemplate.objects.count() == 1


def test_a_time_that_an_appointment_blocks_is_reported(provider):
    first = save(provider)
    booked = Slot.objects.filter(provider=provider, starts_at__gt=timezone.now()).order_by("starts_at")[5]
    make_appointment(booked, status=AppointmentStatus.BOOKED)
    saved = save(provider, [block(day, minutes=30) for day in range(7)], template_id=first.template.pk)
    assert saved.change.left_out


def test_two_calendars_that_want_the_same_hour_are_refused_and_nothing_is_stored(provider):
    save(provider)
    with pytest.raises(TemplateRefused):
        save(provider, [block(0, 8, 12)], name="Other")
    assert CalendarTemplate.objects.count() == 1


def test_calendars_that_hold_at_different_times_do_not_clash(provider):
    today = timezone.now().date()
    save(provider, valid_until=today + timedelta(days=20))
    save(provider, name="Later", valid_from=today + timedelta(days=21))
    assert CalendarTemplate.objects.count() == 2


def test_deleting_removes_the_free_times_only(provider):
    template = save(provider).template
    booked = Slot.objects.filter(provider=provider, starts_at__gt=timezone.now()).order_by("starts_at")[5]
    make_appointment(booked, status=AppointmentStatus.BOOKED)
    delete_template(clinic=provider.clinic, template_id=template.pk, actor=make_user(), now=timezone.now())
    left = Slot.objects.filter(provider=provider, starts_at__gt=timezone.now())
    assert [slot.pk for slot in left] == [booked.pk]


def test_another_clinics_provider_and_calendar_do_not_exist(provider):
    template = save(provider).template
    elsewhere = make_clinic()
    with pytest.raises(type(provider).DoesNotExist):
        save(provider, clinic=elsewhere)
    with pytest.raises(CalendarTemplate.DoesNotExist):
        delete_template(clinic=elsewhere, template_id=template.pk, actor=make_user(), now=timezone.now())


# -- pages
def test_a_calendar_is_written_and_the_page_says_what_came_of_it(client, clinic, provider, admin):
    url = address("new_template", clinic, provider.pk)
    assert client.get(url).status_code == 200
    response = client.post(url, rows(MONDAY_MORNING), follow=True)
    template = CalendarTemplate.objects.get()
    assert response.redirect_chain == [(address("template", clinic, template.pk), 302)]
    text = response.content.decode()
    assert "times added" in text
    assert "4 times a week" in text
    assert (
        address("template", clinic, template.pk) in client.get(address("templates", clinic)).content.decode()
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"starts_at": "11:00"}, "The end must be later than the start."),
        ({"minutes": "25"}, "The time between start and end must be whole appointments."),
        ({"minutes": "0"}, "Write 5 or more."),
        ({"minutes": "many"}, "Write a whole number, as in 20."),
        ({"starts_at": "25:99"}, "Write a time of day, as in 08:00."),
        ({"kind": "strange"}, "Choose one of these."),
        ({"weekday": ""}, "Fill in this field."),
    ],
)
def test_what_is_wrong_stands_by_the_field_and_nothing_typed_is_lost(
    client, clinic, provider, admin, row, words
):
    response = client.post(
        address("new_template", clinic, provider.pk), rows(MONDAY_MORNING | row, name="My winter")
    )
    text = response.content.decode()
    assert response.status_code == 422
    assert words in text
    summary = text.partition("data-error-summary")[2].partition("</ul>")[0]
    assert re.search(rf'<a href="#id_rows-0-\w+">[\w ]+, row 1: {re.escape(words)}</a>', summary)
    assert "My winter" in text
    assert not CalendarTemplate.objects.exists()


def test_no_rows_and_a_wrong_duration_are_said(client, clinic, provider, admin):
    response = client.post(address("new_template", clinic, provider.pk), rows(valid_until="2000-01-01"))
    text = response.content.decode()
    assert response.status_code == 422
    assert "Fill in at least one row." in text
    assert "can&#x27;t be before the first day" in text


def test_more_rows_come_without_scripts_and_keep_what_was_typed(client, clinic, provider, admin):
    response = client.post(
        address("new_template", clinic, provider.pk),
        rows(MONDAY_MORNING | {"minutes": "nonsense"}, name="Half", more="1", total=4),
    )
    text = response.content.decode()
    assert response.status_code == 200
    assert "Half" in text
    assert "nonsense" in text
    assert text.count("-weekday") > 4
    assert re.findall(r'<select name="([^"]*)"[^>]*autofocus', text) == ["rows-1-weekday"]
    assert not CalendarTemplate.objects.exists()


def test_the_preview_stores_nothing(client, clinic, provider, admin):
    response = client.post(address("new_template", clinic, provider.pk), rows(MONDAY_MORNING, preview="1"))
    assert "4 times a week" in response.content.decode()
    assert '<h2 id="effect-title" tabindex="-1" autofocus>' in response.content.decode(), (
        "it is far below the form"
    )
    assert not CalendarTemplate.objects.exists()


def test_a_row_is_removed_by_its_box(client, clinic, provider, admin):
    template = save(provider, [block(0), block(1)]).template
    data = rows(
        MONDAY_MORNING,
        {"weekday": "1", "starts_at": "09:00", "ends_at": "nonsense", "DELETE": "on"},
    )
    asked = client.post(address("template", clinic, template.pk), data)
    assert "This is not saved yet" in asked.text
    assert template.blocks.count() == 2
    assert (
        client.post(
            address("template", clinic, template.pk), as_sent(asked, **{"rows-1-DELETE": "on"})
        ).status_code
        == 302
    )
    assert template.blocks.count() == 1


def test_a_change_says_what_it_does_to_the_coming_weeks_before_it_is_saved(client, clinic, provider, admin):
    template = save(provider, [block(0)]).template
    slots = Slot.objects.filter(provider=provider, starts_at__gt=timezone.now()).order_by("starts_at")
    booked, before = slots[3], slots.count()
    appointment = make_appointment(booked, status=AppointmentStatus.BOOKED)
    here = address("template", clinic, template.pk)
    changed = rows({"weekday": "0", "starts_at": "13:00", "ends_at": "14:00", "minutes": "30"})
    page = client.post(here, changed)
    assert page.status_code == 200
    assert f"{before - 1} free times go. What is booked stays." in page.text
    assert "1 appointment does not fit into the week" in page.text
    link = reverse("booking_staff:appointment", args=[clinic.portal_identifier, appointment.pk])
    entry = re.search(rf'<a href="{link}">.*?</a>', page.text, re.DOTALL)[0]
    assert appointment.patient.full_name in entry
    assert "Bookable online" in entry
    assert AuditEvent.objects.filter(
        action="patient.listed", patient_id=appointment.patient_id, details={"page": "change"}
    ).exists()
    week = policy.week_of(booked.day).isoformat()
    in_calendar = reverse("desk:week", args=[clinic.portal_identifier])
    assert (
        f'href="{in_calendar}?day={week}&amp;provider={provider.pk}&amp;days=7">1 in the calendar'
        in page.text
    )
    assert slots.count() == before
    other = as_sent(page) | {"rows-0-minutes": "20"}
    assert "This is not saved yet" in client.post(here, other).text, "another week is another effect"
    assert client.post(here, as_sent(page)).status_code == 302
    assert Slot.objects.get(pk=booked.pk).state == SlotState.TAKEN
    free = Slot.objects.filter(provider=provider, state=SlotState.FREE, starts_at__gt=timezone.now())
    assert {slot.starts_at.astimezone(clinic.zone).hour for slot in free} == {13}


def book_all(provider):
    """Book every coming time of the provider, each for the same patient."""
    slots = list(Slot.objects.filter(provider=provider, starts_at__gt=timezone.now()))
    patient, asker, now = make_patient(provider.clinic), make_user(), timezone.now()
    Appointment.objects.bulk_create(
        Appointment(
            clinic=provider.clinic,
            patient=patient,
            provider=provider,
            slot=slot,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            kind=slot.kind,
            status=AppointmentStatus.BOOKED,
            form_key=uuid.uuid4(),
            requested_at=now,
            requested_by=asker,
            decided_at=now,
        )
        for slot in slots
    )
    Slot.objects.filter(provider=provider).update(state=SlotState.TAKEN)
    return len(slots)


def test_a_thousand_appointments_that_do_not_fit_are_told_by_few_questions(
    client, clinic, provider, admin, django_assert_max_num_queries
):
    template = save(provider, [block(day, 8, 13, minutes=20) for day in range(7)]).template
    booked = book_all(provider)
    assert booked > 1_000
    later = [{"weekday": str(day), "starts_at": "14:00", "ends_at": "15:00"} for day in range(7)]
    here = address("template", clinic, template.pk)
    client.get(here)
    with django_assert_max_num_queries(24):
        page = client.post(here, rows(*later, preview="1"))
    effect = page.context["effect"]
    assert (effect.stays, len(effect.staying)) == (booked, 50)
    assert f"{booked - 50} more are not listed" in page.text
    assert sum(week.staying for week in effect.weeks) == booked
    assert page.text.count(" in the calendar</a>") == len([week for week in effect.weeks if week.staying])
    with django_assert_max_num_queries(20):
        page = client.get(address("delete_template", clinic, template.pk))
    assert page.context["effect"].stays == booked


def test_who_may_only_look_reads_whom_deleting_a_calendar_touches_and_that_is_recorded(
    client, clinic, provider
):
    client.cookies["django_language"] = "en"
    template = save(provider).template
    slot = Slot.objects.filter(provider=provider, starts_at__gt=timezone.now()).first()
    mine = make_appointment(slot, make_patient(clinic, given_name="Kari"))
    reader = sign_in_staff(client, clinic).user
    page = client.get(address("delete_template", clinic, template.pk))
    assert "Kari Danser" in page.text
    assert "Waits for approval" in page.text
    seen = AuditEvent.objects.get(action="patient.listed", patient_id=mine.patient_id)
    assert (seen.actor_id, seen.details) == (reader.pk, {"page": "change"})
    here = address("template", clinic, template.pk)
    refused = client.post(here, rows(MONDAY_MORNING, preview="1"))
    assert refused.status_code == 403
    assert "Kari" not in refused.text


def test_what_is_told_before_is_what_saving_does(provider):
    first = save(provider)
    for number in (5, 17, 40):
        slot = Slot.objects.filter(provider=provider, starts_at__gt=timezone.now()).order_by("starts_at")[
            number
        ]
        make_appointment(slot, status=AppointmentStatus.BOOKED)
    week = [block(day, 9, 11, minutes=30) for day in range(7)]
    told = template_effects.effect_of(
        provider,
        week,
        valid_from=first.template.valid_from,
        valid_until=None,
        template_id=first.template.pk,
        now=timezone.now(),
    )
    saved = save(provider, week, template_id=first.template.pk)
    assert (told.added, told.removed) == (saved.change.added, saved.change.removed)
    assert sum(one.added for one in told.weeks) == told.added
    assert len(told.staying) == 3


def test_a_clash_with_another_calendar_is_said_on_the_form(client, clinic, provider, admin):
    save(provider)
    tuesday = {"weekday": "1", "starts_at": "12:00", "ends_at": "13:00"}
    sent = rows(tuesday, MONDAY_MORNING, name="Summer")
    for button in ({}, {"preview": "1"}):
        response = client.post(address("new_template", clinic, provider.pk), sent | button)
        assert response.status_code == 422
        one, other = response.context["rows"].forms[:2]
        assert not one.errors
        assert "“Winter” (" in other.errors["ends_at"][0]
        assert "until further notice) has 09:00–10:00 on this weekday." in other.errors["ends_at"][0]
        assert "What it makes" not in response.content.decode()
    assert CalendarTemplate.objects.count() == 1


def test_a_row_that_ends_before_it_begins_is_told_together_with_what_other_rows_lack(
    client, clinic, provider, admin
):
    backwards, unfinished = MONDAY_MORNING | {"ends_at": "08:00"}, MONDAY_MORNING | {"weekday": ""}
    response = client.post(
        address("new_template", clinic, provider.pk), rows(backwards, unfinished, MONDAY_MORNING)
    )
    assert response.status_code == 422
    found = [list(form.errors) for form in response.context["rows"].forms[:3]]
    assert found == [["ends_at"], ["weekday"], []]


def test_each_row_that_clashes_is_told(client, clinic, provider, admin):
    save(provider)
    tuesday = {"weekday": "1", "starts_at": "08:00", "ends_at": "12:00"}
    free = {"weekday": "1", "starts_at": "13:00", "ends_at": "14:00"}
    response = client.post(
        address("new_template", clinic, provider.pk), rows(MONDAY_MORNING, tuesday, free, name="Summer")
    )
    assert response.status_code == 422
    assert [list(form.errors) for form in response.context["rows"].forms[:3]] == [
        ["ends_at"],
        ["ends_at"],
        [],
    ]
    assert response.content.decode().count("“Winter” (") == 4, "by each row, and at the top of the page"


def test_clashes_are_found_by_few_questions_however_long_the_other_calendars_are(
    provider, django_assert_max_num_queries
):
    save(provider, [block(day, hour, hour + 1) for day in range(7) for hour in range(7, 17)])
    wanted = [block(day, 9, 10, kind=SlotKind.URGENT) for day in range(7)]
    today = timezone.now().date()
    with django_assert_max_num_queries(4):
        found = clashes(provider, "Winter", wanted, valid_from=today, valid_until=None, template_id=None)
    assert [clash.block for clash in found] == wanted


def test_a_calendar_that_ends_before_the_other_begins_clashes_with_nothing(provider):
    first = save(provider, valid_until=timezone.now().date() + timedelta(days=20)).template
    second = save(provider, valid_from=first.valid_until + timedelta(days=1))
    assert second.change.added
    with pytest.raises(TemplateRefused):
        save(provider, name="Third", valid_from=first.valid_until)


def test_the_list_says_when_the_last_calendar_ends_and_that_all_are_over(client, clinic, provider, admin):
    today = timezone.now().date()
    save(provider, valid_from=today - timedelta(days=30), valid_until=today - timedelta(days=9))
    assert "All calendars are over" in client.get(address("templates", clinic)).text
    save(provider, valid_until=today + timedelta(days=20))
    page = client.get(address("templates", clinic)).text
    assert "All calendars are over" not in page
    assert "No calendar follows." in page
    save(provider, valid_from=today + timedelta(days=21))
    assert "No calendar follows." not in client.get(address("templates", clinic)).text


def test_what_staff_booked_outside_of_every_calendar_is_not_told_of_at_each_change(provider):
    now = timezone.now()
    first = save(provider, WEEK).template
    by_hand = Slot.objects.filter(provider=provider, starts_at__gt=now).order_by("starts_at")[9]
    Slot.objects.filter(pk=by_hand.pk).update(
        starts_at=by_hand.starts_at + timedelta(hours=8),
        ends_at=by_hand.ends_at + timedelta(hours=8),
        by_hand=True,
        kind=SlotKind.INTERNAL,
    )
    by_hand.refresh_from_db()
    make_appointment(by_hand, status=AppointmentStatus.BOOKED)
    longer = [block(day, 9, 11) for day in range(7)]
    told = {"valid_from": first.valid_from, "valid_until": None, "template_id": first.pk, "now": now}
    effect = template_effects.effect_of(provider, longer, **told)
    assert effect.added
    assert not effect.staying
    assert not effect.is_asked_about


def test_an_appointment_whose_time_becomes_one_of_another_kind_still_fits(provider):
    now = timezone.now()
    first = save(provider, WEEK).template
    slot = Slot.objects.filter(provider=provider, starts_at__gt=now).order_by("starts_at")[9]
    make_appointment(slot, status=AppointmentStatus.BOOKED)
    told = {"valid_from": first.valid_from, "valid_until": None, "template_id": first.pk, "now": now}
    own = [block(day, kind=SlotKind.INTERNAL) for day in range(7)]
    assert not template_effects.effect_of(provider, own, **told).staying
    shorter = [block(day, minutes=15) for day in range(7)]
    assert [one.pk for one in template_effects.effect_of(provider, shorter, **told).staying]


def test_deleting_is_asked_first(client, clinic, provider, admin):
    template = save(provider).template
    url = address("delete_template", clinic, template.pk)
    page = client.get(url).content.decode()
    assert "Winter" in page
    assert (
        f"{Slot.objects.filter(provider=provider, starts_at__gt=timezone.now()).count()} free times go."
        in page
    )
    assert CalendarTemplate.objects.exists()
    assert client.post(url).status_code == 302
    assert not CalendarTemplate.objects.exists()
    gone = client.post(url)  # pressed twice, or after going back
    assert gone.status_code == 404
    assert "There is no such calendar any more." in gone.content.decode()
    assert "<h1>Weekly calendars</h1>" in gone.content.decode()


def test_a_new_calendar_that_is_sent_twice_is_one(client, clinic, provider, admin):
    url = address("new_template", clinic, provider.pk)
    first = client.post(url, rows(MONDAY_MORNING))
    again = client.post(url, rows(MONDAY_MORNING))
    assert (first.status_code, again.status_code) == (302, 302)
    assert first.url == again.url
    assert CalendarTemplate.objects.count() == 1
    assert AuditEvent.objects.filter(action="calendar-template.saved").count() == 1


@pytest.mark.parametrize("broken", ["", "x", "-1", "100000"])
def test_a_form_that_was_tampered_with_is_no_error_of_ours(client, clinic, provider, admin, broken):
    for more in ({}, {"more": "1"}):
        data = rows(MONDAY_MORNING) | {"rows-TOTAL_FORMS": broken} | more
        assert client.post(address("new_template", clinic, provider.pk), data).status_code in {200, 422}


def test_other_clinics_calendars_do_not_exist(client, clinic, admin):
    stranger = make_provider(make_clinic())
    template = save(stranger).template
    for url in (
        address("template", clinic, template.pk),
        address("delete_template", clinic, template.pk),
        address("new_template", clinic, stranger.pk),
    ):
        assert client.get(url).status_code == 404
        assert client.post(url, rows(MONDAY_MORNING)).status_code == 404
    assert template.blocks.count() == 7


def test_assistants_look_and_administrators_save(clinic, provider):
    template = save(provider).template
    client = Client()
    sign_in_staff(client, clinic, Role.ASSISTANT)
    url = address("template", clinic, template.pk)
    text = client.get(url).content.decode()
    assert client.get(address("templates", clinic)).status_code == 200
    assert 'name="preview"' not in text
    assert client.post(url, rows(MONDAY_MORNING)).status_code == 403
    assert template.blocks.count() == 7
    assert Client().get(url).url.startswith("/staff/sign-in/")


def test_the_list_needs_as_many_queries_for_many_as_for_one(
    client, clinic, admin, django_assert_max_num_queries
):
    for _ in range(6):
        save(make_provider(clinic))
    client.get(address("templates", clinic))
    with django_assert_max_num_queries(10):
        client.get(address("templates", clinic))


# -- undo and two at once ----------------------------------------------------------------------------------
def as_sent(page, **values):
    """What the page's form would send."""
    form, blocks = page.context["form"], page.context["rows"]
    data = {field.html_name: field.value() or "" for field in form}
    data |= {"rows-TOTAL_FORMS": str(len(blocks.forms)), "rows-INITIAL_FORMS": "0"}
    for row in blocks.forms:
        data |= {field.html_name: field.value() or "" for field in row if field.name != "DELETE"}
    return data | values


def test_undo_shows_the_calendar_of_before_and_saves_it_when_told_to(client, clinic, provider, admin):
    template = save(provider).template
    save(provider, [block(2)], name="Summer", template_id=template.pk)
    event = AuditEvent.objects.filter(action="calendar-template.saved").latest("pk").pk
    here = address("template", clinic, template.pk)
    assert f"?undo={event}" in client.get(here).text
    page = client.get(here, {"undo": event})
    assert "Nothing is saved yet" in page.text
    assert template_queries.blocks_of(template) == [block(2)]
    assert client.post(here, as_sent(page)).status_code == 302
    template.refresh_from_db()
    assert (template.name, template_queries.blocks_of(template)) == ("Winter", WEEK)
    assert "Nothing to undo" in client.get(here, {"undo": event}).text


def test_a_calendar_that_was_deleted_can_be_brought_back(client, clinic, provider, admin):
    template = save(provider).template
    delete_template(clinic=clinic, template_id=template.pk, actor=make_user(), now=timezone.now())
    event = AuditEvent.objects.get(action="calendar-template.deleted").pk
    there = address("new_template", clinic, provider.pk) + f"?undo={event}"
    assert there in client.get(address("templates", clinic)).text
    assert (
        client.post(address("new_template", clinic, provider.pk), as_sent(client.get(there))).status_code
        == 302
    )
    back = CalendarTemplate.objects.get(provider=provider)
    assert (back.name, template_queries.blocks_of(back)) == ("Winter", WEEK)


def test_two_who_save_the_same_calendar_both_see_what_the_other_wrote(client, clinic, provider, admin):
    template = save(provider).template
    here = address("template", clinic, template.pk)
    sent = as_sent(client.get(here), name="Mine")
    save(provider, [block(4)], name="Theirs", template_id=template.pk)
    page = client.post(here, sent)
    assert page.status_code == 409
    assert "Theirs" in page.text
    assert "Friday 09:00–10:00, 20 minutes" in page.text
    assert client.post(here, as_sent(page)).status_code == 302
    template.refresh_from_db()
    assert (template.name, template_queries.blocks_of(template)) == ("Mine", WEEK)
