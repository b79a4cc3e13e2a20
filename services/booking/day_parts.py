"""Parts of the day between which somebody who looks for a time can choose."""

from datetime import time

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class DayPart(TextChoices):
    """When on a day, by the clinic's clock: before school or work, in the morning, later, after school.

    They overlap on purpose: each is one boundary, so that nobody has to put two of them together. The label stands
    within sentences.
    """

    BEFORE_9 = "before-9", _("before 9")
    BEFORE_12 = "before-12", _("before 12")
    FROM_12 = "from-12", _("from 12 on")
    FROM_14 = "from-14", _("from 14 on")

    @property
    def since(self) -> time | None:
        """Return the first clock time at which a time may begin; None: from midnight on."""
        return {DayPart.FROM_12: time(12), DayPart.FROM_14: time(14)}.get(self)

    @property
    def until(self) -> time | None:
        """Return the clock time before which a time must begin; None: until midnight."""
        return {DayPart.BEFORE_9: time(9), DayPart.BEFORE_12: time(12)}.get(self)
