"""How allauth serves our staff."""

import io
from typing import Any

import qrcode.main
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from qrcode.image.svg import SvgPathFillImage

from identity import csrf, kept_forms, open_sessions, operations, policy, queries, session_clock, sessions
from portal import crypto

_SECRETS = "mfa_authenticator.data"


class StaffAccountAdapter(DefaultAccountAdapter):
    """Staff are added by an administrator: nobody signs up, and nobody becomes staff by signing in."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _(
            "The e-mail address or the password is wrong. Check both and try again."
        ),
        "too_many_login_attempts": _("Too many attempts. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request: object) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Allow paths of our own only."""
        return bool(url) and policy.own_path(str(url)) == url

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: our pages show what happened."""

    def login(self, request: HttpRequest, user: Any) -> None:
        """Open the session. Whoever has a code app comes here after its code, and that is marked in the session."""
        now, before, secret = timezone.now(), sessions.take_before(request), csrf.secret_of(request)
        super().login(request, user)
        csrf.carry(request, user=user, before=before, secret=secret)
        session_clock.start(request, now)
        operations.note_staff_sign_in(user, now=now)
        if any(record.get("method") == "mfa" for record in get_authentication_records(request, user)):
            operations.note_second_factor(request, now=now)
        kept_forms.remember(request, user.pk, now)
        open_sessions.note_new(request, user, now=now)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        operations.note_failed_staff_sign_in(
            email=str(credentials.get("email", "")), reason="password", now=timezone.now()
        )

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, str]]:
        """Ask for a code: it proves more than the password."""
        if not queries.has_code_app(user):
            return []
        return [{"id": "mfa_reauthenticate", "description": "", "url": reverse("mfa_reauthenticate")}]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again for everything but setting up the first code app, which follows the password directly."""
        return queries.has_code_app(context.request.user)


class StaffMfaAdapter(DefaultMFAAdapter):
    """Second factor of staff: secrets are stored encrypted, and nobody switches it off."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("The code is wrong, or was used already. Wait for the next one and write that."),
    }

    def build_totp_svg(self, url: str) -> str:
        """Draw the picture for the code app on white, so that it can be scanned in the dark look too."""
        drawn = io.BytesIO()
        picture = qrcode.main.make(url, image_factory=SvgPathFillImage)  # type: ignore[no-untyped-call]
        picture.save(drawn)
        return drawn.getvalue().decode()

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text, context=_SECRETS)

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text, context=_SECRETS)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return False
