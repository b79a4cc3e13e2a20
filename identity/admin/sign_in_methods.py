"""Which ways of signing in are on at a clinic (A7): reading and changing them."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinic_admin.choices import ClinicRefusal
from clinic_admin.countries import CodeChannel, rules_of
from clinic_admin.models import Clinic
from clinic_admin.operations import ClinicChangeRefused, locked
from identity import queries
from identity.by_code import memberships
from identity.models import ClinicCodeSignIn, ClinicIdentityProvider, IdentityProvider
from identity.policy import CODE_SLUG
from portal import audit


def available(clinic: Clinic) -> list[IdentityProvider]:
    """Return the ways that this installation has for the clinic's country, by name."""
    providers = IdentityProvider.objects.filter(country=clinic.country, is_active=True)
    return [one for one in providers.order_by("name", "slug") if queries.is_usable(one)]


def ways(clinic: Clinic) -> list[tuple[str, str]]:
    """Return slug and name of every way that can be switched on, codes last."""
    by_email = rules_of(clinic.country).code_channel is CodeChannel.EMAIL
    code = _("Password and code by e-mail") if by_email else _("Password and code by SMS")
    return [*((one.slug, one.name) for one in available(clinic)), (CODE_SLUG, code)]


def switched_on(clinic: Clinic) -> list[str]:
    """Return the slugs of those that are on, sorted."""
    on = [choice.slug for choice in queries.sign_in_choices(clinic)]
    return sorted([*on, CODE_SLUG] if memberships.offers_codes(clinic) else on)


@transaction.atomic
def switch(*, clinic: Clinic, slugs: list[str], seen: list[str], actor: Any, now: datetime) -> None:
    """Offer exactly these ways. Sessions that are open stay open; the next sign-in meets the change.

    `seen` is what was on when the page was made. Raises ClinicChangeRefused: none left, one that isn't available, or
    changed meanwhile.
    """
    locked(clinic)
    wanted = {one.slug: one for one in available(clinic) if one.slug in slugs}
    after = sorted(slug for slug, _name in ways(clinic) if slug in slugs)
    if not after or len(after) != len(set(slugs)):
        raise ClinicChangeRefused(ClinicRefusal.NO_SIGN_IN_LEFT)
    before = switched_on(clinic)
    if before == after:
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
    if CODE_SLUG in after:
        ClinicCodeSignIn.objects.get_or_create(clinic=clinic)
    else:
        ClinicCodeSignIn.objects.filter(clinic=clinic).delete()
    audit.record(
        action="sign_in.changed",
        subject=clinic,
        actor=actor,
        now=now,
        clinic_id=clinic.pk,
        before=before,
        after=after,
    )
