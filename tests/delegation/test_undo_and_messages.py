"""Undoing the last save of the matrix, and message delegation."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role, Service
from delegation import operations, queries
from delegation.choices import DelegationRefusal, Topic
from delegation.models import Absence, MatrixTick, MessageDelegation
from delegation.operations import DelegationRefused, MatrixChanged
from delegation.policy import Tick, recipient
from portal.models import AuditEvent
from tests.build import make_clinic, make_provider, make_staff_member, make_user
from tests.delegation.build_delegation import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Magnard Koman", position=1)


@pytest.fixture
def lent(clinic):
    return make_provider(clinic, name="Konsu Lent", position=2, has_patient_list=False)


@pytest.fixture
def by():
    return {"actor": make_user(), "now": timezone.now()}


def save(clinic, by, *pairs, version=0, service=Service.BOOKING):
    ticks = {Tick(service, row, provider) for row, provider in pairs}
    return operations.save_matrix(clinic=clinic, service=service, ticks=ticks, version=version, **by)


def stored(clinic):
    return set(MatrixTick.objects.filter(clinic=clinic).values_list("service", "row", "provider"))


# -- undo --------------------------------------------------------------------------------------------------
def test_undo_puts_back_what_stood_before_and_is_in_the_trail(clinic, koman, lent, by):
    save(clinic, by, (koman.pk, koman.pk), (None, lent.pk))
    before = stored(clinic)
    save(clinic, by, (koman.pk, lent.pk), version=1)
    assert operations.undo_matrix(clinic=clinic, version=2, **by) == 3
    assert stored(clinic) == before
    event = AuditEvent.objects.filter(action="matrix.saved").latest("id")
    assert (event.details["undoes"], event.details["after"]) == (2, 3)
    operations.undo_matrix(clinic=clinic, version=3, **by)
    assert stored(clinic) == {("booking", koman.pk, lent.pk)}, "undoing the undo brings the save back"


def test_undo_of_another_service_leaves_this_one_alone(clinic, koman, by):
    save(clinic, by, (koman.pk, koman.pk))
    save(clinic, by, (koman.pk, koman.pk), version=1, service=Service.URGENT)
    operations.undo_matrix(clinic=clinic, version=2, **by)
    assert stored(clinic) == {("booking", koman.pk, koman.pk)}


def test_undo_is_refused_when_someone_saved_since_or_nothing_was_saved(clinic, koman, by):
    with pytest.raises(DelegationRefused) as refused:
        operations.undo_matrix(clinic=clinic, version=0, **by)
    assert refused.value.reason is DelegationRefusal.NOTHING_TO_UNDO
    save(clinic, by, (koman.pk, koman.pk))
    save(clinic, by, version=1)
    with pytest.raises(MatrixChanged):
        operations.undo_matrix(clinic=clinic, version=1, **by)
    assert stored(clinic) == set()


def test_ticks_of_a_provider_who_is_gone_are_not_brought_back(clinic, koman, lent, by):
    save(clinic, by, (koman.pk, koman.pk), (koman.pk, lent.pk))
    save(clinic, by, version=1)
    lent.delete()
    operations.undo_matrix(clinic=clinic, version=2, **by)
    assert stored(clinic) == {("booking", koman.pk, koman.pk)}


def test_the_page_offers_undo_and_pressing_it_twice_undoes_once(client, clinic, koman, by):
    sign_in(client, clinic)
    client.cookies["django_language"] = "en"
    save(clinic, by, (koman.pk, koman.pk))
    page = reverse("delegation_admin:matrix", args=[clinic.portal_identifier, "booking"])
    assert "Undo the last save" in client.get(page).text
    undo = reverse("delegation_admin:undo_matrix", args=[clinic.portal_identifier, "booking"])
    assert client.post(undo, {"version": "1"}).url == page
    assert stored(clinic) == set()
    again = client.post(undo, {"version": "1"}, follow=True)
    assert "Nothing is undone." in again.text
    assert stored(clinic) == set()
    for nonsense in ("", "x", "9" * 40):
        assert client.post(undo, {"version": nonsense}).status_code == 302


def test_only_administrators_undo(client, clinic, koman, by):
    sign_in(client, clinic, Role.ASSISTANT)
    save(clinic, by, (koman.pk, koman.pk))
    undo = reverse("delegation_admin:undo_matrix", args=[clinic.portal_identifier, "booking"])
    assert client.post(undo, {"version": "1"}).status_code == 403
    assert stored(clinic)


# -- message delegation ------------------------------------------------------------------------------------
def test_nothing_ticked_is_nothing_delegated_even_if_someone_is_chosen():
    for topic in Topic:
        assert recipient(topics=[], chosen=7, works_here=True, topic=topic) is None
        assert recipient(topics=[topic], chosen=7, works_here=True, topic=topic) == 7
        assert recipient(topics=[topic], chosen=7, works_here=False, topic=topic) is None
        assert recipient(topics=[topic], chosen=None, works_here=False, topic=topic) is None
    assert recipient(topics=[Topic.RENEWAL], chosen=7, works_here=True, topic=Topic.CONSULTATION) is None


@pytest.fixture
def messages(clinic):
    return reverse("delegation_admin:messages", args=[clinic.portal_identifier])


@pytest.fixture
def system(client, clinic):
    sign_in(client, clinic, Role.SYSTEM_ADMINISTRATOR)
    client.cookies["django_language"] = "en"
    return client


def test_a_system_administrator_gives_renewals_to_one_assistant(system, clinic, messages):
    siri = make_staff_member(clinic, name="Siri Sekretær")
    assert "Message delegation is not active" in system.get(messages).text
    answer = system.post(messages, {"topics": ["renewal"], "recipient": siri.pk, "version": 0})
    assert answer.status_code == 302
    assert queries.recipient_of(clinic, Topic.RENEWAL) == siri
    assert queries.recipient_of(clinic, Topic.CONSULTATION) is None
    page = system.get(messages)
    assert "Siri Sekretær gets all new messages of these kinds: Prescription renewals." in page.text
    assert "Prescription renewals: Siri Sekretær" in page.text, "the log tells it"
    assert system.post(messages, {"recipient": siri.pk, "version": 1}).status_code == 302
    assert queries.recipient_of(clinic, Topic.RENEWAL) is None, "inactive while nothing is ticked"
    assert MessageDelegation.objects.get().recipient == siri
    siri.is_active = False
    siri.save()
    system.post(messages, {"topics": ["renewal"], "recipient": siri.pk, "version": 2})
    assert queries.recipient_of(clinic, Topic.RENEWAL) is None


def test_someone_must_be_chosen_and_must_work_here(system, clinic, messages):
    answer = system.post(messages, {"topics": ["renewal"], "version": 0})
    assert answer.status_code == 422
    assert answer.context["form"].errors["recipient"]
    stranger = make_staff_member(make_clinic())
    answer = system.post(messages, {"topics": ["renewal"], "recipient": stranger.pk, "version": 0})
    assert answer.status_code == 422
    assert system.post(messages, {"topics": ["gossip"], "version": 0}).status_code == 422
    assert not MessageDelegation.objects.exclude(topics=[]).exists()


def test_two_pages_at_once_lose_nothing(system, clinic, messages):
    siri, per = make_staff_member(clinic, name="Siri"), make_staff_member(clinic, name="Per")
    system.post(messages, {"topics": ["renewal"], "recipient": siri.pk, "version": 0})
    answer = system.post(messages, {"topics": ["consultation"], "recipient": per.pk, "version": 0})
    assert answer.status_code == 409
    assert answer.context["form"]["recipient"].value() == str(per.pk), "what was chosen stays"
    assert "Siri gets all new messages" in answer.text, "and what the other saved is shown"
    assert 'name="version" value="1"' in answer.text
    assert MessageDelegation.objects.get().recipient == siri


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.PROVIDER, Role.CLINIC_ADMINISTRATOR])
def test_others_see_it_and_a_forged_post_changes_nothing(client, clinic, messages, role):
    siri = make_staff_member(clinic)
    post = sign_in(client, clinic, role)
    page = client.get(messages)
    assert page.status_code == 200
    assert "save-bar" not in page.text
    sent = {"topics": ["renewal"], "recipient": siri.pk, "version": 0}
    assert client.post(messages, sent).status_code == 403
    with pytest.raises(DelegationRefused):
        operations.delegate_messages(
            post=post, topics={Topic.RENEWAL}, recipient_id=siri.pk, version=0, now=timezone.now()
        )
    assert not MessageDelegation.objects.exists()


def test_another_clinics_page_is_not_there(client, messages):
    sign_in(client, make_clinic(), Role.SYSTEM_ADMINISTRATOR)
    assert client.get(messages).status_code == 404


def test_the_trail_keeps_before_and_after(clinic):
    post = make_staff_member(clinic, Role.SYSTEM_ADMINISTRATOR)
    now = timezone.now()
    operations.delegate_messages(post=post, topics={Topic.RENEWAL}, recipient_id=post.pk, version=0, now=now)
    operations.delegate_messages(
        post=post, topics={Topic.RENEWAL}, recipient_id=post.pk, version=1, now=now + timedelta(hours=1)
    )
    event = AuditEvent.objects.get(action="message_delegation.changed")
    assert event.details == {
        "before": {"topics": [], "recipient": None},
        "after": {"topics": ["renewal"], "recipient": post.pk},
    }


# -- undo on the pages of absences and messages ------------------------------------------------------------
def test_a_removed_absence_can_be_brought_back_with_its_covers(client, clinic, koman, lent, by):
    sign_in(client, clinic)
    client.cookies["django_language"] = "en"
    first, last = date(2190, 7, 1), date(2190, 7, 9)
    covers = {Service.BOOKING: lent, Service.URGENT: lent}
    absence = operations.add_absence(
        clinic=clinic, provider=koman, first_day=first, last_day=last, covers=covers, **by
    )
    page = reverse("delegation_admin:absences", args=[clinic.portal_identifier])
    assert "?undo=" not in client.get(page).text
    operations.remove_absence(clinic=clinic, absence_id=absence.pk, actor=by["actor"], now=timezone.now())
    event = AuditEvent.objects.get(action="absence.removed").pk
    assert f"?undo={event}" in client.get(page).text
    shown = client.get(page, {"undo": event})
    assert "Nothing is saved yet" in shown.text
    assert not Absence.objects.exists()
    form = shown.context["form"]
    assert client.post(page, {field.html_name: field.value() or "" for field in form}).status_code == 302
    back = Absence.objects.get().values
    assert (back.provider, back.first_day, back.last_day) == (koman.pk, first, last)
    assert back.covers == {Service.BOOKING: lent.pk, Service.URGENT: lent.pk}
    assert "Nothing to undo" in client.get(page, {"undo": event}).text


def test_message_delegation_of_before_is_shown_and_saved_when_told_to(client, clinic):
    post = sign_in(client, clinic, Role.SYSTEM_ADMINISTRATOR)
    client.cookies["django_language"] = "en"
    for version, topics in enumerate([{Topic.RENEWAL}, set()]):
        operations.delegate_messages(
            post=post, topics=topics, recipient_id=post.pk, version=version, now=timezone.now()
        )
    event = AuditEvent.objects.filter(action="message_delegation.changed").latest("pk").pk
    page = reverse("delegation_admin:messages", args=[clinic.portal_identifier])
    assert f"?undo={event}" in client.get(page).text
    form = client.get(page, {"undo": event}).context["form"]
    sent = {"version": form["version"].value(), "topics": form["topics"].value(), "recipient": post.pk}
    assert client.post(page, sent).status_code == 302
    assert queries.message_delegation(clinic).topics == [Topic.RENEWAL]
