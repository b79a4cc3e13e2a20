"""What must be true of sign-in before the product runs in production, as system checks."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from django.utils import timezone

from identity import queries
from identity.saml import certificate_ends
from identity.staff import passkeys


@register(Tags.security)
def demo_providers_stay_in_the_demo(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The demo's identity providers let anyone be anyone."""
    if settings.IS_DEVELOPMENT or not apps.is_installed("identity.demo_idp"):
        return []
    return [
        Error(
            "The demo's identity providers are installed in production.",
            hint='Take "identity.demo_idp" out of INSTALLED_APPS.',
            id="identity.E001",
        )
    ]


@register(Tags.security, deploy=True)
def passkeys_have_a_host_name(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Browsers bind passkeys to a name, and make none for a bare IP address."""
    if passkeys.are_possible():
        return []
    return [
        Warning(
            "Staff can't use passkeys: BASE_URL has an IP address instead of a host name.",
            hint="Give the portal a name, and put it into BASE_URL.",
            id="identity.W003",
        )
    ]


@register(Tags.database)
def no_row_trusts_a_demo_provider(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Rows of demo providers are never used in production; that there are any means wrong data was loaded."""
    if settings.IS_DEVELOPMENT or not kwargs.get("databases"):
        return []
    try:
        rows = queries.demo_providers()
    except DatabaseError:
        return []
    return [
        Error(
            f"The identity provider {provider.slug!r} is one of the demo's.",
            hint="Delete the row, or point it at a real provider.",
            id="identity.E002",
        )
        for provider in rows
    ]


@register(Tags.database)
def certificates_last(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A certificate that ended stops every sign-in at its provider; it takes weeks to get a new one."""
    if not kwargs.get("databases"):
        return []
    try:
        ends = certificate_ends.of_all(timezone.now())
    except DatabaseError:
        return []
    return [
        Warning(
            f"A certificate of {one.provider!r} {'ended' if one.is_over else 'ends'} on {one.ends_at:%Y-%m-%d}.",
            hint=f"manage.py saml_keys {one.provider}"
            if one.is_ours
            else f"manage.py saml_provider {one.provider}",
            id="identity.W001",
        )
        for one in ends
        if one.is_urgent
    ]
