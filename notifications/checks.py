"""What must be true of messages before the product runs in production."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def messages_go_to_the_real_provider(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Text messages never go over the network in clear, nor to the demo's stand-in."""
    address = urlsplit(settings.TWILIO_BASE_URL)
    if address.scheme == "https" and "/demo-sms" not in address.path:
        return []
    return [
        Error(
            "TWILIO_BASE_URL must be an https:// address of the provider, not the demo's stand-in.",
            hint="Leave TWILIO_BASE_URL unset in production.",
            id="venterom.E010",
        )
    ]


@register(Tags.security, deploy=True)
def receipts_can_be_trusted(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The token with which receipts are signed is not the demo's, which is public."""
    if "demo-token" not in {settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_BEFORE}:
        return []
    return [Error("TWILIO_AUTH_TOKEN is the demo's; set the account's own.", id="venterom.E011")]
