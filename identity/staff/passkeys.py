"""Passkeys of staff: what the browser is asked for, and what of its answer is believed.

A passkey is bound to the host of BASE_URL: at another host the browser finds none, and an answer that was made for
another origin is refused here. The checks of signatures, challenges and user verification are the fido2 library's.
"""

import json
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.core.exceptions import ValidationError
from fido2.cose import CoseKey
from fido2.utils import websafe_encode
from fido2.webauthn import AuthenticationResponse, CollectedClientData, RegistrationResponse

from identity.models import User

_PORTS = {"http": 80, "https": 443}


class BadPasskey(ValueError):
    """What came from the browser is not an answer that we can use."""


def host() -> str:
    """Return the name that passkeys are bound to, the WebAuthn "relying party id"."""
    return urlsplit(settings.BASE_URL).hostname or ""


def origin() -> str:
    """Return the only origin whose answers count, as browsers write it."""
    parts = urlsplit(settings.BASE_URL)
    port = "" if parts.port in {None, _PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def are_possible() -> bool:
    """Return whether browsers make passkeys for this installation: not for a bare IP address."""
    try:
        ip_address(host())
    except ValueError:
        return True
    return False


def request_options(user: User) -> str:
    """Return as JSON what the browser needs to show one of the person's passkeys. The challenge is in the session."""
    return as_json(auth.begin_authentication(user))


def as_json(options: Mapping[str, Any]) -> str:
    """Return the library's options for the browser's passkey dialog as JSON."""
    return json.dumps(options, default=dict)


def read_new(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a new passkey's answer with nothing in it but what the checks and later sign-ins need.

    Raises BadPasskey for anything that isn't such an answer, comes from another origin, or has a key we can't check.
    """
    try:
        read = RegistrationResponse.from_dict(answer)
        made = read.response.attestation_object.auth_data.credential_data
        is_known = made is not None and made.public_key.ALGORITHM in CoseKey.supported_algorithms()
        client_data = read.response.client_data
        clean = {
            "id": websafe_encode(read.raw_id),
            "rawId": websafe_encode(read.raw_id),
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(bytes(client_data)),
                "attestationObject": websafe_encode(bytes(read.response.attestation_object)),
            },
            "clientExtensionResults": {},
        }
    except Exception as error:  # the parsers of JSON, base64, CBOR and keys raise a dozen kinds
        raise BadPasskey("not an answer") from error
    if not is_known:
        raise BadPasskey("unknown kind of key")
    _check_origin(client_data)
    return clean


def check_shown(answer: dict[str, Any]) -> None:
    """Raise BadPasskey if this isn't the answer of a passkey, or was made for another origin."""
    try:
        client_data = AuthenticationResponse.from_dict(answer).response.client_data
    except Exception as error:  # as above
        raise BadPasskey("not an answer") from error
    _check_origin(client_data)


def _check_origin(client_data: CollectedClientData) -> None:
    if client_data.origin != origin() or client_data.cross_origin:
        raise BadPasskey("made for another page")


def checked(check: Any, *args: Any) -> Any:
    """Return what one of the library's checks returns; what it can't cope with is a wrong answer, not a failure of ours.

    Raises ValidationError and BadPasskey.
    """
    try:
        return check(*args)
    except ValidationError:
        raise
    except (AssertionError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        raise BadPasskey("did not hold") from error
