"""What passes between the outbox and the channels: a letter to send, and the answer."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from notifications.choices import Channel, Found, MessageKind, Outcome


@dataclass(frozen=True, slots=True)
class Letter:
    """One attempt to send one message. Number and texts are kept out of its repr, and so out of logs."""

    message_id: UUID
    attempt_id: UUID
    kind: MessageKind
    channel: Channel
    due_at: datetime
    not_after: datetime
    started_at: datetime
    validity_seconds: int
    recipient: str = field(repr=False)
    title: str = field(repr=False)
    body: str = field(repr=False)
    readable: bool = True
    """False when the stored text can't be decrypted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended. `code` is the provider's error number or a word of ours."""

    outcome: Outcome
    code: str = ""
    sid: str | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message at the provider that may be ours."""

    sid: str
    status: str


@dataclass(frozen=True, slots=True)
class Search:
    """What looking for a letter told. Hits are ordered, the most likely first."""

    found: Found
    hits: tuple[Sighting, ...] = ()
