"""Who covers whom: the service matrix and absences (000 §4)."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider, StaffMember
from delegation.choices import Topic
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
    """Days, both ends included, on which a provider is away. Who covers stands with it, service by service."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="absences")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="absences")
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="absence_in_order", condition=Q(last_day__gte=F("first_day"))),
            models.UniqueConstraint(fields=["id", "clinic"], name="absence_id_with_clinic"),
        ]
        indexes = [models.Index(fields=["clinic", "last_day"], name="absence_by_clinic")]

    def __str__(self) -> str:
        return f"absence of {self.provider_id} {self.first_day} - {self.last_day}"

    @property
    def values(self) -> Away:
        """Return the absence as the rules see it; reads the covers."""
        covers = {Service(cover.service): cover.provider_id for cover in self.covers.all()}
        return Away(self.provider_id, self.first_day, self.last_day, covers)


class AbsenceCover(models.Model):
    """Who covers for the one away in one service. A service without a row has nobody."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    absence = models.ForeignKey(Absence, on_delete=models.CASCADE, related_name="covers")
    service = models.CharField(max_length=15, choices=Service.choices)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="covers")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["absence", "service"], name="absence_cover_once_per_service")
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} covers {self.service}"


class LookAhead(models.Model):
    """That somebody looked ahead for a clinic on a day: the nightly task does it once (C5)."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    """The clinic's local day from which on was looked."""
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clinic", "day"], name="look_ahead_once_a_day")]

    def __str__(self) -> str:
        return f"look ahead from {self.day}"


class Gap(models.Model):
    """Days ahead, both included, on which absences leave a list with nobody for a service."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="gaps")
    service = models.CharField(max_length=15, choices=Service.choices)
    row = models.ForeignKey(Provider, null=True, on_delete=models.CASCADE, related_name="+")
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "service", "row", "first_day"], name="gap_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"gap in {self.service} {self.first_day} - {self.last_day}"


class MessageDelegation(models.Model):
    """Which kinds of new messages go to one staff member (000 §4.3). Inactive while nothing is ticked."""

    clinic = models.OneToOneField(Clinic, on_delete=models.CASCADE, related_name="message_delegation")
    topics = ArrayField(models.CharField(max_length=20, choices=Topic.choices), default=list)
    recipient = models.ForeignKey(StaffMember, null=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(null=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="message_delegation_topics_known", condition=Q(topics__contained_by=Topic.values)
            )
        ]

    def __str__(self) -> str:
        return f"message delegation of clinic {self.clinic_id}"
