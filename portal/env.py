"""Reads settings from the environment and refuses what it cannot use, in a sentence that says what to do."""

import base64
import binascii
import os
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


class BadSetting(ImproperlyConfigured):
    """A setting is missing or can't be used. The message names it and says what it should be."""


def text(name: str, default: str | None = None) -> str:
    """Return the variable, or the default; without a default the variable is required."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise BadSetting(f"{name} is not set. See .env.example for what it should hold.")
    return default


def choice(name: str, allowed: Sequence[str], default: str | None = None) -> str:
    """Return the variable if it is one of the allowed words."""
    value = text(name, default)
    if value not in allowed:
        raise BadSetting(f"{name} is {value!r}, but it must be one of: {', '.join(allowed)}.")
    return value


def flag(name: str, default: bool) -> bool:
    """Return a yes/no variable."""
    value = text(name, "yes" if default else "no").lower()
    if value in {"yes", "true", "on", "1"}:
        return True
    if value in {"no", "false", "off", "0"}:
        return False
    raise BadSetting(f"{name} is {value!r}, but it must be yes or no.")


def number(name: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number within its bounds."""
    value = text(name, str(default))
    if not value.isdecimal() or not least <= int(value) <= most:
        raise BadSetting(f"{name} is {value!r}, but it must be a whole number from {least} to {most}.")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list."""
    return [word for part in text(name, default or " ").split(",") if (word := part.strip())]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Return networks as in 192.0.2.0/24, separated by commas. Raises BadSetting for something else."""
    try:
        return [ip_network(text) for text in words(name)]
    except ValueError as error:
        raise BadSetting(f"{name} should be networks as in 192.0.2.0/24: {error}.") from None


def web_address(name: str, default: str | None = None) -> str:
    """Return an http(s) address without a slash at its end."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadSetting(f"{name} is {value!r}, but it must be an address like https://portal.example.")
    return value


def database(name: str) -> dict[str, object]:
    """Return Django's description of the Postgres that postgresql://user:password@host:port/name names.

    A unix socket's folder is given as ?host=/folder.
    """
    value = text(name)
    parts = urlsplit(value)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadSetting(f"{name} must start with postgresql:// - only Postgres is supported.")
    if not parts.path.strip("/"):
        raise BadSetting(f"{name} must name a database, as in postgresql://user@host/venterom.")
    try:
        port = str(parts.port or "")
    except ValueError as error:
        raise BadSetting(f"The port in {name} must be a number from 1 to 65535.") from error
    socket = [unquote(item[5:]) for item in parts.query.split("&") if item.startswith("host=")]
    return {
        "ENGINE": "portal.postgres",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": socket[0] if socket else (parts.hostname or ""),
        "PORT": port,
    }


def broker(name: str) -> str:
    """Return the address of the Redis (or a server like it) that carries the wake-ups."""
    value = text(name)
    if not value.startswith(("redis://", "rediss://", "redis+socket://")):
        raise BadSetting(f"{name} must be an address like redis://host:6379/0.")
    return value


def keys(name: str) -> list[tuple[str, bytes]]:
    """Return named 256-bit keys from "name:base64,name:base64"; the first one is used for new data."""
    found = []
    for item in words(name) or [text(name)]:
        label, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not label or len(key) != 32:
            raise BadSetting(
                f"{name} must hold keys as name:base64-of-32-bytes, separated by commas. "
                "Make one with: python -c "
                "'import base64,os; print(\"k1:\" + base64.b64encode(os.urandom(32)).decode())'"
            )
        found.append((label, key))
    return found
