"""Sends the SMS stand-in's receipts, as the provider would: later, signed, to the address the sender gave."""

import logging
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime

from django.conf import settings

from notifications.demo_sms import provider
from notifications.demo_sms.signature import sign
from notifications.models import DemoSms

SECONDS = 5
AT_ONCE = 200
log = logging.getLogger("venterom.demo_sms")


def report_all(*, now: datetime) -> int:
    """Send every receipt that is due, and return how many. One that nobody takes is not sent again."""
    count = 0
    while count < AT_ONCE and (due := provider.take_next_report(now=now)):
        _post(*due)
        count += 1
    return count


def _post(message: DemoSms, status: str) -> None:
    fields = {
        "AccountSid": settings.TWILIO_ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "From": message.sender,
        "MessageSid": message.sid,
        "MessageStatus": status,
        "SmsSid": message.sid,
        "SmsStatus": status,
        "To": message.recipient,
    }
    if message.error_code and status == message.final_status:
        fields["ErrorCode"] = str(message.error_code)
    request = urllib.request.Request(  # noqa: S310  only http(s), see the API's check
        message.status_callback,
        data=urllib.parse.urlencode(fields).encode(),
        headers={"X-Twilio-Signature": sign(message.status_callback, fields, settings.TWILIO_AUTH_TOKEN)},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            answer.read()
    except (OSError, urllib.error.HTTPError) as error:
        log.warning("receipt was not taken", extra={"error": type(error).__name__})
