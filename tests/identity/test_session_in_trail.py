"""Every event of a signed-in person names the session it happened in, so that an incident can be followed (section 13)."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Clinic
from identity.choices import EndReason
from identity.models import IdentityProvider, User
from identity.session import open_sessions
from portal import audit, session_reference
from portal.models import AuditEvent
from tests.identity.build_codes import give_password as give_patient_password
from tests.identity.build_codes import person, signs_in
from tests.identity.build_identity import FakeIdp, begin, come_back, enter
from tests.identity.build_staff import sign_in

pytestmark = pytest.mark.django_db


def by_eid(client: Client, clinic: Clinic, idp: FakeIdp) -> Client:
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    return client


def named(action: str) -> list[Any]:
    """Return the session of each event, in order."""
    rows = AuditEvent.objects.filter(action=action).order_by("pk")
    return list(rows.values_list("session_reference", flat=True))


def test_a_sign_in_what_follows_and_the_sign_out_name_one_session(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    by_eid(client, clinic, idp)
    here = session_reference.of_data(client.session)
    with_actor = AuditEvent.objects.exclude(actor_id=None)
    assert here is not None
    assert set(with_actor.values_list("session_reference", flat=True)) == {here}
    client.post(reverse("identity:sign_out", args=[clinic.portal_identifier]))
    assert named("auth.success") == named("session.end") == [here]
    assert session_reference.of_data(client.session) is None


def test_proving_anew_changes_the_key_and_keeps_the_name(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    by_eid(client, clinic, idp)
    key = client.session.session_key
    client.post(reverse("identity:step_up", args=[clinic.portal_identifier, "bankid-test"]))
    come_back(client, idp)
    enter(client, clinic)
    assert client.session.session_key != key
    first, again = named("auth.success")
    assert first == again == session_reference.of_data(client.session)


def test_each_sign_in_is_a_session_of_its_own_also_in_the_same_browser(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    by_eid(client, clinic, idp)
    by_eid(client, clinic, idp)
    by_eid(Client(), clinic, idp)
    assert len(set(named("auth.success"))) == 3
    assert None not in named("auth.success")


def test_the_name_is_not_the_key_and_nothing_of_it(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    by_eid(client, clinic, idp)
    key, here = client.session.session_key, session_reference.of_data(client.session)
    assert key is not None
    assert not any(key in str(one.__dict__) for one in AuditEvent.objects.all())
    assert here is not None
    assert here.hex not in key


def test_a_sign_in_by_code_names_its_session(client: Client, clinic: Clinic) -> None:
    give_patient_password(person(clinic, 1))
    signs_in(client, clinic)
    assert named("auth.success") == [session_reference.of_data(client.session)]
    assert None not in named("auth.success")


def test_staffs_sign_in_and_acts_name_their_session(client: Client, enrolled: User) -> None:
    sign_in(client)
    here = session_reference.of_data(client.session)
    assert here is not None
    assert named("auth.success") == [here]


def test_whoever_ends_another_session_names_both(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    other = by_eid(Client(), clinic, idp)
    by_eid(client, clinic, idp)
    here, there = (session_reference.of_data(one.session) for one in (client, other))
    client.post(reverse("my_sessions:list", args=[clinic.portal_identifier]), {"do": "others"})
    event = AuditEvent.objects.get(action="session.end")
    assert (event.session_reference, event.details["sessions"]) == (here, [str(there)])


def test_what_the_product_does_by_itself_names_none_and_an_old_session_ends_all_the_same(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    by_eid(client, clinic, idp)
    session = client.session
    del session["reference"]  # one from before sessions had names
    session.save()
    keys = Session.objects.values_list("session_key", flat=True)
    user = User.objects.get(account__isnull=False)
    open_sessions.end(user, keys, why=EndReason.TOO_MANY, actor=audit.SYSTEM, now=timezone.now())
    event = AuditEvent.objects.get(action="session.end")
    assert (event.session_reference, event.details["sessions"]) == (None, [])


def test_my_sign_ins_mark_what_belongs_to_this_session(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    by_eid(Client(), clinic, idp)
    by_eid(client, clinic, idp)
    shown = client.get(reverse("own:sign_ins", args=[clinic.portal_identifier]))
    assert [line.is_here for line in shown.context["found"].lines] == [True, False]
