"""Calls to identity providers: known hosts only, encrypted, no redirects, short time-outs, small answers."""

import json
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from identity.models import IdentityProvider

TIMEOUT_SECONDS = 5.0
LONGEST_ANSWER = 256 * 1024
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
DEMO_MARK = "/demo-idp/"


class ProviderUnreachable(Exception):
    """The provider did not answer, or not as the standards say. The message holds a short reason and no data."""


def is_demo(address: str) -> bool:
    """Return whether the address is one of the demo's providers, who vouch for anyone."""
    return DEMO_MARK in address


def check_address(address: object, provider: IdentityProvider) -> str:
    """Return the address if the portal may call it or send a browser there.

    https on the issuer's host or one of the provider's other hosts. During development also http on this machine.
    Raises ProviderUnreachable.
    """
    if not isinstance(address, str):
        raise ProviderUnreachable("address missing")
    parts = urlsplit(address)
    if parts.netloc not in {urlsplit(provider.issuer).netloc, *provider.extra_hosts}:
        raise ProviderUnreachable("host not allowed")
    return check_scheme(address)


def check_scheme(address: str) -> str:
    """Return the address if it is encrypted, or during development on this machine. Raises ProviderUnreachable."""
    parts = urlsplit(address)
    if parts.username or parts.password or parts.fragment:
        raise ProviderUnreachable("address malformed")
    if parts.scheme == "https":
        usable = settings.IS_DEVELOPMENT or not is_demo(address)
    else:
        usable = settings.IS_DEVELOPMENT and parts.scheme == "http" and parts.hostname in LOCAL_HOSTS
    if not usable:
        raise ProviderUnreachable("address not allowed")
    return address


def get_json(address: str, provider: IdentityProvider) -> dict[str, Any]:
    """Return the JSON object at the address. Raises ProviderUnreachable."""
    status, answer = _call("GET", address, provider)
    if status != httpx.codes.OK:
        raise ProviderUnreachable(f"status {status}")
    return answer


def post_form(
    address: str, provider: IdentityProvider, form: dict[str, str], headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON object with which the address answers a form. Raises ProviderUnreachable."""
    return _call("POST", address, provider, data=form, headers=headers)


def _call(method: str, address: str, provider: IdentityProvider, **parts: Any) -> tuple[int, dict[str, Any]]:
    check_address(address, provider)
    is_local = urlsplit(address).hostname in LOCAL_HOSTS
    try:
        with (
            httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=not is_local) as client,
            client.stream(method, address, **parts) as response,
        ):
            body = _read(response)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderUnreachable(type(error).__name__) from None
    if response.is_redirect:
        raise ProviderUnreachable("redirect")
    try:
        answer = json.loads(body)
    except ValueError:
        raise ProviderUnreachable("not JSON") from None
    if not isinstance(answer, dict):
        raise ProviderUnreachable("not an object")
    return response.status_code, answer


def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > LONGEST_ANSWER:
            raise ProviderUnreachable("answer too long")
    return bytes(body)
