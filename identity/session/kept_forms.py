"""What somebody had typed when their session ended: kept for them, shown again to them alone, never sent by itself.

A session holds marks of what is kept for its person, so that looking at a page costs no query unless something is
shown on it. See docs/adr/0008.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, QueryDict

from clinic_admin.models import Clinic
from identity import policy, sessions
from identity.models import KeptForm
from identity.sessions import Before

KEPT_FOR = timedelta(hours=24)
"""WCAG 2.2.6 asks for more than twenty hours."""
MOST_PER_PERSON = 5
MOST_CHARACTERS = 150_000
"""A matrix of sixty providers and every tick fits."""
_LEFT_OUT = re.compile(r"password|^csrfmiddlewaretoken$|^code$|^otp|^proof-|^credential$", re.IGNORECASE)
_KEY = "kept_forms"

Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a session knows of a kept form."""

    id: str
    clinic: int
    page: str
    action: str
    acted_by: str
    """The relation by which the person acted for somebody else; empty: for themselves."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page says about kept forms."""

    here: Mark | None
    elsewhere: list[Mark]
    """Of this clinic, on other pages."""
    for_others: bool
    """Something was typed for somebody else: it comes back when the person acts for them again."""


@transaction.atomic
def keep(
    clinic: Clinic, before: Before, sent: QueryDict, *, page: str, action: str, now: datetime
) -> KeptForm | None:
    """Keep what was sent to `action` from the form on `page` (paths) for the person; the newest replaces older ones.

    Returns None if there was nothing to keep, or more than we keep. Neither passwords nor codes nor files are kept.
    """
    fields = fields_of(sent)
    text = json.dumps(fields, ensure_ascii=False)
    where = [policy.own_path(page), policy.own_path(action)]
    if not any(value for _name, value in fields) or len(text) > MOST_CHARACTERS or not all(where):
        return None
    kept, _is_new = KeptForm.objects.update_or_create(
        user_id=before.user_id,
        clinic=clinic,
        page=where[0],
        action=where[1],
        acted_by=before.acted_by,
        defaults={"fields": text, "kept_at": now, "expires_at": now + KEPT_FOR},
    )
    newest = KeptForm.objects.filter(user_id=before.user_id).order_by("-kept_at", "-pk")
    stays = list(newest.values_list("pk", flat=True)[:MOST_PER_PERSON])
    KeptForm.objects.filter(user_id=before.user_id).exclude(pk__in=stays).delete()
    return kept


def keep_for_session(request: HttpRequest, *, page: str, now: datetime) -> bool:
    """Keep what was just sent, for whoever is signed in, and show it on the page again; return whether it is kept."""
    user: Any = request.user
    clinic: Clinic = request.clinic  # type: ignore[attr-defined]
    before = Before(user.pk, sessions.acted_by(request.session))
    kept = keep(clinic, before, request.POST, page=page, action=request.path, now=now)
    request.sends_kept = []  # type: ignore[attr-defined]  # what was sent is kept once more: see identity.middleware
    if kept is not None:
        others = [one for one in marks(request) if one.id != str(kept.pk)]
        _store(request, [*others, _mark(kept)][-MOST_PER_PERSON:])
    return kept is not None


def fields_of(sent: QueryDict) -> Fields:
    """Return what a browser sent, in its order, without what is never kept. NUL can't be stored."""
    pairs = ((name, value) for name, values in sent.lists() for value in values)
    return [(name, str(value).replace("\x00", "")) for name, value in pairs if not _LEFT_OUT.search(name)]


def written(fields: Fields) -> list[str]:
    """Return what somebody may have typed, to be copied: without what the page itself wrote, and without choices."""
    return [
        value
        for name, value in fields
        if len(value) > SHORTEST_SHOWN and name not in _OF_THE_PAGE and not _NUMBER.fullmatch(value)
    ]


_OF_THE_PAGE = {
    "form_key",
    "version",
    "seen",
    "knows",
    "base",
    "next",
    "kind",
    "relation",
    "act",
    "do",
    "part",
}
"""Written by the page itself into its form, and nothing that anybody typed."""
SHORTEST_SHOWN = 3
"""Ticks and numbers of choices mean nothing to a reader."""
_NUMBER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def remember(request: HttpRequest, user_id: UUID, now: datetime) -> None:
    """Let the session that was just opened know what is kept for its person. One query."""
    found = KeptForm.objects.filter(user_id=user_id, expires_at__gt=now).order_by("kept_at").defer("fields")
    kept = [_mark(one) for one in found]
    if kept:
        _store(request, kept)


def marks(request: HttpRequest) -> list[Mark]:
    """Return what the session knows to be kept. No query."""
    return [Mark(**one) for one in request.session.get(_KEY, [])]


def shown_on(request: HttpRequest, clinic: Clinic) -> Shown | None:
    """Return what the page that is asked for says about kept forms; None: nothing. No query."""
    here_at = [one for one in marks(request) if one.clinic == clinic.pk]
    if not here_at:
        return None
    acted_by = str(sessions.acted_by(request.session) or "")
    mine = [one for one in here_at if one.acted_by == acted_by]
    here = next((one for one in mine if one.page == request.get_full_path()), None)
    return Shown(here, [one for one in mine if one != here], len(mine) < len(here_at))


def fields_for(request: HttpRequest, mark: Mark, now: datetime) -> Fields | None:
    """Return what was typed; the mark is forgotten if it is gone. One query."""
    kept = KeptForm.objects.filter(pk=mark.id, user_id=_user_id(request), expires_at__gt=now).first()
    if kept is None:
        forget(request, mark.id)
        return None
    return [(str(name), str(value)) for name, value in json.loads(kept.fields or "[]")]


def sent_again(request: HttpRequest, clinic: Clinic) -> list[Mark]:
    """Return the kept forms that this request sends at last."""
    acted_by = str(sessions.acted_by(request.session) or "")
    return [
        one
        for one in marks(request)
        if (one.action, one.clinic, one.acted_by) == (request.path, clinic.pk, acted_by)
    ]


def drop(request: HttpRequest, kept_ids: Iterable[str]) -> None:
    """Delete what is kept for the person at the keyboard, of these; unknown ones are left alone."""
    ids = list(kept_ids)
    if ids:
        KeptForm.objects.filter(pk__in=ids, user_id=_user_id(request)).delete()
    for one in ids:
        forget(request, one)


def drop_all(*, clinic: Clinic, national_id_index: str | None, relations: Iterable[UUID]) -> None:
    """Delete what is kept at the clinic for the person with this index, and what others typed for somebody by a relation.

    Marks in open sessions lead to nothing then. One query.
    """
    own = Q(user__account__national_id_index=national_id_index) if national_id_index else Q(pk__in=[])
    KeptForm.objects.filter(own | Q(acted_by__in=list(relations)), clinic=clinic).delete()


def forget(request: HttpRequest, kept_id: str) -> None:
    """Take the mark out of the session."""
    _store(request, [one for one in marks(request) if one.id != kept_id])


def _user_id(request: HttpRequest) -> UUID:
    user: Any = request.user
    return UUID(str(user.pk))


def _mark(kept: KeptForm) -> Mark:
    return Mark(str(kept.pk), kept.clinic_id, kept.page, kept.action, str(kept.acted_by or ""))


def _store(request: HttpRequest, kept: list[Mark]) -> None:
    request.session[_KEY] = [asdict(one) for one in kept]
