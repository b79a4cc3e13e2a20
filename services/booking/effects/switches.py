"""What becomes of those who wait or ask just now, when the clinic's switches of earlier times and of the draw are turned."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clinic_admin.models import Clinic
from clinic_admin.policy import ClinicSettings
from services.booking.earlier import queries as earlier
from services.booking.release import policy, queries


@dataclass(frozen=True, slots=True)
class Draws:
    """The draw that is touched: in which patients ask just now, or would from the save on."""

    day: date
    """Whose urgent times are drawn."""
    asked: int
    at: datetime
    """When its lots are drawn, as the settings would be."""
    ends: bool
    """Drawing is switched off: what is free can be booked meanwhile. Else it is switched on, or its end is moved."""


@dataclass(frozen=True, slots=True)
class Line:
    """The line for earlier times that is touched."""

    waiting: int
    offered: int
    ends: bool


@dataclass(frozen=True, slots=True)
class Switched:
    """Whom a save of the settings would touch just now."""

    draws: Draws | None
    line: Line | None

    @property
    def is_asked_about(self) -> bool:
        """Return whether saving is asked about once more."""
        return bool(self.draws or self.line)


def switched(clinic: Clinic, wanted: ClinicSettings, *, now: datetime) -> Switched:
    """Return whom it touches to save the wanted settings now. Three queries at most, none where no switch is turned."""
    return Switched(_draws(clinic, wanted, now), _line(clinic, wanted, now))


def _draws(clinic: Clinic, wanted: ClinicSettings, now: datetime) -> Draws | None:
    open_now = queries.window_now(clinic, now)
    if open_now is None:
        return None if clinic.draws_urgent else _begins(clinic, wanted, now)
    draw = queries.draw_of(clinic=clinic, day=open_now.day)
    if draw is None or draw.drawn_at is not None or not (asked := queries.number_asked(draw)):
        return None
    at = _window(clinic, wanted, open_now.day).closes_at if wanted.draws_urgent else draw.closes_at
    if wanted.draws_urgent and at == open_now.closes_at:
        return None
    return Draws(open_now.day, asked, max(at, now), ends=not wanted.draws_urgent)


def _begins(clinic: Clinic, wanted: ClinicSettings, now: datetime) -> Draws | None:
    """Return the draw of the times that are out already, where patients could book them until now."""
    if not wanted.draws_urgent:
        return None
    window = policy.window_now(
        now, release_at=wanted.urgent_release_at, zone=clinic.zone, asking=_asking(wanted)
    )
    if window is None or not queries.free_slots(clinic.pk, window.day, now).exists():
        return None
    return Draws(window.day, 0, window.closes_at, ends=False)


def _window(clinic: Clinic, wanted: ClinicSettings, day: date) -> policy.Window:
    return policy.window_of(
        day, release_at=wanted.urgent_release_at, zone=clinic.zone, asking=_asking(wanted)
    )


def _asking(wanted: ClinicSettings) -> timedelta:
    return timedelta(minutes=wanted.draw_minutes)


def _line(clinic: Clinic, wanted: ClinicSettings, now: datetime) -> Line | None:
    if wanted.offers_earlier == clinic.offers_earlier:
        return None
    waiting, offered = earlier.numbers(clinic, now)
    return Line(waiting, offered, ends=not wanted.offers_earlier) if waiting or offered else None
