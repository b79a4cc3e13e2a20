"""Staff on the way in, for the tests of sign-in."""

import json
import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from identity.models import User
from identity.staff import passkeys
from tests.identity.build_passkeys import SecurityKey

EMAIL, PASSWORD = "siv@legekontor.example", "korrekt hest batteri"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def wait_for_a_young_code() -> None:
    """Wait out the last seconds of a code, so that it doesn't change in the middle of a test."""
    if time.time() % 30 > 26:
        time.sleep(30 - time.time() % 30 + 0.1)


def code(secret: str = SECRET, *, steps: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def give_password(client: Client, password: str = PASSWORD, email: str = EMAIL, **more: str) -> Any:
    client.cookies["django_language"] = "en"
    return client.post(reverse("account_login"), {"login": email, "password": password, **more})


def give_code(client: Client, value: str) -> Any:
    return client.post(reverse("mfa_authenticate"), {"code": value})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def sign_in(client: Client) -> Client:
    """Sign in with password and code. The code is then new again for what the test is about."""
    give_password(client)
    give_code(client, code())
    assert is_signed_in(client)
    cache.clear()
    return client


def age(client: Client, minutes: float = 5) -> None:
    """Let the session's last proof be so old."""
    session = client.session
    session[settings.SECOND_FACTOR_MARK] = time.time() - minutes * 60
    session.save()


def security_key(**values: Any) -> SecurityKey:
    return SecurityKey(**({"origin": passkeys.origin(), "rp_id": passkeys.host()} | values))


def options_of(answer: Any) -> dict[str, Any]:
    """What the page asks the browser's passkey dialog."""
    options: dict[str, Any] = json.loads(answer.context["passkey_options"])
    return options


def add_passkey(client: Client, key: SecurityKey | None = None, name: str = "Phone", **changes: Any) -> Any:
    """Make a passkey as the page does; return the answer."""
    address = reverse("mfa_add_webauthn")
    options = options_of(client.get(address))
    made = (key or security_key()).make(options, **changes)
    return client.post(address, {"name": name, "credential": made})


def passkeys_of(user: User) -> list[Authenticator]:
    return list(Authenticator.objects.filter(user=user, type="webauthn").order_by("pk"))


def show_passkey(client: Client, key: SecurityKey, **changes: Any) -> Any:
    """Show a passkey at sign-in, after the password."""
    address = reverse("mfa_authenticate")
    shown = key.show(options_of(client.get(address)), **changes)
    return client.post(address, {"credential": shown})
