"""A security key in software, written from the WebAuthn standard: it answers as a browser would, or as badly as told to."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.utils import websafe_decode, websafe_encode

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


@dataclass
class SecurityKey:
    """One passkey for `rp_id`, used on a page of `origin`."""

    origin: str
    rp_id: str
    flags: int = PRESENT | VERIFIED
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def make(self, options: dict[str, Any], **changes: Any) -> str:
        """Answer navigator.credentials.create."""
        data = self._data(self.flags | HAS_KEY) + bytes(16)
        data += len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data += cbor.encode(changes.pop("cose", self._public()))
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options, changes)
        return self._answer({"clientDataJSON": client, "attestationObject": attestation})

    def show(self, options: dict[str, Any], **changes: Any) -> str:
        """Answer navigator.credentials.get."""
        data = self._data(self.flags)
        client = self._client("webauthn.get", options, changes)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer({"clientDataJSON": client, "authenticatorData": data, "signature": signature})

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + (7).to_bytes(4, "big")

    def _public(self) -> dict[int, Any]:
        numbers = self.private.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}

    def _client(self, kind: str, options: dict[str, Any], changes: dict[str, Any]) -> bytes:
        said = {
            "type": kind,
            "challenge": options["publicKey"]["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(said | changes).encode()

    def _answer(self, response: dict[str, bytes]) -> str:
        named = websafe_encode(self.credential_id)
        return json.dumps(
            {
                "id": named,
                "rawId": named,
                "type": "public-key",
                "response": {name: websafe_encode(value) for name, value in response.items()},
                "clientExtensionResults": {},
            }
        )


def challenge_of(options: dict[str, Any]) -> bytes:
    """The random bytes that must be signed."""
    return websafe_decode(options["publicKey"]["challenge"])
