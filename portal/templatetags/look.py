"""Parts of pages as tags. Each is shown in every variant at /dev/components/ during development.

Tags with an end tag take what stands between them, already rendered. Everything else is escaped.
Words come in already translated: `{% tag _("Waiting") "info" %}`, or through `{% translate "Waiting" as word %}`.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.paginator import Page
from django.forms import BaseForm, BaseFormSet, BoundField
from django.template import Context
from django.template.loader import render_to_string
from django.templatetags.static import PrefixNode
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from portal.look import icons
from portal.look.day import DayCalendar
from portal.look.times import TimeChoice, TimeDay, TimeState

register = template.Library()

KINDS = {"info": "info", "success": "check-circle", "warning": "alert", "danger": "cross-circle"}
HUES = 4


def _render(name: str, **words: Any) -> SafeString:
    return render_to_string(f"components/{name}.html", words)


@register.simple_tag
def asset(path: str) -> str:
    """Address of a static file; the plain one where files aren't collected, so that error pages never fail on it."""
    try:
        return str(staticfiles_storage.url(path))
    except ValueError:
        return str(PrefixNode.handle_simple("STATIC_URL")) + path


@register.simple_tag
def icon(name: str, title: str = "", size: str = "") -> SafeString:
    """An icon of portal/look/icons.json. Silent for screen readers unless it has a title. size: "", "sm", "lg"."""
    return _icon(name, str(title), size)


@lru_cache(maxsize=1024)
def _icon(name: str, title: str, size: str) -> SafeString:
    shape = mark_safe(icons.drawing(name))  # noqa: S308 - our own build wrote it
    sized = format_html(' data-size="{}"', size) if size else ""
    if title:
        return format_html(
            '<svg class="icon"{} viewBox="0 0 24 24" role="img"><title>{}</title>{}</svg>',
            sized,
            title,
            shape,
        )
    return format_html(
        '<svg class="icon"{} viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', sized, shape
    )


@register.simple_block_tag
def alert(content: str, kind: str = "info", title: str = "", role: str = "") -> SafeString:
    """A message that stands out. kind: info, success, warning, danger; role: "status" or "alert" when it arrives late."""
    return _render("alert", content=content, kind=kind, sign=KINDS[kind], title=title, role=role)


@register.simple_block_tag
def card(
    content: str, title: str = "", icon: str = "", level: int = 2, tint: str = "", id: str = ""
) -> SafeString:
    """A quiet surface. tint: "", "accent", "warm", "quiet"; level: of the title's heading."""
    return _render("card", content=content, title=title, icon=icon, level=level, tint=tint, id=id)


@register.inclusion_tag("components/tile.html")
def tile(
    url: str, title: str, text: str = "", icon: str = "arrow-right", tag: str = "", shut: bool = False
) -> dict[str, Any]:
    """A big way on. Shut (or without an address) it says why in `text` and leads nowhere."""
    return {"url": "" if shut else url, "title": title, "text": text, "icon": icon, "tag": tag}


@register.inclusion_tag("components/nav_item.html", takes_context=True)
def nav_item(
    context: Context, url: str, text: str, *also: str, icon: str = "", count: int = 0, exact: bool = False
) -> dict[str, Any]:
    """An entry of a menu, marked when the page is it or below it, or below one of `also`. Without an address there is
    nothing."""
    return {
        "url": url,
        "text": text,
        "icon": icon,
        "count": count,
        "current": _current(context, url, exact=exact)
        or ("true" if any(_current(context, one, exact=False) for one in also) else ""),
    }


def _current(context: Context, url: str, *, exact: bool) -> str:
    request = context.get("request")
    if request is None or not url:
        return ""
    here, there = request.path, url.split("?")[0]
    if here == there:
        return "page"
    return "true" if not exact and there != "/" and here.startswith(there) else ""


@register.simple_block_tag
def tabs(content: str, label: str) -> SafeString:
    """Links between pages that belong together; holds `{% tab %}`."""
    return _render("tabs", content=content, label=label)


@register.inclusion_tag("components/tab.html", takes_context=True)
def tab(
    context: Context, url: str, text: str, count: int | None = None, current: bool | None = None
) -> dict[str, Any]:
    """One of the tabs; current is found from the address unless said."""
    found = bool(_current(context, url, exact=True)) if current is None else current
    return {"url": url, "text": text, "count": count, "current": found}


@register.simple_block_tag
def table(content: str, caption: str, stacks: bool = True, hide_caption: bool = False) -> SafeString:
    """A table: `<thead>` and `<tbody>` inside. On phones rows become cards when each td has data-label."""
    return _render("table", content=content, caption=caption, stacks=stacks, hide_caption=hide_caption)


@register.simple_block_tag
def dialog(content: str, id: str, title: str) -> SafeString:
    """A dialog that `{% dialog_link %}` opens. What it asks also stands on the page the link leads to."""
    return _render("dialog", content=content, id=id, title=title)


@register.inclusion_tag("components/dialog_link.html")
def dialog_link(
    dialog: str, url: str, text: str, variant: str = "secondary", icon: str = ""
) -> dict[str, Any]:
    """Opens the dialog with this id; without scripts a plain link to `url`."""
    return {"dialog": dialog, "url": url, "text": text, "variant": variant, "icon": icon}


@register.inclusion_tag("components/empty.html")
def empty(title: str, text: str = "", icon: str = "inbox", url: str = "", action: str = "") -> dict[str, Any]:
    """What stands where nothing is yet: what will come here, and the way to make it come."""
    return {"title": title, "text": text, "icon": icon, "url": url, "action": action}


@register.inclusion_tag("components/tag.html")
def tag(text: str, kind: str = "", icon: str = "") -> dict[str, Any]:
    """A short state. kind: "", info, success, warning, danger, accent, warm."""
    return {"text": text, "kind": kind, "icon": icon}


@register.simple_tag
def count(number: int, label: str = "") -> SafeString:
    """A number in a dot, read aloud with its label. Nothing at zero."""
    if not number:
        return SafeString("")
    if label:
        return format_html(
            '<span class="count"><span aria-hidden="true">{}</span>'
            '<span class="visually-hidden">{} {}</span></span>',
            number,
            number,
            label,
        )
    return format_html('<span class="count">{}</span>', number)


@register.inclusion_tag("components/avatar.html")
def avatar(name: str, photo: str = "", size: str = "") -> dict[str, Any]:
    """A photo, or initials on a colour that is always the same for the same name. size: "", "sm", "lg"."""
    words = [word for word in name.replace(".", " ").split() if word[:1].isalpha()]
    initials = "".join(word[0] for word in ([words[0], words[-1]] if len(words) > 1 else words)).upper()
    hue = hashlib.sha256(name.encode()).digest()[0] % HUES
    return {"name": name, "photo": photo, "size": size, "initials": initials, "hue": hue}


@register.inclusion_tag("components/button.html")
def button(
    text: str,
    variant: str = "primary",
    icon: str = "",
    name: str = "",
    value: str = "",
    color: str = "",
    size: str = "",
    keys: str = "",
) -> dict[str, Any]:
    """A button that sends its form. variant: primary, secondary, tertiary; color: "", "danger", "neutral".

    keys: what presses it on a keyboard, as in "Alt+P"; shown on the button (assets/js/shortcuts.js).
    """
    return {
        "text": text,
        "variant": variant,
        "icon": icon,
        "name": name,
        "value": value,
        "color": color,
        "size": size,
        "keys": keys,
    }


@register.inclusion_tag("components/link_button.html")
def link_button(
    url: str, text: str, variant: str = "primary", icon: str = "", color: str = "", size: str = ""
) -> dict[str, Any]:
    """A link that looks like a button, for going somewhere; changes are made by buttons."""
    return {"url": url, "text": text, "variant": variant, "icon": icon, "color": color, "size": size}


@register.inclusion_tag("components/pages.html", takes_context=True)
def pages(context: Context, page: Page[Any], parameter: str = "page") -> dict[str, Any]:
    """Ways between the pages of a list, keeping the rest of the address. Nothing when there is one page."""
    request = context.get("request")
    query = request.GET.copy() if request is not None else None

    def link(number: int) -> str:
        if query is None:
            return f"?{parameter}={number}"
        query[parameter] = str(number)
        return f"?{query.urlencode()}"

    numbers: list[tuple[int | None, str]] = [
        (number, link(number)) if isinstance(number, int) else (None, "")
        for number in page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    ]
    return {
        "page": page,
        "numbers": numbers,
        "before": link(page.previous_page_number()) if page.has_previous() else "",
        "after": link(page.next_page_number()) if page.has_next() else "",
    }


@register.inclusion_tag("components/steps.html")
def steps(names: Sequence[str] | str, current: int) -> dict[str, Any]:
    """Where one is on the way. names: a list, or one text with | between; current: from 1."""
    words = names.split("|") if isinstance(names, str) else list(names)
    return {"steps": list(enumerate(words, start=1)), "current": current, "total": len(words)}


@register.inclusion_tag("components/progress.html")
def progress(done: int, total: int, label: str) -> dict[str, Any]:
    """How far long work has come."""
    return {"done": min(done, total), "total": max(total, 1), "label": label}


@register.simple_block_tag
def save_bar(content: str) -> SafeString:
    """Stays at the bottom of the window: what saving will do, and the button."""
    return _render("save_bar", content=content)


@register.simple_block_tag
def facts(content: str) -> SafeString:
    """A list of names and values; holds `{% fact %}`."""
    return format_html('<div class="facts-box"><dl class="facts">{}</dl></div>', content)


@register.simple_block_tag
def fact(content: str, name: str) -> SafeString:
    """One name and its value."""
    return format_html("<div><dt>{}</dt><dd>{}</dd></div>", name, content)


@register.inclusion_tag("components/date_leaf.html")
def date_leaf(day: date) -> dict[str, Any]:
    """A day like a leaf torn off a calendar; beside it the same date stands in words."""
    return {"day": day}


@register.inclusion_tag("components/time_list.html")
def time_list(days: Iterable[TimeDay], name: str = "time", level: int = 3) -> dict[str, Any]:
    """Free times by day. Days without times between others are folded into one line."""
    return {"groups": _fold(days, name), "level": level}


def _fold(days: Iterable[TimeDay], name: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    for day in days:
        if day.times:
            times = mark_safe("".join(_time(time, name) for time in day.times))  # noqa: S308 - drawn below
            groups.append({"day": day, "times": times})
        elif groups and "until" in groups[-1]:
            groups[-1]["until"] = day.day
        else:
            groups.append({"since": day.day, "until": day.day})
    return groups


_STATE_ATTRIBUTES = {
    TimeState.TAKEN: SafeString(" disabled"),
    TimeState.CHOSEN: SafeString(' aria-pressed="true"'),
}


@lru_cache(maxsize=8192)
def _time(time: TimeChoice, name: str) -> SafeString:
    """Draw one time. Not in the template, which takes ten times as long, because a page has a hundred of them.

    Once for all who look at it: nothing in it is anybody's own.
    """
    note = format_html('<small aria-hidden="true">{}</small>', time.note) if time.note else ""
    words = format_html(
        '<span aria-hidden="true">{}</span>{}<span class="visually-hidden">{}</span>',
        time.label,
        note,
        time.spoken,
    )
    state = time.state.value
    if time.url:
        return format_html(
            '<li><a class="time" data-state="{}" href="{}">{}</a></li>', state, time.url, words
        )
    if time.value:
        return format_html(
            '<li><button class="time" type="submit" name="{}" value="{}" data-state="{}"{}>{}</button></li>',
            name,
            time.value,
            state,
            _STATE_ATTRIBUTES.get(time.state, ""),
            words,
        )
    return format_html('<li><span class="time" data-state="{}">{}</span></li>', state, words)


@register.inclusion_tag("components/day_calendar.html")
def day_calendar(calendar: DayCalendar, label: str, level: int = 2) -> dict[str, Any]:
    """The clinic's day, providers side by side; on phones one list per provider, headed by their names."""
    return {"calendar": calendar, "label": label, "level": level}


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: "BaseForm | BaseFormSet[Any]") -> dict[str, Any]:
    """Return all that is wrong with the forms, a way to each field, and of rows their numbers. Nothing when all is well."""
    found: list[tuple[str, str]] = []
    for form in forms:
        if isinstance(form, BaseFormSet):
            found += _wrong_in_rows(form)
        elif form.is_bound:
            found += [("", str(message)) for message in form.non_field_errors()]
            found += _wrong_in(form)
    return {"errors": found}


def _wrong_in(form: BaseForm, number: int = 0) -> list[tuple[str, str]]:
    """Return what is wrong with the fields: where each leads, and what is said of it."""
    found = []
    for field in form:
        label = str(field.label or "").rstrip("?:")
        if label and number:
            label = _("%(word)s, row %(number)s") % {"word": label, "number": number}
        found += [
            (error_target(field), f"{label}: {message}" if label else str(message))
            for message in field.errors
        ]
    return found


def _wrong_in_rows(rows: "BaseFormSet[Any]") -> list[tuple[str, str]]:
    """Return what is wrong with rows. One that is to be removed isn't judged."""
    if not rows.is_bound:
        return []
    found = [("", str(message)) for message in rows.non_form_errors()]
    for number, row in enumerate(rows.forms, start=1):
        if not getattr(row, "cleaned_data", {}).get("DELETE"):
            found += [("", str(message)) for message in row.non_field_errors()]
            found += _wrong_in(row, number)
    return found


@register.filter
def error_target(field: BoundField) -> str:
    """Id of the element that a message about the field leads to."""
    return str(field.id_for_label or f"{field.auto_id}_0")


@register.filter
def without(attributes: Mapping[str, Any], names: str) -> dict[str, Any]:
    """The attributes except the named ones (comma between)."""
    left_out = set(names.split(","))
    return {name: value for name, value in attributes.items() if name not in left_out}
