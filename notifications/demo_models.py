"""What the stand-ins of the demo keep: SMS and e-mails to invented people. Empty outside development."""

from django.db import models
from django.utils import timezone

from portal.models import PublicIdModel


class DemoSms(models.Model):
    """A text message that the SMS stand-in took over, and how far it pretends it has come."""

    sid = models.CharField(max_length=34, primary_key=True)
    recipient = models.CharField(max_length=40)
    sender = models.CharField(max_length=40)
    body = models.TextField()
    status = models.CharField(max_length=12)
    final_status = models.CharField(max_length=12)
    """What it will be in the end."""
    error_code = models.PositiveIntegerField(null=True, blank=True)
    status_callback = models.TextField(blank=True)
    next_callback_at = models.DateTimeField(null=True, blank=True)
    """When to report the next step; empty when there is nothing more to report."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["-created_at"], name="demo_sms_newest"),
            models.Index(fields=["recipient", "-created_at"], name="demo_sms_by_number"),
            models.Index(
                fields=["next_callback_at"],
                name="demo_sms_to_report",
                condition=models.Q(next_callback_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.sid


class DemoBusyNumber(models.Model):
    """A number whose one refusal for lack of capacity has been given."""

    number = models.CharField(max_length=40, primary_key=True)

    def __str__(self) -> str:
        return "busy once"


class DemoEmail(PublicIdModel):
    """An e-mail that the mail stand-in took over."""

    message_id = models.CharField(max_length=200, blank=True)
    recipient = models.CharField(max_length=254)
    sender = models.CharField(max_length=254)
    subject = models.TextField(blank=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["-created_at"], name="demo_email_newest"),
            models.Index(fields=["recipient", "-created_at"], name="demo_email_by_address"),
        ]

    def __str__(self) -> str:
        return f"e-mail {self.pk}"
