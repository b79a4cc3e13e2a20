"""A clinic's codes are stopped for a while, and go on again, by themselves or by an administrator. eID is never touched."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from clinic_admin.models import Clinic
from clinic_admin.operations import locked
from identity import policy
from identity.admin import traffic
from identity.choices import StopReason
from identity.models import CodeStop
from portal import audit


@dataclass(frozen=True, slots=True)
class Watched:
    """How a clinic's codes are doing, for its administrators and for those who run the installation."""

    clinic: Clinic
    stop: CodeStop | None
    sent: int
    used: int

    @property
    def is_told(self) -> bool:
        """Return whether more than three codes went out for each that was used, though they still do."""
        return self.stop is None and policy.is_too_many_codes(
            sent=self.sent, used=self.used, least=policy.WORTH_TELLING
        )


def of_clinic(clinic_id: int, *, now: datetime) -> CodeStop | None:
    """Return the stop that holds now, or None. One query."""
    return CodeStop.objects.filter(clinic_id=clinic_id, began_at__lte=now, ends_at__gt=now).first()


def watched(clinic: Clinic, *, now: datetime) -> Watched:
    """Return how the clinic's codes are doing. Two queries."""
    codes = traffic.codes_of(clinic.pk, now=now)
    return Watched(clinic, of_clinic(clinic.pk, now=now), codes.sent, codes.used)


def note_sent(clinic: Clinic, *, now: datetime) -> None:
    """Count a code that goes out, and stop the next ones if too few of them are used."""
    traffic.note(clinic.pk, now=now, sent=1)
    codes = traffic.codes_of(clinic.pk, now=now)
    if policy.is_too_many_codes(sent=codes.sent, used=codes.used, least=policy.WORTH_STOPPING):
        stop(
            clinic,
            StopReason.UNUSED,
            ends_at=now + policy.STOP_LASTS,
            now=now,
            sent=codes.sent,
            used=codes.used,
        )


def note_used(clinic: Clinic, *, now: datetime) -> None:
    """Count a code that somebody wrote."""
    traffic.note(clinic.pk, now=now, used=1)


def note_budget(clinic: Clinic, *, now: datetime) -> None:
    """Note that the clinic's codes of the day are used up. They are counted anew at midnight UTC, as the limit is."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    stop(clinic, StopReason.BUDGET, ends_at=midnight + timedelta(days=1), now=now)


@transaction.atomic
def stop(
    clinic: Clinic, reason: StopReason, *, ends_at: datetime, now: datetime, sent: int = 0, used: int = 0
) -> None:
    """Send no codes of this clinic until then. A stop that holds already stays as it is."""
    locked(clinic)
    if of_clinic(clinic.pk, now=now) is not None:
        return
    CodeStop.objects.update_or_create(
        clinic=clinic, defaults={"reason": reason, "began_at": now, "ends_at": ends_at}
    )
    audit.record(
        action="codes.stopped",
        subject=clinic,
        actor=audit.SYSTEM,
        now=now,
        clinic_id=clinic.pk,
        reason=reason.value,
        until=ends_at.isoformat(),
        sent=sent,
        used=used,
    )


@transaction.atomic
def resume(clinic: Clinic, *, actor: Any, now: datetime) -> bool:
    """Let codes go out again, counted anew; return whether they were stopped for being unused.

    The day's budget is not lifted: it is what a clinic's codes may cost, whatever happens.
    """
    locked(clinic)
    found = of_clinic(clinic.pk, now=now)
    if found is None or found.reason != StopReason.UNUSED:
        return False
    found.ends_at = now
    found.save(update_fields=["ends_at"])
    traffic.forget_codes(clinic.pk, now=now)
    audit.record(action="codes.resumed", subject=clinic, actor=actor, now=now, clinic_id=clinic.pk)
    return True
