"""What whoever runs the portal does for staff who are locked out. It ends their sessions, and they are told by e-mail."""

from datetime import datetime

from django.db import transaction

from identity import operations
from identity.choices import LoginNews
from identity.models import User
from identity.staff import letters as staff_letters
from identity.staff import links as staff_links


@transaction.atomic
def take_factors_away(user: User, *, now: datetime) -> None:
    """Forget code app, passkeys and recovery codes: the next sign-in with the password sets up new ones."""
    event = operations.reset_second_factor(user, actor=None, now=now)
    staff_links.end_sessions(user=user, actor=None, now=now, reason="second-factor-reset")
    staff_letters.tell(user, LoginNews.TAKEN_AWAY, about=event, now=now)


@transaction.atomic
def set_password(user: User, password: str, *, now: datetime) -> None:
    """Give the login this password. Raises ValidationError for a weak one."""
    event = operations.set_password(user, password, actor=None, now=now)
    staff_links.revoke_links(user=user, now=now)
    staff_links.end_sessions(user=user, actor=None, now=now, reason="new-password")
    staff_letters.tell(user, LoginNews.PASSWORD, about=event, now=now)
