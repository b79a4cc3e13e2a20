"""Providers whom nobody signs in as leave as staff do: the same questions, the same night, the same way back."""

from datetime import datetime, time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from clinic_admin.choices import Role, Service
from clinic_admin.models import Provider
from delegation import operations as delegations
from delegation.models import AbsenceCover, MatrixTick, MessageDelegation
from patients.models import Patient
from portal.models import AuditEvent
from services.access.models import ProviderRights
from services.booking.models import CalendarTemplate, Slot
from services.onboarding import leaving_operations, tasks
from services.onboarding.models import Leaving
from tests.build import make_clinic, make_patient, make_provider, make_staff_member, make_user
from tests.services.access.build_access import tick
from tests.services.booking.build_staff import make_request
from tests.services.onboarding.build_onboarding import (
    make_admin,
    page_of,
    settle_in,
    sign_in_as,
    today,
    tomorrow,
)

pytestmark = pytest.mark.django_db
PAGES = ("person", "leave", "stay", "back")


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def admin(client, clinic):
    return sign_in_as(client, make_admin(clinic, user=make_user(name="Ada Admin")))


@pytest.fixture
def kjaer(clinic):
    """A GP without a login, with patients, rights, ticks and a calendar."""
    provider = make_provider(clinic, name="Jens Kjær")
    settle_in(provider)
    return provider


@pytest.fixture
def durant(clinic):
    return make_provider(clinic, name="Billy Durant")


def after(clinic, days):
    """Return ten minutes into the local day so many days from today."""
    return datetime.combine(today(clinic) + timedelta(days=days), time(0, 10), tzinfo=clinic.zone)


def leave(client, clinic, provider, **sent):
    sent.setdefault("last_day", today(clinic).isoformat())
    sent.setdefault("confirmed", "yes")
    return client.post(
        page_of(clinic, "provider_leave", provider.pk), {k: v for k, v in sent.items() if v != ""}
    )


def person(client, clinic, provider):
    return client.get(page_of(clinic, "provider_person", provider.pk)).text


def test_a_provider_without_a_login_who_left_is_out_of_everything(admin, clinic, kjaer, durant):
    tick(kjaer, durant)
    assert leave(admin, clinic, kjaer, successor=durant.pk).status_code == 302
    kjaer.refresh_from_db()
    assert (kjaer.is_active, kjaer.has_portal_access) == (False, False)
    assert Patient.objects.filter(gp=durant).count() == 3
    assert not MatrixTick.objects.filter(clinic=clinic).exists()
    assert not any(rights.values.booking for rights in ProviderRights.objects.filter(provider=kjaer))
    assert not Slot.objects.filter(provider=kjaer, starts_at__gt=timezone.now(), state="free").exists()
    assert CalendarTemplate.objects.get(provider=kjaer).valid_until == today(clinic)
    assert AuditEvent.objects.filter(action="patient.gp_changed").count() == 3
    left = AuditEvent.objects.get(action="provider.left")
    assert (left.details["patients"], left.details["successor"]) == (3, durant.pk)
    listed = admin.get(page_of(clinic, "staff")).text
    assert "Has left" in listed
    assert "Works here again" in person(admin, clinic, kjaer)


def test_the_pages_say_the_same_as_for_staff_and_nothing_about_a_post(admin, clinic, kjaer, durant):
    make_request(kjaer, hour=14)
    assert "Leaves the clinic" in person(admin, clinic, kjaer)
    page = admin.get(page_of(clinic, "provider_leave", kjaer.pk)).text
    assert "3 patients on the list" in page
    assert "1 weekly calendar" in page
    asked = leave(admin, clinic, kjaer, successor=durant.pk, confirmed="").text
    assert "3 patients move to Billy Durant&#x27;s list." in asked
    assert "1 appointment after the last day stays" in asked
    assert "The post here ends." not in asked
    assert "The person is signed out everywhere." not in asked
    assert not Leaving.objects.exists()


def test_a_coming_last_day_is_carried_out_in_the_night_after_it_once(admin, clinic, kjaer, durant):
    last_day = today(clinic) + timedelta(days=10)
    leave(admin, clinic, kjaer, last_day=last_day.isoformat(), successor=durant.pk)
    assert not Slot.objects.filter(provider=kjaer, day__gt=last_day).exists()
    assert Slot.objects.filter(provider=kjaer, day=last_day).exists()
    assert "Leaves after" in admin.get(page_of(clinic, "staff")).text
    leaving = Leaving.objects.get()
    assert not leaving_operations.carry_out(leaving_id=leaving.pk, now=after(clinic, 10))
    assert Provider.objects.get(pk=kjaer.pk).is_active
    assert leaving_operations.carry_out(leaving_id=leaving.pk, now=after(clinic, 11))
    assert not leaving_operations.carry_out(leaving_id=leaving.pk, now=after(clinic, 11))
    assert not Provider.objects.get(pk=kjaer.pk).is_active
    assert Patient.objects.filter(gp=durant).count() == 3
    assert AuditEvent.objects.filter(action="provider.left").count() == 1


def test_a_night_that_breaks_off_leaves_nothing_half_done_and_the_next_does_it(
    admin, clinic, kjaer, durant, monkeypatch
):
    leave(admin, clinic, kjaer, last_day=tomorrow(clinic).isoformat(), successor=durant.pk)
    Leaving.objects.update(last_day=today(clinic) - timedelta(days=1))

    def killed(**_values):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(leaving_operations.booking, "extend_calendar", killed)
        tasks.carry_out_leavings()
    assert Patient.objects.filter(gp=kjaer).count() == 3
    assert MatrixTick.objects.filter(provider=kjaer).exists()
    assert Leaving.objects.get().done_at is None
    tasks.carry_out_leavings()
    assert Patient.objects.filter(gp=durant).count() == 3
    assert not Provider.objects.get(pk=kjaer.pk).is_active


def test_calling_it_off(admin, clinic, kjaer):
    make_request(kjaer, days=5, hour=14)
    leave(admin, clinic, kjaer, last_day=tomorrow(clinic).isoformat())
    shown = person(admin, clinic, kjaer)
    assert "Leaves after" in shown
    assert f"/staff/absences/{Leaving.objects.get().absence_id}/" in shown
    assert "prolong them" in admin.post(page_of(clinic, "provider_stay", kjaer.pk), follow=True).text
    assert not Leaving.objects.exists()
    assert not kjaer.absences.exists()
    assert AuditEvent.objects.get(action="leaving.called_off").details["provider"] == kjaer.pk
    admin.post(page_of(clinic, "provider_stay", kjaer.pk))
    assert AuditEvent.objects.filter(action="leaving.called_off").count() == 1


def test_coming_back_starts_with_everything_off_and_only_once(admin, clinic, kjaer):
    leave(admin, clinic, kjaer)
    assert admin.post(page_of(clinic, "provider_back", kjaer.pk)).status_code == 302
    kjaer.refresh_from_db()
    assert (kjaer.is_active, kjaer.has_portal_access) == (True, False)
    assert not MatrixTick.objects.filter(provider=kjaer).exists()
    again = admin.post(page_of(clinic, "provider_back", kjaer.pk), follow=True)
    assert "This person works here." in again.text
    assert AuditEvent.objects.filter(action="provider.came_back").count() == 1
    assert leave(admin, clinic, kjaer).status_code == 302, "and may leave again"


def test_pressed_twice_it_is_decided_once(admin, clinic, kjaer):
    for _ in range(2):
        assert leave(admin, clinic, kjaer, last_day=tomorrow(clinic).isoformat()).status_code == 302
    assert Leaving.objects.count() == 1
    assert AuditEvent.objects.filter(action="leaving.decided").count() == 1


def test_the_database_knows_one_coming_last_day_for_each_and_no_leaving_of_nobody(admin, clinic, kjaer):
    leave(admin, clinic, kjaer, last_day=tomorrow(clinic).isoformat())
    told = {
        "clinic": clinic,
        "last_day": tomorrow(clinic),
        "decided_by": make_user(),
        "decided_at": timezone.now(),
    }
    stranger = make_provider(make_clinic())
    for of, constraint in (
        ({"provider": kjaer}, "leaving_provider_once"),
        ({}, "leaving_of_someone"),
        ({"provider": stranger}, "provider_id_same_clinic"),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Leaving.objects.create(**told, **of)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_another_clinics_provider_and_one_with_a_login_have_no_page_here(admin, clinic):
    stranger = make_provider(make_clinic())
    signs_in = make_provider(clinic, staff_member=make_staff_member(clinic))
    for provider in (stranger, signs_in):
        for name in PAGES:
            address = page_of(clinic, f"provider_{name}", provider.pk)
            sent = {"last_day": today(clinic).isoformat(), "confirmed": "yes"}
            if name in {"person", "leave"}:
                assert admin.get(address).status_code == 404
            if name != "person":
                assert admin.post(address, sent).status_code == 404
        provider.refresh_from_db()
        assert provider.is_active
    assert not Leaving.objects.exists()


def test_staff_who_are_no_administrators_look_and_change_nothing(client, clinic, kjaer):
    assistant = sign_in_as(client, make_staff_member(clinic, Role.ASSISTANT))
    assert "Only administrators" in person(assistant, clinic, kjaer)
    page = assistant.get(page_of(clinic, "provider_leave", kjaer.pk))
    assert "See what happens" not in page.text
    for name in ("leave", "stay", "back"):
        sent = {"last_day": today(clinic).isoformat(), "confirmed": "yes"}
        assert assistant.post(page_of(clinic, f"provider_{name}", kjaer.pk), sent).status_code == 403
    kjaer.refresh_from_db()
    assert kjaer.is_active
    assert not Leaving.objects.exists()


@pytest.mark.parametrize("whose", ["stranger", "own", "leaving", "no number"])
def test_patients_move_only_to_a_list_that_stays(admin, clinic, kjaer, durant, whose):
    if whose == "leaving":
        leave(admin, clinic, durant, last_day=tomorrow(clinic).isoformat())
    successors = {"stranger": make_provider(make_clinic()).pk, "own": kjaer.pk, "leaving": durant.pk}
    answer = leave(admin, clinic, kjaer, successor=successors.get(whose, "x"))
    assert answer.status_code == 422
    assert "stay, or has no patient list" in answer.text
    assert Patient.objects.filter(gp=kjaer).count() == 3


def test_successors_can_not_go_in_a_ring(admin, clinic, kjaer, durant):
    make_patient(clinic, gp=durant)
    leave(admin, clinic, kjaer, last_day=tomorrow(clinic).isoformat(), successor=durant.pk)
    answer = leave(admin, clinic, durant, last_day=tomorrow(clinic).isoformat(), successor=kjaer.pk)
    assert answer.status_code == 422
    answer = leave(admin, clinic, durant, last_day=tomorrow(clinic).isoformat())
    assert answer.status_code == 422
    assert "are to move to this provider" in answer.text
    admin.post(page_of(clinic, "provider_stay", kjaer.pk))
    assert (
        leave(admin, clinic, durant, last_day=tomorrow(clinic).isoformat(), successor=kjaer.pk).status_code
        == 302
    )


def test_staff_and_providers_without_a_login_take_over_from_one_another(admin, clinic, kjaer):
    going = make_staff_member(clinic, Role.PROVIDER)
    heir = make_provider(clinic, staff_member=going)
    leave(admin, clinic, kjaer, last_day=tomorrow(clinic).isoformat(), successor=heir.pk)
    told = {"last_day": tomorrow(clinic).isoformat(), "confirmed": "yes"}
    answer = admin.post(page_of(clinic, "leave", going.pk), told)
    assert answer.status_code == 422
    assert "are to move to this provider" in answer.text


def test_covers_go_and_delegated_messages_have_nothing_to_do_with_it(admin, clinic, kjaer, durant):
    recipient = make_staff_member(clinic)
    MessageDelegation.objects.create(clinic=clinic, topics=["renewal"], recipient=recipient)
    delegations.add_absence(
        clinic=clinic,
        provider=durant,
        first_day=tomorrow(clinic),
        last_day=tomorrow(clinic) + timedelta(days=5),
        covers=dict.fromkeys(Service, kjaer),
        actor=None,
        now=timezone.now(),
    )
    assert "1 absence that this person was to cover" in leave(admin, clinic, kjaer, confirmed="").text
    leave(admin, clinic, kjaer, messages_to=make_staff_member(clinic).pk)
    assert not AbsenceCover.objects.exists()
    assert MessageDelegation.objects.get().recipient == recipient


def test_the_change_log_tells_of_it_by_name(admin, clinic, kjaer, durant):
    leave(admin, clinic, kjaer, last_day=tomorrow(clinic).isoformat(), successor=durant.pk)
    admin.post(page_of(clinic, "provider_stay", kjaer.pk))
    leave(admin, clinic, kjaer, successor=durant.pk)
    admin.post(page_of(clinic, "provider_back", kjaer.pk))
    log = admin.get(f"/{clinic.portal_identifier}/admin/log/changes/?kind=staff").text
    for sentence in ("will leave", "stays after all", "no longer works here", "works here again"):
        assert f"Jens Kjær {sentence}" in log


def test_the_pages_take_few_queries(admin, clinic, kjaer, durant, django_assert_max_num_queries):
    for number in range(10):
        make_request(kjaer, days=3 + number, hour=14)
    for _ in range(5):
        make_provider(clinic)
    with django_assert_max_num_queries(16):
        admin.get(page_of(clinic, "staff"))
    with django_assert_max_num_queries(13):
        person(admin, clinic, kjaer)
    with django_assert_max_num_queries(22):
        admin.get(page_of(clinic, "provider_leave", kjaer.pk))
    with django_assert_max_num_queries(34):
        leave(admin, clinic, kjaer, confirmed="")
