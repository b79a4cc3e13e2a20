"""What staff sign in with besides the password: code app, passkeys, recovery codes. One's own login only.

Every change is recorded and told by e-mail. The last second factor can't be taken away.
"""

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import models, transaction

from identity import queries
from identity.choices import FactorRefusal, LoginNews
from identity.models import User
from identity.staff import letters as staff_letters
from portal import audit
from portal.refusals import Refused

FEW_CODES = 2
"""With so many recovery codes left, or fewer, the person is asked to make new ones."""
_ACTIONS = {
    LoginNews.CODE_APP: "staff.second-factor-set",
    LoginNews.CODE_APP_REMOVED: "staff.code-app-removed",
    LoginNews.PASSKEY: "staff.passkey-added",
    LoginNews.PASSKEY_REMOVED: "staff.passkey-removed",
    LoginNews.RECOVERY_CODES: "staff.recovery-codes-made",
}


class FactorRefused(Refused):
    """A change of the second factor was refused. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it."""

    pk: int
    name: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """Everything that someone can show after the password."""

    code_app_since: datetime | None
    code_app_used_at: datetime | None
    passkeys: tuple[Passkey, ...]
    codes_left: int
    """Recovery codes that were not used yet."""

    @property
    def are_codes_few(self) -> bool:
        """Return whether it is time for new recovery codes."""
        return self.codes_left <= FEW_CODES

    @property
    def can_lose_one(self) -> bool:
        """Return whether one of them can be taken away without leaving the person without any."""
        return (self.code_app_since is not None) + len(self.passkeys) > 1


def factors_of(user: User) -> Factors:
    """Return what the person can show. One query."""
    rows = list(Authenticator.objects.filter(user_id=user.pk).order_by("pk"))
    app = next((row for row in rows if row.type == Authenticator.Type.TOTP), None)
    codes = next((row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES), None)
    return Factors(
        code_app_since=app.created_at if app else None,
        code_app_used_at=app.last_used_at if app else None,
        passkeys=tuple(_passkey(row) for row in rows if row.type == Authenticator.Type.WEBAUTHN),
        codes_left=len(codes.wrap().get_unused_codes()) if codes else 0,
    )


def passkey_of(user: User, passkey_id: int) -> Passkey | None:
    """Return one of the person's own passkeys."""
    row = _own_passkeys(user).filter(pk=passkey_id).first()
    return _passkey(row) if row else None


@transaction.atomic
def rename_passkey(user: User, passkey_id: int, *, name: str, now: datetime) -> None:
    """Call one of the person's passkeys something else. Raises Authenticator.DoesNotExist for another's."""
    row = _own_passkeys(user).select_for_update().get(pk=passkey_id)
    row.data["name"] = name
    row.save(update_fields=["data"])
    audit.record(action="staff.passkey-renamed", subject=user, actor=user, now=now)


@transaction.atomic
def remove_passkey(user: User, passkey_id: int, *, now: datetime) -> None:
    """Take one of the person's passkeys away. Raises Authenticator.DoesNotExist for another's, FactorRefused."""
    lock(user)
    _remove(user, _own_passkeys(user).get(pk=passkey_id), LoginNews.PASSKEY_REMOVED, now=now)


@transaction.atomic
def remove_code_app(user: User, *, now: datetime) -> None:
    """Take the code app away. Without one nothing happens. Raises FactorRefused."""
    lock(user)
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if row is not None:
        _remove(user, row, LoginNews.CODE_APP_REMOVED, now=now)


def forget_code_app(user: User) -> None:
    """Make room for a new code app. Belongs into the transaction that sets it up."""
    Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).delete()


def use_up(user: User, code: str) -> None:
    """Use the code up with which a code app was just set up: it works once, here too (W15)."""
    app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if app is not None:
        app.wrap().validate_code(code)


@transaction.atomic
def note(user: User, news: LoginNews, *, now: datetime) -> None:
    """Record a change of what the person signs in with, and tell them of it."""
    event = audit.record(action=_ACTIONS[news], subject=user, actor=user, now=now)
    staff_letters.tell(user, news, about=event, now=now)


def _remove(user: User, row: Authenticator, news: LoginNews, *, now: datetime) -> None:
    others = Authenticator.objects.filter(user=user, type__in=queries.SECOND_FACTORS).exclude(pk=row.pk)
    if not others.exists():
        raise FactorRefused(FactorRefusal.LAST_FACTOR)
    row.delete()
    note(user, news, now=now)


def lock(user: User) -> None:
    """Let changes of a login's factors happen one after the other, so that two can't take the last two away."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _own_passkeys(user: User) -> models.QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)


def _passkey(row: Authenticator) -> Passkey:
    return Passkey(pk=row.pk, name=row.data["name"], added_at=row.created_at, used_at=row.last_used_at)
