"""The one thing that is written here."""

from datetime import datetime

from services.operation.models import Pulse


def beat(*, now: datetime) -> None:
    """Note that the clock asked and a worker answered."""
    Pulse.objects.update_or_create(pk=1, defaults={"at": now})
