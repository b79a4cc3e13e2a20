"""A wait that grows with each try of a password: nobody sleeps, tries before a stored instant are refused.

Known and unknown people have the same rows, by a keyed hash. What counts is the try, not how it ended: a wait that a right
password spared would tell that it was right. eID is never asked to wait, so nobody can lock anyone out.
"""

from datetime import datetime
from math import ceil

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from identity import policy
from identity.by_code.codes import CodeRefused
from identity.choices import CodeRefusal
from identity.models import PasswordTries
from portal import crypto


class MustWait(CodeRefused):
    """This person's password can't be tried yet. `seconds` is how long the wait is still, at least 1."""

    def __init__(self, seconds: int) -> None:
        super().__init__(CodeRefusal.WAIT)
        self.seconds = seconds

    @property
    def message(self) -> str | Promise:
        """Return the sentence with the time to wait."""
        if self.seconds <= policy.LONGEST_WAIT.total_seconds():
            wait = ngettext("Wait %(n)d second.", "Wait %(n)d seconds.", self.seconds) % {"n": self.seconds}
        else:
            minutes = ceil(self.seconds / 60)
            wait = ngettext("Wait %(n)d minute.", "Wait %(n)d minutes.", minutes) % {"n": minutes}
        told, other_way = _("This was tried several times."), _("You can sign in another way meanwhile.")
        return f"{told} {wait} {other_way}"


@transaction.atomic
def take(national_id_index: str, *, now: datetime) -> None:
    """Count a try, or raise MustWait if it comes too early; then it counts for nothing. Parallel tries come one by one."""
    found = _locked(crypto.blind_index(national_id_index, purpose="password-tries"), now)
    if now < found.not_before:
        raise MustWait(ceil((found.not_before - now).total_seconds()))
    found.times = policy.tries_with(found.times, now)
    found.not_before = now + policy.wait_after(found.times)
    found.save(update_fields=["times", "not_before"])


def _locked(key: str, now: datetime) -> PasswordTries:
    return PasswordTries.objects.select_for_update().get_or_create(key=key, defaults={"not_before": now})[0]
