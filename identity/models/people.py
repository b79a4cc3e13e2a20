"""Logins, and the person a patient's login stands for."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from clinic_admin.choices import Country
from identity.choices import (
    UserKind,
)
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel


class UserManager(BaseUserManager["User"]):
    """Finds users by the address that staff sign in with."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(kind=UserKind.STAFF, email__iexact=username)


class User(PublicIdModel, AbstractBaseUser):
    """A login. Staff sign in with e-mail, password and a second factor; patients only through their Account."""

    kind = models.CharField(max_length=10, choices=UserKind.choices)
    email = models.EmailField(null=True, blank=True)
    """Staff only: what they sign in with. A patient's e-mail is contact data, never an identity."""
    name = models.CharField(max_length=160)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(
                name="user_email_is_for_staff",
                condition=Q(kind=UserKind.STAFF, email__isnull=False)
                | Q(kind=UserKind.PATIENT, email__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store an absent address as null, so that the constraint tells staff from patients."""
        self.email = self.email or None
        super().save(*args, **kwargs)


class Account(models.Model):
    """A patient's login: one per national ID, used at every clinic (003). It appears at the first eID sign-in."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="account")
    country = models.CharField(max_length=2, choices=Country.choices)
    national_id = EncryptedTextField()
    national_id_index = models.CharField(max_length=64, unique=True)
    birth_date = models.DateField(null=True)

    def __str__(self) -> str:
        return f"account {self.pk}"


class ExternalIdentity(models.Model):
    """The name by which an identity provider knows an account. A name that comes with another person stops the login."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="external_identities")
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="external_identity_once")]

    def __str__(self) -> str:
        return f"external identity {self.pk}"
