"""Who is registered at once, who waits for the clinic, and who can't register."""

from clinic_admin.choices import SelfRegistration
from services.registration.choices import Outcome, OwnGp


def outcome(
    mode: SelfRegistration, *, needs_own_gp: bool, own_gp: OwnGp, proven: bool, has_inactive_record: bool
) -> Outcome:
    """Return what a registration leads to (002).

    At once only where the clinic has chosen it, the person is proven by eID, and the own-GP rule, where it holds, is
    known to be met. What is not known is for people to decide. A record that the clinic closed is never opened by
    itself.
    """
    if mode == SelfRegistration.OFF:
        return Outcome.CLOSED
    if mode == SelfRegistration.BY_HAND or not proven or has_inactive_record:
        return Outcome.BY_HAND
    return Outcome.AT_ONCE if not needs_own_gp or own_gp == OwnGp.YES else Outcome.BY_HAND
