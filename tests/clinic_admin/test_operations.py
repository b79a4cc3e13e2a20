"""Changes to the register."""

from dataclasses import replace
from datetime import date, time, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from clinic_admin import operations, policy, queries
from clinic_admin.choices import ClinicRefusal, ProviderKind, Role
from clinic_admin.models import Clinic, Provider
from clinic_admin.operations import ClinicChangeRefused
from clinic_admin.policy import OpenPeriod
from portal import audit
from portal.models import AuditEvent
from tests.build import make_clinic, make_provider, make_user

pytestmark = pytest.mark.django_db

MORNING = OpenPeriod("0", time(8), time(12))


def by(actor=audit.SYSTEM):
    return {"actor": actor, "now": timezone.now()}


def refusal_of(operation, **values):
    with pytest.raises(ClinicChangeRefused) as refused:
        operation(**values, **by())
    return refused.value.reason


def test_a_new_clinic_is_off_and_recorded():
    user = make_user()
    clinic = operations.create_clinic(
        name="Sentrum", portal_identifier="sentrum", country="DK", phone="+4533445566", **by(user)
    )
    stored = Clinic.objects.get()
    assert (stored.is_active, stored.time_zone, stored.phone) == (False, "Europe/Copenhagen", "+4533445566")
    event = AuditEvent.objects.get()
    assert (event.action, event.clinic_id, event.actor_id) == ("clinic.created", clinic.pk, user.pk)


@pytest.mark.parametrize("identifier", ["", "Sentrum", "sentrum legekontor", "staff", "-a", "a" * 61])
def test_an_identifier_that_no_address_can_hold_is_refused(identifier):
    values = {"name": "Sentrum", "portal_identifier": identifier, "country": "NO"}
    assert refusal_of(operations.create_clinic, **values) is ClinicRefusal.IDENTIFIER_BAD


def test_a_taken_identifier_is_refused_and_the_transaction_lives_on():
    make_clinic(portal_identifier="sentrum")
    values = {"name": "Sentrum", "portal_identifier": "sentrum", "country": "NO"}
    assert refusal_of(operations.create_clinic, **values) is ClinicRefusal.IDENTIFIER_TAKEN
    assert Clinic.objects.count() == 1


def test_the_portal_is_switched_once_and_recorded_once():
    clinic = make_clinic(is_active=False)
    for _ in range(2):
        operations.switch_portal(clinic=clinic, is_active=True, **by())
    assert Clinic.objects.get().is_active
    assert clinic.is_active
    assert AuditEvent.objects.get().details == {"before": False, "after": True}


def test_changed_settings_are_stored_with_before_and_after():
    clinic = make_clinic(longest_question=500)
    seen = queries.settings_of(clinic)
    wanted = replace(seen, longest_question=800, urgent_release_at=time(15, 30))
    operations.change_settings(clinic=clinic, settings=wanted, seen=policy.settings_token(seen), **by())
    assert queries.settings_of(Clinic.objects.get()) == wanted == queries.settings_of(clinic)
    assert AuditEvent.objects.get().details == {
        "before": {"longest_question": 500, "urgent_release_at": "16:00"},
        "after": {"longest_question": 800, "urgent_release_at": "15:30"},
    }


def test_a_second_tab_does_not_save_over_the_first():
    clinic = make_clinic(city="Oslo")
    seen = queries.settings_of(clinic)
    token = policy.settings_token(seen)
    operations.change_settings(clinic=clinic, settings=replace(seen, city="Bergen"), seen=token, **by())
    other_tab = {"clinic": clinic, "settings": replace(seen, phone="+4755667788"), "seen": token}
    assert refusal_of(operations.change_settings, **other_tab) is ClinicRefusal.CHANGED_MEANWHILE
    stored = Clinic.objects.get()
    assert (stored.city, stored.phone) == ("Bergen", seen.phone)


def test_saving_twice_the_same_is_no_change_even_from_an_old_page():
    clinic = make_clinic()
    seen = queries.settings_of(clinic)
    wanted = replace(seen, city="Bergen")
    for _ in range(2):
        operations.change_settings(clinic=clinic, settings=wanted, seen=policy.settings_token(seen), **by())
    assert AuditEvent.objects.count() == 1


def test_opening_hours_replace_the_week():
    clinic = make_clinic()
    week = [MORNING, OpenPeriod("0", time(12, 30), time(15)), OpenPeriod("4", time(8), time(14))]
    operations.set_opening_hours(clinic=clinic, periods=week, **by())
    operations.set_opening_hours(clinic=clinic, periods=week, **by())
    assert queries.opening_hours_of(clinic) == week
    event = AuditEvent.objects.get()
    assert event.details["after"][0] == ["0", "08:00", "12:00"]


def test_opening_hours_of_an_old_page_are_refused():
    clinic = make_clinic()
    token = policy.hours_token([])
    operations.set_opening_hours(clinic=clinic, periods=[MORNING], seen=token, **by())
    values = {"clinic": clinic, "periods": [OpenPeriod("1", time(8), time(12))], "seen": token}
    assert refusal_of(operations.set_opening_hours, **values) is ClinicRefusal.CHANGED_MEANWHILE
    assert queries.opening_hours_of(clinic) == [MORNING]


def test_overlapping_hours_are_refused():
    values = {"clinic": make_clinic(), "periods": [MORNING, OpenPeriod("0", time(11), time(13))]}
    assert refusal_of(operations.set_opening_hours, **values) is ClinicRefusal.HOURS_OVERLAP


def test_a_closure_is_added_and_removed_by_its_own_clinic_only():
    clinic, other = make_clinic(), make_clinic()
    today = timezone.now().astimezone(clinic.zone).date()
    closure = operations.add_closure(
        clinic=clinic, first_day=today, last_day=today + timedelta(days=3), reason="Easter", **by()
    )
    assert not operations.remove_closure(clinic=other, closure_id=closure.pk, **by())
    assert queries.coming_closures(clinic, today) == [closure]
    closure_id = closure.pk
    assert operations.remove_closure(clinic=clinic, closure_id=closure_id, **by())
    assert not operations.remove_closure(clinic=clinic, closure_id=closure_id, **by())
    assert [event.action for event in AuditEvent.objects.order_by("pk")] == [
        "closure.added",
        "closure.removed",
    ]


def test_a_closure_in_the_past_is_refused():
    days = {"first_day": date(2020, 1, 1), "last_day": date(2020, 1, 2)}
    assert refusal_of(operations.add_closure, clinic=make_clinic(), **days) is ClinicRefusal.CLOSURE_IS_OVER


def test_a_post_needs_a_role_and_is_given_once():
    clinic, user = make_clinic(), make_user(name="Anne Admin")
    values = {"clinic": clinic, "user": user}
    assert refusal_of(operations.add_staff_member, roles=[], **values) is ClinicRefusal.NO_ROLE
    member = operations.add_staff_member(roles=[Role.CLINIC_ADMINISTRATOR], **values, **by())
    assert (member.name, member.is_administrator) == ("Anne Admin", True)
    again = refusal_of(operations.add_staff_member, roles=[Role.ASSISTANT], **values)
    assert again is ClinicRefusal.ALREADY_STAFF


def test_a_new_provider_is_last_and_has_no_portal_access():
    clinic = make_clinic()
    values = {"clinic": clinic, "kind": ProviderKind.GP}
    for initials in ("MK", "SL"):
        operations.add_provider(name=f"Lege {initials}", initials=initials, **values, **by())
    assert [(row.initials, row.has_portal_access) for row in Provider.objects.active()] == [
        ("MK", False),
        ("SL", False),
    ]
    taken = refusal_of(operations.add_provider, name="Mona Krog", initials="MK", **values)
    assert taken is ClinicRefusal.INITIALS_TAKEN


def test_only_active_providers_with_a_list_hold_lists():
    clinic = make_clinic()
    gp = make_provider(clinic, initials="MK")
    make_provider(clinic, has_patient_list=False)
    make_provider(clinic, is_active=False)
    make_provider(make_clinic())
    assert queries.list_holders(clinic) == {"MK": gp.pk}


def test_operators_create_a_clinic_with_one_command():
    out = StringIO()
    call_command("create_clinic", "Sentrum legekontor", "sentrum", "NO", stdout=out)
    assert not Clinic.objects.get().is_active
    assert "/sentrum/" in out.getvalue()
    with pytest.raises(CommandError, match="Another clinic has this portal identifier"):
        call_command("create_clinic", "Sentrum", "sentrum", "NO")
    with pytest.raises(CommandError, match="1 to 120 characters"):
        call_command("create_clinic", " ", "annet", "NO")
