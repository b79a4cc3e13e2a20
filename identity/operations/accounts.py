"""Accounts: one for each national ID."""

from datetime import datetime

from django.db import IntegrityError, transaction

from identity.choices import UserKind
from identity.models import Account, User
from identity.providers.verified import Evidence
from portal import audit


@transaction.atomic
def account_for(evidence: Evidence, *, country: str, now: datetime, actor: User | None = None) -> Account:
    """Return the account with this national ID, made now if need be. Parallel first sign-ins share one.

    `actor` is the staff member who makes it on the patient's behalf; without one it is the patient's own act.
    """
    accounts = Account.objects.select_related("user")
    name = f"{evidence.given_name} {evidence.family_name}".strip()
    account = accounts.filter(national_id_index=evidence.national_id_index).first()
    if account is None:
        try:
            with transaction.atomic():
                return _new_account(evidence, country=country, name=name, actor=actor, now=now)
        except IntegrityError:
            account = accounts.get(national_id_index=evidence.national_id_index)
    if name and account.user.name != name:
        account.user.name = name
        account.user.save(update_fields=["name"])
    return account


def _new_account(
    evidence: Evidence, *, country: str, name: str, actor: User | None, now: datetime
) -> Account:
    user = User(kind=UserKind.PATIENT, name=name)
    user.set_unusable_password()
    user.save()
    account = Account.objects.create(
        user=user,
        country=country,
        national_id=evidence.national_id,
        national_id_index=evidence.national_id_index,
        birth_date=evidence.birth_date,
    )
    audit.record(action="account.created", subject=account, actor=actor or user, now=now)
    return account
