"""What every template may rely on."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the version, the environment, and whatever the guards put on the request."""
    return {
        "portal_version": settings.VERSION,
        "is_development": settings.IS_DEVELOPMENT,
        "clinic": getattr(request, "clinic", None),
        "acting_for": getattr(request, "acting", None),
        "acting_patient": getattr(request, "acting_patient", None),
        "ended": getattr(request, "ended", None),
        "kept": getattr(request, "kept", None),
        "patient": getattr(request, "patient", None),
        "staff_member": getattr(request, "staff_member", None),
        "sign_in": getattr(request, "sign_in", None),
    }
