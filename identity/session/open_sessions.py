"""The sessions that somebody has open: listed, ended from elsewhere, and never too many at once."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from identity import devices, sessions
from identity.choices import EndReason, Method, UserKind
from identity.models import EndedSession, User
from identity.session import clock as session_clock
from portal import audit, network_address, session_reference

MOST_AT_ONCE = {UserKind.PATIENT: 3, UserKind.STAFF: 5}
"""Identity research, 8."""
ENDED_ARE_REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A place where somebody is signed in."""

    number: int
    """Names it in forms; means nothing with another login."""
    key: str
    """Opens the session: never shown."""
    device: str
    method: Method
    opened_at: datetime
    seen_at: datetime
    clinic_scope: int | None
    is_current: bool


def of(user: User, *, current_key: str | None, now: datetime) -> list[OpenSession]:
    """Return where the person is signed in, this place first, then the latest. Two queries, and a few rows."""
    rows = {row.session_key: row for row in UserSession.objects.filter(user=user)}
    stored = Session.objects.filter(session_key__in=rows, expire_date__gt=now)
    shown = (_shown(rows[one.session_key], one.get_decoded(), user, current_key, now) for one in stored)
    found = [one for one in shown if one is not None]
    return sorted(found, key=lambda one: (one.is_current, one.opened_at), reverse=True)


def _shown(
    row: UserSession, data: dict[str, Any], user: User, current_key: str | None, now: datetime
) -> OpenSession | None:
    """Return None for a session that is over already, or has no clocks yet."""
    left, opened, seen = (
        session_clock.left(user.kind, data, now),
        session_clock.opened_at(data),
        session_clock.seen_at(data),
    )
    if left is None or left.is_over or opened is None or seen is None:
        return None
    sign_in = sessions.of_data(data)
    return OpenSession(
        number=row.pk,
        key=row.session_key,
        device=devices.words_for(row.user_agent),
        method=sign_in.method if sign_in else Method.STAFF_PASSWORD,
        opened_at=opened,
        seen_at=seen,
        clinic_scope=sign_in.clinic_scope if sign_in else None,
        is_current=row.session_key == current_key,
    )


@transaction.atomic
def end_one(user: User, number: int, *, current_key: str | None, now: datetime) -> bool:
    """End one of one's own other sessions; return False if there is none with this number (any more)."""
    found = UserSession.objects.filter(user=user, pk=number).exclude(session_key=current_key or "").first()
    return found is not None and bool(
        end(user, [found.session_key], why=EndReason.BY_ONESELF, actor=user, now=now)
    )


@transaction.atomic
def end_others(user: User, *, current_key: str | None, why: EndReason, now: datetime) -> int:
    """End all sessions of one's own but this one; return how many."""
    others = UserSession.objects.filter(user=user).exclude(session_key=current_key or "")
    return end(user, others.values_list("session_key", flat=True), why=why, actor=user, now=now)


@transaction.atomic
def end(
    user: User,
    keys: Iterable[str],
    *,
    why: EndReason,
    actor: User | None,
    now: datetime,
    reason: str = "",
    clinic_id: int | None = None,
) -> int:
    """End these sessions of the person; return how many there were. One audit event, if there were any.

    Their browsers are told why at their next request. `reason` is a short word for the trail instead of `why`;
    `clinic_id` is the only clinic that the sessions were good for, where there is one.
    """
    stored = list(Session.objects.select_for_update().filter(session_key__in=list(keys)).order_by("pk"))
    held = {one.session_key: one.get_decoded() for one in stored}
    told = [
        EndedSession(
            key_hash=hash_of(key),
            user=user,
            reason=why,
            acted_by=sessions.acted_by(data),
            ended_at=now,
        )
        for key, data in held.items()
    ]
    EndedSession.objects.bulk_create(told, ignore_conflicts=True)
    ended = list(held)
    Session.objects.filter(session_key__in=ended).delete()
    UserSession.objects.filter(session_key__in=ended).delete()
    if ended:
        audit.record(
            action="session.end",
            subject=user,
            actor=actor,
            now=now,
            clinic_id=clinic_id,
            login_id=user.pk if user.kind == UserKind.PATIENT else None,
            # Where somebody else is who ends it, as staff, is not for its owner to read.
            from_address=network_address.current() if actor is not None and actor.pk == user.pk else None,
            reason=reason or why.value,
            count=len(ended),
            sessions=[str(named) for data in held.values() if (named := session_reference.of_data(data))],
        )
    return len(ended)


@transaction.atomic
def note_new(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Store the session that was just opened, and end the oldest of too many; parallel sign-ins wait for each other."""
    User.objects.select_for_update().get(pk=user.pk)
    request.session.save()
    key = request.session.session_key
    others = [one for one in of(user, current_key=key, now=now) if one.key != key]
    too_many = others[MOST_AT_ONCE[UserKind(user.kind)] - 1 :]
    end(user, [one.key for one in too_many], why=EndReason.TOO_MANY, actor=audit.SYSTEM, now=now)


def take_ended(key: str) -> EndedSession | None:
    """Return what became of the session with this key, if it was ended from elsewhere; told once. One query, or two."""
    found = EndedSession.objects.filter(key_hash=hash_of(key)).first()
    if found is not None and EndedSession.objects.filter(pk=found.pk).delete()[0]:
        return found
    return None


def hash_of(key: str) -> str:
    """Return by what an ended session is found again."""
    return hashlib.sha256(key.encode()).hexdigest()
