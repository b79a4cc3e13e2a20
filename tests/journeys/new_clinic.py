"""Makes a clinic as its first administrator finds it: staff and providers are there, everything else is off.

Its clock stands at noon, so that no quiet hours come in the way; one provider has a time tomorrow, a few minutes later
than now, so that its reminder falls due while one waits. Prints what the journey needs as JSON.
"""

import json
import sys
from base64 import b32encode
from datetime import UTC, datetime, timedelta
from secrets import token_bytes

import django

django.setup()

from datetime import time

from clinic_admin import operations as register
from clinic_admin.choices import Country, ProviderKind, Role
from clinic_admin.models import Clinic
from clinic_admin.policy import OpenPeriod
from identity import operations as identity
from identity.demo_idp import setup as demo_idp
from portal import audit
from services.booking.weekly import operations as template_operations
from services.booking.weekly.policy import WeekBlock

PASSWORD = "En-lang-frase-for-prøven-9"


def zone_where_it_is_noon(now: datetime) -> str:
    """A zone whose clock is near twelve (the names' signs are turned around)."""
    ahead = (12 - now.hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def main(identifier: str, minutes: int) -> dict[str, str]:
    now = datetime.now(UTC)
    clinic = register.create_clinic(
        name="Journey clinic",
        portal_identifier=identifier,
        country=Country.NORWAY,
        is_active=True,
        phone="+4722334455",
        street="Reiseveien 1",
        postcode="0150",
        city="Oslo",
        actor=audit.SYSTEM,
        now=now,
    )
    Clinic.objects.filter(pk=clinic.pk).update(time_zone=zone_where_it_is_noon(now))
    clinic.refresh_from_db()
    register.set_opening_hours(
        clinic=clinic,
        periods=[OpenPeriod(day, time(8), time(16)) for day in "0123456"],
        actor=audit.SYSTEM,
        now=now,
    )
    told = {"password": PASSWORD}
    for name, role in (("admin", Role.CLINIC_ADMINISTRATOR), ("secretary", Role.ASSISTANT)):
        secret = b32encode(token_bytes(20)).decode()
        user = identity.create_staff_user(
            email=f"{name}@{identifier}.example",
            name=name.title(),
            password=PASSWORD,
            actor=audit.SYSTEM,
            now=now,
        )
        identity.set_totp(user, secret, actor=audit.SYSTEM, now=now)
        register.add_staff_member(clinic=clinic, user=user, roles=[role], actor=audit.SYSTEM, now=now)
        told |= {name: user.email, f"{name}_secret": secret}
    gp = register.add_provider(
        clinic=clinic,
        name="Greta Lege",
        initials="GL",
        kind=ProviderKind.GP,
        has_patient_list=True,
        has_portal_access=True,
        actor=audit.SYSTEM,
        now=now,
    )
    local = (now + timedelta(minutes=minutes)).astimezone(clinic.zone)
    tomorrow = local + timedelta(days=1)
    start = tomorrow.replace(second=0, microsecond=0) + timedelta(minutes=1)
    template_operations.save_template(
        clinic=clinic,
        provider=gp,
        name="The whole year",
        valid_from=local.date(),
        valid_until=None,
        actor=audit.SYSTEM,
        now=now,
        blocks=[
            WeekBlock(start.weekday(), start.time(), (start + timedelta(minutes=60)).time(), 20, "portal")
        ],
    )
    demo_idp.connect(clinic, now=now)
    return told | {"start": f"{start:%H:%M}", "provider": str(gp.pk), "day": f"{start:%Y-%m-%d}"}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
