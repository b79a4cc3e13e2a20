"""Keeps what the demo's mail server takes over."""

import email
import email.policy
from datetime import datetime

from django.db import transaction

from notifications.models import DemoEmail


@transaction.atomic
def keep(*, sender: str, recipients: list[str], content: bytes, now: datetime) -> list[DemoEmail]:
    """Store an e-mail once per recipient, with its readable text."""
    parsed = email.message_from_bytes(content, policy=email.policy.default)
    part = parsed.get_body(("plain", "html"))
    rows = [
        DemoEmail(
            message_id=str(parsed.get("Message-ID", ""))[:200],
            recipient=recipient[:254],
            sender=sender[:254],
            subject=str(parsed.get("Subject", "")),
            body=str(part.get_content()) if part else "",
            created_at=now,
        )
        for recipient in recipients
    ]
    return DemoEmail.objects.bulk_create(rows)
