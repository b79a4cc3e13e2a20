"""A page of patients made to be looked at by somebody else: what is pressed there does nothing here."""

from html import escape
from html.parser import HTMLParser

_CONTROLS = {"button", "input", "select", "textarea"}
_LIVELY = ("hx-", "data-times", "data-version", "autofocus")
"""Attributes by which a page acts on its own."""


def still(html: str, *, leads_on: str = "", carries: str = "") -> str:
    """Return the HTML without forms and with nothing to press but links below the address `leads_on`.

    Those get the query `carries`. A link without an address is read, and neither pressed nor reached by keyboard.
    """
    page = _Still(leads_on, carries)
    page.feed(html)
    page.close()
    return "".join(page.parts)


class _Still(HTMLParser):
    def __init__(self, leads_on: str, carries: str) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._leads_on, self._carries = leads_on, carries

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            return
        kept = [(name, value) for name, value in attrs if not name.startswith(_LIVELY)]
        if tag in {"a", "area"}:
            kept = [(name, self._way(value or "") if name == "href" else value) for name, value in kept]
            kept = [(name, value) for name, value in kept if name != "href" or value]
        if tag in _CONTROLS:
            kept.append(("disabled", None))
        self.parts.append((self.get_starttag_text() or "") if kept == attrs else _written(tag, kept))

    handle_startendtag = handle_starttag

    def _way(self, address: str) -> str:
        """Return where a link leads here; empty for nowhere."""
        here, _, _query = address.partition("?")
        if not self._leads_on or here not in {"", self._leads_on}:
            return ""
        if not self._carries:
            return address
        return f"{address}{'&' if '?' in address else '?'}{self._carries}"

    def handle_endtag(self, tag: str) -> None:
        if tag != "form":
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")


def _written(tag: str, attributes: list[tuple[str, str | None]]) -> str:
    words = "".join(
        f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in attributes
    )
    return f"<{tag}{words}>"
