"""What everyone may read: about the clinic, help, questions and answers."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic_admin import operations, text_operations
from clinic_admin.choices import TextKind
from clinic_admin.text_queries import TextKey
from portal import audit
from tests.build import make_clinic, make_provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic(client):
    client.cookies["django_language"] = "en"
    return make_clinic(
        name="Karrestad", street="Storgata 1", postcode="0155", city="Oslo", email="a@clinic.example"
    )


def page(client, clinic, name):
    return client.get(reverse(f"home:{name}", args=[clinic.portal_identifier])).content.decode()


def write(clinic, language, body):
    text_operations.save_text(
        clinic=clinic,
        key=TextKey(TextKind.ABOUT, language),
        body=body,
        seen=0,
        actor=audit.SYSTEM,
        now=timezone.now(),
    )


def test_about_shows_the_clinics_own_words_and_who_can_be_reached(client, clinic):
    write(clinic, "en", "Founded in **1950**. <img src=x>")
    make_provider(clinic, name="Magnard Koman")
    make_provider(clinic, name="Without Access", has_portal_access=False)
    make_provider(make_clinic(), name="Elsewhere")
    today = timezone.localdate(timezone=clinic.zone)
    operations.add_closure(
        clinic=clinic,
        first_day=today,
        last_day=today + timedelta(days=1),
        actor=audit.SYSTEM,
        now=timezone.now(),
    )
    shown = page(client, clinic, "about")
    assert "<strong>1950</strong>. &lt;img src=x&gt;" in shown
    assert "Magnard Koman" in shown
    assert "Storgata 1" in shown
    assert "Closed from" in shown
    for hidden in ("Without Access", "Elsewhere", "a@clinic.example"):
        assert hidden not in shown


def test_about_falls_back_to_the_clinics_own_language(client, clinic):
    write(clinic, "nb", "Vi har holdt til her siden 1950.")
    assert "siden 1950" in page(client, clinic, "about")


@pytest.mark.parametrize("name", ["about", "help", "faq"])
def test_they_can_be_read_by_everyone_also_while_the_portal_is_off(client, clinic, name):
    clinic.is_active = False
    clinic.save()
    shown = page(client, clinic, name)
    for other in ("about", "help", "faq"):
        assert reverse(f"home:{other}", args=[clinic.portal_identifier]) in shown
    assert "Venterom 0" in shown


def test_answers_follow_the_clinics_settings(client, clinic):
    clinic.reminds_everyone, clinic.reminder_hours_ahead = True, 48
    clinic.save()
    assert "48 hours before. It costs you nothing." in page(client, clinic, "faq")


def test_answers_say_what_a_reminder_costs_and_how_it_is_turned_off(client, clinic):
    shown = page(client, clinic, "faq")
    assert "An SMS costs 1\N{NO-BREAK SPACE}NOK, an e-mail nothing." in shown
    assert "by e-mail if the clinic has no mobile number of yours" in shown
    assert "turn it off or on for that appointment" in shown
    clinic.sms_ore = 0
    clinic.save()
    shown = page(client, clinic, "faq")
    assert "NOK" not in shown
    assert "It costs you nothing." in shown


@pytest.mark.parametrize(
    ("country", "own", "told"),
    [
        ("NO", "", "116117"),
        ("NO", "+4770113131", "70 11 31 31"),
        ("DK", "+4570113131", "70 11 31 31"),
        ("DK", "", "the out-of-hours doctor of your region"),
    ],
)
def test_patients_are_told_whom_to_phone_when_the_clinic_is_closed(client, country, own, told):
    client.cookies["django_language"] = "en"
    clinic = make_clinic(country=country, out_of_hours_phone=own)
    front = client.get(reverse("clinic_front", args=[clinic.portal_identifier])).content.decode()
    for shown in (front, page(client, clinic, "help")):
        assert told in shown
        assert "1813" not in shown
        assert {"NO": "113", "DK": "112"}[country] in shown
    assert (f'href="tel:{own}"' in front) == bool(own)


def test_the_hour_of_urgent_times_is_written_as_people_do(client, clinic):
    assert "At 16:00 the day before." in page(client, clinic, "faq")
    client.cookies["django_language"] = "nb"
    assert "Kl. 16.00 dagen før." in page(client, clinic, "faq")


def test_they_take_few_queries(client, clinic, django_assert_max_num_queries):
    for _ in range(5):
        make_provider(clinic)
    for name in ("about", "help", "faq"):
        with django_assert_max_num_queries(8):
            page(client, clinic, name)
