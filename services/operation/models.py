"""What the clock and the workers leave behind to show that they live."""

from django.db import models


class Pulse(models.Model):
    """The one row that says when a task of the clock's was last carried out by a worker."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="pulse_is_one_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"pulse at {self.at}"
