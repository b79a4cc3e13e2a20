"""The audit trail and the throttle's counters."""

import uuid

from django.db import models


class AuditEvent(models.Model):
    """Who did what to which record, and when. Append-only: a trigger refuses updates and deletions.

    One update is let through: `network_address` cut to its network.

    It holds ids instead of foreign keys, so that it outlives what it tells of. Features never read it,
    except the pages that show a person or an administrator the trail itself.
    """

    class ActorKind(models.TextChoices):
        PATIENT = "patient"
        STAFF = "staff"
        SYSTEM = "system"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    clinic_id = models.BigIntegerField(null=True)
    actor_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    actor_id = models.UUIDField(null=True)
    patient_id = models.UUIDField(null=True)
    """Whom it is about, where it is about a patient."""
    login_id = models.UUIDField(null=True)
    """Whose login it is about, where it is about a patient's sign-in: also when nobody was signed in yet."""
    action = models.CharField(max_length=60)
    """noun.verb, as in appointment.booked."""
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=40)
    details = models.JSONField(default=dict)
    """Before and after of settings, ids of what was touched. Never names, national IDs or message texts."""
    request_id = models.CharField(max_length=16, blank=True)
    session_reference = models.UUIDField(null=True)
    """In which session the actor did it (portal/session_reference.py); null outside of any."""
    network_address = models.GenericIPAddressField(null=True)
    """Where a sign-in, a try or a sign-out came from; after 90 days its network only (portal/network_address.py)."""

    class Meta:
        indexes = [
            models.Index(fields=["clinic_id", "-at"], name="audit_by_clinic"),
            models.Index(fields=["clinic_id", "action", "-at", "-id"], name="audit_by_action"),
            models.Index(
                fields=["patient_id", "-at"],
                name="audit_by_patient",
                condition=models.Q(patient_id__isnull=False),
            ),
            models.Index(
                fields=["patient_id", "actor_id", "-at"],
                name="audit_by_patient_and_actor",
                condition=models.Q(patient_id__isnull=False),
            ),
            models.Index(
                fields=["login_id", "-at"], name="audit_by_login", condition=models.Q(login_id__isnull=False)
            ),
            models.Index(fields=["subject_type", "subject_id", "-at"], name="audit_by_subject"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient_id", "actor_id", "subject_id"],
                name="audit_listed_once",
                condition=models.Q(action="patient.listed"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_type} {self.subject_id}"


class ThrottleCounter(models.Model):
    """How often something was tried within a window of time. The key is a keyed hash of who or what."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=64)
    window_start = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "window_start"], name="throttle_one_per_window")
        ]
        indexes = [models.Index(fields=["window_start"], name="throttle_by_age")]

    def __str__(self) -> str:
        return f"{self.count} since {self.window_start:%Y-%m-%d %H:%M}"


class PublicIdModel(models.Model):
    """A row that shows in URLs: its id can't be guessed and tells nothing about how many there are."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True
