"""An identity provider of the tests' own: it signs what it is told to, and answers as badly as it is told to."""

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import reverse
from jwt.algorithms import ECAlgorithm

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import national_id
from identity.choices import Assurance, ClientAuth, Method
from identity.demo_idp import keys
from identity.models import ClinicIdentityProvider, IdentityProvider
from patients.models import Patient
from tests.build import make_patient
from tests.patients.build_contact import confirmed

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ISSUER = "https://idp.example/realms/current"
CLIENT_ID = "venterom-test"
NONCE = "the-nonce-of-this-sign-in"
ACCESS_TOKEN = "an-access-token"
BORN = date(1988, 4, 14)
NUMBER = national_id.make_synthetic(Country.NORWAY, BORN, serial=71)
OTHER_NUMBER = national_id.make_synthetic(Country.NORWAY, date(1970, 1, 2), serial=72)
HIGH, SUBSTANTIAL = "urn:bankid:bid;LOA=4", "urn:bankid:bis;LOA=3"


def provider_row(**values: Any) -> IdentityProvider:
    """Return an unsaved row shaped like BankID's."""
    values.setdefault("slug", "bankid-test")
    values.setdefault("issuer", ISSUER)
    key = keys.client_key("test-client")
    defaults = {
        "country": Country.NORWAY,
        "method": Method.BANKID,
        "name": "BankID",
        "client_id": CLIENT_ID,
        "client_auth": ClientAuth.KEY,
        "private_key": keys.pem(key),
        "private_key_id": "test-client-key",
        "scopes": "openid profile nnin_altsub",
        "acr_request": "urn:bankid:bid",
        "acr_map": {HIGH: int(Assurance.HIGH), SUBSTANTIAL: int(Assurance.SUBSTANTIAL)},
        "nid_claim": "nnin_altsub",
        "stable_id_claim": "bankid_altsub",
        "allowed_algs": ["ES256"],
        "use_par": True,
    }
    return IdentityProvider(**(defaults | values))


def id_claims(now: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """Return the claims of a good token; a change to None takes the claim away."""
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "azp": CLIENT_ID,
        "typ": "ID",
        "sub": "0a1b2c3d",
        "bankid_altsub": "9578-5999-4-1234567",
        "nnin_altsub": NUMBER,
        "name": "Line Danser",
        "given_name": "Line",
        "family_name": "Danser",
        "birthdate": BORN.isoformat(),
        "acr": HIGH,
        "amr": ["bid"],
        "nonce": NONCE,
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 300,
        "at_hash": at_hash(ACCESS_TOKEN),
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def at_hash(access_token: str) -> str:
    """Return what OpenID Connect Core 3.1.3.6 says for a SHA-256 algorithm."""
    return base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()[:16]).rstrip(b"=").decode()


class Signer:
    """A key of a provider."""

    def __init__(self, kid: str = "key-1") -> None:
        self.kid = kid
        self.key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """Return a signed token; a header of None is left out."""
        named = {"kid": self.kid, "typ": "JWT"} | headers
        return jwt.PyJWS().encode(
            json.dumps(claims).encode(),
            self.key,
            algorithm="ES256",
            headers={name: value for name, value in named.items() if value is not None},
        )

    def jwk(self) -> dict[str, Any]:
        """Return the public half."""
        public: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return public | {"kid": self.kid, "alg": "ES256", "use": "sig"}


class FakeIdp:
    """A provider on this machine. Every answer can be replaced: `answers[path] = (status, headers, body)`."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://localhost:{port}"
        self.signer = Signer()
        self.keys = [self.signer.jwk()]
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.pushed: list[dict[str, str]] = []
        self.redeemed: list[dict[str, str]] = []
        self.counts: dict[str, int] = {}
        self.delay: threading.Event | None = None

    @property
    def question(self) -> dict[str, str]:
        """Return the request that was pushed last."""
        return self.pushed[-1]

    def reply(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Answer one request."""
        self.counts[path] = self.counts.get(path, 0) + 1
        self._note(path, form)
        if path in self.answers:
            return self.answers[path]
        if path == "/par":
            return self._json({"request_uri": f"urn:test:{len(self.pushed)}", "expires_in": 60}, 201)
        known = {
            "/.well-known/openid-configuration": lambda: self._discovery() | self.metadata,
            "/jwks": lambda: {"keys": self.keys},
            "/token": self._tokens,
        }
        return self._json(known[path]()) if path in known else self._json({"error": "not_found"}, 404)

    def _note(self, path: str, form: dict[str, str]) -> None:
        if path == "/par":
            self.pushed.append(form)
        if path == "/token":
            self.redeemed.append(form)
            if self.delay:
                self.delay.wait(20)

    def _tokens(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        claims = id_claims(now, iss=self.issuer, nonce=self.question["nonce"]) | self.claims
        return {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": self.signer.sign(claims)}

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "pushed_authorization_request_endpoint": f"{self.issuer}/par",
            "authorization_response_iss_parameter_supported": True,
        }

    @staticmethod
    def _json(body: dict[str, Any], status: int = 200) -> tuple[int, dict[str, str], bytes]:
        return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


@contextlib.contextmanager
def running_idp() -> Iterator[FakeIdp]:
    """Serve a FakeIdp until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            form = dict(parse_qsl(self.rfile.read(length).decode()))
            status, headers, body = idp.reply(self.path.split("?")[0], form)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = _serve  # noqa: N815  names of the standard library

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    idp = FakeIdp(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield idp
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def connect(clinic: Clinic, idp: FakeIdp, **values: Any) -> IdentityProvider:
    """Let the clinic's patients sign in there."""
    provider = provider_row(issuer=idp.issuer, **values)
    provider.save()
    ClinicIdentityProvider.objects.create(clinic=clinic, provider=provider)
    return provider


def record_for(clinic: Clinic, number: str = NUMBER) -> Patient:
    """Store the clinic's record of the person with this number."""
    parsed = national_id.parse(number, clinic.country)
    return confirmed(
        make_patient(
            clinic,
            national_id=parsed.number,
            national_id_index=national_id.index(parsed),
            given_name="Line",
            email="line@x.example",
        )
    )


def begin(client: Client, clinic: Clinic, slug: str = "bankid-test", **form: str) -> Any:
    """Post the form of the clinic's front page."""
    return client.post(reverse("identity:sign_in", args=[clinic.portal_identifier, slug]), form)


def come_back(client: Client, idp: FakeIdp, slug: str = "bankid-test", **changes: str | None) -> Any:
    """Bring the provider's answer to the callback address; a change to None leaves a parameter out."""
    sent = {"code": "code-1", "state": idp.question["state"], "iss": idp.issuer} | changes
    given = {name: value for name, value in sent.items() if value is not None}
    return client.get(reverse("identity_callback", args=[slug]), given)


def enter(client: Client, clinic: Clinic) -> Any:
    """Follow the last redirect: the page that opens the session."""
    return client.get(reverse("home:signed_in", args=[clinic.portal_identifier]))
