"""The patient's sign-ins, at which clinic and how, and the ways in that they have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic_admin.models import Clinic
from identity import devices
from identity import queries as identity_queries
from identity.by_code import memberships
from identity.by_code.memberships import AccountState
from identity.choices import Method, SignInFault
from identity.models import Account, ExternalIdentity, IdentityProvider
from portal import network_address
from portal.models import AuditEvent

PER_PAGE = 30
_OK, _BAD, _QUIET = "check-circle", "alert", "info"
SENTENCES: Mapping[str, tuple[str | Promise, str]] = {
    "auth.success": (gettext_lazy("Signed in"), _OK),
    "auth.start": (gettext_lazy("Right password. A code was sent, and not used"), _BAD),
    "auth.fail": (gettext_lazy("The sign-in failed"), _BAD),
    "auth.cancel": (gettext_lazy("The sign-in was cancelled"), _QUIET),
    "auth.guardian": (gettext_lazy("Used eID to make a sign-in for a child"), _QUIET),
    "auth.waits": (gettext_lazy("Used eID to register"), _QUIET),
    "code.wrong": (gettext_lazy("Wrong code"), _BAD),
    "code.locked": (gettext_lazy("Wrong code too many times"), _BAD),
    "session.end": (gettext_lazy("Signed out"), "sign-out"),
}
"""Events of a login that its owner is shown."""
_REASONS: Mapping[str, str | Promise] = {
    "password": gettext_lazy("wrong password"),
    "not-active": gettext_lazy("the account with password is not in use"),
    "session.end password": gettext_lazy("there is a new password"),
    "closed": gettext_lazy("the login is closed"),
    "no-mobile": gettext_lazy("the clinic has no number to send a code to"),
    "no-email": gettext_lazy("the clinic has no address to send a code to"),
    "eid-required": gettext_lazy("right password, but eID is needed"),
    "no active record": gettext_lazy("no active record at this clinic"),
    "not registered here": gettext_lazy("not registered at this clinic"),
    "another person than registered": gettext_lazy("another national ID had been written in the form"),
    "conflict": gettext_lazy("the eID did not fit with what the portal knew"),
    "another-person": gettext_lazy("someone else's eID was used"),
    "too-young": gettext_lazy("too young for eID"),
    "unused": gettext_lazy("not used for a while"),
    "too-long": gettext_lazy("a sign-in lasts for some hours at most"),
    "too-many": gettext_lazy("signed in at too many places"),
    "by-oneself": gettext_lazy("from another device"),
    "at-provider": gettext_lazy("at the eID's provider"),
    "password-changed": gettext_lazy("there is a new password"),
    "contact-changed": gettext_lazy("mobile or e-mail was changed"),
    "by-staff": gettext_lazy("the access was changed"),
    "contact": gettext_lazy("mobile or e-mail was changed"),
    "codes-closed": gettext_lazy("password and code are closed at this clinic"),
    "came-of-age": gettext_lazy("old enough to sign in with eID"),
    "removed": gettext_lazy("the account with password was removed"),
}


@dataclass(frozen=True, slots=True)
class SignInLine:
    """One thing that happened with the patient's login."""

    at: datetime
    what: str
    why: str
    method: str
    clinic: str
    """Empty where it belongs to no clinic."""
    device: str
    network_address: str
    """Empty where it is not known; a network only where it is old, or may be somebody else's."""
    icon: str
    is_worrying: bool
    is_here: bool
    """It belongs to the session in which the page is read."""


@dataclass(frozen=True, slots=True)
class SignIns:
    """A page of them, latest first."""

    lines: tuple[SignInLine, ...]
    following: int | None


def sign_ins_of(
    login_id: UUID, *, scope: int | None, here: UUID | None = None, before: int | None = None
) -> SignIns:
    """Return a page of what happened with the login. Three queries, four on later pages.

    `scope`: the only clinic that the session is good for sees what happened there, and no other clinic's.
    `here`: the name of the session that reads it (portal/session_reference.py).
    """
    events = events_of(login_id, scope=scope)
    last = events.filter(pk=before).values_list("at", flat=True).first() if before else None
    if last is not None:
        events = events.filter(at__lte=last).exclude(at=last, pk__gte=before)
    found = list(events[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    return SignIns(tuple(lines_of(shown, here=here)), shown[-1].pk if len(found) > PER_PAGE else None)


def events_of(login_id: UUID, *, scope: int | None) -> QuerySet[AuditEvent]:
    """Return the login's events, latest first (index audit_by_login). A password that led to a session is told once."""
    used = AuditEvent.objects.filter(
        subject_type=OuterRef("subject_type"), subject_id=OuterRef("subject_id"), action="auth.success"
    )
    events = AuditEvent.objects.filter(
        ~Q(action="auth.start") | ~Exists(used), login_id=login_id, action__in=list(SENTENCES)
    )
    if scope is not None:
        events = events.filter(clinic_id=scope)
    return events.order_by("-at", "-pk")


def lines_of(events: Sequence[AuditEvent], *, here: UUID | None = None) -> list[SignInLine]:
    """Return the events in words. Two queries at most."""
    clinics = dict(
        Clinic.objects.filter(pk__in={event.clinic_id for event in events}).values_list("pk", "name")
    )
    slugs = {str(event.details.get("provider") or "") for event in events}
    providers = dict(IdentityProvider.objects.filter(slug__in=slugs).values_list("slug", "name"))
    return [_line(event, clinics, providers, here) for event in events]


def _line(
    event: AuditEvent, clinics: Mapping[int, str], providers: Mapping[str, str], here: UUID | None
) -> SignInLine:
    what, icon = SENTENCES[event.action]
    if event.action == "auth.success" and event.details.get("step_up"):
        what = _("Confirmed with eID once more")
    return SignInLine(
        at=event.at,
        what=str(what),
        why=_why(event),
        method=_method(event, providers),
        clinic=clinics.get(event.clinic_id or 0, ""),
        device=devices.in_words(event.details.get("device")),
        network_address=_address(event),
        icon=icon,
        is_worrying=icon == _BAD,
        is_here=here is not None and event.session_reference == here,
    )


def _address(event: AuditEvent) -> str:
    """Return where it came from. A try that failed may be another person's: of theirs the network is enough."""
    address = event.network_address or ""
    is_own = SENTENCES[event.action][1] != _BAD
    return address if is_own or not address else network_address.shortened(address)


def _why(event: AuditEvent) -> str:
    """Return the trail's short word as people say it; nothing for one that says nothing to them."""
    reason = str(event.details.get("reason") or "")
    words = _REASONS.get(f"{event.action} {reason}") or _REASONS.get(reason)
    if words:
        return str(words)
    return str(SignInFault(reason).label) if reason in SignInFault.values else ""


def _method(event: AuditEvent, providers: Mapping[str, str]) -> str:
    named = providers.get(str(event.details.get("provider") or ""))
    if named:
        return named
    method = Method.ONE_TIME_CODE if event.action.startswith("code.") else event.details.get("method")
    if method == Method.ONE_TIME_CODE:
        return _("Password and code")
    return str(Method(method).label) if method in Method.values else ""


# -- ways in -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class EidWay:
    """An eID that the clinic offers, and whether this person has ever used it."""

    name: str
    is_used: bool


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How the patient can sign in at the clinic."""

    eids: tuple[EidWay, ...]
    offers_codes: bool
    password: AccountState


def ways_in(account: Account, clinic: Clinic, now: datetime) -> WaysIn:
    """Return the ways in that the clinic offers, and what the patient has of them. Seven queries at most."""
    issuers = set(ExternalIdentity.objects.filter(account=account).values_list("issuer", flat=True))
    used = set(IdentityProvider.objects.filter(issuer__in=issuers).values_list("slug", flat=True))
    choices = identity_queries.sign_in_choices(clinic)
    return WaysIn(
        eids=tuple(EidWay(choice.name, choice.slug in used) for choice in choices),
        offers_codes=memberships.offers_codes(clinic),
        password=memberships.state_of(clinic=clinic, national_id_index=account.national_id_index, now=now),
    )
