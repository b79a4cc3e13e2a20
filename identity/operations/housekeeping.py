"""What is thrown away when its time is over."""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef

from identity.admin import traffic
from identity.choices import TransactionStatus
from identity.models import (
    ActionLink,
    EndedSession,
    KeptForm,
    LoginTransaction,
    OneTimeCode,
    PasswordTries,
    StaffLink,
)
from identity.providers import sessions as provider_sessions
from identity.session import open_sessions
from portal.models import ThrottleCounter

THROTTLE_ROWS_LAST = timedelta(days=2)
TRANSACTIONS_ARE_KEPT = timedelta(days=1)
LINKS_ARE_KEPT = timedelta(days=30)
SESSION_ROWS_LAST = timedelta(hours=1)
"""So long a listed session may be without its row: it is listed a moment before that is stored."""


@transaction.atomic
def sweep(*, now: datetime) -> None:
    """Delete what has had its time: sign-ins, links, sessions and counters. Their trail is in the audit log."""
    LoginTransaction.objects.filter(expires_at__lt=now - TRANSACTIONS_ARE_KEPT).delete()
    LoginTransaction.objects.filter(expires_at__lt=now, evidence__isnull=False).update(
        status=TransactionStatus.FAILED, evidence=None
    )
    StaffLink.objects.filter(expires_at__lt=now - LINKS_ARE_KEPT).delete()
    ActionLink.objects.filter(expires_at__lt=now - LINKS_ARE_KEPT).delete()
    OneTimeCode.objects.filter(expires_at__lt=now - TRANSACTIONS_ARE_KEPT).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.filter(
        ~Exists(Session.objects.filter(session_key=OuterRef("session_key"))),
        created_at__lt=now - SESSION_ROWS_LAST,
    ).delete()
    EndedSession.objects.filter(ended_at__lt=now - open_sessions.ENDED_ARE_REMEMBERED).delete()
    KeptForm.objects.filter(expires_at__lte=now).delete()
    provider_sessions.sweep(now=now)
    ThrottleCounter.objects.filter(window_start__lt=now - THROTTLE_ROWS_LAST).delete()
    PasswordTries.objects.filter(not_before__lt=now - THROTTLE_ROWS_LAST).delete()
    traffic.sweep(now=now)
