"""Connects the example clinics with a provider as an operator would: python -m verify_idp.connect JSON.

Prints what the provider has to know: the patient's data, and the address of the clinic.
"""

import json
import sys
from typing import Any

import django

django.setup()

from clinic_admin.choices import Country  # noqa: E402  after the settings are read
from identity import national_id  # noqa: E402
from identity.choices import Assurance, ClientAuth, Method  # noqa: E402
from identity.demo_idp.people import PEOPLE, Person  # noqa: E402
from identity.models import ClinicIdentityProvider, IdentityProvider  # noqa: E402
from patients.models import Patient  # noqa: E402

BANKID = {"urn:bankid:bid;LOA=4": int(Assurance.HIGH), "urn:bankid:bis;LOA=3": int(Assurance.SUBSTANTIAL)}


def main(values: dict[str, Any]) -> dict[str, Any]:
    """Let the clinic of the first example patient use the provider; without a name only say who that is."""
    country = Country(values["country"])
    person = next(one for one in PEOPLE if one.country == country)
    index = national_id.index(national_id.parse(person.national_id, country))
    clinic = Patient.objects.select_related("clinic").get(national_id_index=index).clinic
    if values["slug"]:
        provider = _openid(values) if values["protocol"] == "oidc" else _saml(values["slug"])
        ClinicIdentityProvider.objects.get_or_create(clinic=clinic, provider=provider)
    return _known(person) | {"clinic": clinic.portal_identifier}


def _openid(values: dict[str, Any]) -> IdentityProvider:
    return IdentityProvider.objects.create(
        slug=values["slug"],
        country=Country.NORWAY,
        method=Method.BANKID,
        name="BankID (verify)",
        issuer=values["issuer"],
        client_id=values["client_id"],
        client_auth=ClientAuth.KEY,
        private_key=values["private_key"],
        private_key_id=values["private_key_id"],
        scopes="openid profile nnin_altsub",
        acr_request="urn:bankid:bid",
        acr_map=BANKID,
        nid_claim="nnin_altsub",
        stable_id_claim="bankid_altsub",
        allowed_algs=["ES256"],
        use_par=True,
    )


def _saml(slug: str) -> IdentityProvider:
    return IdentityProvider.objects.get(slug=slug)


def _known(person: Person) -> dict[str, str]:
    return {
        "national_id": person.national_id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "birth_date": person.birth_date.isoformat(),
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
