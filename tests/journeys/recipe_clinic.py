"""Makes a clinic for the recipes: a GP, another GP, a locum and an intern with times every day, and everything off."""

import json
import sys
from base64 import b32encode
from datetime import UTC, datetime, time
from secrets import token_bytes

import django

django.setup()

from clinic_admin import operations as register
from clinic_admin.choices import Country, ProviderKind, Role
from clinic_admin.models import Clinic
from identity import operations as identity
from identity.demo_idp import setup as demo_idp
from portal import audit
from services.booking.weekly import operations as template_operations
from services.booking.weekly.policy import WeekBlock
from tests.journeys.new_clinic import PASSWORD, zone_where_it_is_noon

PROVIDERS = (
    ("koman", "Magnard Koman", "MK", ProviderKind.GP, True),
    ("lege", "Sjef Lege", "SL", ProviderKind.GP, True),
    ("lent", "Konsu Lent", "KL", ProviderKind.LOCUM, False),
    ("test", "Tuva Test", "TT", ProviderKind.INTERN, False),
)


def main(identifier: str) -> dict[str, str]:
    now = datetime.now(UTC)
    clinic = register.create_clinic(
        name="Recipe clinic",
        portal_identifier=identifier,
        country=Country.NORWAY,
        is_active=True,
        phone="+4722334455",
        actor=audit.SYSTEM,
        now=now,
    )
    Clinic.objects.filter(pk=clinic.pk).update(
        time_zone=zone_where_it_is_noon(now), urgent_release_at=time(6)
    )
    clinic.refresh_from_db()
    secret = b32encode(token_bytes(20)).decode()
    admin = identity.create_staff_user(
        email=f"admin@{identifier}.example", name="Admin", password=PASSWORD, actor=audit.SYSTEM, now=now
    )
    identity.set_totp(admin, secret, actor=audit.SYSTEM, now=now)
    register.add_staff_member(
        clinic=clinic, user=admin, roles=[Role.CLINIC_ADMINISTRATOR], actor=audit.SYSTEM, now=now
    )
    told = {"password": PASSWORD, "admin": admin.email, "admin_secret": secret}
    local = now.astimezone(clinic.zone)
    for hour, (key, name, initials, kind, has_list) in enumerate(PROVIDERS):
        provider = register.add_provider(
            clinic=clinic,
            name=name,
            initials=initials,
            kind=kind,
            has_patient_list=has_list,
            has_portal_access=True,
            actor=audit.SYSTEM,
            now=now,
        )
        told[key] = str(provider.pk)
        blocks = [
            WeekBlock(day, time(start), time(start + 1), 20, kind)
            for day in range(7)
            for start, kind in ((14 + hour, "portal"), (19 + hour, "urgent"))
        ]
        template_operations.save_template(
            clinic=clinic,
            provider=provider,
            name="",
            valid_from=local.date(),
            valid_until=None,
            blocks=blocks,
            actor=audit.SYSTEM,
            now=now,
        )
    demo_idp.connect(clinic, now=now)
    return told | {"today": local.date().isoformat()}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
