"""The list of staff, one person, roles, and the reset of a code app by two administrators."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from clinic_admin.choices import Role
from clinic_admin.models import StaffMember
from identity import operations as logins
from identity.models import StaffLink
from identity.staff import links as staff_links
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.onboarding import operations, queries
from services.onboarding.choices import SecondFactor, StaffRefusal
from services.onboarding.models import SecondFactorReset
from services.onboarding.operations import StaffChangeRefused
from tests.build import make_clinic, make_provider, make_staff_member, make_user
from tests.services.onboarding.build_onboarding import make_admin, page_of, sign_in_as

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def first(clinic):
    return make_admin(clinic, user=make_user(name="Ada Admin"))


@pytest.fixture
def second(clinic):
    return make_admin(clinic, user=make_user(name="Ben Admin"))


@pytest.fixture
def admin(client, first):
    return sign_in_as(client, first)


@pytest.fixture
def siv(clinic):
    member = make_staff_member(clinic)
    logins.set_totp(member.user, SECRET, actor=None, now=timezone.now())
    return member


def roles(client, clinic, member, *names):
    return client.post(page_of(clinic, "person", member.pk), {"roles": names})


def has_app(member):
    return Authenticator.objects.filter(user=member.user).exists()


def ask(client, clinic, member):
    client.post(page_of(clinic, "request_reset", member.pk))
    return SecondFactorReset.objects.latest("requested_at")


def test_everyone_who_works_here_is_listed_with_what_they_are(admin, clinic, siv):
    doctor = make_staff_member(clinic, Role.PROVIDER, user=make_user(name="Magnard Koman"))
    make_provider(clinic, staff_member=doctor, initials="MK")
    make_staff_member(clinic, user=make_user(name="Gone Before"), is_active=False)
    make_staff_member(make_clinic(), user=make_user(name="Somebody Else"))
    page = admin.get(page_of(clinic, "staff"))
    assert "MK, GP, with a list" in page.text
    assert "Waiting for the first sign-in" in page.text
    assert "Somebody Else" not in page.text
    assert [line.name for line in page.context["left"]] == ["Gone Before"]
    by_name = {line.name: line.second_factor for line in page.context["lines"]}
    assert by_name["Siv Sekretær"] == SecondFactor.SET_UP
    assert by_name["Magnard Koman"] == SecondFactor.WAITING


def test_the_list_takes_as_many_queries_for_many_as_for_one(admin, clinic, django_assert_max_num_queries):
    for _ in range(15):
        make_provider(clinic, staff_member=make_staff_member(clinic))
        make_provider(clinic)
    with django_assert_max_num_queries(13):
        admin.get(page_of(clinic, "staff"))


def test_roles_are_changed_and_the_trail_says_so(admin, clinic, siv):
    assert roles(admin, clinic, siv, "assistant", "clinic-administrator").status_code == 302
    siv.refresh_from_db()
    assert siv.roles == ["assistant", "clinic-administrator"]
    event = AuditEvent.objects.get(action="staff_member.roles_changed")
    assert event.details == {"before": ["assistant"], "after": ["assistant", "clinic-administrator"]}


def test_the_last_administrator_stays_administrator(admin, clinic, first):
    answer = roles(admin, clinic, first, "assistant")
    assert answer.status_code == 422
    assert "would have no administrator left" in answer.text
    first.refresh_from_db()
    assert first.is_administrator


def test_an_administrator_who_left_does_not_count(admin, clinic, first, second):
    StaffMember.objects.filter(pk=second.pk).update(is_active=False)
    assert roles(admin, clinic, first, "assistant").status_code == 422
    StaffMember.objects.filter(pk=second.pk).update(is_active=True)
    assert roles(admin, clinic, first, "assistant").status_code == 302


def test_a_clinic_administrator_neither_gives_nor_takes_the_system_role(admin, clinic, siv, first):
    assert roles(admin, clinic, siv, "assistant", "system-administrator").status_code == 422
    boss = make_admin(clinic, Role.SYSTEM_ADMINISTRATOR)
    assert roles(admin, clinic, boss, "assistant").status_code == 302
    boss.refresh_from_db()
    assert boss.roles == ["assistant", "system-administrator"]
    with pytest.raises(StaffChangeRefused) as refused:
        operations.change_roles(
            clinic=clinic, member_id=boss.pk, roles={Role.ASSISTANT}, actor=first, now=timezone.now()
        )
    assert refused.value.reason == StaffRefusal.SYSTEM_ROLE


def test_another_clinics_staff_do_not_exist(admin, clinic):
    stranger = make_staff_member(make_clinic())
    for name in ("person", "leave"):
        assert admin.get(page_of(clinic, name, stranger.pk)).status_code == 404
    for name in ("person", "link", "request_reset", "stay", "back", "leave"):
        assert admin.post(page_of(clinic, name, stranger.pk), {"roles": ["assistant"]}).status_code == 404
    stranger.refresh_from_db()
    assert stranger.roles == ["assistant"]


def test_staff_without_the_role_look_and_change_nothing(client, clinic, siv, first):
    colleague = sign_in_as(client, make_staff_member(clinic))
    assert colleague.get(page_of(clinic, "staff")).status_code == 200
    page = colleague.get(page_of(clinic, "person", siv.pk))
    assert "Only administrators" in page.text
    assert "Save roles" not in page.text
    for name in ("person", "link", "request_reset", "leave", "stay", "back"):
        assert colleague.post(page_of(clinic, name, siv.pk), {"roles": ["provider"]}).status_code == 403
    siv.refresh_from_db()
    assert (siv.roles, siv.is_active, has_app(siv)) == (["assistant"], True, True)


def test_a_code_app_is_taken_away_by_two_administrators(client, admin, clinic, siv, second):
    phone = sign_in_as(Client(), siv)
    reset = ask(admin, clinic, siv)
    assert has_app(siv)
    other = sign_in_as(Client(), second)
    assert "Confirm, take them away" in other.get(page_of(clinic, "staff")).text
    assert other.post(page_of(clinic, "confirm_reset", reset.pk)).status_code == 302
    assert not has_app(siv)
    assert phone.get(page_of(clinic, "staff")).status_code == 302
    told = list(OutboxMessage.objects.filter(kind="staff-login").order_by("created_at"))
    assert {message.recipient for message in told} == {siv.user.email}
    assert [one.title.rsplit(": ", 1)[1] for one in told] == [
        "noen ber om å nullstille den",
        "den er nullstilt",
    ]
    assert len(told) == 2
    asked = AuditEvent.objects.get(action="second_factor_reset.requested")
    agreed = AuditEvent.objects.get(action="second_factor_reset.confirmed")
    assert (asked.actor_id, agreed.actor_id) == (reset.requested_by_id, second.user_id)


def test_one_administrator_alone_can_not_do_it(admin, clinic, siv, first):
    reset = ask(admin, clinic, siv)
    page = admin.get(page_of(clinic, "staff"))
    assert "Confirm, take them away" not in page.text
    answer = admin.post(page_of(clinic, "confirm_reset", reset.pk), follow=True)
    assert "Two administrators must agree" in answer.text
    assert has_app(siv)
    with pytest.raises(IntegrityError):
        SecondFactorReset.objects.update(confirmed_by=first.user, confirmed_at=timezone.now())


def test_nobody_agrees_to_the_reset_of_their_own_login(admin, clinic, second):
    logins.set_totp(second.user, SECRET, actor=None, now=timezone.now())
    reset = ask(admin, clinic, second)
    answer = sign_in_as(Client(), second).post(page_of(clinic, "confirm_reset", reset.pk), follow=True)
    assert "your own login" in answer.text
    assert has_app(second)


@pytest.mark.parametrize("ending", ["withdrawn", "too-late", "done"])
def test_a_reset_that_is_over_can_not_be_confirmed(admin, clinic, siv, second, ending):
    reset = ask(admin, clinic, siv)
    other = sign_in_as(Client(), second)
    if ending == "withdrawn":
        other.post(page_of(clinic, "withdraw_reset", reset.pk))
    elif ending == "too-late":
        SecondFactorReset.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        other.post(page_of(clinic, "confirm_reset", reset.pk))
        logins.set_totp(siv.user, SECRET, actor=None, now=timezone.now())
    answer = other.post(page_of(clinic, "confirm_reset", reset.pk), follow=True)
    assert "no longer open" in answer.text
    assert has_app(siv)


def test_asking_twice_is_asking_once_and_an_old_request_makes_room(admin, clinic, siv):
    ask(admin, clinic, siv)
    ask(admin, clinic, siv)
    assert SecondFactorReset.objects.count() == 1
    SecondFactorReset.objects.update(expires_at=timezone.now())
    ask(admin, clinic, siv)
    assert len(queries.open_resets(clinic, timezone.now())) == 1


def test_who_is_to_lose_the_second_step_is_told_when_it_is_asked_for_and_taken_back(admin, clinic, siv):
    reset = ask(admin, clinic, siv)
    ask(admin, clinic, siv)
    admin.post(page_of(clinic, "withdraw_reset", reset.pk))
    admin.post(page_of(clinic, "withdraw_reset", reset.pk))
    subjects = (
        OutboxMessage.objects.filter(kind="staff-login")
        .order_by("created_at")
        .values_list("title", flat=True)
    )
    assert len(subjects) == 2


def test_a_passkey_counts_as_a_second_step_and_goes_with_a_reset(admin, clinic, second):
    member = make_staff_member(clinic)
    Authenticator.objects.create(user=member.user, type="webauthn", data={"name": "Phone"})
    assert queries.staff_line(clinic, member.pk)[1].second_factor == SecondFactor.SET_UP
    reset = ask(admin, clinic, member)
    sign_in_as(Client(), second).post(page_of(clinic, "confirm_reset", reset.pk))
    assert not Authenticator.objects.filter(user=member.user).exists()


def test_another_clinics_reset_does_not_exist(admin, clinic, siv, second):
    reset = ask(admin, clinic, siv)
    elsewhere = make_clinic()
    stranger = sign_in_as(Client(), make_admin(elsewhere))
    for name in ("confirm_reset", "withdraw_reset"):
        assert stranger.post(page_of(elsewhere, name, reset.pk)).status_code == 404
    assert has_app(siv)


def test_a_new_link_ends_the_older(admin, clinic):
    member = make_staff_member(clinic)
    staff_links.send_link(user=member.user, clinic=clinic, actor=None, now=timezone.now())
    page = admin.get(page_of(clinic, "person", member.pk))
    assert "Send a new link" in page.text
    admin.post(page_of(clinic, "link", member.pk))
    assert StaffLink.objects.count() == 2
    assert StaffLink.objects.filter(revoked_at__isnull=True).count() == 1


def test_who_has_a_password_is_sent_no_link(admin, clinic, siv):
    siv.user.set_password("korrekt hest batteri")
    siv.user.save()
    answer = admin.post(page_of(clinic, "link", siv.pk), follow=True)
    assert "has chosen a password already" in answer.text
    assert not StaffLink.objects.exists()


def test_sessions_of_others_stay(clinic, siv, second, first):
    other = sign_in_as(Client(), second)
    sign_in_as(Client(), siv)
    before = Session.objects.count()
    staff_links.end_sessions(user=siv.user, actor=None, now=timezone.now(), reason="test")
    assert Session.objects.count() == before - 1
    assert other.get(page_of(clinic, "staff")).status_code == 200


# -- undo and two at once ----------------------------------------------------------------------------------
def test_undo_shows_the_roles_of_before_and_saves_them_when_told_to(admin, clinic, siv):
    roles(admin, clinic, siv, "provider")
    event = AuditEvent.objects.get(action="staff_member.roles_changed").pk
    address = page_of(clinic, "person", siv.pk)
    assert f"?undo={event}" in admin.get(address).text
    form = admin.get(address, {"undo": event}).context["form"]
    assert form["roles"].value() == ["assistant"]
    assert form["seen"].value() == "provider"
    admin.post(address, {"roles": form["roles"].value(), "seen": form["seen"].value()})
    siv.refresh_from_db()
    assert siv.roles == ["assistant"]
    assert "Nothing to undo" in admin.get(address, {"undo": event}).text


def test_two_who_save_the_same_roles_both_see_what_the_other_chose(admin, clinic, siv):
    roles(admin, clinic, siv, "provider")
    address = page_of(clinic, "person", siv.pk)
    page = admin.post(address, {"roles": ["clinic-administrator"], "seen": "assistant"})
    assert page.status_code == 409
    assert "<li>Provider</li>" in page.text
    form = page.context["form"]
    assert form["roles"].value() == ["clinic-administrator"]
    sent = {"roles": form["roles"].value(), "seen": form["seen"].value()}
    assert admin.post(address, sent).status_code == 302
    siv.refresh_from_db()
    assert siv.roles == ["clinic-administrator"]
