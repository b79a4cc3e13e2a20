"""Where to look: the days on which the patient may book whom, and of urgent times those that are out."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from clinic_admin.choices import Service
from clinic_admin.models import Clinic
from identity.choices import Assurance
from patients.models import Patient
from services.access import queries as access
from services.access.queries import Window
from services.booking import policy
from services.booking.day_parts import DayPart

SERVICES = (Service.BOOKING, Service.URGENT)
HORIZON = policy.HORIZON
MOST_PER_WINDOW = 500
"""More free times than one provider has of one kind in a week."""
URGENT_IS_TOLD_AHEAD = timedelta(days=14)
"""How far ahead urgent times that are not out yet are told of: past Christmas and Easter."""


class Span(NamedTuple):
    """Where to look: one provider's slots of one kind, on days from first to last, at most so many."""

    window: Window
    first_day: date
    last_day: date
    most: int
    group: str = ""
    """Of times that begin together within a group only the one of the first span is found."""
    part: DayPart | None = None
    """At which part of the day; None: at any."""
    shows_own: bool = False
    """Whether those at the time of another appointment of the patient are found too, and say so."""


def horizon(clinic: Clinic, now: datetime) -> tuple[date, date]:
    """Return the first and last local day that can be booked now."""
    zone = clinic.zone
    return now.astimezone(zone).date(), policy.last_day(now, zone=zone)


def windows_of(
    patient: Patient, assurance: Assurance, first_day: date, last_day: date, now: datetime
) -> list[Window]:
    """Return when the patient may book whom, within these days and the horizon."""
    today, end = horizon(patient.clinic, now)
    first_day, last_day = max(first_day, today), min(last_day, end)
    if first_day > last_day:
        return []
    return access.windows(
        patient=patient, services=SERVICES, assurance=assurance, first_day=first_day, last_day=last_day
    )


def released(
    windows: Iterable[Window], clinic: Clinic, now: datetime, most: int = MOST_PER_WINDOW
) -> list[Span]:
    """Return where free times may be shown: urgent ones only until the last released day."""
    urgent_until = policy.released_until(
        now - clinic.asking_time, release_at=clinic.urgent_release_at, zone=clinic.zone
    )
    spans = [
        Span(
            window,
            window.first_day,
            min(window.last_day, urgent_until) if window.service == Service.URGENT else window.last_day,
            most,
        )
        for window in windows
    ]
    return [span for span in spans if span.first_day <= span.last_day]


def unreleased(windows: Iterable[Window], clinic: Clinic, now: datetime) -> list[Span]:
    """Return where to see which urgent times come out next: from the first day that is not out yet."""
    out_until = policy.released_until(now, release_at=clinic.urgent_release_at, zone=clinic.zone)
    urgent = [window for window in windows if window.service == Service.URGENT]
    return within(
        [Span(window, window.first_day, window.last_day, 1) for window in urgent],
        out_until + timedelta(days=1),
        horizon(clinic, now)[0] + URGENT_IS_TOLD_AHEAD,
    )


def within(spans: Iterable[Span], first_day: date, last_day: date) -> list[Span]:
    """Return what of the spans lies within these days, both included."""
    cut = [
        span._replace(first_day=max(span.first_day, first_day), last_day=min(span.last_day, last_day))
        for span in spans
    ]
    return [span for span in cut if span.first_day <= span.last_day]


def at(part: DayPart | None, spans: Iterable[Span]) -> list[Span]:
    """Return the spans at this part of the day; None: at any."""
    return [span._replace(part=part) for span in spans]


def of_provider(spans: list[Span], provider_id: int | None) -> list[Span]:
    """Return the spans of one provider; None: of all."""
    if provider_id is None:
        return spans
    return [span for span in spans if span.window.provider.provider_id == provider_id]
