"""What happens at the clinics' sign-in, hour by hour, in numbers: how much is usual, and what is not."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Sum

from identity import policy
from identity.models import ClinicHour

KEPT = timedelta(days=policy.USUAL_DAYS + 1)


@dataclass(frozen=True, slots=True)
class Unusual:
    """A clinic whose sign-in is not as usual."""

    clinic_id: int
    clinic: str
    hour: datetime
    tries: int
    usual_tries: float
    failures: int
    usual_failures: float


@dataclass(frozen=True, slots=True)
class Codes:
    """How many codes of a clinic went out and were used within the hours that are looked at."""

    sent: int
    used: int


def note(
    clinic_id: int, *, now: datetime, tries: int = 0, failures: int = 0, sent: int = 0, used: int = 0
) -> None:
    """Add to the clinic's hour. One statement; the last one of its transaction, since others wait for the row."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [clinic_id, hour_of(now), tries, failures, sent, used])


def hour_of(now: datetime) -> datetime:
    """Return when the hour began that the instant is in."""
    return now.replace(minute=0, second=0, microsecond=0)


def codes_of(clinic_id: int, *, now: datetime) -> Codes:
    """Return the clinic's codes of the hour that runs and the one before. One query."""
    first = hour_of(now) - timedelta(hours=policy.RATIO_HOURS - 1)
    found = ClinicHour.objects.filter(clinic_id=clinic_id, hour__gte=first, hour__lte=now).aggregate(
        sent=Sum("codes_sent", default=0), used=Sum("codes_used", default=0)
    )
    return Codes(**found)


def unusual(*, now: datetime) -> list[Unusual]:
    """Return the clinics where ten times as many as usual signed in, or failed to, within this hour or the last (section 7).

    Usual is the mean of the same hour of the day in the four weeks before, never less than a floor. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AGAINST_THE_USUAL, {"hour": hour_of(now), **_CONSTANTS})
        rows = [Unusual(*row) for row in cursor.fetchall()]
    return [
        row
        for row in rows
        if policy.is_unusual(row.tries, usual=row.usual_tries, floor=policy.FEWEST_USUAL_TRIES)
        or policy.is_unusual(row.failures, usual=row.usual_failures, floor=policy.FEWEST_USUAL_FAILURES)
    ]


def forget_codes(clinic_id: int, *, now: datetime) -> None:
    """Count the clinic's codes anew from now on."""
    first = hour_of(now) - timedelta(hours=policy.RATIO_HOURS - 1)
    ClinicHour.objects.filter(clinic_id=clinic_id, hour__gte=first).update(codes_sent=0, codes_used=0)


def sweep(*, now: datetime) -> None:
    """Delete hours that nothing is measured by any more."""
    ClinicHour.objects.filter(hour__lt=now - KEPT).delete()


_CONSTANTS: dict[str, float] = {
    "days": policy.USUAL_DAYS,
    "tries": policy.TIMES_THE_USUAL * policy.FEWEST_USUAL_TRIES,
    "failures": policy.TIMES_THE_USUAL * policy.FEWEST_USUAL_FAILURES,
}
_NOTE = """
    INSERT INTO identity_clinichour (clinic_id, hour, tries, failures, codes_sent, codes_used)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (clinic_id, hour) DO UPDATE SET
        tries = identity_clinichour.tries + EXCLUDED.tries,
        failures = identity_clinichour.failures + EXCLUDED.failures,
        codes_sent = identity_clinichour.codes_sent + EXCLUDED.codes_sent,
        codes_used = identity_clinichour.codes_used + EXCLUDED.codes_used
"""
_AGAINST_THE_USUAL = """
    SELECT clinic.id, clinic.name, lately.hour, lately.tries,
        coalesce(sum(usual.tries), 0)::float8 / known.days, lately.failures,
        coalesce(sum(usual.failures), 0)::float8 / known.days
    FROM identity_clinichour AS lately
    JOIN clinic_admin_clinic AS clinic ON clinic.id = lately.clinic_id
    CROSS JOIN LATERAL (
        SELECT least(greatest(extract(day FROM lately.hour - min(first.hour))::int, 1), %(days)s) AS days
        FROM identity_clinichour AS first WHERE first.clinic_id = lately.clinic_id
    ) AS known
    CROSS JOIN generate_series(1, %(days)s) AS back
    LEFT JOIN identity_clinichour AS usual ON usual.clinic_id = lately.clinic_id
        AND usual.hour
            = (lately.hour AT TIME ZONE clinic.time_zone - make_interval(days => back)) AT TIME ZONE clinic.time_zone
    WHERE lately.hour IN (%(hour)s, %(hour)s - interval '1 hour')
        AND (lately.tries >= %(tries)s OR lately.failures >= %(failures)s)
    GROUP BY clinic.id, clinic.name, lately.hour, lately.tries, lately.failures, known.days
    ORDER BY clinic.name, lately.hour DESC
"""
"""Days go back by the clinic's clock: a rush at four is compared with other days at four, over clock changes, too."""
