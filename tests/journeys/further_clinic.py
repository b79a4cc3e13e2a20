"""A Danish clinic where everyone registers at once, whoever their GP is. Prints what the journey needs as JSON."""

import json
import sys
from base64 import b32encode
from datetime import UTC, datetime
from secrets import token_bytes

import django

django.setup()

from clinic_admin import operations as register
from clinic_admin.choices import Country, Role, SelfRegistration
from clinic_admin.models import Clinic
from identity import operations as identity
from identity.demo_idp import setup as demo_idp
from portal import audit
from tests.journeys.new_clinic import PASSWORD


def main(identifier: str) -> dict[str, str]:
    now, secret = datetime.now(UTC), b32encode(token_bytes(20)).decode()
    clinic = register.create_clinic(
        name="Vesterlund Lægehus",
        portal_identifier=identifier,
        country=Country.DENMARK,
        is_active=True,
        phone="+4533445566",
        street="Vestergade 1",
        postcode="8000",
        city="Aarhus",
        actor=audit.SYSTEM,
        now=now,
    )
    Clinic.objects.filter(pk=clinic.pk).update(
        self_registration=SelfRegistration.AUTOMATIC, requires_own_gp=False
    )
    post = identity.add_staff(
        email=f"secretary@{identifier}.example",
        name="Secretary",
        clinic=clinic,
        roles=[Role.ASSISTANT],
        password=PASSWORD,
        now=now,
    )
    identity.set_totp(post.user, secret, actor=audit.SYSTEM, now=now)
    demo_idp.connect(clinic, now=now)
    return {"email": post.user.email or "", "password": PASSWORD, "secret": secret}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
