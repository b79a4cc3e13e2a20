"""What a patient is told about the draw on the pages of free times, of appointments and of the start."""

from dataclasses import dataclass
from datetime import datetime

from identity.choices import Assurance
from patients.models import Patient
from services.booking.models import DrawRequest
from services.booking.release import queries
from services.booking.release.choices import Outcome
from services.booking.release.policy import Window

LOST = frozenset({Outcome.NONE_LEFT, Outcome.OWN_TIME, Outcome.NOT_ALLOWED, Outcome.TOO_MANY})
"""What it is called to have asked and got none."""


@dataclass(frozen=True, slots=True)
class News:
    """What the page of free times says about the draw."""

    window: Window | None
    """In which the patient can ask now."""
    own: DrawRequest | None
    """The request of the coming days, waiting or decided."""
    draws_at: datetime | None = None
    """When its lots are drawn."""
    has_stopped: bool = False
    """The clinic draws no more; those who had asked are drawn for all the same."""

    @property
    def has_lost(self) -> bool:
        """Return whether the patient asked and got none."""
        return self.own is not None and self.own.outcome in LOST

    @property
    def times(self) -> int:
        """Return how many times were drawn."""
        return len(self.own.draw.pool) if self.own else 0


def news_of(patient: Patient, assurance: Assurance, now: datetime) -> News | None:
    """Return what to say about the draw: what the patient asked for, and whether they can ask now. Three queries at most.

    One where the clinic draws nothing: who asked before it stopped is drawn for still. None when there is nothing to say.
    The window is shown only to those who may ask and when there is something to draw.
    """
    clinic = patient.clinic
    own = queries.latest_of(patient=patient, today=now.astimezone(clinic.zone).date())
    if not clinic.draws_urgent:
        return _left_over(own)
    window = queries.window_now(clinic, now)
    if window is not None and (
        (own is not None and own.draw.day == window.day)
        or not queries.whom_to_ask(patient=patient, day=window.day, assurance=assurance, now=now)
    ):
        window = None
    return News(window, own, queries.window_of(clinic, own.draw.day).closes_at if own else None)


def _left_over(own: DrawRequest | None) -> News | None:
    """Return what is said of a request where nothing is drawn any more: its lots are drawn when it was prepared for."""
    return News(None, own, own.draw.closes_at, has_stopped=True) if own else None
