"""Which booked appointments a change of settings touches, told before it is saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Q, Value

from clinic_admin.models import Clinic
from services.access import facts_queries
from services.access.preview import Trial
from services.booking import policy
from services.booking.models import Appointment
from services.booking.staff.queries import bounds


@dataclass(frozen=True, slots=True)
class Booked:
    """What is booked on days that are to be closed."""

    number: int
    first: Sequence[Appointment]
    """The first of them, with their patients and providers."""

    @property
    def more(self) -> int:
        """Return how many of them are not listed."""
        return self.number - len(self.first)


MOST_SHOWN = 50


def booked_between(clinic: Clinic, first_day: date, last_day: date, *, now: datetime) -> Booked:
    """Return the coming appointments of these days, booked or waiting for an answer. Two queries."""
    begins, ends = bounds(clinic, first_day, (last_day - first_day).days + 1)
    found = Appointment.objects.for_clinic(clinic).live().filter(starts_at__gt=now)
    found = found.filter(starts_at__gte=begins, starts_at__lt=ends)
    shown = found.select_related("patient", "provider").order_by("starts_at", "pk").defer("reason")
    return Booked(found.count(), list(shown[:MOST_SHOWN]))


def unusual(trial: Trial, *, now: datetime) -> int:
    """Return how many coming appointments are with somebody whom the patient could book, and then no more.

    They stay booked; it is only told. One query, grouped by what decides, however many appointments there are.
    """
    if not trial.changes_something:
        return 0
    pieces = trial.pieces
    starts = [bounds(trial.clinic, first_day)[0] for first_day, _last_day in pieces]
    end = bounds(trial.clinic, pieces[-1][1])[1]
    rows = (
        Appointment.objects.for_clinic(trial.clinic)
        .live()
        .filter(_touched(trial), starts_at__gt=now, starts_at__gte=starts[0], starts_at__lt=end)
        .order_by()
        .values(
            "provider_id",
            "kind",
            piece=Func(
                F("starts_at"),
                Value(starts, output_field=ArrayField(DateTimeField())),
                function="width_bucket",
                output_field=IntegerField(),
            ),
            **facts_queries.facts_of_patient("patient"),
        )
        .annotate(count=Count("pk"))
    )
    total = 0
    for row in rows:
        service = policy.service_of(row["kind"])
        first_day = pieces[row["piece"] - 1][0]
        if service and trial.denied(facts_queries.patient_facts(row), service, row["provider_id"], first_day):
            total += row["count"]
    return total


def _touched(trial: Trial) -> Q:
    if trial.rows is None:
        return Q()
    lists = [row for row in trial.rows if row is not None]
    return Q(patient__gp__in=lists) | (Q(patient__gp__isnull=True) if None in trial.rows else Q(pk__in=[]))
