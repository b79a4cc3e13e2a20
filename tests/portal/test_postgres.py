"""Kept connections: no question before every request, and none that Postgres ended is used again."""

import psycopg
import pytest
from django.db import OperationalError, connection

from clinic_admin.models import Clinic
from tests.build import make_clinic

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def statements(monkeypatch):
    """What goes to Postgres, also past Django."""
    sent, execute = [], psycopg.Cursor.execute

    def listen(cursor, query, *args, **kwargs):
        sent.append(query)
        return execute(cursor, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", listen)
    return sent


@pytest.fixture(autouse=True)
def kept(settings, monkeypatch):
    """A connection that is kept and looked at, as for requests."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)
    connection.connect()
    yield
    connection.close()


def next_request():
    """What Django does with connections when a request begins."""
    connection.close_if_unusable_or_obsolete()
    connection.health_check_enabled, connection.health_check_done = True, False


def ask():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def somebody_else(statement, *values):
    """Let another connection do it."""
    password = connection.settings_dict["PASSWORD"]
    with psycopg.connect(connection.connection.info.dsn, password=password, autocommit=True) as other:
        other.execute(statement, values)


def hang_up(pid):
    somebody_else("SELECT pg_terminate_backend(%s, 5000)", pid)


def test_a_request_asks_postgres_nothing_before_its_first_query(statements):
    first = ask()
    next_request()
    statements.clear()
    assert ask() == first
    assert statements == ["SELECT pg_backend_pid()"]


def test_a_connection_that_postgres_ended_is_replaced_before_the_next_request():
    first = ask()
    hang_up(first)
    next_request()
    assert ask() != first


def test_a_message_from_postgres_is_no_reason_to_hang_up():
    with connection.cursor() as cursor:
        cursor.execute("LISTEN something")
    first = ask()
    next_request()
    somebody_else("NOTIFY something")
    assert ask() == first


def test_a_connection_ended_in_the_middle_is_an_error_and_then_replaced():
    first = ask()
    hang_up(first)
    with pytest.raises(OperationalError):
        ask()
    next_request()
    assert ask() != first


def test_what_is_asked_often_is_prepared_once():
    def prepared():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%clinic_admin_clinic%'"
            )
            return cursor.fetchone()[0]

    before = prepared()
    for number in range(20):
        assert not Clinic.objects.filter(portal_identifier=f"nobody-{number}").exists()
    assert prepared() == before + 1


def test_more_values_than_go_beside_a_statement_go_within_it():
    clinic = make_clinic(name="100 % {sure} 'or' not")
    found = Clinic.objects.filter(pk__in=[*range(10**9, 10**9 + 70_000), clinic.pk], name=clinic.name)
    assert found.get() == clinic


def test_what_looks_for_a_part_of_a_text_is_planned_for_that_text():
    """Others are prepared once they are asked often; for these a plan for any text would be a bad one for most."""

    def prepared():
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement FROM pg_prepared_statements")
            return [row[0] for row in cursor.fetchall() if "clinic_admin_clinic" in row[0]]

    for number in range(12):
        list(Clinic.objects.filter(name__contains=f"name {number}"))
        list(Clinic.objects.filter(name=f"name {number}"))
    found = prepared()
    assert [one for one in found if " LIKE " not in one]
    assert not [one for one in found if " LIKE " in one]
