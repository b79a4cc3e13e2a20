"""What has arrived on the phones and in the mailboxes of the demo's invented people."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from notifications.models import DemoEmail, DemoSms

MOST = 60


@dataclass(frozen=True, slots=True)
class Arrival:
    """One text message or e-mail."""

    is_sms: bool
    recipient: str
    sender: str
    title: str
    body: str
    at: datetime
    status: str


def arrivals(recipient: str = "") -> list[Arrival]:
    """Return what arrived, newest first, at most 60; of one number or address if one is given. Two queries."""
    texts = DemoSms.objects.order_by("-created_at")
    mails = DemoEmail.objects.order_by("-created_at")
    if recipient:
        texts, mails = texts.filter(recipient=recipient), mails.filter(recipient=recipient)
    found = [
        Arrival(True, text.recipient, text.sender, "", text.body, text.created_at, text.status)
        for text in texts[:MOST]
    ] + [
        Arrival(False, mail.recipient, mail.sender, mail.subject, mail.body, mail.created_at, "delivered")
        for mail in mails[:MOST]
    ]
    return sorted(found, key=lambda arrival: arrival.at, reverse=True)[:MOST]


def recipients() -> list[str]:
    """Return the numbers and addresses that got something lately."""
    texts = DemoSms.objects.order_by("-created_at").values_list("recipient", flat=True)[:500]
    mails = DemoEmail.objects.order_by("-created_at").values_list("recipient", flat=True)[:500]
    return list(dict.fromkeys([*texts, *mails]))[:40]


def fingerprint(shown: list[Arrival]) -> str:
    """Return a word that changes when anything that is shown changes."""
    text = "\n".join(f"{each.at.isoformat()} {each.recipient} {each.status}" for each in shown)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
