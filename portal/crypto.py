"""Encryption of columns and the keyed hash by which an encrypted national ID is found again.

AES-256-GCM with a random nonce; the key's name travels with the ciphertext, so that keys can be rotated.
The hash is keyed because there are too few national IDs for a plain one: all of them are tried in seconds.
"""

import base64
import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_NONCE_BYTES = 12


class Undecipherable(Exception):
    """The stored value was not written with any key we have, or was changed."""


def encrypt(plain: str, *, context: str) -> str:
    """Return the text encrypted with the current key. The context (table.column) must match at decryption."""
    name, key = settings.FIELD_KEYS[0]
    nonce = os.urandom(_NONCE_BYTES)
    sealed = _cipher(key).encrypt(nonce, plain.encode(), context.encode())
    return f"{name}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(stored: str, *, context: str) -> str:
    """Return the plain text, or raise Undecipherable."""
    name, _, encoded = stored.partition(":")
    key = dict(settings.FIELD_KEYS).get(name)
    if key is None:
        raise Undecipherable(f"no key named {name!r}")
    raw = base64.b64decode(encoded)
    try:
        return _cipher(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()
    except InvalidTag as error:
        raise Undecipherable(f"value of {context} does not open") from error


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def blind_index(value: str, *, purpose: str) -> str:
    """Return a keyed hash (64 hex digits) that is the same for equal values and tells nothing else."""
    return hmac.new(settings.INDEX_KEY, f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()
