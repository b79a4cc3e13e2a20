"""What must be true before the product runs in production, as system checks."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

SHORTEST_KEY = 32


@register(Tags.security, deploy=True)
def production_is_https(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Patients' data never crosses the network in clear."""
    if settings.IS_HTTPS:
        return []
    return [Error("BASE_URL must start with https:// in production.", id="venterom.E001")]


@register(Tags.security, deploy=True)
def production_has_sms_account(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Confirmations and reminders need an account with the SMS provider."""
    if settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN:
        return []
    return [Error("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN must be set.", id="venterom.E002")]


@register(Tags.security, deploy=True)
def production_keys_are_long(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """All national IDs of a country can be tried out against a short key of the index."""
    named = {"INDEX_KEY": settings.INDEX_KEY, "VENDOR_SECRET": settings.VENDOR_SECRET}
    return [
        Error(
            f"{name} must have at least {SHORTEST_KEY} characters.",
            hint="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(50))'",
            id="venterom.E004",
        )
        for name, key in named.items()
        if key and len(key) < SHORTEST_KEY
    ]


@register(Tags.security, deploy=True)
def production_is_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Demo identity providers let anyone be anyone."""
    if not settings.IS_DEVELOPMENT:
        return []
    return [
        Error(
            "VENTEROM_ENV is not production: demo sign-in and the phone page are open to everyone.",
            hint="Set VENTEROM_ENV=production.",
            id="venterom.E003",
        )
    ]
