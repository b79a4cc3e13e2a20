"""Who covers whom: the service matrix and absences (000 §4)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation.policy import Away


class MatrixTick(models.Model):
    """A tick: the patients of this row may use this service with this provider.

    The row is one provider's patient list, or, when empty, all other active patients.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="matrix_ticks")
    service = models.CharField(max_length=15, choices=Service.choices)
    row = models.ForeignKey(Provider, null=True, on_delete=models.CASCADE, related_name="ticks_of_list")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="ticks")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "service", "row", "provider"], name="matrix_tick_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service}: {self.row_id or 'others'} x {self.provider_id}"


class Matrix(models.Model):
    """The clinic's matrix as one thing: its version tells a stale page from a fresh one."""

    clinic = models.OneToOneField(Clinic, on_delete=models.CASCADE, related_name="matrix")
    version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(null=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    def __str__(self) -> str:
        return f"matrix version {self.version}"


class Absence(models.Model):
    """Days, both ends included, on which a provider is away, and who covers; nobody when empty."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="absences")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="absences")
    first_day = models.DateField()
    last_day = models.DateField()
    cover = models.ForeignKey(
        Provider, null=True, blank=True, on_delete=models.PROTECT, related_name="covers"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="absence_in_order", condition=Q(last_day__gte=F("first_day"))),
            models.CheckConstraint(name="absence_not_covered_by_oneself", condition=~Q(cover=F("provider"))),
        ]
        indexes = [models.Index(fields=["clinic", "last_day"], name="absence_by_clinic")]

    def __str__(self) -> str:
        return f"absence of {self.provider_id} {self.first_day} - {self.last_day}"

    @property
    def values(self) -> Away:
        """Return the absence as the rules see it."""
        return Away(self.provider_id, self.first_day, self.last_day, self.cover_id)
