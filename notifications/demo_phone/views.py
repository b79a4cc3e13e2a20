"""The phone that belongs to everyone in the demo."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from notifications.demo_phone import queries
from portal.audience import development_page

SPECIAL_NUMBERS = (
    ("0000", _("refused as not valid")),
    ("0001", _("sent, but the phone can't be reached")),
    ("0002", _("sent, but the answer to us is an error")),
    ("0003", _("refused once because too much is being sent")),
)


@development_page
@require_safe
def phone(request: HttpRequest) -> HttpResponse:
    """Show every text message and e-mail, newest first, or those of one person (?to=)."""
    recipient = request.GET.get("to", "")[:254]
    arrivals = queries.arrivals(recipient)
    mark = queries.fingerprint(arrivals)
    is_part = "HX-Request" in request.headers
    if is_part and request.GET.get("seen") == mark:
        return HttpResponse(status=204)
    page = {
        "arrivals": arrivals,
        "mark": mark,
        "recipient": recipient,
        "recipients": queries.recipients(),
        "special_numbers": SPECIAL_NUMBERS,
    }
    return render(request, "phone/phone.html#screen" if is_part else "phone/phone.html", page)
