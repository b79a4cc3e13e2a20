"""The operation page and the public status (H4): each light goes red when it should, and nothing secret is shown."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from clinic_admin.models import Clinic
from identity.admin import clinics_watched, traffic
from identity.by_code import code_stops
from identity.choices import Assurance, StopReason, TransactionStatus
from identity.models import IdentityProvider, LoginTransaction
from notifications.choices import Channel, MessageKind, State
from notifications.models import ChannelPause, OutboxMessage
from services.operation import policy, probes, queries, tasks
from services.operation.choices import Light
from services.operation.models import Pulse
from services.operation.probes import Answer
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_identity import provider_row
from tests.identity.build_saml import connect_saml, make_pair, pair

pytestmark = pytest.mark.django_db
ALL_ANSWER, NOBODY_ANSWERS = Answer(broker=True, workers=2), Answer(broker=False, workers=0)


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock has just struck, and broker and workers answer, until a test says otherwise."""
    tasks.pulse()
    monkeypatch.setattr(probes, "ask", lambda: ALL_ANSWER)


def make_message(clinic: Clinic, number: int = 0, **values: Any) -> OutboxMessage:
    now = timezone.now()
    given: dict[str, Any] = {
        "clinic": clinic,
        "kind": MessageKind.REMINDER,
        "channel": Channel.SMS,
        "dedupe_key": f"message-{number}",
        "subject_type": "x",
        "subject_id": "1",
        "version": 1,
        "recipient": "+4790000000",
        "body": "secret words",
        "due_at": now,
        "not_after": now + timedelta(days=1),
        "next_try_at": now,
        "created_at": now,
    }
    return OutboxMessage.objects.create(**(given | values))


def make_sign_in(provider: IdentityProvider, clinic: Clinic, status: TransactionStatus, number: int) -> None:
    now = timezone.now()
    LoginTransaction.objects.create(
        provider=provider,
        clinic=clinic,
        state_hash=f"{status}-{number}",
        nonce="n",
        code_verifier="v",
        required_assurance=Assurance.SUBSTANTIAL,
        status=status,
        created_at=now,
        expires_at=now + timedelta(minutes=10),
    )


def address(clinic: Clinic) -> str:
    return reverse("operation_admin:operation", args=[clinic.portal_identifier])


def seen() -> queries.Operation:
    return queries.operation(timezone.now())


def test_everything_is_green_when_everything_works(clinic: Clinic) -> None:
    found = seen()
    assert found.light is Light.GREEN
    assert queries.public_status(timezone.now()).light is Light.GREEN


def test_the_broker_and_the_workers_are_red_when_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "ask", lambda: NOBODY_ANSWERS)
    assert (seen().broker, seen().workers) == (Light.RED, Light.RED)
    monkeypatch.setattr(probes, "ask", lambda: Answer(broker=True, workers=0))
    assert (seen().broker, seen().workers) == (Light.GREEN, Light.RED)


def test_a_broker_that_is_gone_is_found_out_quickly(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.undo()
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    began = timezone.now()
    assert probes.ask() == NOBODY_ANSWERS
    assert timezone.now() - began < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("age", "light"),
    [
        (timedelta(seconds=40), Light.GREEN),
        (timedelta(minutes=2), Light.YELLOW),
        (timedelta(minutes=5), Light.RED),
        (None, Light.RED),
    ],
    ids=["now", "late", "gone", "never"],
)
def test_the_clock_is_red_when_no_task_of_its_was_carried_out(age: timedelta | None, light: Light) -> None:
    Pulse.objects.all().delete()
    if age is not None:
        Pulse.objects.create(at=timezone.now() - age)
    assert seen().clock is light
    assert queries.public_status(timezone.now()).background is light


def test_the_database_is_red_while_migrations_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
    assert (seen().database, seen().migrations_waiting) == (Light.RED, 1)


@pytest.mark.parametrize("channel", Channel)
def test_a_channel_is_red_when_what_is_due_is_not_taken(clinic: Clinic, channel: Channel) -> None:
    now = timezone.now()
    make_message(clinic, 1, channel=channel, next_try_at=now + timedelta(hours=1))
    assert seen().light is Light.GREEN
    late = make_message(clinic, 2, channel=channel, next_try_at=now - timedelta(minutes=3))
    found = next(one for one in seen().channels if one.load.channel == channel)
    assert (found.load.waiting, found.load.due, found.light) == (2, 1, Light.YELLOW)
    OutboxMessage.objects.filter(pk=late.pk).update(next_try_at=now - timedelta(minutes=16))
    assert [one.light for one in seen().channels if one.load.channel == channel] == [Light.RED]
    assert queries.public_status(now).messages is Light.RED


def test_a_channel_is_red_while_the_provider_does_not_know_us(clinic: Clinic) -> None:
    ChannelPause.objects.update_or_create(
        channel=Channel.SMS, defaults={"paused_until": timezone.now() + timedelta(minutes=1)}
    )
    assert {one.load.channel: one.light for one in seen().channels} == {
        Channel.SMS: Light.RED,
        Channel.EMAIL: Light.GREEN,
    }


def test_a_channel_is_yellow_when_many_messages_fail(clinic: Clinic) -> None:
    now = timezone.now()
    for number in range(6):
        make_message(clinic, number, state=State.FAILED, closed_at=now, next_try_at=None)
    make_message(clinic, 7, state=State.DELIVERED, closed_at=now, next_try_at=None)
    make_message(clinic, 8, state=State.DELIVERED, closed_at=now - timedelta(hours=25), next_try_at=None)
    sms = next(one for one in seen().channels if one.load.channel == Channel.SMS)
    assert (sms.load.sent, sms.load.failed, sms.light) == (1, 6, Light.YELLOW)


def test_a_provider_is_red_when_nobody_comes_in(clinic: Clinic) -> None:
    provider = provider_row()
    provider.save()
    for number in range(4):
        make_sign_in(provider, clinic, TransactionStatus.FAILED, number)
    assert [one.light for one in seen().providers] == [Light.GREEN]
    make_sign_in(provider, clinic, TransactionStatus.FAILED, 5)
    assert [one.light for one in seen().providers] == [Light.RED]
    make_sign_in(provider, clinic, TransactionStatus.CONSUMED, 1)
    found = seen().providers[0]
    assert (found.health.begun, found.health.came_in, found.health.failed) == (6, 1, 5)
    assert found.light is Light.YELLOW
    LoginTransaction.objects.update(expires_at=timezone.now() - timedelta(hours=2))
    assert [one.light for one in seen().providers] == [Light.GREEN]


def test_a_certificate_is_red_when_it_has_ended_and_no_other_is_good(clinic: Clinic) -> None:
    over = make_pair("over", begins=timedelta(days=-9), ends=timedelta(days=-1)).certificate
    provider = connect_saml(clinic, signing_certificates=[over])
    theirs = next(one for one in seen().certificates if not one.end.is_ours)
    assert theirs.light is Light.RED
    IdentityProvider.objects.filter(pk=provider.pk).update(
        signing_certificates=[over, pair("idp").certificate]
    )
    lights = [one.light for one in seen().certificates if not one.end.is_ours]
    assert lights[0] is Light.YELLOW
    assert Light.RED not in lights


def test_a_certificate_that_ends_soon_is_yellow() -> None:
    kinds = {"is_over": False, "ends_soon": True, "another_is_good": True}
    assert policy.of_certificate(**kinds) is Light.YELLOW


def test_a_clinic_is_yellow_when_few_codes_are_used_and_red_when_they_are_stopped(
    client: Client, clinic: Clinic
) -> None:
    now = timezone.now()
    make_clinic(name="Alt vel")
    assert seen().clinics == []
    traffic.note(clinic.pk, now=now, sent=20, used=6)
    [found] = seen().clinics
    assert (found.watched.name, found.light) == (clinic.name, Light.YELLOW)
    code_stops.stop(clinic, StopReason.UNUSED, ends_at=now + timedelta(hours=2), now=now)
    traffic.note(clinic.pk, now=now, tries=120, failures=33)
    assert (seen().clinics[0].light, seen().light) == (Light.RED, Light.RED)
    sign_in_staff(client, clinic, Role.SYSTEM_ADMINISTRATOR)
    client.cookies["django_language"] = "en"
    text = client.get(address(clinic)).text
    for part in ("Of 20 codes in two hours 6 were used", "120 sign-ins begun", "33 failed", "No codes until"):
        assert part in text, part
    assert "Alt vel" not in text
    code_stops.resume(clinic, actor=None, now=timezone.now())
    assert seen().clinics[0].light is Light.YELLOW


def test_the_clinics_cost_the_same_queries_however_many_there_are() -> None:
    counts = []
    for number in range(3):
        traffic.note(make_clinic().pk, now=timezone.now(), tries=120, sent=30)
        with CaptureQueriesContext(connection) as queries_made:
            assert len(clinics_watched.of_all(timezone.now())) == number + 1
        counts.append(len(queries_made))
    assert counts == [4, 4, 4]


def test_system_administrators_see_the_page_and_nobody_else_does(client: Client, clinic: Clinic) -> None:
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR)
    connect_saml(clinic)
    make_message(clinic)
    client.cookies["django_language"] = "en"
    page = client.get(address(clinic))
    assert page.status_code == 200
    text = page.content.decode()
    for part in ("Database", "Broker", "Workers", "Clock (beat)", "SMS", "E-mail", "MitID", "Certificates"):
        assert part in text, part
    for secret in ("+4790000000", "secret words", "BEGIN"):
        assert secret not in text
    for role in (Role.CLINIC_ADMINISTRATOR, Role.ASSISTANT, Role.PROVIDER):
        other = Client()
        sign_in_staff(other, clinic, role)
        assert other.get(address(clinic)).status_code == 404, role
        overview = other.get(reverse("clinic_admin:overview", args=[clinic.portal_identifier]))
        assert address(clinic) not in overview.content.decode()
    assert Client().get(address(clinic)).status_code == 302


@pytest.mark.parametrize("language", ["nb", "da", "en"])
def test_words_stand_beside_the_colours_in_every_language(
    client: Client, clinic: Clinic, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "ask", lambda: NOBODY_ANSWERS)
    sign_in_staff(client, clinic, Role.SYSTEM_ADMINISTRATOR)
    client.cookies["django_language"] = language
    text = client.get(address(clinic)).content.decode()
    words = {
        "nb": ("Virker", "Virker ikke"),
        "da": ("Virker", "Virker ikke"),
        "en": ("Works", "Does not work"),
    }
    for word in words[language]:
        assert f"</svg>{word}</span>" in text, word


def count(what: Callable[[], Any]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        what()
    return len(caught)


def test_the_number_of_queries_does_not_grow(clinic: Clinic) -> None:
    connect_saml(clinic)
    provider_row(slug="one").save()
    before = count(seen), count(lambda: queries.public_status(timezone.now()))
    for number in range(5):
        provider_row(slug=f"more-{number}", issuer=f"https://{number}.example").save()
        make_message(clinic, number)
    after = count(seen), count(lambda: queries.public_status(timezone.now()))
    assert before == after
    assert after[1] == 4


def test_the_public_page_says_it_in_a_sentence_without_details(client: Client, clinic: Clinic) -> None:
    client.cookies["django_language"] = "en"
    page = client.get("/status")
    assert page.status_code == 200
    assert "Yes, everything works." in page.content.decode()
    Pulse.objects.update(at=datetime(2026, 1, 1, tzinfo=UTC))
    text = client.get("/status").content.decode()
    assert "Something does not work at the moment" in text
    assert clinic.name not in text
    assert "2026" not in text.split("<main")[1].split("</main>")[0]


def test_without_a_database_the_public_page_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(now: datetime) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(queries, "public_status", gone)
    page = client.get("/status")
    assert page.status_code == 503
