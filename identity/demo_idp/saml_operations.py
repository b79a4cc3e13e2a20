"""What the demo's SAML provider does: signing people in and out, and remembering who is signed in."""

import hashlib
import secrets
import uuid
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from django.conf import settings

from identity.demo_idp import open_sessions, saml_messages
from identity.demo_idp.models import OpenSession
from identity.demo_idp.realms import Realm
from identity.demo_idp.saml_keys import KeyPair, key_pair
from identity.demo_idp.saml_messages import NAMES, Asked, BadMessage, Subject
from identity.models import IdentityProvider, ProviderKey

_PERSON = "https://data.gov.dk/model/core/eid/person/uuid/"


def sso_address(realm: Realm) -> str:
    """Return where the portal sends browsers to sign in."""
    return f"{realm.issuer}/saml/sso"


def slo_address(realm: Realm) -> str:
    """Return where the portal sends browsers to sign out."""
    return f"{realm.issuer}/saml/slo"


def own_key(realm: Realm) -> KeyPair:
    """Return the key that signs."""
    return key_pair(f"idp-{realm.slug}")


def metadata(realm: Realm) -> str:
    """Return who the provider is, as the portal's operator would load it."""
    certificate = "".join(own_key(realm).certificate.split("\n")[1:-2])
    redirect = 'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"'
    return (
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
        f"entityID={quoteattr(realm.issuer)}>"
        '<md:IDPSSODescriptor WantAuthnRequestsSigned="true" '
        f'protocolSupportEnumeration="{NAMES["samlp"]}"><md:KeyDescriptor use="signing">'
        '<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>'
        f"{escape(certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        f"<md:SingleLogoutService {redirect} Location={quoteattr(slo_address(realm))}/>"
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>"
        f"<md:SingleSignOnService {redirect} Location={quoteattr(sso_address(realm))}/>"
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    )


def read_request(realm: Realm, query: str) -> Asked:
    """Return what the portal asks for. Raises BadMessage unless it is the portal, at its own address."""
    asked = saml_messages.asked(*saml_messages.opened(query, "SAMLRequest", _portal_certificates(realm)))
    portal = _portal(realm)
    fits = asked.issuer == portal.client_id and asked.destination == sso_address(realm)
    if not fits or asked.acs != f"{settings.BASE_URL}/sign-in/{realm.slug}/acs/":
        raise BadMessage("not as agreed")
    return asked


def sign_in(realm: Realm, asked: Asked, about: dict[str, str], *, now: datetime) -> str:
    """Let the chosen person sign in, and return the response (base64) for the portal."""
    number = about[realm.nid_claim]
    stable = hashlib.sha256(f"{realm.slug}:{number}:{settings.INDEX_KEY.hex()}".encode()).digest()
    session = open_sessions.begin(
        realm,
        name_id=f"{_PERSON}{uuid.UUID(bytes=stable[:16], version=4)}",
        session_index=f"_{secrets.token_hex(12)}",
        who=about["name"],
        now=now,
    )
    subject = Subject(
        name_id=session.name_id or "",
        session_index=session.session_index,
        loa=about["acr"].rpartition("/")[2],
        attributes={
            "cprNumber": number,
            "firstName": about["given_name"],
            "lastName": about["family_name"],
            "fullName": about["name"],
            "dateOfBirth": about["birthdate"],
        },
    )
    return saml_messages.answer(
        asked,
        subject,
        issuer=realm.issuer,
        key=own_key(realm),
        encrypt_to=_encrypts_to(realm),
        now=now,
    )


def cancel(realm: Realm, asked: Asked, *, now: datetime) -> str:
    """Return the response (base64) that says that nobody signed in."""
    return saml_messages.refusal(asked, issuer=realm.issuer, now=now)


def sign_out(realm: Realm, query: str, *, now: datetime) -> str:
    """End the session that the portal names, and return where to send the browser. Raises BadMessage."""
    root, relay_state = saml_messages.opened(query, "SAMLRequest", _portal_certificates(realm))
    if root.tag != f"{{{NAMES['samlp']}}}LogoutRequest" or root.get("Destination") != slo_address(realm):
        raise BadMessage("not a request to sign out")
    index = root.findtext("samlp:SessionIndex", "", NAMES)
    open_sessions.end(realm, index)
    back = _portal_slo(realm)
    message = saml_messages.logout_response(
        root.get("ID", ""), issuer=realm.issuer, destination=back, now=now
    )
    return saml_messages.redirect(back, "SAMLResponse", message, relay_state=relay_state, key=own_key(realm))


def tell_portal(realm: Realm, session: OpenSession, *, now: datetime) -> str:
    """Return where to send the browser so that the portal ends its session, too. Raises BadMessage."""
    back = _portal_slo(realm)
    message = saml_messages.logout_request(
        (session.name_id or "", session.session_index), issuer=realm.issuer, destination=back, now=now
    )
    return saml_messages.redirect(back, "SAMLRequest", message, relay_state="", key=own_key(realm))


def is_signed_out(realm: Realm, query: str) -> bool:
    """Return whether the portal says that it ended its session. Raises BadMessage."""
    root, _ = saml_messages.opened(query, "SAMLResponse", _portal_certificates(realm))
    code = root.find("samlp:Status/samlp:StatusCode", NAMES)
    return code is not None and code.get("Value") == f"{saml_messages.STATUS}Success"


def _portal(realm: Realm) -> IdentityProvider:
    found = IdentityProvider.objects.filter(slug=realm.slug, issuer=realm.issuer).first()
    if found is None:
        raise BadMessage("no agreement")
    return found


def _portal_certificates(realm: Realm) -> list[str]:
    """Return what the portal's metadata holds; the demo's provider looks where its neighbour keeps it."""
    return list(ProviderKey.objects.filter(provider=_portal(realm)).values_list("certificate", flat=True))


def _encrypts_to(realm: Realm) -> str:
    return ProviderKey.objects.get(provider=_portal(realm), is_signing=True).certificate


def _portal_slo(realm: Realm) -> str:
    return f"{settings.BASE_URL}/sign-in/{realm.slug}/slo/"
