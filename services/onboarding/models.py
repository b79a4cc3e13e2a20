"""Staff on their way in and out: what the wizard has been told, resets that wait for a second pair of eyes, last days."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from clinic_admin.models import Clinic, Provider, StaffMember
from delegation.models import Absence
from portal.models import PublicIdModel


class NewStaff(PublicIdModel):
    """A wizard that was begun. Nothing of it holds before it is finished."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    told = models.JSONField(default=dict)
    """Step -> what was filled in there. Emptied when it is finished: then it stands where it belongs."""
    finished_at = models.DateTimeField(null=True)
    staff_member = models.ForeignKey(StaffMember, null=True, on_delete=models.PROTECT, related_name="+")
    """Whom it made."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="new_staff_finished_with_member",
                condition=Q(finished_at__isnull=True, staff_member__isnull=True)
                | Q(finished_at__isnull=False, staff_member__isnull=False),
            )
        ]
        indexes = [
            models.Index(
                fields=["clinic", "started_at"],
                condition=Q(finished_at__isnull=True),
                name="new_staff_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"new staff {self.pk}"


class SecondFactorReset(PublicIdModel):
    """A lost second factor: one administrator asks to take it away, another one agrees."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="second_factor_reset_by_two",
                condition=Q(confirmed_by__isnull=True)
                | (~Q(confirmed_by=F("requested_by")) & ~Q(confirmed_by=F("user"))),
            ),
            models.UniqueConstraint(
                fields=["clinic", "user"],
                condition=Q(confirmed_at__isnull=True, withdrawn_at__isnull=True),
                name="second_factor_reset_once",
            ),
        ]

    def __str__(self) -> str:
        return f"reset {self.pk}"


class Leaving(PublicIdModel):
    """It is decided when someone leaves, and who takes over. Done in the night after the last day."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    staff_member = models.ForeignKey(
        StaffMember, null=True, on_delete=models.CASCADE, related_name="leavings"
    )
    """Whose post ends; None for a provider whom nobody signs in as."""
    provider = models.ForeignKey(Provider, null=True, on_delete=models.CASCADE, related_name="leavings")
    """Whom patients can choose no longer; None for staff who are no provider."""
    last_day = models.DateField()
    """The clinic's local day."""
    successor = models.ForeignKey(Provider, null=True, on_delete=models.PROTECT, related_name="+")
    """Whose list the patients move to; without one they have no GP here afterwards."""
    messages_to = models.ForeignKey(StaffMember, null=True, on_delete=models.PROTECT, related_name="+")
    """Who gets the messages that are delegated to this person; without one, message delegation ends."""
    absence = models.ForeignKey(Absence, null=True, on_delete=models.SET_NULL, related_name="+")
    """The days after the last one on which there are appointments: staff decide about each on its page."""
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["staff_member"], condition=Q(done_at__isnull=True), name="leaving_once"
            ),
            models.UniqueConstraint(
                fields=["provider"], condition=Q(done_at__isnull=True), name="leaving_provider_once"
            ),
            models.CheckConstraint(
                name="leaving_of_someone",
                condition=Q(staff_member__isnull=False) | Q(provider__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["last_day"], condition=Q(done_at__isnull=True), name="leaving_to_do")]

    def __str__(self) -> str:
        return f"leaving {self.pk}"
