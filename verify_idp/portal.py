"""The portal as a patient and an operator meet it in these flows."""

import json
from typing import Any

import httpx
import psycopg

from tests.journeys.product import Product
from verify_idp.browser import Browser


class Portal:
    """A running product, one of its clinics, and one provider by our name for it."""

    def __init__(self, product: Product, slug: str, clinic: str) -> None:
        self.product, self.slug, self.clinic = product, slug, clinic

    def browser(self) -> Browser:
        """Return a new browser."""
        return Browser(self.product.address)

    def begins(self, browser: Browser) -> httpx.Response:
        """Choose the provider on the clinic's front page; return the redirect that leads to it."""
        front = browser.open(f"/{self.clinic}/")
        return browser.send(front, f"/sign-in/{self.slug}/")

    def signs_in(self, browser: Browser) -> httpx.Response:
        """The same, and on until there is nothing to follow."""
        return browser.settle(self.begins(browser))

    def is_in(self, browser: Browser) -> bool:
        """Return whether the start page opens for this browser, whose details were asked about at most."""
        page = browser.open(f"/{self.clinic}/start/")
        return page.status_code == 200 and str(page.url.path) in {
            f"/{self.clinic}/start/",
            f"/{self.clinic}/check/",
        }

    def arrives(self, browser: Browser, page: httpx.Response) -> None:
        """The sign-in ended on the patient's start page, or on the question about contact details before it."""
        assert page.status_code == 200, f"{page.status_code} at {page.url.path}: {self.last_failure()}"
        assert self.is_in(browser), f"nobody is signed in, and the page is {page.url.path}"

    def refuses(self, browser: Browser, page: httpx.Response, check: str) -> None:
        """The sign-in ended on the calm page, for this reason in the audit trail, and nobody is signed in."""
        assert page.status_code == 400, f"{page.status_code} at {page.url.path}, expected a refusal"
        assert not self.is_in(browser), "somebody is signed in"
        found = self.last_failure()
        assert found == check, f"refused for {found!r}, expected {check!r}"

    def last_failure(self) -> str:
        """Return the check that the last refused sign-in failed."""
        return str(self._last("auth.fail").get("check", ""))

    def last_assurance(self) -> int:
        """Return how sure the last sign-in was."""
        return int(self._last("auth.success").get("assurance", 0))

    def _last(self, action: str) -> dict[str, Any]:
        with psycopg.connect(self.product.environment["DATABASE_URL"]) as connection:
            row = connection.execute(
                "SELECT details FROM portal_auditevent WHERE action = %s ORDER BY id DESC LIMIT 1", [action]
            ).fetchone()
        return dict(row[0]) if row else {}


def connect(product: Product, **values: object) -> dict[str, str]:
    """Connect a provider; return the patient's data and the clinic's address."""
    said = product.python("-m", "verify_idp.connect", json.dumps(values)).stdout.splitlines()[-1]
    known: dict[str, str] = json.loads(said)
    return known
