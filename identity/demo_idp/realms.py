"""The two providers of the demo, each shaped like the real one of its country."""

from dataclasses import dataclass

from django.conf import settings

from clinic_admin.choices import Country
from identity.choices import Assurance, ClientAuth, Method, Protocol


@dataclass(frozen=True, slots=True)
class Realm:
    """One provider: its name, and what its tokens call things."""

    slug: str
    name: str
    country: Country
    method: Method
    nid_claim: str
    stable_id_claim: str
    acr: dict[str, Assurance]
    """Values of the acr claim, the surest first."""
    acr_request: str
    scopes: str
    client_auth: ClientAuth
    protocol: Protocol = Protocol.OIDC
    """What the demo's clinics use; OpenID Connect is spoken in any case, as brokers do."""

    @property
    def issuer(self) -> str:
        """Return the address that names the provider."""
        return f"{settings.BASE_URL}/demo-idp/{self.slug}"

    @property
    def client_id(self) -> str:
        """Return what the provider calls the portal."""
        return f"venterom-{self.slug}"


BANKID = Realm(
    slug="bankid",
    name="BankID",
    country=Country.NORWAY,
    method=Method.BANKID,
    nid_claim="nnin_altsub",
    stable_id_claim="bankid_altsub",
    acr={"urn:bankid:bid;LOA=4": Assurance.HIGH, "urn:bankid:bis;LOA=3": Assurance.SUBSTANTIAL},
    acr_request="urn:bankid:bid",
    scopes="openid profile nnin_altsub",
    client_auth=ClientAuth.KEY,
)
MITID = Realm(
    slug="mitid",
    name="MitID",
    country=Country.DENMARK,
    method=Method.MITID,
    nid_claim="nin",
    stable_id_claim="mitid_uuid",
    acr={
        "https://data.gov.dk/concept/core/nsis/loa/High": Assurance.HIGH,
        "https://data.gov.dk/concept/core/nsis/loa/Substantial": Assurance.SUBSTANTIAL,
    },
    acr_request="",
    scopes="openid profile nin",
    client_auth=ClientAuth.SECRET,
    protocol=Protocol.SAML,
)
REALMS = {realm.slug: realm for realm in (BANKID, MITID)}
OF_COUNTRY = {realm.country: realm for realm in REALMS.values()}
