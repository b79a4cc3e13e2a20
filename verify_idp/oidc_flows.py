"""BankID's shape by npm's oidc-provider: pushed request, PKCE, private_key_jwt, ES256."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from launcher.demo import free_port
from tests.journeys.product import Product
from verify_idp import portal as portals
from verify_idp.portal import Portal
from verify_idp.report import Report
from verify_idp.servers import Server, node

SLUG, CLIENT = "verify-oidc", "venterom-verify"
HIGH, SUBSTANTIAL = "urn:bankid:bid;LOA=4", "urn:bankid:bis;LOA=3"
HIGH_LEVEL, SUBSTANTIAL_LEVEL = 4, 3
FORGERIES = {
    "audience": "aud",
    "issuer": "iss",
    "key": "signature",
    "expired": "exp",
    "nonce": "nonce",
    "acr": "acr",
}
"""What is wrong with the token -> the check that must find it."""


@contextmanager
def running(product: Product, logs: Path) -> Iterator[tuple[Portal, Server]]:
    """Start the provider and connect the portal with it."""
    port, key = free_port(), ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    known = portals.connect(
        product,
        protocol="oidc",
        country="NO",
        slug=SLUG,
        issuer=f"http://127.0.0.1:{port}",
        client_id=CLIENT,
        private_key=pem,
        private_key_id="portal",
    )
    command = node("oidc.mjs", _values(product, port, known, key))
    with Server("oidc-provider", command, port=port, logs=logs) as server:
        yield Portal(product, SLUG, known["clinic"]), server


def _values(
    product: Product, port: int, known: dict[str, str], key: ec.EllipticCurvePrivateKey
) -> dict[str, Any]:
    public: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    name = hashlib.sha256(known["national_id"].encode()).hexdigest()[:16]
    return {
        "port": port,
        "clientId": CLIENT,
        "redirectUri": f"{product.address}/sign-in/{SLUG}/callback/",
        "afterLogout": f"{product.address}/sign-in/{SLUG}/logged-out/",
        "backChannel": f"{product.address}/sign-in/{SLUG}/back-channel/",
        "clientKey": public | {"kid": "portal", "alg": "ES256", "use": "sig"},
        "acr": SUBSTANTIAL,
        "accountId": name,
        "person": {
            "bankid_altsub": f"9578-{name}",
            "nnin_altsub": known["national_id"],
            "name": f"{known['given_name']} {known['family_name']}",
            "given_name": known["given_name"],
            "family_name": known["family_name"],
            "birthdate": known["birth_date"],
        },
    }


def run(product: Product, report: Report) -> None:
    """Run every flow."""
    with running(product, report.logs) as (portal, server):
        flows = Flows(portal, server)
        report.run("oidc-provider sign in", flows.signs_in)
        report.run("oidc-provider the browser carries a handle only", flows.pushes)
        report.run("oidc-provider cancel", flows.cancels)
        report.run("oidc-provider the same answer twice", flows.replays)
        report.run("oidc-provider answer in another browser", flows.other_browser)
        for forgery, check in FORGERIES.items():
            report.run(f"oidc-provider forged {forgery}", lambda f=forgery, c=check: flows.forged(f, c))  # type: ignore[misc]
        report.run("oidc-provider new key between question and answer", flows.rotates)
        report.run("oidc-provider step-up", flows.steps_up)
        report.run("oidc-provider step-up that is not sure enough", flows.downgrade)
        report.run("oidc-provider sign out here and at the provider", flows.signs_out)
        report.run("oidc-provider sign out here and stay at the provider", flows.stays)
        report.run("oidc-provider sign out there, and so here", flows.signs_out_there)


class Flows:
    """The flows, each with a browser of its own."""

    def __init__(self, portal: Portal, server: Server) -> None:
        self.portal, self.server = portal, server

    def signs_in(self) -> None:
        """To the patient's start page."""
        self.server.control(acr=SUBSTANTIAL)
        with self.portal.browser() as browser:
            self.portal.arrives(browser, self.portal.signs_in(browser))
        assert self.portal.last_assurance() == SUBSTANTIAL_LEVEL

    def pushes(self) -> None:
        """RFC 9126: nothing about the sign-in stands in the address."""
        with self.portal.browser() as browser:
            asked = set(httpx.URL(self.portal.begins(browser).headers["Location"]).params)
        assert asked == {"client_id", "request_uri"}, f"the address holds {sorted(asked)}"

    def cancels(self) -> None:
        """A friendly page, nobody signed in."""
        self.server.control(acr="cancel")
        with self.portal.browser() as browser:
            page = self.portal.signs_in(browser)
            assert page.status_code == 200, f"{page.status_code} at {page.url.path}"
            assert not self.portal.is_in(browser)
        self.server.control(acr=SUBSTANTIAL)

    def replays(self) -> None:
        """The callback's address opens nothing a second time, also not in the browser that it belongs to."""
        with self.portal.browser() as browser:
            answer = self._answer(browser)
            self.portal.arrives(browser, browser.open(answer))
            again = browser.open(answer)
            assert again.status_code == 400, f"{again.status_code} for a used answer"

    def other_browser(self) -> None:
        """An answer that somebody else is led to opens nothing."""
        with self.portal.browser() as browser, self.portal.browser() as other:
            answer = self._answer(browser)
            other.open(f"/{self.portal.clinic}/")
            page = other.open(answer)
            assert page.status_code == 400, f"{page.status_code} in another browser"
            assert not self.portal.is_in(other)

    def forged(self, forgery: str, check: str) -> None:
        """One thing in the token is wrong."""
        self.server.control(forge=forgery)
        with self.portal.browser() as browser:
            self.portal.refuses(browser, self.portal.signs_in(browser), check)
        self.server.control()

    def rotates(self) -> None:
        """The provider signs with another key when the code is redeemed than when the browser was sent to it."""
        with self.portal.browser() as browser:
            answer = self._answer(browser)
            self.server.control(rotate=True)
            self.portal.arrives(browser, browser.open(answer))

    def steps_up(self) -> None:
        """Download of one's own data asks for more, and gets it."""
        with self.portal.browser() as browser:
            self.portal.signs_in(browser)
            self.server.control(acr=HIGH)
            page = self._again(browser)
            self.portal.arrives(browser, page)
        assert self.portal.last_assurance() == HIGH_LEVEL, "the session is not surer than before"
        self.server.control(acr=SUBSTANTIAL)

    def downgrade(self) -> None:
        """A provider that answers with less than was asked for changes nothing."""
        self.server.control(acr=HIGH)
        with self.portal.browser() as browser:
            self.portal.signs_in(browser)
            self.server.control(acr=SUBSTANTIAL)
            page = self._again(browser)
            assert page.status_code == 400, f"{page.status_code} at {page.url.path}"
        assert self.portal.last_failure() == "acr", self.portal.last_failure()

    def signs_out(self) -> None:
        """The session here is over at once; the provider takes the posted ID token and sends the browser back."""
        with self.portal.browser() as browser:
            leaving = self._leaves(browser)
            assert not self.portal.is_in(browser)
            asked = browser.press(leaving, "/session/end")
            assert asked.status_code == 200, f"{asked.status_code} at {asked.url.path}: {asked.text[:200]}"
            assert asked.url.host == "127.0.0.1", f"not at the provider but at {asked.url.path}"
            assert not asked.url.query, "the address holds something"
            done = browser.press(asked, "/session/end/confirm", logout="yes")
            assert str(done.url).endswith(f"/signed-out/?at={SLUG}"), f"{done.status_code} at {done.url.path}"

    def stays(self) -> None:
        """Whoever goes no further than our page is signed out here all the same."""
        with self.portal.browser() as browser:
            leaving = self._leaves(browser)
            assert f"/{self.portal.clinic}/signed-out/" in leaving.text
            assert not self.portal.is_in(browser)

    def signs_out_there(self) -> None:
        """The provider calls us: that browser's session ends, another's at the same provider stays."""
        before = self.server.control()
        with self.portal.browser() as browser, self.portal.browser() as other:
            self.portal.signs_in(browser)
            self.portal.signs_in(other)
            asked = browser.open(f"{self.server.base}/session/end")
            browser.press(asked, "/session/end/confirm", logout="yes")
            said = self.server.control()
            assert said == before | {"told": before["told"] + 1}, f"the provider was answered: {said}"
            assert not self.portal.is_in(browser)
            assert self.portal.is_in(other)

    def _leaves(self, browser: Any) -> Any:
        """Sign in and out; return the page that leads on to the provider."""
        self.portal.signs_in(browser)
        start = browser.open(f"/{self.portal.clinic}/my-page/")
        leaving = browser.press(start, "/sign-out/")
        assert "/leave/" in leaving.url.path, f"{leaving.status_code} at {leaving.url.path}"
        return leaving

    def _again(self, browser: Any) -> Any:
        page = browser.open(
            f"/{self.portal.clinic}/prove-again/?for=download&next=/{self.portal.clinic}/my-page/data/"
        )
        return browser.press(page, f"/sign-in/{SLUG}/again/")

    def _answer(self, browser: Any) -> str:
        """Sign in at the provider, and return the address with which it sends the browser back, unopened."""
        answer = self.portal.begins(browser)
        while not answer.headers["Location"].startswith(self.portal.product.address):
            answer = browser.client.get(answer.url.join(answer.headers["Location"]))
        return str(answer.headers["Location"])
