"""How many eID sign-ins may begin: each is a row, and a question to the provider."""

from datetime import datetime, timedelta

from django.conf import settings

from portal import throttle
from portal.throttle import Limit

PER_ADDRESS = Limit("sign-in-starts", 60, timedelta(minutes=1))
"""As many as answers that fail; many people share the address of a mobile network when times are released."""


def are_too_many(address: str, *, now: datetime) -> bool:
    """Count one that begins from this network address, and return whether it is one too many there or everywhere.

    What an address may not do does not count against everybody else.
    """
    everywhere = Limit("sign-in-starts-everywhere", settings.SIGN_INS_PER_MINUTE, PER_ADDRESS.period)
    return throttle.is_exceeded_from(address, PER_ADDRESS, now=now) or throttle.is_exceeded(
        everywhere, key="everywhere", now=now
    )
