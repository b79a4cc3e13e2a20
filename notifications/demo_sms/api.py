"""The provider's HTTP API, as far as the product uses it. Only in development."""

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications.demo_sms import provider
from notifications.models import DemoSms
from portal.audience import development_page

Endpoint = Callable[..., JsonResponse]
MOST_PER_PAGE = 1000


def _error(status: int, code: int, message: str) -> JsonResponse:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return JsonResponse(
        {"code": code, "message": message, "more_info": more, "status": status}, status=status
    )


def endpoint(view: Endpoint) -> Endpoint:
    """Let only the settings' account in, by HTTP basic authentication, as the provider does."""

    @wraps(view)
    def checked(request: HttpRequest, account: str, **values: str) -> JsonResponse:
        if not _is_ours(request, account):
            return _error(401, 20003, "Authenticate")
        return view(request, **values)

    return development_page(csrf_exempt(checked))


def _is_ours(request: HttpRequest, account: str) -> bool:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    ours = f"{settings.TWILIO_ACCOUNT_SID}:{settings.TWILIO_AUTH_TOKEN}".encode()
    return (
        scheme == "Basic"
        and hmac.compare_digest(given, ours)
        and hmac.compare_digest(account.encode(), settings.TWILIO_ACCOUNT_SID.encode())
    )


@endpoint
@require_http_methods(["GET", "POST"])
def messages(request: HttpRequest) -> JsonResponse:
    """Take a message over (POST), or list messages (GET)."""
    return _create(request) if request.method == "POST" else _list(request)


def _create(request: HttpRequest) -> JsonResponse:
    form = request.POST
    callback = form.get("StatusCallback", "")
    if callback and not callback.startswith(("http://", "https://")):
        return _error(400, 21609, "The 'StatusCallback' URL is not a valid URL.")
    try:
        message = provider.take_over(
            to=form.get("To", ""),
            sender=form.get("From", "") or form.get("MessagingServiceSid", ""),
            body=form.get("Body", ""),
            callback=callback,
            now=timezone.now(),
        )
    except provider.Refusal as refusal:
        return _error(refusal.status, refusal.code, refusal.message)
    if provider.answers_badly(message):
        return _error(500, 20500, "Internal Server Error")
    return JsonResponse(_described(message), status=201)


def _list(request: HttpRequest) -> JsonResponse:
    rows = _filtered(DemoSms.objects.order_by("-created_at", "sid"), request)
    size = min(_whole(request.GET.get("PageSize"), 50), MOST_PER_PAGE)
    page = _whole(request.GET.get("Page"), 0)
    shown = [_described(row) for row in rows[page * size : (page + 1) * size]]
    return JsonResponse(
        {
            "messages": shown,
            "page": page,
            "page_size": size,
            "uri": request.get_full_path(),
            "first_page_uri": request.path,
            "next_page_uri": None,
            "previous_page_uri": None,
        }
    )


def _filtered(rows: QuerySet[DemoSms], request: HttpRequest) -> QuerySet[DemoSms]:
    if to := request.GET.get("To"):
        rows = rows.filter(recipient=to)
    for name, first, last in (("DateSent", 0, 1), ("DateSent>", 0, None), ("DateSent<", None, 0)):
        day = _day(request.GET.get(name))
        if day is None:
            continue
        if first is not None:
            rows = rows.filter(created_at__gte=day + timedelta(days=first))
        if last is not None:
            rows = rows.filter(created_at__lt=day + timedelta(days=last))
    return rows


def _day(text: str | None) -> datetime | None:
    try:
        day = parse_date((text or "")[:10])
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 6 else otherwise


@endpoint
@require_http_methods(["GET"])
def message(request: HttpRequest, sid: str) -> JsonResponse:
    """Tell how far one message has come."""
    found = DemoSms.objects.filter(pk=sid).first()
    return JsonResponse(_described(found)) if found else _error(404, 20404, "The resource was not found")


@endpoint
@require_http_methods(["GET"])
def account(request: HttpRequest) -> JsonResponse:
    """Tell that the account is active."""
    return JsonResponse(
        {
            "sid": settings.TWILIO_ACCOUNT_SID,
            "friendly_name": "Demo",
            "status": "active",
            "type": "Full",
        }
    )


def _described(message: DemoSms) -> dict[str, Any]:
    when = format_datetime(message.created_at.astimezone(UTC))
    return {
        "account_sid": settings.TWILIO_ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": when,
        "date_sent": when if message.status != "queued" else None,
        "date_updated": when,
        "direction": "outbound-api",
        "error_code": message.error_code if message.status == message.final_status else None,
        "error_message": None,
        "from": message.sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "NOK",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {},
        "to": message.recipient,
        "uri": f"/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages/{message.sid}.json",
    }
