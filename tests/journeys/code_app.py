"""A code app, written from RFC 6238: what staff have on their phones."""

import base64
import hashlib
import hmac
import struct
import time


def code(secret: str, at: float | None = None) -> str:
    """The six digits for a base32 secret."""
    step = int((time.time() if at is None else at) // 30)
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


_shown: set[tuple[str, int]] = set()


def fresh_code(secret: str) -> str:
    """A code that is good for some seconds more, and was not used yet: each works once."""
    left = 30 - time.time() % 30
    if left < 4 or (secret, int(time.time() // 30)) in _shown:
        time.sleep(left + 0.2)
    _shown.add((secret, int(time.time() // 30)))
    return code(secret)
