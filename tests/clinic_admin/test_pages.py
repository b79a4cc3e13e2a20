"""The administration's pages."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin import operations, queries
from clinic_admin.choices import Role
from clinic_admin.models import Clinic
from portal import audit
from portal.models import AuditEvent
from portal.phone_numbers import as_people_write
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic(name="Sentrum legekontor", phone="+4722334455", city="Oslo")


@pytest.fixture
def admin(client, clinic):
    return sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)


def address(clinic, name="clinic", *arguments):
    return reverse(f"clinic_admin:{name}", args=[clinic.portal_identifier, *arguments])


def text_of(response):
    return unescape(response.content.decode())


def fields_of(client, clinic):
    """Return what a browser would send back from the page's two big forms, by the form's address."""
    page = client.get(address(clinic)).content.decode()
    forms = {}
    for action, body in re.findall(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page, re.DOTALL):
        values = forms[action] = {}
        for tag in re.findall(r"<input[^>]*>", body):
            found = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
            if found.get("type") == "checkbox" and " checked" not in tag:
                continue
            if "name" in found:
                values[found["name"]] = unescape(
                    found.get("value", "on" if found["type"] == "checkbox" else "")
                )
        for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
            values[name] = re.search(r'value="([^"]*)"[^>]*selected', options)[1]
    return forms


def settings_fields(client, clinic, **changes):
    return fields_of(client, clinic)[address(clinic)] | changes


def test_the_overview_leads_to_every_setting(client, clinic, admin):
    page = text_of(client.get(address(clinic, "overview")))
    for name in (
        "access_admin:services",
        "delegation_admin:matrix",
        "booking_admin:templates",
        "clinic_admin:clinic",
    ):
        assert f'href="{reverse(name, args=[clinic.portal_identifier])}"' in page


def test_a_page_saved_as_it_is_changes_nothing(client, clinic, admin):
    before = queries.stored_settings(clinic)
    assert client.post(address(clinic), settings_fields(client, clinic)).status_code == 302
    assert queries.stored_settings(clinic) == before
    assert not AuditEvent.objects.exists()


def test_settings_are_saved_and_recorded(client, clinic, admin):
    changes = {
        "phone": "55 66 77 88",
        "urgent_release_at": "15:30",
        "reminds_everyone": "on",
        "longest_question": "800",
    }
    response = client.post(address(clinic), settings_fields(client, clinic, **changes), follow=True)
    assert text_of(response).count("15:30") == 1
    stored = queries.stored_settings(clinic)
    assert (stored.phone, stored.reminds_everyone, stored.longest_question) == ("+4755667788", True, 800)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id) == ("clinic.changed", admin.user_id)
    assert event.details["before"]["phone"] == "+4722334455"


@pytest.mark.parametrize(
    ("typed", "stored"), [("70 11 31 31", "+4770113131"), ("116 117", "116117"), ("", "")]
)
def test_the_out_of_hours_phone_may_be_a_short_number(client, clinic, admin, typed, stored):
    sent = settings_fields(client, clinic, out_of_hours_phone=typed)
    assert client.post(address(clinic), sent).status_code == 302
    assert queries.stored_settings(clinic).out_of_hours_phone == stored
    if stored:
        assert f'value="{as_people_write(stored, "NO")}"' in text_of(client.get(address(clinic)))


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", ""),
        ("postcode", "OX1 2JD"),
        ("phone", "call us"),
        ("out_of_hours_phone", "the hospital"),
        ("email", "at the desk"),
        ("urgent_release_at", "half past three"),
        ("reminder_hours_ahead", "0"),
        ("reminder_hours_ahead", "169"),
        ("longest_question", "99999999999999999999"),
        ("longest_question", "many"),
    ],
)
def test_bad_input_is_told_by_the_field_and_kept(client, clinic, admin, field, typed):
    response = client.post(
        address(clinic), settings_fields(client, clinic, **{"city": "Bergen", field: typed})
    )
    assert response.status_code == 422
    assert f"id_{field}_error" in text_of(response)
    assert "Bergen" in text_of(response)
    assert typed in text_of(response)
    assert queries.stored_settings(clinic).city == "Oslo"


def test_a_second_tab_sees_what_the_first_saved_and_may_then_replace_it(client, clinic, admin):
    first, second = (settings_fields(client, clinic) for _ in range(2))
    client.post(address(clinic), first | {"phone": "55 66 77 88"})
    response = client.post(address(clinic), second | {"city": "Bergen"})
    assert response.status_code == 409
    assert "55 66 77 88" in text_of(response)
    assert "Bergen" in text_of(response)
    assert queries.stored_settings(clinic).city == "Oslo"
    token = re.search(r'name="seen" value="([^"]*)"', text_of(response)).group(1)
    assert client.post(address(clinic), second | {"city": "Bergen", "seen": token}).status_code == 302
    stored = queries.stored_settings(clinic)
    assert (stored.city, stored.phone) == ("Bergen", "+4722334455")


def test_opening_hours_are_saved_with_a_lunch_break(client, clinic, admin):
    where = address(clinic, "opening_hours")
    hours = fields_of(client, clinic)[where]
    monday = {"opens_0_1": "08:00", "closes_0_1": "11:30", "opens_0_2": "12.15", "closes_0_2": "15:00"}
    assert client.post(where, hours | monday).status_code == 302
    assert [str(row) for row in clinic.opening_hours.order_by("opens_at")] == [
        "0 08:00-11:30",
        "0 12:15-15:00",
    ]
    again = fields_of(client, clinic)[where]
    assert (again["opens_0_2"], again["closes_0_2"]) == ("12:15", "15:00")
    assert client.post(where, again).status_code == 302
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"opens_0_1": "08:00"}, "closes_0_1"),
        ({"closes_0_1": "08:00"}, "opens_0_1"),
        ({"opens_0_1": "08:00", "closes_0_1": "07:00"}, "closes_0_1"),
        (
            {"opens_0_1": "08:00", "closes_0_1": "12:00", "opens_0_2": "11:00", "closes_0_2": "15:00"},
            "opens_0_2",
        ),
        ({"opens_6_1": "early", "closes_6_1": "07:00"}, "opens_6_1"),
    ],
)
def test_impossible_hours_are_told_by_the_field(client, clinic, admin, typed, wrong):
    response = client.post(address(clinic, "opening_hours"), typed)
    assert response.status_code == 422
    assert f"id_{wrong}_error" in text_of(response)
    assert not clinic.opening_hours.exists()


def test_hours_of_an_old_page_do_not_replace_newer_ones(client, clinic, admin):
    where = address(clinic, "opening_hours")
    first, second = (fields_of(client, clinic)[where] for _ in range(2))
    client.post(where, first | {"opens_0_1": "08:00", "closes_0_1": "15:00"})
    response = client.post(where, second | {"opens_1_1": "09:00", "closes_1_1": "14:00"})
    assert response.status_code == 409
    assert "08.00–15.00" in text_of(response)
    assert 'value="09:00"' in text_of(response)
    assert [str(row) for row in clinic.opening_hours.all()] == ["0 08:00-15:00"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("1,50", 150), ("1.50", 150), (" 2 ", 200), ("0", 0), ("", None)],
)
def test_a_price_is_written_with_comma_or_point(client, clinic, admin, typed, kept):
    assert client.post(address(clinic), settings_fields(client, clinic, sms_ore=typed)).status_code == 302
    clinic.refresh_from_db()
    assert clinic.sms_ore == kept
    again = settings_fields(client, clinic)["sms_ore"]
    client.cookies["django_language"] = "en"
    assert again == {"1,50": "1,50", "1.50": "1,50", " 2 ": "2", "0": "0", "": ""}[typed]
    assert settings_fields(client, clinic)["sms_ore"] == again.replace(",", ".")


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        *(("sms_ore", word) for word in ("1,555", "free", "-1", "1e9", "NaN", "1.000,50")),
        *(("most_upcoming", word) for word in ("two", "0", "1,5")),
        *(("reminder_hours_ahead", word) for word in ("24,5", "-3", "0", "999999999999")),
    ],
)
def test_a_number_that_is_none_stands_there_as_typed_with_its_fault(client, clinic, admin, name, typed):
    response = client.post(address(clinic), settings_fields(client, clinic, **{name: typed}))
    assert response.status_code == 422
    assert f"id_{name}_error" in text_of(response)
    assert re.search(
        rf'<input type="text" name="{name}" class="ds-input" value="{re.escape(typed)}"', text_of(response)
    )


def test_closed_days_are_added_shown_and_removed(client, clinic, admin):
    today = timezone.localdate(timezone=clinic.zone)
    days = {"first_day": today.isoformat(), "last_day": f"{today + timedelta(days=2):%d.%m.%Y}"}
    response = client.post(address(clinic, "add_closure"), days | {"reason": "Easter"}, follow=True)
    assert "Easter" in text_of(response)
    closure = clinic.closures.get()
    assert (closure.last_day - closure.first_day).days == 2
    twice = client.post(address(clinic, "add_closure"), days | {"reason": "Easter"})
    assert twice.status_code == 302
    assert AuditEvent.objects.filter(action="closure.added").count() == clinic.closures.count() == 1
    again = client.post(address(clinic, "add_closure"), days | {"reason": "Another one"})
    assert again.status_code == 422
    assert "id_last_day_error" in text_of(again)
    removal = address(clinic, "remove_closure", closure.pk)
    assert client.post(removal).status_code == 302
    client.cookies["django_language"] = "en"
    gone = client.post(removal)  # pressed twice
    assert gone.status_code == 404
    assert "These days are not closed any more." in text_of(gone)
    assert 'id="closures-title"' in text_of(gone)


@pytest.mark.parametrize(
    "days",
    [{}, {"first_day": "soon", "last_day": "later"}, {"first_day": "2030-12-24", "last_day": "2030-12-23"}],
)
def test_impossible_closed_days_are_told_by_the_field(client, clinic, admin, days):
    response = client.post(address(clinic, "add_closure"), days)
    assert response.status_code == 422
    assert "id_last_day_error" in text_of(response)


def test_the_closure_of_another_clinic_is_not_found(client, clinic, admin):
    other, now = make_clinic(), timezone.now()
    closure = operations.add_closure(
        clinic=other,
        first_day=now.date(),
        last_day=now.date() + timedelta(days=3),
        actor=audit.SYSTEM,
        now=now,
    )
    assert client.post(address(clinic, "remove_closure", closure.pk)).status_code == 404
    assert other.closures.exists()


def test_the_portal_is_switched_off_and_a_second_press_does_not_switch_it_on(client, clinic, admin):
    for _ in range(2):
        client.post(address(clinic, "switch_portal"), {"portal": "off"})
    assert not Clinic.objects.get(pk=clinic.pk).is_active
    client.post(address(clinic, "switch_portal"), {"portal": "on"})
    assert Clinic.objects.get(pk=clinic.pk).is_active


def test_others_see_everything_and_can_save_nothing(client, clinic):
    now = timezone.now()
    closure = operations.add_closure(
        clinic=clinic,
        first_day=now.date(),
        last_day=now.date() + timedelta(days=3),
        actor=audit.SYSTEM,
        now=now,
    )
    sign_in_staff(client, clinic)
    page = text_of(client.get(address(clinic)))
    assert 'value="Oslo"' in page
    main = page[page.index("<main") : page.index("</main>")]
    assert 'type="submit"' not in main
    fields = [tag for tag in re.findall(r"<input[^>]*>", main) if "csrfmiddlewaretoken" not in tag]
    assert fields
    assert all(" disabled" in tag for tag in fields)
    for where in (
        address(clinic),
        address(clinic, "opening_hours"),
        address(clinic, "add_closure"),
        address(clinic, "remove_closure", closure.pk),
        address(clinic, "switch_portal"),
    ):
        assert client.post(where, {"portal": "off"}).status_code == 403
        assert client.get(where, follow=True).status_code == 200
    clinic.refresh_from_db()
    assert clinic.is_active
    assert clinic.closures.exists()


@pytest.mark.parametrize("name", ["overview", "clinic"])
def test_pages_exist_for_the_clinics_own_staff_only(name, clinic):
    assert Client().get(address(clinic, name)).status_code == 302
    stranger = Client()
    sign_in_staff(stranger, make_clinic(), Role.SYSTEM_ADMINISTRATOR)
    assert stranger.get(address(clinic, name)).status_code == 404


def test_the_page_takes_few_queries(client, clinic, admin, django_assert_max_num_queries):
    client.get(address(clinic))
    with django_assert_max_num_queries(9):
        client.get(address(clinic))
