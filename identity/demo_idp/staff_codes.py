"""Shows newcomers what the code app of the demo's staff would show. Development only."""

import time

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.conf import settings

from identity.demo_idp.setup import DemoOnly
from identity.models import User


def current_code(user: User) -> str:
    """Return the six digits of this half minute, or an empty string if the user has no code app. Raises DemoOnly."""
    if not settings.IS_DEVELOPMENT:
        raise DemoOnly("codes are shown in the demo only")
    app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if app is None:
        return ""
    return str(
        format_hotp_value(
            hotp_value(decrypt(app.data["secret"]), int(time.time()) // app_settings.TOTP_PERIOD)
        )
    )
