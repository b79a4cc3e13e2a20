"""SAML messages are kept as proof, encrypted, for a time, and only an operator's command reads them."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Clinic
from identity import tasks
from identity.models import ArchivedMessage, IdentityProvider
from identity.saml import archive as saml_archive
from portal import crypto
from portal.models import AuditEvent
from tests.identity.build_identity import enter
from tests.identity.build_saml import CPR, begin_saml, come_back, logout_message, post_answer, signed_query
from tests.identity.saml_fixtures import asked, clinic, provider

pytestmark = pytest.mark.django_db
__all__ = ["asked", "clinic", "provider"]


@pytest.fixture
def signed_in(client: Client, clinic: Clinic, provider: IdentityProvider) -> Client:
    come_back(client, begin_saml(client, clinic))
    enter(client, clinic)
    return client


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def kinds() -> list[tuple[str, str]]:
    return list(ArchivedMessage.objects.order_by("pk").values_list("direction", "kind"))


def run(*arguments: str) -> tuple[int, str]:
    said = StringIO()
    try:
        call_command("saml_archive", *arguments, stdout=said)
    except CommandError as error:
        return error.returncode, said.getvalue() + str(error)
    return 0, said.getvalue()


def test_question_and_answer_are_kept_encrypted_and_belong_together(signed_in: Client) -> None:
    assert kinds() == [("sent", "AuthnRequest"), ("received", "Response")]
    question, answer = ArchivedMessage.objects.order_by("pk")
    assert answer.in_response_to == question.message_id != ""
    assert (question.content or "").startswith("SAMLRequest=")
    assert "&Signature=" in (question.content or "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM identity_archivedmessage")
        stored = str(cursor.fetchall())
    assert "SAMLRequest" not in stored
    assert CPR not in stored


def test_both_ways_of_logout_are_kept(signed_in: Client, clinic: Clinic, provider: IdentityProvider) -> None:
    query = signed_query("SAMLRequest", logout_message("LogoutRequest"))
    Client().get(f"{reverse('identity_slo', args=[provider.slug])}?{query}")
    assert kinds()[2:] == [("received", "LogoutRequest"), ("sent", "LogoutResponse")]
    assert ArchivedMessage.objects.filter(kind="LogoutRequest").get().content == query


def test_what_nobody_asked_for_and_nobody_signed_fills_no_archive(
    client: Client, clinic: Clinic, provider: IdentityProvider
) -> None:
    post_answer("QUJD", "a-made-up-state")
    unsigned = signed_query("SAMLRequest", logout_message("LogoutRequest")).partition("&SigAlg=")[0]
    Client().get(f"{reverse('identity_slo', args=[provider.slug])}?{unsigned}")
    assert kinds() == []
    asked = begin_saml(client, clinic)
    for _ in range(3):
        post_answer("QUJD", asked.relay_state)
    assert kinds() == [("sent", "AuthnRequest"), ("received", "unreadable")]


def test_an_archive_that_fails_stops_nobody(
    client: Client, clinic: Clinic, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(**values: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(ArchivedMessage.objects, "create", fail)
    come_back(client, begin_saml(client, clinic))
    enter(client, clinic)
    assert is_signed_in(client)
    errors = [one for one in caplog.records if one.name == "identity.saml.archive"]
    assert [one.levelname for one in errors] == ["ERROR", "ERROR"]


def test_old_messages_are_deleted_in_batches_after_the_time_that_is_set(
    signed_in: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saml_archive, "ROWS_AT_ONCE", 1)
    tasks.sweep_saml_archive()
    assert len(kinds()) == 2
    assert saml_archive.sweep(now=timezone.now() + timedelta(days=179)) == 0
    assert saml_archive.sweep(now=timezone.now() + timedelta(days=181)) == 2
    settings.SAML_ARCHIVE_DAYS = 1
    assert kinds() == []


def test_the_command_lists_without_contents_and_prints_with_a_trace(signed_in: Client) -> None:
    question, answer = ArchivedMessage.objects.order_by("pk")
    code, said = run("--since", f"{timezone.now():%Y-%m-%d}")
    assert code == 0
    assert len(said.splitlines()) == 2
    assert answer.content not in said
    assert not AuditEvent.objects.filter(action="saml.archive-read").exists()
    code, said = run("--id", question.message_id)
    assert code == 0
    assert question.content in said
    assert answer.content in said
    assert AuditEvent.objects.filter(action="saml.archive-read").count() == 2


def test_the_command_says_when_there_is_nothing_to_show(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--id", "_nobody")[0] == 1
    assert run("--since", "2999-01-01")[0] == 1
    assert run("--since", "yesterday")[0] == 2
    assert run("--since", "2026-02-31")[0] == 2
    question = ArchivedMessage.objects.order_by("pk")[0]

    def closed(*args: Any, **kwargs: Any) -> str:
        raise crypto.Undecipherable("no key named 'old'")

    monkeypatch.setattr(crypto, "decrypt", closed)
    assert run("--id", question.message_id) == (2, "no key named 'old'")
