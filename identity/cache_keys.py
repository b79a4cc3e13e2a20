"""Names of cache entries. They would hold addresses and codes, so only their keyed hash is stored."""

from portal import crypto


def hashed(key: str, key_prefix: str, version: int) -> str:
    """Return what a cache entry is stored under."""
    return crypto.blind_index(f"{key_prefix}:{version}:{key}", purpose="cache")
