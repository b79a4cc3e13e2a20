"""The switches of earlier times and of the draw, turned while people wait or ask: told before it is saved, and it is so."""

from dataclasses import replace
from datetime import time

import pytest
import time_machine
from django.urls import reverse

from clinic_admin import operations as clinics
from clinic_admin import queries as clinic_queries
from clinic_admin.choices import Role
from clinic_admin.forms import SettingsForm
from clinic_admin.models import Clinic
from clinic_admin.policy import settings_token
from portal import audit
from portal.models import AuditEvent
from services.booking.earlier.models import EarlierOffer
from services.booking.effects.switches import switched
from services.booking.models import Draw
from services.booking.release import operations as release
from tests.architecture.test_menus import marked
from tests.build import make_clinic, make_patient, make_provider
from tests.services.booking.build_booking import NOW
from tests.services.booking.build_earlier import make_offer, offer_earlier
from tests.services.booking.build_release import (
    CLOSES,
    DURING,
    OPENS,
    TUESDAY,
    ask,
    fair_world,
    outcomes,
    urgent,
)
from tests.services.booking.build_staff import sign_in_staff

pytestmark = pytest.mark.django_db


def wanted(clinic, **values):
    return replace(clinic_queries.stored_settings(clinic), **values)


def set_to(clinic, now, **values):
    clinics.change_settings(
        clinic=clinic,
        settings=wanted(clinic, **values),
        seen=settings_token(clinic_queries.stored_settings(clinic)),
        actor=audit.SYSTEM,
        now=now,
    )
    clinic.refresh_from_db()


# -- the draw ----------------------------------------------------------------------------------------------
def test_nothing_is_asked_where_nobody_asks_or_no_switch_is_turned():
    world = fair_world()
    urgent(world)
    assert not switched(world.clinic, wanted(world.clinic, draws_urgent=False), now=DURING).is_asked_about
    ask(world)
    assert not switched(world.clinic, wanted(world.clinic, name="Other"), now=DURING).is_asked_about
    assert not switched(world.clinic, wanted(world.clinic, draws_urgent=False), now=CLOSES).is_asked_about


def test_switching_the_draw_off_while_patients_ask_says_what_happens_and_that_happens():
    world = fair_world()
    urgent(world)
    ask(world)
    draws = switched(world.clinic, wanted(world.clinic, draws_urgent=False), now=DURING).draws
    assert (draws.day, draws.asked, draws.at, draws.ends) == (TUESDAY, 1, CLOSES, True)
    set_to(world.clinic, DURING, draws_urgent=False)
    release.keep_up_everywhere(CLOSES)
    assert Draw.objects.get(day=TUESDAY).drawn_at == CLOSES
    assert outcomes() == ["won"]


def test_a_release_that_is_moved_while_patients_ask_tells_when_lots_are_drawn_then():
    world = fair_world()
    urgent(world)
    ask(world)
    later = wanted(world.clinic, urgent_release_at=time(17))
    draws = switched(world.clinic, later, now=DURING).draws
    assert (draws.asked, draws.ends) == (1, False)
    set_to(world.clinic, DURING, urgent_release_at=time(17))
    release.keep_up_everywhere(CLOSES)
    assert Draw.objects.get(day=TUESDAY).drawn_at is None
    release.keep_up_everywhere(draws.at)
    assert Draw.objects.get(day=TUESDAY).drawn_at == draws.at


def test_switching_the_draw_on_when_times_are_out_tells_that_they_are_drawn():
    world = fair_world()
    Clinic.objects.update(draws_urgent=False)
    world.clinic.refresh_from_db()
    on = wanted(world.clinic, draws_urgent=True)
    assert not switched(world.clinic, on, now=DURING).is_asked_about  # nothing to draw
    urgent(world)
    assert not switched(world.clinic, on, now=OPENS.replace(hour=12)).is_asked_about
    draws = switched(world.clinic, on, now=DURING).draws
    assert (draws.day, draws.asked, draws.at, draws.ends) == (TUESDAY, 0, CLOSES, False)


# -- the line ----------------------------------------------------------------------------------------------
@pytest.fixture
def clinic():
    clinic = make_clinic()
    offer_earlier(clinic)
    return clinic


@pytest.fixture
def admin(client, clinic):
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    client.cookies["django_language"] = "en"
    return client


def sent(clinic, **values):
    """What the page of settings sends back."""
    form = SettingsForm.of(clinic_queries.settings_of(clinic), clinic.country)
    fields = {name: form.fields[name].prepare_value(form[name].value()) for name in form.fields}
    fields |= values
    return {name: value for name, value in fields.items() if value is not None and value is not False}


def check(clinic, name="booking_admin:check_settings"):
    return reverse(name, args=[clinic.portal_identifier])


def test_switching_earlier_times_off_tells_who_waits_and_who_is_offered_one_before_it_is_saved(admin, clinic):
    gp = make_provider(clinic)
    make_offer(gp, make_patient(clinic, gp=gp))
    asked = admin.post(check(clinic), sent(clinic, offers_earlier=None, city="Bergen"))
    assert asked.status_code == 200
    text = asked.text
    assert "1 patient waits for an earlier time" in text
    assert "1 time is offered to one of them just now. It can be taken until its limit." in text
    clinic.refresh_from_db()
    assert clinic.offers_earlier
    again = dict(asked.context["carried"])
    back = admin.post(check(clinic, "clinic_admin:clinic"), again | {"back": "none"})
    assert 'value="Bergen"' in back.text
    assert "checked" not in back.text.split('id="id_offers_earlier"')[0].rsplit("<input", 1)[1]
    saved = admin.post(check(clinic, "clinic_admin:clinic"), again)
    assert saved.status_code == 302
    clinic.refresh_from_db()
    assert (clinic.offers_earlier, clinic.city) == (False, "Bergen")
    assert EarlierOffer.objects.get().status == "open"
    on = admin.post(check(clinic), sent(clinic, offers_earlier="on"))
    assert "Times that come free are offered to them again" in on.text


def test_settings_that_touch_nobody_or_are_wrong_go_straight_on(admin, clinic):
    saved = admin.post(check(clinic), sent(clinic, offers_earlier=None))
    assert (saved.status_code, saved.url) == (307, check(clinic, "clinic_admin:clinic"))
    wrong = admin.post(check(clinic), sent(clinic, earlier_minutes="many"))
    assert (wrong.status_code, wrong.url) == (307, check(clinic, "clinic_admin:clinic"))


# -- undoing -----------------------------------------------------------------------------------------------
def undo_address(clinic, name="booking_admin:check_undo"):
    last = AuditEvent.objects.filter(action="clinic.changed").latest("pk")
    return reverse(name, args=[clinic.portal_identifier, last.pk])


def test_undoing_a_switch_says_the_same_and_asks_first(admin, clinic):
    gp = make_provider(clinic)
    set_to(clinic, NOW, offers_earlier=False, city="Bergen")
    set_to(clinic, NOW, offers_earlier=True)
    make_offer(gp, make_patient(clinic, gp=gp))
    page = admin.get(undo_address(clinic, "clinic_admin:undo"))
    assert f'action="{undo_address(clinic)}"' in page.text
    asked = admin.post(undo_address(clinic))
    assert asked.status_code == 200
    assert "Nothing is undone yet." in asked.text
    assert "1 patient waits for an earlier time" in asked.text
    assert "Undo all the same" in asked.text
    assert marked(asked) == ["Advanced settings"]
    clinic.refresh_from_db()
    assert clinic.offers_earlier
    assert f'action="{undo_address(clinic, "clinic_admin:undo")}"' in asked.text
    assert admin.post(undo_address(clinic, "clinic_admin:undo")).status_code == 302
    clinic.refresh_from_db()
    assert (clinic.offers_earlier, clinic.city) == (False, "Bergen")


def test_undoing_the_draw_while_patients_ask_tells_how_many_and_when_their_lots_are_drawn(client):
    world = fair_world()
    urgent(world)
    ask(world)
    with time_machine.travel(DURING, tick=False):
        sign_in_staff(client, world.clinic, Role.CLINIC_ADMINISTRATOR)
        client.cookies["django_language"] = "en"
        set_to(world.clinic, DURING, draws_urgent=False)
        set_to(world.clinic, DURING, draws_urgent=True)
        asked = client.post(undo_address(world.clinic))
        assert "1 patient has asked for the urgent times of Tuesday 24 November so far." in asked.text
        assert "To be fair, switch it off after the draw." in asked.text


def test_undoing_what_touches_nobody_or_can_not_be_undone_any_more_goes_straight_on(admin, clinic):
    gp = make_provider(clinic)
    make_offer(gp, make_patient(clinic, gp=gp))
    set_to(clinic, NOW, city="Bergen")
    harmless = undo_address(clinic)
    answer = admin.post(harmless)
    assert (answer.status_code, answer.url) == (307, undo_address(clinic, "clinic_admin:undo"))
    set_to(clinic, NOW, offers_earlier=False)
    late = undo_address(clinic)
    set_to(clinic, NOW, offers_earlier=True)
    assert admin.post(late).status_code == 307
    nowhere = reverse("booking_admin:check_undo", args=[clinic.portal_identifier, 2**31])
    assert admin.post(nowhere).status_code == 404
    assert admin.get(harmless).status_code == 405
