"""The new-staff wizard (000 §8, A11, A13)."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from clinic_admin import text_queries
from clinic_admin.choices import Role
from clinic_admin.models import Provider, StaffMember
from delegation.models import MatrixTick
from identity.models import StaffLink, User
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.access.models import ProviderRights
from services.booking.models import CalendarTemplate, Slot
from services.onboarding.models import NewStaff
from tests.build import make_clinic, make_patient, make_provider, make_staff_member, make_user
from tests.services.booking.build_booking import make_slot
from tests.services.onboarding.build_onboarding import (
    ASSISTANT,
    answers,
    begin,
    fill,
    finish,
    make_admin,
    page_of,
    sign_in_as,
    tomorrow,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def admin(client, clinic):
    return sign_in_as(client, make_admin(clinic))


def step(clinic, new, name):
    return page_of(clinic, "step", new.pk, name)


def test_the_last_step_makes_everything_that_was_filled_in(admin, clinic):
    koman = make_provider(clinic, name="Magnard Koman")
    new = begin(admin, clinic)
    told = answers(
        clinic,
        delegations={"lists": ["booking:own", f"urgent:{koman.pk}"], "others": [f"renewal:{koman.pk}"]},
    )
    assert fill(admin, clinic, new, told).url == step(clinic, new, "summary")
    answer = finish(admin, clinic, new)
    member = StaffMember.objects.get(name="Billy Durant")
    assert answer.url == page_of(clinic, "person", member.pk)
    provider = member.provider
    assert (provider.name, provider.initials, provider.has_patient_list) == ("Dr. Durant", "BD", True)
    assert provider.has_portal_access
    assert (member.roles, member.user.has_usable_password()) == (["provider"], False)
    rights = ProviderRights.objects.get(provider=provider, column="with-gp").values
    assert (rights.booking, rights.approval, rights.renewal) == (True, "automatic", False)
    ticks = {(t.service, t.row_id, t.provider_id) for t in MatrixTick.objects.filter(clinic=clinic)}
    assert ticks == {
        ("booking", provider.pk, provider.pk),
        ("urgent", koman.pk, provider.pk),
        ("renewal", provider.pk, koman.pk),
    }
    template = CalendarTemplate.objects.get(provider=provider)
    assert (template.valid_from, template.blocks.count()) == (tomorrow(clinic), 5)
    assert Slot.objects.filter(provider=provider, day__gte=tomorrow(clinic)).exists()
    assert text_queries.signature(provider) == "Billy Durant\nFastlege"
    assert OutboxMessage.objects.about(StaffLink.objects.get()).get().recipient == "billy@legekontor.example"


def test_nothing_holds_before_the_last_step(admin, clinic):
    before = (StaffMember.objects.count(), User.objects.count())
    fill(admin, clinic, begin(admin, clinic), answers(clinic))
    assert (StaffMember.objects.count(), User.objects.count()) == before
    for kind in (Provider, CalendarTemplate, MatrixTick, StaffLink, OutboxMessage):
        assert not kind.objects.exists()


def test_the_summary_says_in_words_what_will_be_done(admin, clinic):
    koman = make_provider(clinic, name="Magnard Koman")
    new = begin(admin, clinic)
    fill(
        admin, clinic, new, answers(clinic, delegations={"lists": [f"booking:{koman.pk}", "booking:others"]})
    )
    page = admin.get(step(clinic, new, "summary"))
    for sentence in (
        "Patients see “GP Dr. Durant”. The initials are BD.",
        "Monday, Tuesday, Wednesday, Thursday, Friday: from 08:00 to 12:00, 20 minutes for each patient.",
        "An e-mail goes to billy@legekontor.example",
        "Patients with a GP here: booking, cancelling.",
        "Patients without a GP here: nothing.",
        "Booking with Dr. Durant: Magnard Koman&#x27;s list, all other active patients.",
    ):
        assert sentence in page.text


def test_somebody_whom_patients_never_meet_needs_two_steps(admin, clinic):
    new = begin(admin, clinic)
    assert fill(admin, clinic, new, {"role": ASSISTANT}).url == step(clinic, new, "contact")
    page = admin.get(step(clinic, new, "contact"))
    assert page.context["steps"] == ["Role", "Contact", "Summary"]
    fill(admin, clinic, new, {"contact": {"email": "siri@legekontor.example"}})
    finish(admin, clinic, new)
    assert not Provider.objects.exists()
    assert StaffMember.objects.get(name="Siri Ny").roles == ["assistant"]


def test_an_interrupted_wizard_goes_on_where_it_was(client, admin, clinic):
    new = begin(admin, clinic)
    told = answers(clinic)
    fill(admin, clinic, new, {name: told[name] for name in ("role", "calendar")})
    client.logout()
    other = sign_in_as(client, make_admin(clinic))
    listed = other.get(page_of(clinic, "staff"))
    assert "Billy Durant" in listed.text
    assert page_of(clinic, "go_on", new.pk) in listed.text
    answer = other.get(page_of(clinic, "go_on", new.pk))
    assert answer.url == step(clinic, new, "signature")
    assert other.get(step(clinic, new, "calendar")).context["form"]["starts_at"].value() == "08:00"
    fill(
        other, clinic, new, {name: told[name] for name in ("signature", "contact", "services", "delegations")}
    )
    finish(other, clinic, new)
    assert Provider.objects.get().initials == "BD"


def test_a_double_press_adds_the_person_once(admin, clinic):
    new = begin(admin, clinic)
    fill(admin, clinic, new, answers(clinic))
    first, second = finish(admin, clinic, new), finish(admin, clinic, new)
    assert first.url == second.url
    assert StaffMember.objects.filter(name="Billy Durant").count() == 1
    assert StaffLink.objects.count() == OutboxMessage.objects.count() == 1


def test_what_was_typed_is_not_kept_in_the_wizard_when_it_is_done(admin, clinic):
    new = begin(admin, clinic)
    fill(admin, clinic, new, {"role": ASSISTANT, "contact": {"email": "siri@legekontor.example"}})
    finish(admin, clinic, new)
    new.refresh_from_db()
    assert new.told == {}
    assert "siri" not in str(list(AuditEvent.objects.values())).lower()


def test_somebody_with_a_login_gets_a_post_and_no_link(admin, clinic):
    known = make_user(email="vikar@annet.example", name="Konsu Lent")
    known.set_password("korrekt hest batteri")
    known.save()
    make_staff_member(make_clinic(), user=known)
    new = begin(admin, clinic)
    fill(admin, clinic, new, {"role": ASSISTANT, "contact": {"email": "Vikar@annet.example"}})
    assert "signs in with vikar@annet.example already" in admin.get(step(clinic, new, "summary")).text
    finish(admin, clinic, new)
    assert StaffMember.objects.get(clinic=clinic, user=known)
    assert not StaffLink.objects.exists()
    known.refresh_from_db()
    assert known.has_usable_password()


def test_a_copied_calendar_has_the_same_hours(admin, clinic):
    koman = make_provider(clinic)
    template = CalendarTemplate.objects.create(
        clinic=clinic, provider=koman, name="Vinter", valid_from=tomorrow(clinic)
    )
    template.blocks.create(weekday="2", starts_at="09:00", ends_at="10:00", minutes=30, kind="urgent")
    new = begin(admin, clinic)
    calendar = {"how": "copy", "copy_from": str(template.pk), "weekdays": []}
    fill(admin, clinic, new, answers(clinic, calendar=calendar))
    finish(admin, clinic, new)
    copy = CalendarTemplate.objects.get(provider__initials="BD")
    assert [(b.weekday, b.minutes, b.kind) for b in copy.blocks.all()] == [("2", 30, "urgent")]


def test_a_calendar_that_went_away_meanwhile_stops_everything_and_says_so(admin, clinic):
    koman = make_provider(clinic)
    template = CalendarTemplate.objects.create(
        clinic=clinic, provider=koman, name="Vinter", valid_from=tomorrow(clinic)
    )
    new = begin(admin, clinic)
    fill(admin, clinic, new, answers(clinic, calendar={"how": "copy", "copy_from": str(template.pk)}))
    template.delete()
    answer = finish(admin, clinic, new)
    assert answer.status_code == 422
    assert "Nothing was done" in answer.text
    assert not User.objects.filter(email="billy@legekontor.example").exists()


def test_a_colleague_who_left_meanwhile_stops_everything_and_says_so(admin, clinic):
    koman = make_provider(clinic)
    new = begin(admin, clinic)
    fill(admin, clinic, new, answers(clinic, delegations={"lists": [f"booking:{koman.pk}"]}))
    Provider.objects.filter(pk=koman.pk).update(is_active=False)
    assert finish(admin, clinic, new).status_code == 422
    assert not Provider.objects.filter(initials="BD").exists()


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("role", {"name": ""}, "Fill in this field"),
        ("role", {"roles": []}, "Choose at least one role"),
        ("role", {"initials": "mk"}, "has, or had, these initials"),
        ("role", {"initials": ""}, "Write the initials"),
        ("role", {"roles": ["system-administrator"]}, "Something chosen here can&#x27;t be chosen any more."),
        ("calendar", {"ends_at": "07:00"}, "The end must be later than the start"),
        ("calendar", {"minutes": "17"}, "must be whole appointments"),
        ("calendar", {"weekdays": []}, "Choose at least one day"),
        ("calendar", {"pause_from": "10:00"}, "A pause needs a start and an end"),
        ("calendar", {"first_day": "2020-01-01"}, "can&#x27;t be before today"),
        ("calendar", {"first_day": "soon"}, "Write a date"),
        ("calendar", {"how": "copy", "copy_from": ""}, "Choose whose weekly calendar"),
        ("calendar", {"how": "copy", "copy_from": "999999"}, "Choose one of these."),
        ("contact", {"email": "nobody"}, "This is not an e-mail address."),
        ("contact", {"email": "here@legekontor.example"}, "works here, or has worked here"),
        ("delegations", {"lists": ["booking:999999"]}, "left the clinic meanwhile"),
    ],
)
def test_a_mistake_is_explained_by_its_field_and_nothing_typed_is_lost(
    admin, clinic, name, changes, sentence
):
    make_staff_member(clinic, user=make_user(email="here@legekontor.example"))
    koman = make_provider(clinic, initials="MK")
    CalendarTemplate.objects.create(clinic=clinic, provider=koman, name="V", valid_from=tomorrow(clinic))
    new = begin(admin, clinic)
    told = answers(clinic)
    order = list(told)
    fill(admin, clinic, new, {step: told[step] for step in order[: order.index(name)]})
    answer = admin.post(step(clinic, new, name), told[name] | changes)
    assert answer.status_code == 422
    assert sentence in answer.text
    new.refresh_from_db()
    assert name not in new.told


def test_another_clinics_provider_or_calendar_can_not_be_named(admin, clinic):
    stranger = make_provider(make_clinic())
    template = CalendarTemplate.objects.create(
        clinic=stranger.clinic, provider=stranger, name="V", valid_from=tomorrow(clinic)
    )
    new = begin(admin, clinic)
    told = answers(clinic)
    fill(admin, clinic, new, {"role": told["role"]})
    wrong = told["calendar"] | {"how": "copy", "copy_from": str(template.pk)}
    assert admin.post(step(clinic, new, "calendar"), wrong).status_code == 422
    fill(admin, clinic, new, {name: told[name] for name in ("calendar", "signature", "contact", "services")})
    sent = {"lists": [f"booking:{stranger.pk}"], "others": [f"booking:{stranger.pk}"]}
    assert admin.post(step(clinic, new, "delegations"), sent).status_code == 422


def test_steps_that_are_not_there_or_not_reached_are_not_shown(admin, clinic):
    new = begin(admin, clinic)
    assert admin.get(step(clinic, new, "payment")).status_code == 404
    assert admin.get(step(clinic, new, "services")).url == step(clinic, new, "role")
    assert admin.post(step(clinic, new, "delegations"), {"lists": []}).url == step(clinic, new, "role")
    assert finish(admin, clinic, new).url == step(clinic, new, "role")
    fill(admin, clinic, new, {"role": ASSISTANT})
    assert admin.get(step(clinic, new, "services")).status_code == 404
    new.refresh_from_db()
    assert list(new.told) == ["role"]


def test_another_clinics_wizard_does_not_exist(admin, clinic):
    elsewhere = make_clinic()
    theirs = NewStaff.objects.create(
        clinic=elsewhere,
        started_by=make_admin(elsewhere).user,
        started_at=timezone.now(),
        changed_at=timezone.now(),
    )
    for name, args in (("go_on", []), ("step", ["role"])):
        assert admin.get(page_of(clinic, name, theirs.pk, *args)).status_code == 404
    assert admin.post(page_of(clinic, "discard", theirs.pk)).status_code == 404
    assert admin.post(step(clinic, theirs, "role"), answers(clinic)["role"]).status_code == 404
    assert admin.get(page_of(clinic, "go_on", uuid.uuid4())).status_code == 404
    theirs.refresh_from_db()
    assert theirs.told == {}


def test_a_discarded_wizard_leaves_nothing(admin, clinic):
    new = begin(admin, clinic)
    fill(admin, clinic, new, {"role": ASSISTANT})
    assert "Discarded" in admin.post(page_of(clinic, "discard", new.pk), follow=True).text
    assert not NewStaff.objects.exists()


def test_staff_without_the_role_look_and_change_nothing(client, clinic):
    admin = sign_in_as(client, make_admin(clinic))
    new = begin(admin, clinic)
    fill(admin, clinic, new, answers(clinic))
    client.logout()
    assistant = sign_in_as(client, make_staff_member(clinic))
    for name in answers(clinic):
        page = assistant.get(step(clinic, new, name))
        assert page.status_code == 200
        assert 'class="buttons"' not in page.text.partition("<main")[2].partition("</main>")[0]
        assert assistant.post(step(clinic, new, name), {}).status_code == 403
    assert assistant.post(page_of(clinic, "start")).status_code == 403
    assert finish(assistant, clinic, new).status_code == 403
    assert assistant.post(page_of(clinic, "discard", new.pk)).status_code == 403
    assert NewStaff.objects.get().told.keys() == answers(clinic).keys()


def test_only_a_system_administrator_adds_a_system_administrator(client, clinic):
    system = sign_in_as(client, make_admin(clinic, Role.SYSTEM_ADMINISTRATOR))
    new = begin(system, clinic)
    role = ASSISTANT | {"roles": ["system-administrator"]}
    fill(system, clinic, new, {"role": role, "contact": {"email": "siri@legekontor.example"}})
    client.logout()
    plain = sign_in_as(client, make_admin(clinic))
    assert finish(plain, clinic, new).status_code == 422
    assert not StaffMember.objects.filter(name="Siri Ny").exists()


def test_steps_take_as_many_queries_at_a_big_clinic(admin, clinic, django_assert_max_num_queries):
    for _ in range(12):
        provider = make_provider(clinic)
        make_patient(clinic, gp=provider)
        make_slot(provider, timezone.now() + timedelta(days=2))
    new = begin(admin, clinic)
    fill(admin, clinic, new, answers(clinic))
    for name in (*answers(clinic), "summary"):
        with django_assert_max_num_queries(14):
            admin.get(step(clinic, new, name))
