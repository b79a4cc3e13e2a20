"""What an assertion must say under OIOSAML Web SSO Profile 3 (identity research 3 and 9.2, S6-S19).

Reads the element whose signature was verified, and nothing else. The library accepts most of what is refused here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from identity import national_id
from identity.choices import Assurance, SignInFault
from identity.models import IdentityProvider
from identity.providers.verified import Evidence
from identity.saml.response import Wrapper
from identity.saml.xml import SAML, MessageRefused, only, require, text_of

SKEW = timedelta(seconds=60)
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
PERSON, PROFESSIONAL = (
    f"https://data.gov.dk/model/core/eid/{kind}/uuid/" for kind in ("person", "professional")
)
SPEC_VERSION = "https://data.gov.dk/model/core/specVersion"
LOA = "https://data.gov.dk/concept/core/nsis/loa"
CPR = "https://data.gov.dk/model/core/eid/cprNumber"
BIRTH_DATE, GIVEN, FAMILY, FULL = (
    f"https://data.gov.dk/model/core/eid/{name}"
    for name in ("dateOfBirth", "firstName", "lastName", "fullName")
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_CONDITIONS = {f"{{{SAML}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")}


@dataclass(frozen=True, slots=True)
class Expected:
    """What we know about the sign-in that the assertion must answer."""

    request_id: str
    recipient: str
    """Our address that takes answers."""
    started_at: datetime
    required: Assurance
    must_be_fresh: bool
    """We asked for a new sign-in at the provider, so an old one there does not count."""


def validated(
    assertion: Any, wrapper: Wrapper, *, provider: IdentityProvider, expected: Expected, now: datetime
) -> tuple[str, Evidence]:
    """Return the assertion's ID and whom it vouches for. Raises MessageRefused at the first check that fails."""
    require(assertion.tag == _saml("Assertion") and assertion.get("Version") == "2.0", "assertion")
    identifier = assertion.get("ID") or ""
    require(0 < len(identifier) <= 200, "assertion")
    _check_wrapper(wrapper, provider, expected)
    require(text_of(only(assertion, _saml("Issuer"), "issuer")) == provider.issuer, "issuer")
    issued = instant(assertion, "IssueInstant", "issue-instant")
    require(expected.started_at - SKEW <= issued <= now + SKEW, "issue-instant")
    subject = only(assertion, _saml("Subject"), "subject")
    _check_confirmation(subject, expected, now)
    _check_conditions(assertion, provider, now)
    statement = _check_statement(assertion, expected, now)
    attributes = _attributes(assertion)
    _check_version(attributes, provider)
    assurance = _check_assurance(attributes, provider, expected.required)
    return identifier, _person(subject, statement, attributes, provider, assurance)


def _check_wrapper(wrapper: Wrapper, provider: IdentityProvider, expected: Expected) -> None:
    """S7-S10: what stands unsigned around the assertion says the same."""
    require(wrapper.destination == expected.recipient, "destination")
    require(wrapper.in_response_to == expected.request_id, "in-response-to")
    require(wrapper.issuer in ("", provider.issuer), "issuer")


def _check_confirmation(subject: Any, expected: Expected, now: datetime) -> None:
    """S6-S9, S11, S13: the signed part says whose question it answers, where it goes, and until when."""
    confirmation = only(subject, _saml("SubjectConfirmation"), "confirmation")
    require(confirmation.get("Method") == BEARER, "confirmation")
    data = only(confirmation, _saml("SubjectConfirmationData"), "confirmation")
    require(data.get("InResponseTo") == expected.request_id, "in-response-to")
    require(data.get("Recipient") == expected.recipient, "recipient")
    require(data.get("NotBefore") is None, "confirmation")
    require(now < instant(data, "NotOnOrAfter", "confirmation-time"), "confirmation-time")


def _check_conditions(assertion: Any, provider: IdentityProvider, now: datetime) -> None:
    """S12, S14: for us, and now."""
    conditions = only(assertion, _saml("Conditions"), "conditions")
    require(all(child.tag in _CONDITIONS for child in conditions), "conditions")
    require(now < instant(conditions, "NotOnOrAfter", "conditions-time") + SKEW, "conditions-time")
    if conditions.get("NotBefore") is not None:
        require(instant(conditions, "NotBefore", "conditions-time") <= now + SKEW, "conditions-time")
    restrictions = conditions.findall(_saml("AudienceRestriction"))
    require(bool(restrictions), "audience")
    for restriction in restrictions:
        audiences = [text_of(one) for one in restriction.findall(_saml("Audience"))]
        require(provider.client_id in audiences, "audience")


def _check_statement(assertion: Any, expected: Expected, now: datetime) -> Any:
    """S16: signed in at the provider after we asked, where we asked for that."""
    statement = only(assertion, _saml("AuthnStatement"), "statement")
    at = instant(statement, "AuthnInstant", "authn-instant")
    require(at <= now + SKEW, "authn-instant")
    require(not expected.must_be_fresh or at >= expected.started_at - SKEW, "authn-instant")
    if statement.get("SessionNotOnOrAfter") is not None:
        require(now < instant(statement, "SessionNotOnOrAfter", "statement"), "statement")
    require(len(statement.get("SessionIndex", "")) <= 200, "statement")
    return statement


def _attributes(assertion: Any) -> dict[str, list[str] | None]:
    """Return name -> values; None where a name is there twice or holds more than text (S17)."""
    statement = only(assertion, _saml("AttributeStatement"), "attribute")
    found: dict[str, list[str] | None] = {}
    for attribute in statement:
        require(attribute.tag == _saml("Attribute"), "attribute")
        name = attribute.get("Name", "")
        plain = all(value.tag == _saml("AttributeValue") and len(value) == 0 for value in attribute)
        values = [value.text or "" for value in attribute]
        found[name] = None if name in found or not plain else values
    return found


def _one(attributes: dict[str, list[str] | None], name: str, fault: SignInFault, check: str) -> str:
    values = attributes.get(name)
    if values is None or len(values) != 1 or not values[0]:
        raise MessageRefused(check, fault)
    return values[0]


def _check_version(attributes: dict[str, list[str] | None], provider: IdentityProvider) -> None:
    """S18: a profile that we know."""
    version = _one(attributes, SPEC_VERSION, SignInFault.TOKEN, "spec-version")
    require(version in provider.spec_versions, "spec-version")


def _check_assurance(
    attributes: dict[str, list[str] | None], provider: IdentityProvider, required: Assurance
) -> Assurance:
    """S15: what came back counts, not what was asked for; unknown words count as nothing."""
    reached = provider.assurance_of(_one(attributes, provider.acr_claim, SignInFault.ASSURANCE, "assurance"))
    require(reached.is_eid and reached >= required, "assurance", SignInFault.ASSURANCE)
    return reached


def _person(
    subject: Any,
    statement: Any,
    attributes: dict[str, list[str] | None],
    provider: IdentityProvider,
    assurance: Assurance,
) -> Evidence:
    """S17: one whole national ID of the provider's country, of a private person."""
    name, kind = _name_id(subject)
    number = _one(attributes, provider.nid_claim, SignInFault.NATIONAL_ID, "national-id")
    known = number.isascii() and number.isdigit()
    require(known, "national-id", SignInFault.NATIONAL_ID)
    try:
        who = national_id.parse(number, provider.country)
    except national_id.BadNationalId:
        raise MessageRefused("national-id", SignInFault.NATIONAL_ID) from None
    born = attributes.get(BIRTH_DATE, [])
    fits = not born or _day(born[0]) == who.birth_date
    require(fits, "birth-date", SignInFault.NATIONAL_ID)
    index = national_id.index(who)
    given, family = _names(attributes)
    return Evidence(
        issuer=provider.issuer,
        subject=name if kind == PERSISTENT else index,
        national_id=who.number,
        national_id_index=index,
        given_name=given,
        family_name=family,
        birth_date=who.birth_date,
        assurance=assurance,
        name_id=name,
        name_id_format=kind,
        session_index=statement.get("SessionIndex", ""),
    )


def _name_id(subject: Any) -> tuple[str, str]:
    """Return the provider's name for the person and its kind. Employees' names are refused."""
    element = only(subject, _saml("NameID"), "name-id")
    name, kind = text_of(element), element.get("Format", "")
    is_person = name.startswith(PERSON) if kind == PERSISTENT else PROFESSIONAL not in name
    fits = kind in {PERSISTENT, TRANSIENT} and 0 < len(name) <= 200 and is_person
    require(fits, "name-id", SignInFault.NATIONAL_ID)
    return name, kind


def _names(attributes: dict[str, list[str] | None]) -> tuple[str, str]:
    given, family, full = (" ".join((attributes.get(name) or [""])[:1]) for name in (GIVEN, FAMILY, FULL))
    if not (given or family):
        given, _, family = full.rpartition(" ")
    return given.strip()[:80], family.strip()[:80]


def instant(element: Any, name: str, check: str) -> datetime:
    """Return a time in UTC (SAML core 1.3.3: no other zone)."""
    text = element.get(name) or ""
    require(_INSTANT.fullmatch(text) is not None, check)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise MessageRefused(check) from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _saml(name: str) -> str:
    return f"{{{SAML}}}{name}"
