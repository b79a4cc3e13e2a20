"""Where a request comes from: for limits on tries, and beside the events of sign-in in the audit trail."""

import ipaddress
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest

WHOLE_FOR = timedelta(days=90)
"""So long the trail holds the whole address (identity research, 13)."""
IPV4_KEEPS, IPV6_KEEPS = 24, 48
"""Bits that stay afterwards. The trigger on the trail cuts at the same places: it lets nothing else pass."""
AT_ONCE = 1000
ONE_VISITOR = 64
"""Bits of an IPv6 address that one household or machine is given: whoever has them has all addresses behind them."""

_request: ContextVar[HttpRequest | None] = ContextVar("request_in_hand", default=None)


def of(request: HttpRequest) -> str:
    """Return the visitor's address; what a proxy of ours did not write is not believed.

    Raises PermissionDenied where there is none.
    """
    return str(get_adapter().get_client_ip(request))


def counted_as(address: str) -> str:
    """Return what limits count an address by: itself, or the network of an IPv6 address that one visitor has."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, ONE_VISITOR), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)


def is_shared(address: str) -> bool:
    """Return whether many people come from this address, as the operator has said (SHARED_NETWORKS)."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    return any(found in network for network in settings.SHARED_NETWORKS)


@contextmanager
def remembered(request: HttpRequest) -> Generator[None]:
    """Let `current` know the request while it is answered."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def in_hand() -> HttpRequest | None:
    """Return the request that is being answered; None outside of any."""
    return _request.get()


def current() -> str | None:
    """Return the address of whose request is being answered, as Postgres takes it; None outside of any request."""
    request = _request.get()
    if request is None:
        return None
    try:
        found = ipaddress.ip_address(of(request).split("%")[0])
    except (PermissionDenied, ValueError):
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


def shortened(address: str) -> str:
    """Return the network that the address is in, as in 192.0.2.0/24. One that is short already stays."""
    found = ipaddress.ip_interface(address)
    keeps = min(IPV4_KEEPS if found.version == 4 else IPV6_KEEPS, found.network.prefixlen)
    return str(ipaddress.ip_network((found.ip, keeps), strict=False))


def shorten_old(*, now: datetime) -> int:
    """Cut the trail's addresses that are old enough to their networks, a thousand at a time; return how many.

    Each batch is a transaction of its own (index audit_whole_address); what is done once is not found again.
    """
    done = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_SHORTEN, [IPV4_KEEPS, IPV6_KEEPS, now - WHOLE_FOR, AT_ONCE])
            changed: int = cursor.rowcount
        done += changed
        if changed < AT_ONCE:
            return done


_SHORTEN = """
    UPDATE portal_auditevent
    SET network_address = network(
        set_masklen(network_address, CASE family(network_address) WHEN 4 THEN %s ELSE %s END)
    )
    WHERE id IN (
        SELECT id FROM portal_auditevent
        WHERE masklen(network_address) IN (32, 128) AND at < %s ORDER BY at LIMIT %s
    )
"""
