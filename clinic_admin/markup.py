"""The few things a clinic's text can do: paragraphs, lists, bold, links. Everything else is shown as it was typed.

A blank line begins a new paragraph; lines that begin with "- " are a list; **two stars** make bold; an address that
begins with https:// is a link. Nothing that was typed reaches the page unescaped, so there is no HTML to get through.
"""

import re
from collections.abc import Iterable
from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_PARTS = re.compile(r"(\*\*(?!\s)[^*\n]+?(?<!\s)\*\*|https://[^\s<>\"'*]+)")
_ADDRESS = re.compile(r"https://[^\s<>\"'*]+")
_ITEM = "- "


def rendered(text: str) -> SafeString:
    """Return the text as HTML that holds only p, br, ul, li, strong and a."""
    blocks = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip())
    return _joined(_block(block) for block in blocks if block.strip())


def _block(block: str) -> SafeString:
    lines = [line.strip() for line in block.split("\n") if line.strip()]
    return _joined(
        _list(group) if is_list else _paragraph(group)
        for is_list, group in groupby(lines, key=lambda line: line.startswith(_ITEM))
    )


def _list(lines: Iterable[str]) -> SafeString:
    return format_html(
        "<ul>{}</ul>",
        format_html_join("", "<li>{}</li>", ((_inline(line.removeprefix(_ITEM)),) for line in lines)),
    )


def _paragraph(lines: Iterable[str]) -> SafeString:
    return format_html(
        "<p>{}</p>", format_html_join(SafeString("<br>"), "{}", ((_inline(line),) for line in lines))
    )


def _inline(text: str) -> SafeString:
    return _joined(_part(part) for part in _PARTS.split(text) if part)


def _part(part: str) -> SafeString:
    if part.startswith("https://"):
        return _link(part)
    if _PARTS.fullmatch(part):
        return format_html("<strong>{}</strong>", _with_links(part[2:-2]))
    return format_html("{}", part)


def _with_links(text: str) -> SafeString:
    return _joined(
        _link(part) if _ADDRESS.fullmatch(part) else format_html("{}", part)
        for part in re.split(f"({_ADDRESS.pattern})", text)
        if part
    )


def _link(address: str) -> SafeString:
    """Return a link; a full stop or bracket that ends the sentence is not part of it."""
    bare = address.rstrip(".,;:!?)]")
    if len(bare) <= len("https://"):
        return format_html("{}", address)
    return format_html('<a href="{}" rel="noopener">{}</a>{}', bare, bare, address[len(bare) :])


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
