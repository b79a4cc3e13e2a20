"""The vendor's day password: without it nobody changes where a clinic's portal is (000 §2.1).

It is derived, not stored: from a secret that only the vendor's servers hold, and the day. So it can be told over the
phone, and is worth nothing the day after.
"""

import base64
import hashlib
import hmac
import re
from datetime import date

from django.conf import settings

_CHARACTERS = 12
_GROUP = 4


def issued() -> bool:
    """Return whether this installation has the secret that day passwords are derived from."""
    return bool(settings.VENDOR_SECRET)


def of_day(day: date) -> str:
    """Return the password of a local day, as in "K7QF-2MWA-XB3D". Call it only when passwords are issued."""
    digest = hmac.new(
        settings.VENDOR_SECRET.encode(), f"day-password:{day.isoformat()}".encode(), hashlib.sha256
    ).digest()
    plain = base64.b32encode(digest).decode()[:_CHARACTERS]
    return "-".join(plain[start : start + _GROUP] for start in range(0, _CHARACTERS, _GROUP))


def matches(given: str, day: date) -> bool:
    """Return whether this is the day's password, however it was grouped and in whatever case. Constant time."""
    if not issued():
        return False
    return hmac.compare_digest(_bare(given).encode(), _bare(of_day(day)).encode())


def _bare(text: str) -> str:
    return re.sub(r"[\s-]", "", text).upper()
