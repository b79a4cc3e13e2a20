"""Sign-ins that end without a session: how they are told and noted."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic
from identity.admin import traffic
from identity.choices import SignInFault, TransactionStatus
from identity.models import Account, LoginTransaction
from identity.providers.verified import Evidence
from portal import audit, network_address
from portal.refusals import Refused

_PLAIN_WORDS = re.compile(r"[a-zA-Z_:\- ]+( \d{3})?")
"""What a failure may be called in the audit trail: no numbers but an HTTP status at the end."""


class SignInRefused(Refused):
    """A sign-in ended without a session. `clinic` is where it began, if that is known.

    `reference` is the id of the request that brought the provider's answer, if that was another one; `back` the path
    that the person was going to, if that is known.
    """

    def __init__(
        self, reason: SignInFault, *, clinic: Clinic | None = None, reference: str = "", back: str = ""
    ) -> None:
        super().__init__(reason)
        self.clinic = clinic
        self.reference = reference
        self.back = back


class SignInCancelled(Exception):
    """The person cancelled at the provider, on the way to the path `back` (may be empty)."""

    def __init__(self, clinic: Clinic, back: str) -> None:
        super().__init__()
        self.clinic = clinic
        self.back = back


@transaction.atomic
def fail(
    sign_in: LoginTransaction, fault: SignInFault | None, check: str, now: datetime, *, action: str = ""
) -> None:
    """Close the sign-in and say why in the audit trail: words of ours or of the standards, cut short."""
    LoginTransaction.objects.filter(pk=sign_in.pk).exclude(
        status__in=[TransactionStatus.CONSUMED, TransactionStatus.FAILED]
    ).update(status=TransactionStatus.FAILED, evidence=None)
    action = action or ("auth.fail" if fault else "auth.cancel")
    known = check if _PLAIN_WORDS.fullmatch(check) else ""
    record(
        action,
        sign_in,
        now,
        login_id=_known_login(sign_in),
        method=sign_in.provider.method,
        reason=fault.value if fault else known[:40],
        check=known[:40],
    )
    if fault is not None:
        traffic.note(sign_in.clinic_id, now=now, failures=1)


def record(
    action: str, sign_in: LoginTransaction, now: datetime, *, login_id: UUID | None = None, **details: Any
) -> None:
    """Store what became of a sign-in that nobody is signed in by yet."""
    audit.record(
        action=action,
        subject=sign_in,
        actor=audit.SYSTEM,
        now=now,
        login_id=login_id,
        from_address=network_address.current(),
        provider=sign_in.provider.slug,
        **details,
    )


def _known_login(sign_in: LoginTransaction) -> UUID | None:
    """Return the login of whom a sign-in that fails is about, as far as the provider has said or a session tells."""
    if sign_in.evidence is None:
        return sign_in.step_up_of_id
    index = Evidence.from_text(sign_in.evidence).national_id_index
    return Account.objects.filter(national_id_index=index).values_list("user_id", flat=True).first()
