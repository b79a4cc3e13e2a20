"""MitID's shape by npm's samlp and by Debian's SimpleSAMLphp: signed requests, encrypted assertions, single logout."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from launcher.demo import free_port
from tests.journeys.product import Product
from verify_idp import keys, simplesamlphp
from verify_idp import portal as portals
from verify_idp.browser import Browser
from verify_idp.keys import Pair
from verify_idp.portal import Portal
from verify_idp.report import Report
from verify_idp.servers import Server, node

FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "audience": ({"audience": "https://somebody.else"}, "audience"),
    "issuer": ({"issuer": "https://somebody.else"}, "issuer"),
    "key": ({"signer": 2}, "signature"),
    "expired": ({"lifetime": -600}, "conditions"),
    "level of assurance": ({"loa": "Low"}, "assurance"),
    "status": ({"fail": True}, "status"),
}
"""What the provider is told to do -> the check that must find it."""
SUBSTANTIAL_LEVEL, HIGH_LEVEL = 3, 4
MODEL = "https://data.gov.dk/model/core/"


class Connection:
    """The portal at one SAML provider, connected with the commands that operators have."""

    def __init__(self, product: Product, slug: str) -> None:
        self.product, self.slug = product, slug
        self.pair = keys.make("portal")
        here = f"{product.address}/sign-in/{slug}"
        self.addresses = {
            "entity_id": f"{here}/metadata/",
            "acs": f"{here}/acs/",
            "slo": f"{here}/slo/",
            "certificate": self.pair.certificate,
        }

    def load(self, metadata: bytes, *trusted: Pair, options: tuple[str, ...] = ()) -> None:
        """Load the provider's metadata, naming every certificate."""
        file = self.product.folder / f"{self.slug}.xml"
        file.write_bytes(metadata)
        named = [part for pair in trusted for part in ("--fingerprint", pair.fingerprint)]
        self.product.manage("saml_provider", self.slug, str(file), *named, *options, "--apply")

    def finish(self) -> dict[str, str]:
        """Give the portal its key, and the clinic the provider; return the patient and the clinic."""
        files = self.product.folder / f"{self.slug}.key", self.product.folder / f"{self.slug}.crt"
        for file, text in zip(files, (self.pair.key, self.pair.certificate), strict=True):
            file.write_text(text)
        self.product.manage("saml_keys", self.slug, "--add", *map(str, files))
        return portals.connect(self.product, protocol="saml", country="DK", slug=self.slug)


class Flows:
    """What both providers are put through. `enter` is what the person does on the provider's page."""

    def __init__(
        self,
        portal: Portal,
        enter: Callable[[Browser, httpx.Response], httpx.Response],
        log_out_address: str,
    ) -> None:
        self.portal, self.enter, self.log_out_address = portal, enter, log_out_address

    def come_in(self, browser: Browser) -> httpx.Response:
        """Sign in from the clinic's page; return where that ended."""
        return self.enter(browser, self.portal.signs_in(browser))

    def signs_in(self) -> None:
        """To the patient's start page."""
        with self.portal.browser() as browser:
            self.portal.arrives(browser, self.come_in(browser))
        assert self.portal.last_assurance() == SUBSTANTIAL_LEVEL

    def signs_out(self) -> None:
        """Here first: the session at the provider ends, too."""
        with self.portal.browser() as browser:
            self.portal.arrives(browser, self.come_in(browser))
            page = browser.press(browser.open(f"/{self.portal.clinic}/my-page/"), "/sign-out/")
            assert page.url.path == f"/{self.portal.clinic}/signed-out/", f"ended at {page.url.path}"
            assert page.url.params.get("at") == self.portal.slug, f"the page says {page.url.query!r}"
            assert not self.portal.is_in(browser)

    def is_signed_out(self) -> None:
        """At the provider first: the session here ends, and the provider is told so."""
        with self.portal.browser() as browser:
            self.portal.arrives(browser, self.come_in(browser))
            page = browser.open(self.log_out_address)
            assert page.status_code == 200, f"{page.status_code} at {page.url.path}"
            assert str(page.url).startswith("http://127.0.0.1"), (
                f"the provider got no answer: {page.url.path}"
            )
            assert not self.portal.is_in(browser)

    def replays(self) -> None:
        """An answer opens nothing a second time."""
        with self.portal.browser() as browser, _Holding(self.portal) as holding:
            self.portal.arrives(holding, self.enter(holding, self.portal.signs_in(holding)))
            assert holding.posted is not None, "the provider posted nothing"
            page = browser.settle(browser.post_from_elsewhere(*holding.posted))
            assert page.status_code == 400, f"{page.status_code} at {page.url.path}"
            assert not self.portal.is_in(browser)

    def again(self, browser: Browser) -> httpx.Response:
        """Prove anew who one is, for the download of one's data."""
        clinic = self.portal.clinic
        page = browser.open(f"/{clinic}/prove-again/?for=download&next=/{clinic}/my-page/data/")
        return self.enter(browser, browser.press(page, f"/sign-in/{self.portal.slug}/again/"))


class _Holding(Browser):
    """A browser that remembers the provider's last answer."""

    def __init__(self, portal: Portal) -> None:
        super().__init__(portal.product.address)
        self.posted: tuple[str, dict[str, str]] | None = None

    def post_from_elsewhere(self, target: str, fields: dict[str, str]) -> httpx.Response:
        self.posted = (target, fields)
        return super().post_from_elsewhere(target, fields)


def run_samlp(product: Product, report: Report) -> None:
    """Every flow at npm's samlp."""
    pairs = [keys.make(name) for name in ("idp", "idp next", "stranger")]
    with _samlp(product, report.logs, pairs) as (connection, portal, server):
        flows = Flows(portal, lambda _browser, page: page, f"{server.base}/slo")

        def signs_out() -> None:
            server.control(forgetSessions=True)
            flows.signs_out()
            assert not server.control()["sessions"], "the session at the provider is still open"

        def is_signed_out() -> None:
            server.control(forgetSessions=True)
            flows.is_signed_out()

        def forged(changes: dict[str, Any], check: str) -> None:
            server.control(**changes)
            with portal.browser() as browser:
                portal.refuses(browser, portal.signs_in(browser), check)
            server.control()

        def steps_up() -> None:
            with portal.browser() as browser:
                portal.signs_in(browser)
                server.control(loa="High")
                portal.arrives(browser, flows.again(browser))
            server.control()
            assert portal.last_assurance() == HIGH_LEVEL, "the session is not surer than before"

        def downgrade() -> None:
            server.control(loa="High")
            with portal.browser() as browser:
                portal.signs_in(browser)
                server.control(loa="Substantial")
                page = flows.again(browser)
                assert page.status_code == 400, f"{page.status_code} at {page.url.path}"
            assert portal.last_failure() == "assurance", portal.last_failure()

        def rotates() -> None:
            server.control(signer=1)
            with portal.browser() as browser:
                portal.refuses(browser, portal.signs_in(browser), "signature")
                sent = portal.begins(browser)
                server.control(signer=1, published=[0, 1])
                connection.load(server.get("/metadata"), pairs[0], pairs[1])
                portal.arrives(browser, browser.settle(sent))
            server.control()
            flows.signs_in()

        report.run("samlp sign in", flows.signs_in)
        report.run("samlp the same answer twice", flows.replays)
        for forgery, (changes, check) in FORGERIES.items():
            report.run(f"samlp forged {forgery}", lambda c=changes, k=check: forged(c, k))  # type: ignore[misc]
        report.run("samlp second certificate between question and answer", rotates)
        report.run("samlp step-up", steps_up)
        report.run("samlp step-up that is not sure enough", downgrade)
        report.run("samlp sign out here", signs_out)
        report.run("samlp sign out at the provider", is_signed_out)


@contextmanager
def _samlp(product: Product, logs: Path, pairs: list[Pair]) -> Iterator[tuple[Connection, Portal, Server]]:
    connection, port = Connection(product, "verify-samlp"), free_port()
    here = connection.addresses
    people = portals.connect(product, protocol="", country="DK", slug="")
    values = {
        "port": port,
        "keys": [{"key": pair.key, "certificate": pair.certificate} for pair in pairs],
        "portal": {
            "entityId": here["entity_id"],
            "acs": here["acs"],
            "slo": here["slo"],
            "certificate": connection.pair.certificate,
            "publicKey": connection.pair.public_key,
        },
        "person": {
            "nameId": f"{MODEL}eid/person/uuid/1b3c2d4e-0000-4000-8000-000000000001",
            "attributes": {
                f"{MODEL}specVersion": "OIO-SAML-3.0",
                f"{MODEL}eid/cprNumber": people["national_id"],
                f"{MODEL}eid/firstName": people["given_name"],
                f"{MODEL}eid/lastName": people["family_name"],
                f"{MODEL}eid/dateOfBirth": people["birth_date"],
            },
        },
    }
    with Server("samlp", node("saml.cjs", values), port=port, logs=logs) as server:
        connection.load(server.get("/metadata"), pairs[0])
        known = connection.finish()
        yield connection, Portal(product, connection.slug, known["clinic"]), server


def run_simplesamlphp(product: Product, report: Report) -> None:
    """The flows that SimpleSAMLphp can be configured for, or a line that says why not."""
    reason = simplesamlphp.missing()
    if reason:
        report.skip("simplesamlphp", reason)
        return
    folder, port = product.folder / "simplesamlphp", free_port()
    pairs = [keys.make("idp"), keys.make("idp next")]
    connection = Connection(product, "verify-simplesamlphp")
    person = portals.connect(product, protocol="", country="DK", slug="")

    def configure(*signing_first: Pair) -> None:
        simplesamlphp.write(
            folder, port=port, keys=list(signing_first), portal=connection.addresses, person=person
        )

    configure(pairs[0])
    with simplesamlphp.server(folder, port=port, logs=report.logs) as server:
        metadata = "/saml2/idp/metadata.php"
        connection.load(server.get(metadata), pairs[0], options=("--allow-cbc",))
        known = connection.finish()
        portal = Portal(product, connection.slug, known["clinic"])
        leave = f"{server.base}/saml2/idp/initSLO.php?RelayState={server.base}/saml2/idp/metadata.php"
        flows = Flows(portal, _types_password, leave)

        def rotates() -> None:
            with portal.browser() as browser:
                page = portal.signs_in(browser)
                configure(*pairs)
                connection.load(server.get(metadata), *pairs, options=("--allow-cbc",))
                configure(*reversed(pairs))
                portal.arrives(browser, _types_password(browser, page))
            configure(pairs[1])
            connection.load(server.get(metadata), pairs[1], options=("--allow-cbc",))
            flows.signs_in()

        def needs_cbc() -> None:
            connection.load(server.get(metadata), pairs[0])
            try:
                with portal.browser() as browser:
                    portal.refuses(browser, flows.come_in(browser), "encryption")
            finally:
                connection.load(server.get(metadata), pairs[0], options=("--allow-cbc",))

        report.run("simplesamlphp sign in", flows.signs_in)
        report.run("simplesamlphp AES-CBC where it was not agreed", needs_cbc)
        report.run("simplesamlphp the same answer twice", flows.replays)
        report.run("simplesamlphp sign out here", flows.signs_out)
        report.run("simplesamlphp sign out at the provider", flows.is_signed_out)
        report.run("simplesamlphp second certificate between question and answer", rotates)


def _types_password(browser: Browser, page: httpx.Response) -> httpx.Response:
    """Sign in on the provider's page."""
    assert "password" in page.text, f"no sign-in page at {page.url.path}"
    return browser.press(page, username=simplesamlphp.USER, password=simplesamlphp.PASSWORD)
