"""Staff who leave: everything that hangs on them is seen to, in one act."""

from datetime import datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from clinic_admin.choices import ProviderKind, Role, Service
from clinic_admin.models import Provider, StaffMember
from delegation import operations as delegations
from delegation.models import AbsenceCover, MatrixTick, MessageDelegation
from identity.staff import links as staff_links
from patients.models import Patient
from portal.models import AuditEvent
from services.access.models import ProviderRights
from services.booking.models import Appointment, CalendarTemplate, Slot
from services.onboarding import leaving_operations, tasks
from services.onboarding.models import Leaving
from tests.build import make_clinic, make_provider, make_staff_member, make_user
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


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def boss(clinic):
    return make_admin(clinic, user=make_user(name="Ada Admin"))


@pytest.fixture
def admin(client, boss):
    return sign_in_as(client, boss)


@pytest.fixture
def koman(clinic):
    """A GP with patients, rights, ticks and a calendar."""
    member = make_staff_member(clinic, Role.PROVIDER, user=make_user(name="Magnard Koman"))
    provider = make_provider(clinic, name="Magnard Koman", staff_member=member)
    settle_in(provider)
    return member


@pytest.fixture
def durant(clinic):
    return make_provider(clinic, name="Billy Durant")


def leave(client, clinic, member, **sent):
    sent.setdefault("last_day", today(clinic).isoformat())
    sent.setdefault("confirmed", "yes")
    return client.post(page_of(clinic, "leave", member.pk), {k: v for k, v in sent.items() if v != ""})


def after(clinic, days):
    """Return ten minutes into the local day so many days from today."""
    return datetime.combine(today(clinic) + timedelta(days=days), time(0, 10), tzinfo=clinic.zone)


def test_who_has_left_is_out_of_everything_at_once(admin, clinic, koman, durant):
    phone = sign_in_as(Client(), koman)
    tick(koman.provider, durant)
    assert leave(admin, clinic, koman, successor=durant.pk).status_code == 302
    koman.refresh_from_db()
    provider = Provider.objects.get(staff_member=koman)
    assert not koman.is_active
    assert (provider.is_active, provider.has_portal_access) == (False, False)
    assert Patient.objects.filter(gp=durant).count() == 3
    assert not MatrixTick.objects.filter(clinic=clinic).exists()
    assert not any(rights.values.booking for rights in ProviderRights.objects.filter(provider=provider))
    assert not Slot.objects.filter(provider=provider, starts_at__gt=timezone.now(), state="free").exists()
    assert CalendarTemplate.objects.get(provider=provider).valid_until == today(clinic)
    assert phone.get(page_of(clinic, "staff")).status_code == 302
    assert AuditEvent.objects.filter(action="patient.gp_changed").count() == 3
    assert AuditEvent.objects.get(action="staff_member.left").details["patients"] == 3


def test_without_a_successor_the_patients_have_no_gp_here(admin, clinic, koman):
    leave(admin, clinic, koman)
    assert Patient.objects.filter(clinic=clinic, gp__isnull=True).count() == 3


def test_the_page_says_what_happens_and_does_nothing_before_it_is_confirmed(admin, clinic, koman, durant):
    make_request(koman.provider, hour=14)
    page = admin.get(page_of(clinic, "leave", koman.pk))
    assert "3 patients on the list" in page.text
    asked = leave(admin, clinic, koman, successor=durant.pk, confirmed="")
    assert asked.status_code == 200
    assert "3 patients move to Billy Durant&#x27;s list." in asked.text
    assert "1 appointment after the last day stays" in asked.text
    assert "1 tick in the service matrix goes away." in asked.text
    assert not Leaving.objects.exists()
    assert Patient.objects.filter(gp=koman.provider).count() == 3


def test_a_coming_last_day_ends_the_calendar_now_and_the_rest_in_the_night_after(
    admin, clinic, koman, durant
):
    last_day = today(clinic) + timedelta(days=10)
    leave(admin, clinic, koman, last_day=last_day.isoformat(), successor=durant.pk)
    koman.refresh_from_db()
    provider = koman.provider
    assert koman.is_active
    assert not Slot.objects.filter(provider=provider, day__gt=last_day).exists()
    assert Slot.objects.filter(provider=provider, day=last_day).exists()
    assert Patient.objects.filter(gp=provider).count() == 3
    leaving = Leaving.objects.get()
    assert not leaving_operations.carry_out(leaving_id=leaving.pk, now=after(clinic, 10))
    koman.refresh_from_db()
    assert koman.is_active
    assert leaving_operations.carry_out(leaving_id=leaving.pk, now=after(clinic, 11))
    assert not leaving_operations.carry_out(leaving_id=leaving.pk, now=after(clinic, 11))
    koman.refresh_from_db()
    assert not koman.is_active
    assert Patient.objects.filter(gp=durant).count() == 3


def test_the_clock_carries_out_what_is_due_and_nothing_else(admin, clinic, koman):
    leave(admin, clinic, koman, last_day=tomorrow(clinic).isoformat())
    tasks.carry_out_leavings()
    assert Leaving.objects.get().done_at is None
    Leaving.objects.update(last_day=today(clinic) - timedelta(days=1))
    tasks.carry_out_leavings()
    koman.refresh_from_db()
    assert not koman.is_active


def test_appointments_stay_and_are_decided_about_one_by_one(admin, clinic, koman, durant):
    appointment = make_request(koman.provider, days=5, hour=14)
    leave(admin, clinic, koman, successor=durant.pk)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.provider) == ("requested", koman.provider)
    absence = Leaving.objects.get().absence
    assert absence.first_day == tomorrow(clinic)
    assert {cover.provider for cover in absence.covers.all()} == {durant}
    page = admin.get(page_of(clinic, "person", koman.pk))
    assert f"/staff/absences/{absence.pk}/" in page.text
    listed = admin.get(f"/{clinic.portal_identifier}/staff/absences/{absence.pk}/")
    assert appointment.patient.full_name in listed.text
    assert Appointment.objects.count() == 1


def test_calling_it_off_before_the_last_day(admin, clinic, koman):
    make_request(koman.provider, days=5, hour=14)
    leave(admin, clinic, koman, last_day=tomorrow(clinic).isoformat())
    assert "Leaves after" in admin.get(page_of(clinic, "person", koman.pk)).text
    answer = admin.post(page_of(clinic, "stay", koman.pk), follow=True)
    assert "prolong them" in answer.text
    assert not Leaving.objects.exists()
    assert not koman.provider.absences.exists()
    koman.refresh_from_db()
    assert koman.is_active


def test_who_works_at_another_clinic_too_stays_signed_in_there(admin, clinic, koman):
    other = make_staff_member(make_clinic(), user=koman.user)
    phone = sign_in_as(Client(), koman)
    leave(admin, clinic, koman)
    assert phone.get(page_of(clinic, "staff")).status_code == 404
    assert phone.get(page_of(other.clinic, "staff")).status_code == 200


def test_an_unused_link_ends_with_the_post(admin, clinic):
    member = make_staff_member(clinic)
    link = staff_links.send_link(user=member.user, clinic=clinic, actor=None, now=timezone.now())
    leave(admin, clinic, member)
    link.refresh_from_db()
    assert link.revoked_at is not None


def test_the_last_administrator_can_not_leave(clinic, boss):
    second = make_admin(clinic)
    other = sign_in_as(Client(), second)
    StaffMember.objects.filter(pk=second.pk).update(roles=[Role.CLINIC_ADMINISTRATOR])
    assert leave(other, clinic, second).status_code == 422
    assert leave(other, clinic, boss, last_day=tomorrow(clinic).isoformat()).status_code == 302
    third = make_staff_member(clinic)
    client = sign_in_as(Client(), boss)
    answer = leave(client, clinic, second)
    assert answer.status_code == 422
    assert "would have no administrator left" in answer.text
    assert third.is_active


@pytest.mark.parametrize("confirmed", ["yes", ""])
def test_a_last_day_in_the_past_is_refused_with_words(admin, clinic, koman, confirmed):
    yesterday = today(clinic) - timedelta(days=1)
    answer = leave(admin, clinic, koman, last_day=yesterday.isoformat(), confirmed=confirmed)
    assert answer.status_code == 422
    assert "The last day can&#x27;t be before today" in answer.text


def test_deciding_twice_does_it_once(admin, clinic, koman):
    for _ in range(2):
        assert leave(admin, clinic, koman, last_day=tomorrow(clinic).isoformat()).status_code == 302
    assert Leaving.objects.count() == 1


@pytest.mark.parametrize("whose", ["stranger", "own", "without list", "leaving"])
def test_patients_move_only_to_a_list_that_stays(admin, clinic, koman, whose):
    if whose == "stranger":
        successor = make_provider(make_clinic())
    elif whose == "own":
        successor = koman.provider
    elif whose == "without list":
        successor = make_provider(clinic, has_patient_list=False, kind=ProviderKind.LOCUM)
    else:
        going = make_staff_member(clinic)
        successor = make_provider(clinic, staff_member=going)
        leave(admin, clinic, going, last_day=tomorrow(clinic).isoformat())
    answer = leave(admin, clinic, koman, successor=successor.pk)
    assert answer.status_code == 422
    assert Patient.objects.filter(gp=koman.provider).count() == 3


def test_a_successor_can_not_leave_first(admin, clinic, koman):
    heir = make_staff_member(clinic)
    provider = make_provider(clinic, staff_member=heir)
    leave(admin, clinic, koman, last_day=tomorrow(clinic).isoformat(), successor=provider.pk)
    answer = leave(admin, clinic, heir)
    assert answer.status_code == 422
    assert "are to move to this provider" in answer.text


def test_covers_of_whoever_leaves_are_taken_back(admin, clinic, koman, durant):
    delegations.add_absence(
        clinic=clinic,
        provider=durant,
        first_day=tomorrow(clinic),
        last_day=tomorrow(clinic) + timedelta(days=5),
        covers=dict.fromkeys(Service, koman.provider),
        actor=None,
        now=timezone.now(),
    )
    asked = leave(admin, clinic, koman, confirmed="")
    assert "1 absence that this person was to cover has nobody then" in asked.text
    leave(admin, clinic, koman)
    assert not AbsenceCover.objects.exists()


@pytest.mark.parametrize("is_system", [True, False])
def test_delegated_messages_go_to_whom_a_system_administrator_says_or_to_everyone(
    client, clinic, koman, is_system
):
    post = make_admin(clinic, Role.SYSTEM_ADMINISTRATOR if is_system else Role.CLINIC_ADMINISTRATOR)
    admin = sign_in_as(client, post)
    heir = make_staff_member(clinic, user=make_user(name="Siri Heir"))
    make_admin(clinic)
    MessageDelegation.objects.create(clinic=clinic, topics=["renewal"], recipient=koman)
    page = admin.get(page_of(clinic, "leave", koman.pk))
    assert ("Go to Siri Heir" in page.text) is is_system
    leave(admin, clinic, koman, messages_to=heir.pk)
    stored = MessageDelegation.objects.get()
    if is_system:
        assert (stored.recipient, stored.topics) == (heir, ["renewal"])
    else:
        assert (stored.recipient, stored.topics) == (None, [])


def test_coming_back_starts_with_everything_off(admin, clinic, koman):
    leave(admin, clinic, koman)
    page = admin.get(page_of(clinic, "person", koman.pk))
    assert "Works here again" in page.text
    assert admin.post(page_of(clinic, "back", koman.pk)).status_code == 302
    koman.refresh_from_db()
    provider = Provider.objects.get(staff_member=koman)
    assert (koman.is_active, provider.is_active, provider.has_portal_access) == (True, True, False)
    assert not MatrixTick.objects.filter(provider=provider).exists()


def test_who_left_can_not_be_changed(admin, clinic, koman):
    leave(admin, clinic, koman)
    assert "Save roles" not in admin.get(page_of(clinic, "person", koman.pk)).text
    for name in ("link", "request_reset"):
        answer = admin.post(page_of(clinic, name, koman.pk), follow=True)
        assert "work here any more" in answer.text.replace("&#x27;", "'")


def test_the_pages_of_leaving_take_few_queries(admin, clinic, koman, durant, django_assert_max_num_queries):
    for number in range(10):
        make_request(koman.provider, days=3 + number, hour=14)
    with django_assert_max_num_queries(24):
        admin.get(page_of(clinic, "leave", koman.pk))
    with django_assert_max_num_queries(36):
        leave(admin, clinic, koman, confirmed="")
