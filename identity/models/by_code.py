"""Signing in with password and code: memberships, codes, links, and what happens by the hour."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from clinic_admin.countries import CodeChannel
from clinic_admin.models import Clinic
from identity.choices import (
    CodePurpose,
    LinkPurpose,
    MembershipState,
    StopReason,
)
from identity.models.people import Account, User
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel


class ClinicCodeSignIn(models.Model):
    """A clinic whose patients can sign in with password and a code by SMS. The row is the switch."""

    clinic = models.OneToOneField(Clinic, primary_key=True, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"codes at clinic {self.clinic_id}"


class ClinicMembership(PublicIdModel):
    """Someone's password at one clinic. Another clinic can neither use nor replace it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=MembershipState.choices, default=MembershipState.AWAITING)
    email = models.EmailField()
    """Where links and notices go."""
    password = models.CharField(max_length=200, blank=True)
    """Argon2id; empty until the patient has chosen one. Nobody else can."""
    password_changed_at = models.DateTimeField(null=True)
    identity_confirmed_at = models.DateTimeField(null=True)
    """When eID, or for a patient without one the clinic, confirmed who uses it (003; E8)."""
    consent_at = models.DateTimeField()
    """When the patient agreed, as staff recorded it, or asked for it themselves."""
    consent_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    """The staff member who recorded the patient's consent; None when the patient asked for it themselves."""
    created_at = models.DateTimeField()
    child_confirmed_at = models.DateTimeField(null=True)
    """When a guardian proved with eID to be the child's; before that a child's password opens nothing."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "clinic"], name="clinic_membership_once"),
            models.CheckConstraint(
                name="clinic_membership_active_has_password",
                condition=~Q(state=MembershipState.ACTIVE) | ~Q(password=""),
            ),
            models.CheckConstraint(
                name="clinic_membership_removed_has_none",
                condition=~Q(state=MembershipState.REMOVED) | Q(password=""),
            ),
        ]

    def __str__(self) -> str:
        return f"membership {self.pk}"


CHANNELS = [(one.value, one.value) for one in CodeChannel]


class OneTimeCode(PublicIdModel):
    """One question for a code. Strangers' questions are rows too, so that all are answered alike."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    membership = models.ForeignKey(
        ClinicMembership, null=True, on_delete=models.CASCADE, related_name="codes"
    )
    """None: nobody gets a code, and none is right."""
    purpose = models.CharField(max_length=10, choices=CodePurpose.choices)
    channel = models.CharField(max_length=10, choices=CHANNELS, default=CodeChannel.SMS)
    recipient = EncryptedTextField(blank=True)
    """The number or address that the clinic has registered, until the code is sent."""
    is_hint = models.BooleanField(default=False)
    """The password was right, but this person signs in with eID: the message says so, and no code is right (C14)."""
    is_for_guardian = models.BooleanField(default=False)
    """The hint is about a child: not eID but a guardian's confirmation is what is missing (004)."""
    language = models.CharField(max_length=5)
    code_hash = models.CharField(max_length=200, blank=True)
    """Argon2id of question, purpose and code; empty until the code is made."""
    attempts_left = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    """When it was decided whether a code is sent."""
    consumed_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="one_time_code_for_guardian_is_hint",
                condition=Q(is_for_guardian=False) | Q(is_hint=True),
            )
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="one_time_code_by_expiry"),
            models.Index(
                fields=["created_at"],
                name="one_time_code_waiting",
                condition=Q(handled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"code {self.pk}"


class ActionLink(PublicIdModel):
    """A link with which a patient chooses a password. It works once; only its hash is stored."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    membership = models.ForeignKey(
        ClinicMembership, null=True, on_delete=models.CASCADE, related_name="links"
    )
    """None while it is only asked for, and for good when nobody fitted what was asked."""
    purpose = models.CharField(max_length=10, choices=LinkPurpose.choices)
    holder = EncryptedTextField(blank=True)
    """Who asked, while the link waits to be made (identity.holder); empty when nobody fitted."""
    token_hash = models.CharField(max_length=64, null=True, unique=True)
    """SHA-256 of the word in the link. The word has 256 random bits, so no salt is needed."""
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(used_at__isnull=True, revoked_at__isnull=True, membership__isnull=False),
                name="action_link_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="action_link_by_expiry"),
            models.Index(
                fields=["created_at"], name="action_link_waiting", condition=Q(handled_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"patient link {self.pk}"

    def is_open(self, now: datetime) -> bool:
        """Return whether it can be used at this instant."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


class PasswordTries(models.Model):
    """When somebody's password was tried lately, whether there is such a person or not."""

    key = models.CharField(max_length=64, primary_key=True)
    """Keyed hash of the national ID."""
    times = ArrayField(models.DateTimeField(), default=list)
    """The latest in a row, oldest first."""
    not_before = models.DateTimeField()
    """When the next may come."""

    class Meta:
        indexes = [models.Index(fields=["not_before"], name="password_tries_by_age")]

    def __str__(self) -> str:
        return f"{len(self.times)} tries"


class ClinicHour(models.Model):
    """What happened at a clinic's sign-in within an hour: numbers only."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    """When it began."""
    tries = models.PositiveIntegerField(default=0)
    """Sign-ins begun, with eID or a password."""
    failures = models.PositiveIntegerField(default=0)
    codes_sent = models.PositiveIntegerField(default=0)
    codes_used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clinic", "hour"], name="clinic_hour_once")]
        indexes = [models.Index(fields=["hour"], name="clinic_hour_by_hour")]

    def __str__(self) -> str:
        return f"clinic {self.clinic_id}, {self.hour:%Y-%m-%d %H}"


class CodeStop(models.Model):
    """The clinic sends no codes until an instant; eID goes on working. The latest stop only: older ones are in the trail."""

    clinic = models.OneToOneField(Clinic, primary_key=True, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=10, choices=StopReason.choices)
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="code_stop_ends_after_it_begins", condition=Q(ends_at__gte=models.F("began_at"))
            ),
            models.CheckConstraint(name="code_stop_reason_known", condition=Q(reason__in=StopReason.values)),
        ]

    def __str__(self) -> str:
        return f"codes of clinic {self.clinic_id} stopped until {self.ends_at:%Y-%m-%d %H:%M}"
