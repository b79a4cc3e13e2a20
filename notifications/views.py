"""Receipts of the SMS provider."""

import logging
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator

from notifications import receipts
from portal.audience import machine_endpoint

LARGEST_RECEIPT = 16_000
log = logging.getLogger("venterom.webhook")


@machine_endpoint
@csrf_exempt
@require_POST
def twilio_receipt(request: HttpRequest, attempt: UUID) -> HttpResponse:
    """Take a receipt. 204 when it is signed, known or not; 403 when it is not, without a look at anything."""
    if _is_too_large(request):
        return HttpResponse(status=413)
    if request.content_type != "application/x-www-form-urlencoded" or not _is_signed(request):
        log.warning("receipt without a valid signature")
        return HttpResponse(status=403)
    fields = {name: str(value) for name, value in request.POST.items()}
    if not receipts.record_report(attempt_id=attempt, fields=fields, now=timezone.now()):
        log.warning("receipt for an unknown attempt")
    return HttpResponse(status=204)


def _is_too_large(request: HttpRequest) -> bool:
    length = request.headers.get("Content-Length") or "0"
    return not length.isdecimal() or int(length) > LARGEST_RECEIPT


def _is_signed(request: HttpRequest) -> bool:
    """Check the signature over the public address. While the token is changed, the old one counts as well."""
    signature = request.headers.get("X-Twilio-Signature", "")
    address = f"{settings.BASE_URL}{request.get_full_path()}"
    tokens = [settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_BEFORE]
    return any(
        RequestValidator(token).validate(address, request.POST, signature)  # type: ignore[no-untyped-call]
        for token in tokens
        if token
    )
