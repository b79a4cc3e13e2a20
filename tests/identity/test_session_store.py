"""Sessions are written as Django writes them, and their use a moment after the answer, waiting for nobody."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext

from identity.choices import UserKind
from identity.session import clock as session_clock
from identity.session import notes as session_notes
from identity.session.notes import Pace
from identity.session.store import SessionStore

SEEN, LATER = (
    datetime(2026, 3, 2, 9, tzinfo=UTC).isoformat(),
    datetime(2026, 3, 2, 10, tzinfo=UTC).isoformat(),
)


def stored(**data):
    session = SessionStore()
    session.update({"seen_at": SEEN, **data})
    session.create()
    return session.session_key


def what(key):
    return dict(SessionStore(key).items())


def seen_again(key, at=LATER):
    session = SessionStore(key)
    session.note("seen_at", at)
    return session


@pytest.mark.django_db
def test_saving_what_is_stored_is_one_statement():
    session = SessionStore(stored())
    session["more"] = 1
    with CaptureQueriesContext(connection) as asked:
        session.save()
    assert len(asked) == 1
    assert what(session.session_key) == {"seen_at": SEEN, "more": 1}


@pytest.mark.django_db
def test_saving_does_not_bring_back_a_session_that_was_ended():
    session = SessionStore(stored())
    session["more"] = 1
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_what_is_noted_is_written_without_the_rest_being_saved():
    session = seen_again(stored(kind="eid"))
    assert not session.modified
    session.write_notes()
    assert what(session.session_key) == {"seen_at": LATER, "kind": "eid"}


@pytest.mark.django_db
def test_what_is_saved_meanwhile_is_not_written_over():
    key = stored()
    noted = seen_again(key)
    other = SessionStore(key)
    other["typed"] = "kept"
    other.save()
    noted.write_notes()
    assert what(key) == {"seen_at": SEEN, "typed": "kept"}


@pytest.mark.django_db
def test_a_note_does_not_bring_back_a_session_that_was_ended():
    noted = seen_again(stored())
    Session.objects.all().delete()
    noted.write_notes()
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_who_saves_the_session_anyway_writes_no_note():
    session = seen_again(stored())
    session["more"] = 1
    with CaptureQueriesContext(connection) as asked:
        session.write_notes()
    assert not asked
    session.save()
    assert what(session.session_key) == {"seen_at": LATER, "more": 1}


@pytest.mark.django_db(transaction=True)
def test_a_note_waits_for_nobody_who_holds_the_session():
    key = stored()
    held, let_go = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                Session.objects.select_for_update().get(pk=key)
                held.set()
                let_go.wait(10)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    try:
        seen_again(key).write_notes()
        assert what(key)["seen_at"] == SEEN
    finally:
        let_go.set()
        holder.join(10)


@pytest.mark.django_db(transaction=True)
def test_notes_of_many_are_gathered_and_written_by_one_statement(monkeypatch):
    monkeypatch.setattr(Pace, "at_once", False)
    monkeypatch.setattr(session_notes, "SECONDS_TOGETHER", 0.2)
    written = []
    write = session_notes.write
    monkeypatch.setattr(session_notes, "write", lambda notes: (written.append(len(notes)), write(notes)))
    keys = [stored(number=number) for number in range(5)]
    for key in keys:
        seen_again(key).write_notes()
    assert {what(key)["seen_at"] for key in keys} == {SEEN}
    Pace.writer.join(10)
    assert {what(key)["seen_at"] for key in keys} == {LATER}
    assert written == [5]


@pytest.mark.django_db(transaction=True)
def test_a_session_that_is_noted_twice_has_one_writer(monkeypatch, caplog):
    monkeypatch.setattr(Pace, "at_once", False)
    monkeypatch.setattr(session_notes, "SECONDS_TOGETHER", 0.2)
    key = stored()
    seen_again(key).write_notes()
    writer = Pace.writer
    seen_again(key).write_notes()
    assert Pace.writer is writer, "a second one would find nothing to write"
    writer.join(10)
    assert what(key)["seen_at"] == LATER
    assert "was not noted" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_gone_costs_a_log_line_and_the_next_note_is_written(monkeypatch, caplog):
    monkeypatch.setattr(Pace, "at_once", False)
    monkeypatch.setattr(session_notes, "SECONDS_TOGETHER", 0)
    key = stored()

    def fail(_notes):
        raise session_notes.Error("gone")

    write = session_notes.write
    monkeypatch.setattr(session_notes, "write", fail)
    seen_again(key).write_notes()
    Pace.writer.join(10)
    assert "the use of sessions was not noted" in caplog.text
    monkeypatch.setattr(session_notes, "write", write)
    seen_again(key).write_notes()
    Pace.writer.join(10)
    assert what(key)["seen_at"] == LATER


@pytest.mark.django_db
def test_in_the_last_minutes_use_is_saved_before_the_answer_so_that_the_next_press_finds_the_session(
    monkeypatch,
):
    monkeypatch.setattr(Pace, "at_once", False)
    request = HttpRequest()
    request.session = SessionStore(stored())
    opened = datetime.fromisoformat(SEEN)
    request.session["opened_at"] = SEEN
    request.session.save()
    for minutes, is_saved in [(5, False), (19, True)]:
        request.session = SessionStore(request.session.session_key)
        session_clock.note_use(request, UserKind.PATIENT, opened + timedelta(minutes=minutes))
        assert request.session.modified is is_saved
