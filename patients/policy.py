"""Rules about patients' records."""

from collections.abc import Mapping
from datetime import date, datetime

from clinic_admin import ages
from clinic_admin.countries import CountryRules
from identity.choices import Assurance


def is_registered(
    rules: CountryRules, registered_at: datetime | None, left_at: datetime | None = None
) -> bool:
    """Return whether an active record is enough, or the patient has registered where that is needed (000 §9, 003).

    Whoever has left the portal (002) is not registered anywhere until they come back.
    """
    return left_at is None and (not rules.needs_registration or registered_at is not None)


def comes_back_alone(rules: CountryRules, left_at: datetime | None) -> bool:
    """Return whether the patient left, and comes back without anyone's leave: where an active record is enough (E1)."""
    return left_at is not None and not rules.needs_registration


def session_holds(
    rules: CountryRules, *, assurance: Assurance, no_eid: bool, birth_date: date | None, today: date
) -> bool:
    """Return whether a session opened in this way is still good for the record (W5, G3).

    Where codes need a reason, the reason must hold at each request: the mark "no eID", or being a child. The child's
    code sign-in ends by itself at midnight before the birthday on which it decides for itself.
    """
    if assurance.is_eid or not rules.codes_need_reason or no_eid:
        return True
    return ages.is_below(birth_date, rules.own_decisions_from, today)


def differences(record: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, object]:
    """Return the wanted values that differ from the record's. What is not wanted stays as it is."""
    return {name: value for name, value in wanted.items() if record[name] != value}
