"""The rules of reminders, as pure functions. When one is due stands in booking's policy (reminder_time)."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from notifications.choices import Channel, State
from notifications.ledger import LedgerLine
from notifications.policy import QUIET_FROM, QUIET_UNTIL
from services.booking.choices import LIVE, AppointmentStatus
from services.booking.policy import reminder_time
from services.booking.reminders.choices import ReminderRefusal, Stage, WhyNone

AHEAD = timedelta(hours=36)
"""So long before the earliest moment at which a reminder may be due the clock looks at it once more: a reminder that
would go at night is moved back by eleven hours at most, and a day may last twenty-five."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What decides about one appointment's reminder."""

    status: str
    starts_at: datetime
    wants: bool
    clinic_reminds: bool
    channel: Channel | None
    """How the patient can be reached; None: not at all."""
    hours_ahead: int
    zone: tzinfo

    @property
    def is_wanted(self) -> bool:
        """Return whether the patient or the clinic wants one."""
        return self.wants or self.clinic_reminds

    def due_at(self, now: datetime) -> datetime | None:
        """Return when it is due, or None when that is no longer ahead."""
        return reminder_time(self.starts_at, hours_ahead=self.hours_ahead, zone=self.zone, now=now)


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the reminder of an appointment stands."""

    stage: Stage
    at: datetime | None = None
    """When it will go; when it went or was given up."""
    why: str = ""
    """Why there is none, or why it did not arrive: a sentence."""
    line: LedgerLine | None = None


def channel_of(mobile: str, email: str) -> Channel | None:
    """Return how a patient is reminded: by SMS, who has no mobile number by e-mail, who has neither not at all."""
    if mobile:
        return Channel.SMS
    return Channel.EMAIL if email else None


def outlook(wish: Wish, line: LedgerLine | None, now: datetime) -> Outlook:
    """Return how the reminder stands. `line` is the message about the appointment as it is now, if there is one."""
    told = _told(line)
    if told is not None:
        return told
    why = _why_none(wish)
    if why is not None:
        return Outlook(Stage.NONE, why=str(why.label))
    if line is not None and line.state is State.QUEUED:
        return Outlook(Stage.PLANNED, at=line.due_at, line=line)
    due_at = wish.due_at(now)
    if due_at is not None:
        return Outlook(Stage.PLANNED, at=due_at)
    why = WhyNone.QUIET if _falls_into_the_night(wish) else WhyNone.TOO_LATE
    return Outlook(Stage.NONE, why=str(why.label))


def _told(line: LedgerLine | None) -> Outlook | None:
    """Return what became of a reminder that was tried; None where there was none, or it never left."""
    if line is None or line.state in {State.QUEUED, State.CANCELLED, State.NO_RECIPIENT}:
        return None
    if line.state is State.DELIVERED:
        return Outlook(Stage.DELIVERED, at=line.closed_at, line=line)
    if line.is_trouble:
        return Outlook(
            Stage.FAILED, at=line.closed_at, why=str(line.why.label) if line.why else "", line=line
        )
    return Outlook(Stage.SENT, at=line.closed_at or line.due_at, line=line)


def _why_none(wish: Wish) -> WhyNone | None:
    if wish.status == AppointmentStatus.CANCELLED:
        return WhyNone.CANCELLED
    if wish.status == AppointmentStatus.REFUSED:
        return WhyNone.REFUSED
    if not wish.is_wanted:
        return WhyNone.NOT_WANTED
    if wish.channel is None:
        return WhyNone.NO_CONTACT
    return WhyNone.NOT_APPROVED_YET if wish.status == AppointmentStatus.REQUESTED else None


def _falls_into_the_night(wish: Wish) -> bool:
    clock = wish.starts_at.astimezone(wish.zone).replace(tzinfo=None) - timedelta(hours=wish.hours_ahead)
    return clock.time() >= QUIET_FROM or clock.time() < QUIET_UNTIL


def refuse_turning(
    *, status: str, starts_at: datetime, clinic_reminds: bool, now: datetime
) -> ReminderRefusal | None:
    """Return why a patient can't turn the reminder of an appointment on or off, or None."""
    if status not in LIVE or starts_at <= now:
        return ReminderRefusal.OVER
    return ReminderRefusal.BY_CLINIC if clinic_reminds else None
