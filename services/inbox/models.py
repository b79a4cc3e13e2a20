"""What waits for the clinic's staff."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q

from clinic_admin.models import Clinic, StaffMember
from portal.models import PublicIdModel
from services.inbox.choices import ItemKind


class InboxItem(PublicIdModel):
    """Something a patient sent. Its service opens it in the transaction that stores what was sent, and closes it."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=ItemKind.choices)
    subject_id = models.UUIDField()
    """The service's row; its page is known by URL name (choices.PAGES)."""
    who = models.CharField(max_length=160)
    """Name of the person it is from, as it was when it came."""
    search_name = models.GeneratedField(
        expression=models.Func("who", models.Value(""), function="patients_search_name"),
        output_field=models.TextField(),
        db_persist=True,
    )
    """The name as it is searched (patients.search.folded), each word after a space. The database keeps it."""
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    """When somebody looked at it first; until then it stands in bold."""
    assigned_to = models.ForeignKey(StaffMember, null=True, on_delete=models.SET_NULL, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject_id"], name="inbox_item_once"),
            models.CheckConstraint(name="inbox_item_kind_known", condition=Q(kind__in=ItemKind.values)),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "opened_at", "id"],
                name="inbox_item_waiting",
                condition=Q(closed_at__isnull=True),
            ),
            models.Index(
                fields=["assigned_to", "opened_at", "id"],
                name="inbox_item_waiting_for",
                condition=Q(closed_at__isnull=True),
            ),
            models.Index(
                fields=["clinic", "-closed_at", "-id"],
                name="inbox_item_done",
                condition=Q(closed_at__isnull=False),
            ),
            GinIndex(OpClass("search_name", "gin_trgm_ops"), name="inbox_item_by_name"),
        ]

    def __str__(self) -> str:
        return f"inbox item {self.pk}"
