"""Registrations that wait for the clinic."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from clinic_admin.models import Clinic
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel
from services.registration.choices import RequestKind, RequestState


class LoginRequest(PublicIdModel):
    """Someone asks to use the clinic's portal (002, "Loginbestillinger").

    At most one per person waits, of a child one per guardian who asks.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    national_id = EncryptedTextField()
    national_id_index = models.CharField(max_length=64)
    given_name = models.CharField(max_length=80)
    family_name = models.CharField(max_length=80)
    email = models.EmailField(blank=True)
    """Where the decision is told; for a sign-in to confirm, the address that the clinic has."""
    mobile = models.CharField(max_length=20, blank=True)
    language = models.CharField(max_length=5)
    password = models.CharField(max_length=200, blank=True)
    """Argon2id of what the person chose; given to the account on acceptance, and erased with the decision."""
    terms = models.CharField(max_length=20)
    """The version of the terms that was accepted."""
    is_proven = models.BooleanField()
    """Whether eID confirmed who it is. Without that the clinic must make sure."""
    kind = models.CharField(max_length=10, choices=RequestKind.choices, default=RequestKind.OWN)
    guardian_national_id = EncryptedTextField(null=True)
    guardian_index = models.CharField(max_length=64, blank=True)
    """Keyed hash of the guardian who asks, proven by eID; empty where people ask for themselves."""
    guardian_name = models.CharField(max_length=160, blank=True)
    needs_guardian_proof = models.BooleanField(default=False)
    """No source knows whether this adult is the child's guardian: staff must have seen proof before they accept."""
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.WAITING)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)
    """What the clinic wrote to the person when it refused."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "national_id_index", "guardian_index"],
                condition=Q(state=RequestState.WAITING),
                name="login_request_one_waiting",
            ),
            models.CheckConstraint(
                name="login_request_decided_with_time",
                condition=Q(state=RequestState.WAITING, decided_at__isnull=True)
                | (
                    ~Q(state=RequestState.WAITING)
                    & Q(decided_at__isnull=False)
                    & (Q(password="") | Q(state=RequestState.SET_ASIDE))
                ),
            ),
            models.CheckConstraint(
                name="login_request_guardian_asks_for_child",
                condition=Q(
                    kind=RequestKind.OWN,
                    guardian_national_id__isnull=True,
                    guardian_index="",
                    needs_guardian_proof=False,
                )
                | (
                    Q(kind__in=[RequestKind.CHILD, RequestKind.CONFIRM], guardian_national_id__isnull=False)
                    & ~Q(guardian_index="")
                ),
            ),
        ]
        indexes = [models.Index(fields=["clinic", "national_id_index"], name="login_request_by_person")]

    def __str__(self) -> str:
        return f"login request {self.pk}"

    @property
    def is_about_child(self) -> bool:
        """Return whether a guardian asks."""
        return self.kind != RequestKind.OWN

    @property
    def full_name(self) -> str:
        """Return the name as people say it."""
        return f"{self.given_name} {self.family_name}".strip()
