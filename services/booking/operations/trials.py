"""Calendars at the size of a country, for measuring. Nothing that patients use."""

from datetime import datetime

from django.db import connection, transaction

from clinic_admin.choices import ProviderKind
from clinic_admin.models import Clinic, Provider

_FILL = """
INSERT INTO booking_slot (clinic_id, provider_id, starts_at, ends_at, day, kind, state)
SELECT %(clinic)s, made.provider_id, made.starts_at, made.starts_at + interval '20 minutes',
       (made.starts_at AT TIME ZONE %(zone)s)::date,
       CASE WHEN made.number %% 10 = 0 THEN 'urgent' ELSE 'portal' END,
       CASE WHEN made.number %% 3 = 0 THEN 'free' ELSE 'taken' END
FROM (
    SELECT provider_id, number, date_trunc('hour', %(now)s::timestamptz) + number * interval '20 minutes' AS starts_at
    FROM unnest(%(providers)s::bigint[]) WITH ORDINALITY AS provider (provider_id, place)
    CROSS JOIN LATERAL generate_series(
        1, least(%(per_provider)s, %(count)s - (provider.place - 1) * %(per_provider)s)
    ) AS number
) AS made
"""


@transaction.atomic
def make_slots_for_trials(*, clinic: Clinic, count: int, per_provider: int, now: datetime) -> int:
    """Add `count` slots of 20 minutes, a third of them free, for as many new providers as it takes.

    The providers have no portal access: their slots weigh, and nobody is offered them. Returns how many were made.
    """
    before = Provider.objects.for_clinic(clinic).filter(initials__startswith="~").count()
    providers = Provider.objects.bulk_create(
        Provider(
            clinic=clinic,
            name=f"Trial {before + number}",
            initials=f"~{before + number:x}",
            kind=ProviderKind.LOCUM,
        )
        for number in range(-(-count // per_provider))
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            _FILL,
            {
                "clinic": clinic.pk,
                "zone": clinic.time_zone,
                "now": now,
                "providers": [provider.pk for provider in providers],
                "per_provider": per_provider,
                "count": count,
            },
        )
        made = int(cursor.rowcount)
        # Otherwise the planner works with what it knew before there were so many.
        cursor.execute("ANALYZE booking_slot")
    return made
