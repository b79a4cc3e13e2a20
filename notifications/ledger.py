"""One message about something, as staff read it. Plain values."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from notifications.choices import Channel, MessageKind, State, WhyNotSent
from notifications.policy import ARRIVED, TROUBLED, why_not_sent


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One message about something, as staff read it. Holds neither number nor text."""

    id: UUID
    kind: MessageKind
    channel: Channel
    state: State
    due_at: datetime
    created_at: datetime
    closed_at: datetime | None
    tries: int
    may_have_been_sent: bool
    """It was withdrawn or given up after an attempt whose end we don't know, or which arrived all the same."""
    possible_duplicate: bool
    version: int
    """Of the row that it tells of."""
    subject_id: str
    code: str
    """The provider's number for what went wrong with the last attempt, or our own word."""
    price_ore: int = 0
    """What who gets it pays for it, in hundredths of the clinic's currency."""

    @property
    def is_paid(self) -> bool:
        """Return whether it was sent, as far as we know, and costs who gets it something."""
        return self.price_ore > 0 and self.state in ARRIVED

    @property
    def is_trouble(self) -> bool:
        """Return whether somebody should phone instead."""
        return self.state in TROUBLED

    @property
    def why(self) -> WhyNotSent | None:
        """Return why it did not arrive; None where nothing is wrong."""
        return why_not_sent(self.state, self.code)
