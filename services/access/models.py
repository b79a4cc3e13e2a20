"""Rights: the standard of each provider, and what single patients have instead."""

from django.db import models

from clinic_admin.models import Provider
from patients.models import Patient
from services.access import policy
from services.access.choices import Approval, Column


class ProviderRights(models.Model):
    """One column of a provider's rights (000 §3). A new provider has everything off (A13)."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="rights")
    column = models.CharField(max_length=12, choices=Column.choices)
    renewal = models.BooleanField(default=False)
    consultation = models.BooleanField(default=False)
    booking = models.BooleanField(default=False)
    approval = models.CharField(max_length=10, choices=Approval.choices, default=Approval.BY_HAND)
    cancelling = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "column"], name="provider_rights_once")]

    def __str__(self) -> str:
        return f"rights of {self.provider_id}, {self.column}"

    @property
    def values(self) -> policy.Rights:
        """Return the column as the rules see it."""
        return policy.Rights(
            renewal=self.renewal,
            consultation=self.consultation,
            booking=self.booking,
            approval=Approval(self.approval),
            cancelling=self.cancelling,
        )


class SpecialRights(models.Model):
    """What one patient has instead of the standard; an empty value means as standard (000 §3.1-3.2)."""

    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="special_rights")
    renewal = models.BooleanField(null=True)
    consultation = models.BooleanField(null=True)
    booking = models.BooleanField(null=True)
    approval = models.CharField(max_length=10, choices=Approval.choices, null=True)
    cancelling = models.BooleanField(null=True)

    def __str__(self) -> str:
        return f"special rights of {self.patient_id}"

    @property
    def values(self) -> policy.SpecialRights:
        """Return the exception as the rules see it."""
        return policy.SpecialRights(
            renewal=self.renewal,
            consultation=self.consultation,
            booking=self.booking,
            approval=None if self.approval is None else Approval(self.approval),
            cancelling=self.cancelling,
        )
