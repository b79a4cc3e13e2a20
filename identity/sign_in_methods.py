"""Which ways of signing in are on at a clinic (A7): reading and changing them."""

from datetime import datetime
from typing import Any

from django.db import transaction

from clinic_admin.choices import ClinicRefusal
from clinic_admin.models import Clinic
from clinic_admin.operations import ClinicChangeRefused, locked
from identity import queries
from identity.models import ClinicIdentityProvider, IdentityProvider
from portal import audit


def available(clinic: Clinic) -> list[IdentityProvider]:
    """Return the ways that this installation has for the clinic's country, by name."""
    providers = IdentityProvider.objects.filter(country=clinic.country, is_active=True)
    return [one for one in providers.order_by("name", "slug") if queries.is_usable(one)]


def switched_on(clinic: Clinic) -> list[str]:
    """Return the slugs of those that are on, sorted."""
    return sorted(choice.slug for choice in queries.sign_in_choices(clinic))


@transaction.atomic
def switch(*, clinic: Clinic, slugs: list[str], seen: list[str], actor: Any, now: datetime) -> None:
    """Offer exactly these ways. Sessions that are open stay open; the next sign-in meets the change.

    `seen` is what was on when the page was made. Raises ClinicChangeRefused: none left, one that isn't available, or
    changed meanwhile.
    """
    locked(clinic)
    wanted = {one.slug: one for one in available(clinic) if one.slug in slugs}
    if not wanted or len(wanted) != len(set(slugs)):
        raise ClinicChangeRefused(ClinicRefusal.NO_SIGN_IN_LEFT)
    before = switched_on(clinic)
    if before == sorted(wanted):
        return
    if sorted(seen) != before:
        raise ClinicChangeRefused(ClinicRefusal.CHANGED_MEANWHILE)
    ClinicIdentityProvider.objects.filter(clinic=clinic, provider__slug__in=before).exclude(
        provider__slug__in=wanted
    ).delete()
    ClinicIdentityProvider.objects.bulk_create(
        ClinicIdentityProvider(clinic=clinic, provider=one)
        for slug, one in wanted.items()
        if slug not in before
    )
    audit.record(
        action="sign_in.changed",
        subject=clinic,
        actor=actor,
        now=now,
        clinic_id=clinic.pk,
        before=before,
        after=sorted(wanted),
    )
