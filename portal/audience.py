"""Who a page is for. Every URL says so; the middleware refuses a view that says nothing."""

from collections.abc import Callable
from typing import TypeVar

from django.db.models import TextChoices
from django.http import HttpResponseBase

View = Callable[..., HttpResponseBase]
V = TypeVar("V", bound=View)


class Audience(TextChoices):
    """Everyone a URL can be for."""

    PUBLIC = "public"
    """Anyone, signed in or not."""
    SIGNING_IN = "signing-in"
    """Whoever is on the way in or out: sign-in forms and callbacks."""
    PATIENT = "patient"
    """A signed-in patient of the clinic in the URL."""
    STAFF = "staff"
    """A signed-in staff member of the clinic in the URL."""
    ADMINISTRATOR = "administrator"
    """Settings: every staff member may look, only administrators may save."""
    MACHINE = "machine"
    """Health probes and signed callbacks."""
    DEVELOPMENT = "development"
    """Demo helpers; 404 in production."""


def declare(audience: Audience) -> Callable[[V], V]:
    """Mark a view with its audience. Guards that also check who is asking do this themselves."""

    def mark(view: V) -> V:
        view.audience = audience  # type: ignore[attr-defined]
        return view

    return mark


public_page = declare(Audience.PUBLIC)
signing_in_page = declare(Audience.SIGNING_IN)
machine_endpoint = declare(Audience.MACHINE)
development_page = declare(Audience.DEVELOPMENT)


def audience_of(view: object) -> Audience | None:
    """Return the audience that a view declares, or None."""
    return getattr(view, "audience", None)
