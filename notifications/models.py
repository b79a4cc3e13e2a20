"""The outbox: what must be told, every attempt to tell it, and what the provider reported about it."""

from django.db import models
from django.db.models import Q

from clinic_admin.models import Clinic
from notifications.choices import Channel, MessageKind, Outcome, State
from notifications.demo_models import DemoBusyNumber, DemoEmail, DemoSms
from notifications.policy import OPEN_STATES, TROUBLED
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel

__all__ = [
    "CarrierReport",
    "ChannelPause",
    "DemoBusyNumber",
    "DemoEmail",
    "DemoSms",
    "OutboxAttempt",
    "OutboxControl",
    "OutboxMessage",
]


class OutboxMessageQuerySet(models.QuerySet["OutboxMessage"]):
    """Words for sets of messages."""

    def about(self, subject: models.Model) -> "OutboxMessageQuerySet":
        """Return the messages that tell of the row."""
        return self.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))


class OutboxMessage(PublicIdModel):
    """One thing to tell one person over one channel. It is written in the transaction of what it tells of."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=30, choices=MessageKind.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    dedupe_key = models.CharField(max_length=200, unique=True)
    """kind:channel:subject type:subject id:v<version>. Telling the same twice is the same row."""
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=40)
    """What it tells of, by name and id: this area knows nothing of the areas above it."""
    version = models.PositiveIntegerField()
    recipient = EncryptedTextField(blank=True)
    title = EncryptedTextField(blank=True)
    body = EncryptedTextField(blank=True)
    """Fixed when queued, so that a look-up can recognise it. Erased some time after the end."""
    due_at = models.DateTimeField()
    not_after = models.DateTimeField()
    """After this it is not sent any more; for a reminder, the appointment."""
    price_ore = models.PositiveSmallIntegerField(default=0, db_default=0)
    """What who gets it pays for it, in hundredths of the clinic's currency: as they were told when they chose it."""
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=80, blank=True)
    last_attempt_id = models.UUIDField(null=True, blank=True)
    """The attempt whose end decides; what an earlier one learns late changes nothing but its own row."""
    tries = models.PositiveSmallIntegerField(default=0)
    """Attempts that may have reached the provider."""
    next_try_at = models.DateTimeField(null=True, blank=True)
    """When somebody must look at it again: to send it (queued), find it (unknown) or ask for its receipt (accepted)."""
    possible_duplicate = models.BooleanField(default=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    """When its reason went away. What was being sent then may have arrived all the same."""
    epoch = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = OutboxMessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="outbox_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="outbox_kind_known", condition=Q(kind__in=MessageKind.values)),
            models.CheckConstraint(name="outbox_channel_known", condition=Q(channel__in=Channel.values)),
            models.CheckConstraint(
                name="outbox_closed_when_over",
                condition=Q(state__in=OPEN_STATES, closed_at__isnull=True)
                | (~Q(state__in=OPEN_STATES) & Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="outbox_lease_while_sending",
                condition=Q(state=State.SENDING, lease_until__isnull=False)
                | (~Q(state=State.SENDING) & Q(lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="outbox_waiting_has_a_time",
                condition=~Q(state__in=[State.QUEUED, State.UNKNOWN]) | Q(next_try_at__isnull=False),
            ),
            models.CheckConstraint(
                name="outbox_erased_only_when_over",
                condition=Q(erased_at__isnull=True) | Q(closed_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "next_try_at"], name="outbox_queued", condition=Q(state=State.QUEUED)
            ),
            models.Index(fields=["not_after"], name="outbox_queued_late", condition=Q(state=State.QUEUED)),
            models.Index(fields=["lease_until"], name="outbox_sending", condition=Q(state=State.SENDING)),
            models.Index(fields=["next_try_at"], name="outbox_unknown", condition=Q(state=State.UNKNOWN)),
            models.Index(
                fields=["next_try_at"],
                name="outbox_receipt",
                condition=Q(state=State.ACCEPTED, next_try_at__isnull=False),
            ),
            models.Index(
                fields=["closed_at"],
                name="outbox_to_erase",
                condition=Q(closed_at__isnull=False, erased_at__isnull=True),
            ),
            models.Index(fields=["subject_type", "subject_id"], name="outbox_by_subject"),
            models.Index(
                fields=["channel", "state", "next_try_at"],
                name="outbox_open",
                condition=Q(closed_at__isnull=True),
            ),
            models.Index(
                fields=["closed_at", "channel", "state"],
                name="outbox_ended",
                condition=Q(closed_at__isnull=False),
            ),
            models.Index(
                fields=["clinic", "-closed_at"],
                name="outbox_not_reached",
                condition=Q(state__in=TROUBLED),
            ),
            models.Index(
                fields=["clinic", "not_after", "id"],
                name="outbox_failed_reminders",
                condition=Q(kind=MessageKind.REMINDER, state__in=TROUBLED),
            ),
            models.Index(fields=["clinic", "due_at", "id"], name="outbox_paid", condition=Q(price_ore__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class OutboxAttempt(PublicIdModel):
    """One time that a message was given to the provider. Stored before the call; its id is in the receipt's address."""

    message = models.ForeignKey(OutboxMessage, on_delete=models.CASCADE, related_name="attempts")
    started_at = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.PENDING)
    code = models.CharField(max_length=20, blank=True)
    """The provider's error number, or our word for what went wrong."""
    provider_sid = models.CharField(max_length=64, null=True, blank=True, unique=True)
    last_status = models.CharField(max_length=12, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="attempt_outcome_known", condition=Q(outcome__in=Outcome.values)),
        ]
        indexes = [models.Index(fields=["message", "-started_at"], name="attempt_by_message")]

    def __str__(self) -> str:
        return f"attempt {self.pk}"


class CarrierReport(models.Model):
    """A receipt as the provider sent it, without number and text. The same one is stored once."""

    id = models.BigAutoField(primary_key=True)
    attempt = models.ForeignKey(OutboxAttempt, on_delete=models.CASCADE, related_name="reports")
    status = models.CharField(max_length=20)
    code = models.CharField(max_length=20, blank=True)
    fingerprint = models.CharField(max_length=64)
    """Hash of the whole signed content."""
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "fingerprint"], name="carrier_report_once"),
        ]

    def __str__(self) -> str:
        return f"{self.status} for {self.attempt_id}"


class ChannelPause(models.Model):
    """Whether a channel's provider still knows our account. While it does not, messages wait instead of failing."""

    channel = models.CharField(max_length=10, primary_key=True, choices=Channel.choices)
    failures = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.channel}: {self.failures}"


class OutboxControl(models.Model):
    """The one row that says which epoch is sent. A restore begins a new epoch, so that nothing is sent twice."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(name="outbox_control_is_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"epoch {self.epoch}"
