"""Answers to a form that the page sends by itself: what was written stays where it is, and so does the reader.

Without scripts the same form is sent as any other, and answered by a page. A crowd that comes at once is mostly told
that a time is gone; a part of a page costs a fraction of a page (docs/developers/performance.md).
"""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from portal.headers import sent_by_page

_NO_ROW = UUID(int=0)


def go_to(request: HttpRequest, view_name: str, clinic: str, row: UUID) -> HttpResponse:
    """Lead to the clinic's page of the row, whichever way the form was sent."""
    before, after = _around(view_name, clinic)
    onward = f"{before}{row}{after}"
    if sent_by_page(request):
        return HttpResponse(status=204, headers={"HX-Redirect": onward})
    return HttpResponseRedirect(onward)


@lru_cache(maxsize=1024)
def _around(view_name: str, clinic: str) -> tuple[str, str]:
    """Return what stands before and after a row's id in its address: looking the address up takes as long as a query."""
    before, after = reverse(view_name, args=[clinic, _NO_ROW]).split(str(_NO_ROW))
    return before, after


def part(
    template: str, context: dict[str, Any], *, same_for: tuple[Hashable, ...] | None = None
) -> HttpResponse:
    """Return a part of the page, for a form that can't be carried out. It knows only what stands in the context.

    In a crowd hundreds read the same words: `same_for` names all that they depend on besides language and time zone, and
    they are made once. None where something of the reader's own stands in them.
    """
    if same_for is None:
        return HttpResponse(render_to_string(template, context), status=422)
    key = (template, translation.get_language(), timezone.get_current_timezone_name(), same_for)
    words = _made.get(key)
    if words is None:
        if len(_made) >= MOST_REMEMBERED:
            _made.clear()
        words = _made[key] = render_to_string(template, context).encode()
    return HttpResponse(words, status=422)


def part_for(
    language: str, zone: str, template: str, context: dict[str, Any], *, same_for: tuple[Hashable, ...]
) -> HttpResponse:
    """Return a part for whom no page has been opened yet, in this language and time zone (its name)."""
    words = _made.get((template, language, zone, same_for))
    if words is not None:
        return HttpResponse(words, status=422)
    with translation.override(language), timezone.override(zone):
        return part(template, context, same_for=same_for)


MOST_REMEMBERED = 500
_made: dict[Hashable, bytes] = {}


def page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int) -> HttpResponse:
    """Return the page; a form that was sent by the page itself puts all that it says in the place of what it said."""
    response = render(request, template, context, status=status)
    if request.htmx:  # type: ignore[attr-defined]
        response["HX-Retarget"] = response["HX-Reselect"] = "#main"
        response["HX-Reswap"] = "outerHTML"
    return response
