"""Who is signed in at the demo's providers."""

from datetime import datetime, timedelta
from uuid import UUID

from identity.demo_idp.models import OpenSession
from identity.demo_idp.realms import Realm

SESSION_LASTS = timedelta(hours=1)
MOST_SHOWN = 20


def begin(realm: Realm, *, name_id: str, session_index: str, who: str, now: datetime) -> OpenSession:
    """Remember that someone signed in, and forget who did so long ago."""
    OpenSession.objects.filter(started_at__lt=now - SESSION_LASTS).delete()
    return OpenSession.objects.create(
        realm=realm.slug, name_id=name_id, session_index=session_index, who=who, started_at=now
    )


def latest(realm: Realm, *, now: datetime) -> list[OpenSession]:
    """Return who is signed in, the latest first."""
    open_now = OpenSession.objects.filter(realm=realm.slug, started_at__gt=now - SESSION_LASTS)
    return list(open_now.order_by("-started_at")[:MOST_SHOWN])


def find(realm: Realm, session_id: UUID) -> OpenSession | None:
    """Return one of the realm's."""
    return OpenSession.objects.filter(realm=realm.slug, pk=session_id).first()


def end(realm: Realm, session_index: str) -> None:
    """Forget the session of this name, if there is one."""
    OpenSession.objects.filter(realm=realm.slug, session_index=session_index).delete()
