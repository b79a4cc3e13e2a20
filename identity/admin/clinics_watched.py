"""Clinics whose sign-in needs a look, for those who run the installation: numbers only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from clinic_admin.models import Clinic
from identity import policy
from identity.admin import traffic
from identity.admin.traffic import Codes, Unusual
from identity.models import ClinicHour, CodeStop


@dataclass(frozen=True, slots=True)
class WatchedClinic:
    """One clinic, and what there is to see."""

    name: str
    stop: CodeStop | None
    codes: Codes | None
    """Where few of them are used."""
    unusual: list[Unusual]
    """Hours in which ten times as many as usual signed in, or failed to."""


def of_all(now: datetime) -> list[WatchedClinic]:
    """Return the clinics by name. Four queries, however many there are."""
    stops = {one.pk: one for one in CodeStop.objects.filter(began_at__lte=now, ends_at__gt=now)}
    codes = _little_used(now)
    unusual: dict[int, list[Unusual]] = {}
    for one in traffic.unusual(now=now):
        unusual.setdefault(one.clinic_id, []).append(one)
    found = Clinic.objects.in_bulk({*stops, *codes, *unusual})
    return [
        WatchedClinic(clinic.name, stops.get(pk), codes.get(pk), unusual.get(pk, []))
        for pk, clinic in sorted(found.items(), key=lambda item: (item[1].name, item[0]))
    ]


def _little_used(now: datetime) -> dict[int, Codes]:
    first = traffic.hour_of(now) - timedelta(hours=policy.RATIO_HOURS - 1)
    rows = (
        ClinicHour.objects.filter(hour__gte=first, hour__lte=now)
        .values("clinic_id")
        .annotate(sent=Sum("codes_sent"), used=Sum("codes_used"))
        .filter(sent__gte=policy.WORTH_TELLING)
    )
    return {
        row["clinic_id"]: Codes(row["sent"], row["used"])
        for row in rows
        if policy.is_too_many_codes(sent=row["sent"], used=row["used"], least=policy.WORTH_TELLING)
    }
