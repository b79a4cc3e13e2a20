"""The staff's inbox."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic_admin.guards import StaffRequest, staff_page
from services.inbox import operations, queries
from services.inbox.choices import PAGES, SET_ASIDE, Box, ItemKind
from services.inbox.models import InboxItem
from services.inbox.operations import ItemRefused

LONGEST_SEARCH = 80


@staff_page
@require_safe
def inbox(request: StaffRequest) -> HttpResponse:
    """List what waits, or what is done."""
    box = Box(request.GET["box"]) if request.GET.get("box") in Box.values else Box.ALL
    name = request.GET.get("name", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    found = queries.heap(
        clinic=request.clinic,
        box=box,
        staff_member=request.staff_member,
        name=name,
        after=_uuid(request.GET.get("after", "")),
    )
    words = {
        "box": box,
        "boxes": Box.choices,
        "name": name,
        "rows": [
            (
                item,
                address_of(item, request.clinic.portal_identifier),
                "" if item.closed_at else SET_ASIDE[ItemKind(item.kind)],
            )
            for item in found.items
        ],
        "following": found.following,
        "is_first": "after" not in request.GET,
    }
    return render(request, "inbox/inbox.html", words)


@staff_page
@require_POST
def assign(request: StaffRequest, item_id: UUID) -> HttpResponse:
    """Take an item, or give it back."""
    seen = request.POST.get("seen", "")
    to = request.staff_member if request.POST.get("act") == "take" else None
    try:
        operations.assign(
            clinic=request.clinic,
            item_id=item_id,
            seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else None,
            to=to,
            actor=request.user,
            now=timezone.now(),
        )
    except InboxItem.DoesNotExist:
        raise Http404 from None
    except ItemRefused as refused:
        messages.warning(request, str(refused.message))
    else:
        messages.success(request, _("It is yours.") if to else _("It is nobody's again."))
    return redirect("inbox:inbox", request.clinic.portal_identifier)


def address_of(item: InboxItem, portal_identifier: str) -> str:
    """Return where the item is dealt with."""
    return reverse(PAGES[ItemKind(item.kind)], args=[portal_identifier, item.subject_id])


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
