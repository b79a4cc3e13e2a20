"""Puts what was typed back into the form of a page that is shown again.

Works on the finished page, so that no form and no view needs to know: whatever a browser would have sent is ticked,
chosen and filled in again, in plain HTML, also without scripts. The rest of the page stays as it is, byte for byte.
"""

from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

Fields = list[tuple[str, str]]
_NEVER = {"file", "password", "submit", "button", "image", "reset"}
_TICKED = {"checkbox", "radio"}


@dataclass(slots=True)
class _Control:
    """A tag of a form: where it stands in the page, and what it is."""

    tag: str
    attrs: dict[str, str | None]
    start: int
    end: int
    """Just behind the tag; of a textarea, where its text begins."""
    text_end: int = 0
    """Where a textarea's text ends."""
    select: str = ""
    """Name of the list that an option belongs to."""


@dataclass(slots=True)
class _Form:
    start: int
    end: int
    attrs: dict[str, str | None]
    actions: set[str]
    controls: list[_Control] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Filled:
    """The page with the form filled in, and what found no place on it."""

    html: str
    rest: Fields


class _Reader(HTMLParser):
    """Collects the forms that post."""

    def __init__(self, page: str, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.forms: list[_Form] = []
        self._form: _Form | None = None
        self._select = ""
        self._textarea: _Control | None = None
        self._lines = [0]
        for line in html.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self.feed(html)

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given, start = dict(attrs), self._here()
        end = start + len(self.get_starttag_text() or "")
        if tag == "form":
            is_post = (given.get("method") or "").lower() == "post"
            self._form = _Form(start, end, given, set()) if is_post else None
            if self._form:
                self.forms.append(self._form)
                self._form.actions.add(self._path(given.get("action")))
                if given.get("hx-post"):
                    self._form.actions.add(self._path(given["hx-post"]))
        elif self._form is not None:
            self._control(self._form, tag, given, start, end)

    def _control(self, form: _Form, tag: str, given: dict[str, str | None], start: int, end: int) -> None:
        if tag == "select":
            self._select = given.get("name") or ""
        for where in ("formaction", "hx-post"):
            if given.get(where):
                form.actions.add(self._path(given[where]))
        if tag in {"input", "textarea", "option"} and "disabled" not in given:
            control = _Control(tag, given, start, end, select=self._select)
            form.controls.append(control)
            self._textarea = control if tag == "textarea" else self._textarea

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._textarea:
            self._textarea.text_end, self._textarea = self._here(), None

    def _path(self, action: str | None) -> str:
        return urlsplit(urljoin(self.page, action or "")).path or "/"


def fill(html: str, *, page: str, action: str, fields: Fields) -> Filled:
    """Return the page with the form that is sent to `action` (a path) filled in; `page` is the page's own path."""
    forms = [one for one in _Reader(page, html).forms if action in one.actions]
    if not forms:
        return Filled(html, fields)
    names = {name for name, _value in fields}
    form = max(forms, key=lambda one: len(names & {_name(control) for control in one.controls}))
    rest, edits = list(fields), [(form.end - 1, form.end, " data-kept>")]
    for control in form.controls:
        if _name(control) and control.attrs.get("type") not in _NEVER:
            edits += _edits(control, rest, html)
    for start, end, text in sorted(edits, reverse=True):
        html = html[:start] + text + html[end:]
    return Filled(html, rest)


def _name(control: _Control) -> str:
    return control.select if control.tag == "option" else control.attrs.get("name") or ""


def _edits(control: _Control, rest: Fields, html: str) -> list[tuple[int, int, str]]:
    """Return what to write where for this control; what it took is gone from `rest`."""
    name = _name(control)
    if name == "csrfmiddlewaretoken":
        return []
    if control.tag == "option" or control.attrs.get("type") in _TICKED:
        value = control.attrs.get("value")
        pair = (name, "on" if value is None else value)
        mark = "selected" if control.tag == "option" else "checked"
        return [_tag(control, mark, "" if _take(rest, pair) else None)]
    found = next((pair for pair in rest if pair[0] == name), None)
    if found is None:
        return []
    rest.remove(found)
    if control.tag == "textarea":
        return [(control.end, control.text_end or control.end, "\n" + escape(found[1], quote=False))]
    return [_tag(control, "value", found[1])]


def _take(rest: Fields, pair: tuple[str, str]) -> bool:
    if pair not in rest:
        return False
    rest.remove(pair)
    return True


def _tag(control: _Control, attribute: str, value: str | None) -> tuple[int, int, str]:
    """Return the tag anew with this attribute; None takes it away."""
    attrs = {name: given for name, given in control.attrs.items() if name != attribute}
    if value is not None:
        attrs[attribute] = value
    written = "".join(
        f" {name}" if given is None else f' {name}="{escape(given)}"' for name, given in attrs.items()
    )
    return control.start, control.end, f"<{control.tag}{written}>"
