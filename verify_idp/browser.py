"""A browser without scripts: cookies per host, redirects, and forms posted as a person would press them."""

import re
from html import unescape
from types import TracebackType
from typing import Self

import httpx
from lxml import html

MOST_STEPS = 25


class Browser:
    """One person's browser."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.client = httpx.Client(base_url=base, timeout=20, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def open(self, address: str) -> httpx.Response:
        """Go there, and on wherever that leads."""
        return self.settle(self.client.get(address))

    def press(self, page: httpx.Response, action: str = "", **fields: str) -> httpx.Response:
        """Send a form of the page (the first whose address contains `action`), and go on."""
        return self.settle(self.send(page, action, **fields))

    def send(self, page: httpx.Response, action: str = "", **fields: str) -> httpx.Response:
        """Send a form of the page, and stop at the first answer."""
        form = next(one for one in forms(page) if action in (one.action or str(page.url)))
        hidden = {
            str(one.get("name")): str(one.get("value") or "")
            for one in form.iter("input")
            if one.get("type") == "hidden" and one.get("name")
        }
        target = str(page.url.join(form.action or ""))
        return self.client.post(target, data=hidden | fields, headers={"Referer": str(page.url)})

    def settle(self, answer: httpx.Response) -> httpx.Response:
        """Follow redirects, pages that go on by themselves, and a provider's page that posts its answer to us."""
        for _ in range(MOST_STEPS):
            onward = self._onward(answer)
            if onward is None:
                return answer
            answer = onward
        raise AssertionError(f"no end of redirects at {answer.url.path}")

    def _onward(self, answer: httpx.Response) -> httpx.Response | None:
        if answer.is_redirect:
            return self.client.get(answer.url.join(answer.headers["Location"]))
        refresh = re.search(r"url=(.+)", answer.headers.get("Refresh", ""))
        if refresh:
            return self.client.get(unescape(refresh[1]))
        posted = saml_answer(answer)
        return None if posted is None else self.post_from_elsewhere(*posted)

    def post_from_elsewhere(self, target: str, fields: dict[str, str]) -> httpx.Response:
        """Post as a page of another site does: cookies that are SameSite=Lax stay at home."""
        with httpx.Client(timeout=20, trust_env=False) as bare:
            return bare.post(target, data=fields)


def forms(page: httpx.Response) -> list[html.FormElement]:
    """Return the forms of a page."""
    if "html" not in page.headers.get("Content-Type", "") or not page.text.strip():
        return []
    return list(html.fromstring(page.text).forms)  # type: ignore[no-untyped-call]  # lxml has no types


def saml_answer(page: httpx.Response) -> tuple[str, dict[str, str]] | None:
    """Return where the page posts a SAML answer and with which fields, or None."""
    for form in forms(page):
        fields = {
            str(one.get("name")): str(one.get("value") or "")
            for one in form.iter("input")
            if one.get("name") in {"SAMLResponse", "RelayState"}
        }
        if "SAMLResponse" in fields and form.action:
            return str(page.url.join(form.action)), fields
    return None
