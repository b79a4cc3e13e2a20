"""Twilio's signature of callbacks, written from its description: HMAC-SHA1 over the address and the sorted fields."""

import base64
import hashlib
import hmac
from collections.abc import Mapping


def sign(address: str, fields: Mapping[str, str], token: str) -> str:
    """Return what Twilio puts into X-Twilio-Signature for a form POST to the address."""
    text = address + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
