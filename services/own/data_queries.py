"""Everything that the portal holds about a patient at a clinic, in parts that are read piece by piece.

What each part and field means stands in docs/patients/data-file.md, and as JSON Schema beside it. Whoever adds a field
there or here raises FORMAT_VERSION when a reader of the older form would stumble. Read a part while the clinic's
zone and the reader's language are in force.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.db.models import Model, Prefetch, Q, QuerySet

from clinic_admin.choices import Service
from clinic_admin.sms_price import in_crowns
from identity import devices
from identity.choices import Assurance
from identity.models import (
    Account,
    ActionLink,
    ClinicMembership,
    ExternalIdentity,
    KeptForm,
    OneTimeCode,
)
from notifications.models import OutboxMessage
from notifications.retention import SECRETS
from patients.contact.models import ContactChange
from patients.guardianship.models import Guardian, Proxy
from patients.models import Patient
from portal.models import AuditEvent
from services.access import queries as access
from services.access.models import SpecialRights
from services.booking.desk.choices import Rule
from services.booking.earlier.words import suits
from services.booking.models import (
    Appointment,
    DrawRequest,
    EarlierOffer,
    EarlierWish,
    GuestRequest,
    PassedOver,
)
from services.booking.release.queries import providers_named
from services.own import clinic_queries, log_queries, sign_in_queries, words
from services.own.log_queries import Entry
from services.registration.models import LoginRequest

FORMAT = "venterom-patient-data"
FORMAT_VERSION = 1
PER_CHUNK = 500
"""So many rows are in memory at once."""

Row = dict[str, Any]
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the file: a single row, or as many as there are."""

    name: str
    rows: Callable[[], Iterable[Row]]
    is_list: bool = True


@dataclass(frozen=True, slots=True)
class Reader:
    """Who takes the file out, of which record, and when."""

    patient: Patient
    account: Account
    assurance: Assurance
    clinic_scope: int | None
    now: datetime


def parts_of(reader: Reader) -> list[Part]:
    """Return the parts in the file's order. Nothing is read before a part's rows are asked for."""
    return [
        Part("record", lambda: [_record(reader)], is_list=False),
        Part("contact_changes", lambda: _contact_changes(reader)),
        Part("login", lambda: [_login(reader)], is_list=False),
        Part("clinics", lambda: _clinics(reader)),
        Part("password_accounts", lambda: _memberships(reader)),
        Part("registrations", lambda: _registrations(reader)),
        Part("rights", lambda: [_rights(reader)], is_list=False),
        Part("guardians", lambda: _guardians(reader)),
        Part("proxies", lambda: _proxies(reader)),
        Part("appointments", lambda: _appointments(reader)),
        Part("requests_without_account", lambda: _guest_requests(reader)),
        Part("earlier_times", lambda: _earlier_times(reader)),
        Part("draw_requests", lambda: _draw_requests(reader)),
        Part("messages", lambda: _messages(reader)),
        Part("kept_forms", lambda: _kept_forms(reader)),
        Part("open_sessions", lambda: _open_sessions(reader)),
        Part("sign_ins", lambda: _sign_ins(reader)),
        Part("log", lambda: _log(reader)),
    ]


# -- who the patient is ------------------------------------------------------------------------------------
def _record(reader: Reader) -> Row:
    patient = reader.patient
    return {
        "id": patient.pk,
        "given_name": patient.given_name,
        "family_name": patient.family_name,
        "national_id": patient.national_id,
        "birth_date": patient.birth_date,
        "mobile": patient.mobile,
        "email": patient.email,
        "language": patient.language,
        "gp": patient.gp.name if patient.gp else None,
        "is_active": patient.is_active,
        "registered_at": patient.registered_at,
        "left_at": patient.left_at,
        "services_closed_at": patient.portal_withdrawn_at,
        "no_eid_noted_at": patient.no_eid_at,
        "no_eid_proof": str(patient.get_no_eid_proof_display()) if patient.no_eid_proof else None,
        "wants_electronic_answers": patient.wants_electronic_answers,
        "changed_at": patient.updated_at,
    }


def _contact_changes(reader: Reader) -> Iterator[Row]:
    """Yield new addresses and numbers that were asked for, confirmed or not."""
    for row in ContactChange.objects.filter(patient=reader.patient).order_by("created_at", "pk"):
        yield {
            "kind": str(row.get_kind_display()),
            "to": row.value,
            "created_at": row.created_at,
            "kept_until": row.expires_at,
            "confirmed_at": row.confirmed_at,
            "ended_at": row.ended_at,
        }


def _login(reader: Reader) -> Row:
    account = reader.account
    issuers = ExternalIdentity.objects.filter(account=account).order_by("issuer", "pk")
    return {
        "id": account.user_id,
        "name": account.user.name,
        "country": account.country,
        "birth_date": account.birth_date,
        "created_at": account.user.created_at,
        "known_to": list(dict.fromkeys(issuers.values_list("issuer", flat=True))),
    }


def _clinics(reader: Reader) -> Iterator[Row]:
    for one in clinic_queries.clinics_of(reader.account, scope=reader.clinic_scope).own:
        yield {
            "name": one.clinic.name,
            "portal_identifier": one.clinic.portal_identifier,
            "is_registered": one.is_registered,
        }


def _memberships(reader: Reader) -> Iterator[Row]:
    for row in _own_memberships(reader):
        yield {
            "state": str(row.get_state_display()),
            "email": row.email,
            "has_password": bool(row.password),
            "password_changed_at": row.password_changed_at,
            "identity_confirmed_at": row.identity_confirmed_at,
            "child_confirmed_at": row.child_confirmed_at,
            "consent_at": row.consent_at,
            "consent_recorded_by": row.consent_by.name if row.consent_by else None,
            "created_at": row.created_at,
        }


def _own_memberships(reader: Reader) -> QuerySet[ClinicMembership]:
    own = ClinicMembership.objects.filter(account=reader.account, clinic=reader.patient.clinic)
    return own.select_related("consent_by")


def _registrations(reader: Reader) -> Iterator[Row]:
    for row in _own_requests(reader):
        yield {
            "state": str(row.get_state_display()),
            "given_name": row.given_name,
            "family_name": row.family_name,
            "email": row.email,
            "mobile": row.mobile,
            "language": row.language,
            "terms": row.terms,
            "confirmed_with_eid": row.is_proven,
            "created_at": row.created_at,
            "decided_at": row.decided_at,
            "reason": row.reason,
        }


def _own_requests(reader: Reader) -> QuerySet[LoginRequest]:
    index = reader.patient.national_id_index
    return LoginRequest.objects.filter(clinic=reader.patient.clinic, national_id_index=index).order_by(
        "created_at", "pk"
    )


# -- what the patient may do, and who else may --------------------------------------------------------------
def _rights(reader: Reader) -> Row:
    patient = reader.patient
    today = reader.now.astimezone(patient.clinic.zone).date()
    open_to: dict[str, list[str]] = {service.value: [] for service in Service}
    for window in access.windows(
        patient=patient,
        services=tuple(Service),
        assurance=reader.assurance,
        first_day=today,
        last_day=today,
    ):
        open_to[window.service.value].append(window.provider.name)
    special = SpecialRights.objects.filter(patient=patient).first()
    names = ("renewal", "consultation", "booking", "approval", "cancelling")
    return {
        "on_day": today,
        "services": [
            {"service": service, "name": str(Service(service).label), "with": providers}
            for service, providers in open_to.items()
        ],
        "special": {name: getattr(special, name) for name in names} if special else None,
    }


def _guardians(reader: Reader) -> Iterator[Row]:
    for row in Guardian.objects.filter(patient=reader.patient).order_by("adult_name", "pk"):
        yield {
            "name": row.adult_name,
            "status": str(row.get_status_display()),
            "basis": str(row.get_basis_display()) if row.basis else None,
            "source": str(row.get_source_display()),
            "asked_at": row.fetched_at,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
            "confirmed_by_clinic_at": row.confirmed_at,
            "proof": row.proof,
            "confirmed_until": row.confirmed_until,
            "closed_at": row.blocked_at,
        }


def _proxies(reader: Reader) -> Iterator[Row]:
    for row in Proxy.objects.filter(patient=reader.patient).order_by("created_at", "pk"):
        yield {
            "receiver": row.receiver_name,
            "for": [str(word) for word in row.area_words],
            "first_day": row.first_day,
            "last_day": row.last_day,
            "proof": row.proof,
            "created_at": row.created_at,
            "ended_at": row.ended_at,
        }


# -- appointments and messages -----------------------------------------------------------------------------
def _appointments(reader: Reader) -> Iterator[Row]:
    own = Appointment.objects.for_patient(reader.patient).select_related("provider", "refusal_words")
    for chunk in _chunks(own, "starts_at"):
        history = _history(reader, chunk)
        for row in chunk:
            yield {
                "id": row.pk,
                "starts_at": row.starts_at,
                "ends_at": row.ends_at,
                "with": row.provider.name,
                "kind": str(row.get_kind_display()),
                "state": str(row.get_status_display()),
                "reason": row.reason,
                "refusal": row.refusal_words.words if hasattr(row, "refusal_words") else "",
                "wants_reminder": row.wants_reminder,
                "reminder_price": in_crowns(reader.patient.clinic, row.reminder_ore),
                "attendance": str(row.get_attendance_display()),
                "rules_put_aside": [str(Rule(rule).label) for rule in row.overruled],
                "history": history.get(str(row.pk), []),
            }


def _history(reader: Reader, appointments: Sequence[Appointment]) -> dict[str, list[Row]]:
    """Return, by appointment, who did what to it, oldest first; who looked at it stands in the log."""
    events = list(
        AuditEvent.objects.filter(
            subject_type=Appointment._meta.label_lower, subject_id__in=[str(one.pk) for one in appointments]
        )
        .exclude(action__in=words.LOOKS)
        .order_by("at", "pk")
    )
    found: dict[str, list[Row]] = {}
    for event, entry in zip(events, _entries(reader, events), strict=True):
        found.setdefault(event.subject_id, []).append(_told(entry))
    return found


def _guest_requests(reader: Reader) -> Iterator[Row]:
    """Yield requests that staff made an appointment of this record; whose the others are nobody has said."""
    own = GuestRequest.objects.filter(clinic=reader.patient.clinic, appointment__patient=reader.patient)
    for row in own.order_by("created_at", "pk"):
        yield {
            "state": str(row.get_status_display()),
            "starts_at": row.starts_at,
            "given_name": row.given_name,
            "family_name": row.family_name,
            "mobile": row.mobile,
            "language": row.language,
            "reason": row.reason,
            "created_at": row.created_at,
            "confirmed_at": row.confirmed_at,
            "decided_at": row.decided_at,
        }


def _earlier_times(reader: Reader) -> Iterator[Row]:
    """Yield what the patient waits or waited for, and what was offered."""
    names = {provider.pk: provider.name for provider in access.everyone(reader.patient.clinic)}
    offers = Prefetch(
        "offers", queryset=EarlierOffer.objects.select_related("provider").order_by("offered_at", "pk")
    )
    passed = Prefetch("passed_over", queryset=PassedOver.objects.order_by("at", "pk"))
    rows = EarlierWish.objects.filter(patient=reader.patient).select_related("appointment")
    for row in rows.prefetch_related(offers, passed).order_by("joined_at", "pk"):
        yield {
            "state": str(row.get_status_display()),
            "suits": suits(row, names),
            "starts_at": row.appointment.starts_at if row.appointment else None,
            "reason": row.reason or "",
            "wants_reminder": row.wants_reminder,
            "reminder_price": in_crowns(reader.patient.clinic, row.reminder_ore),
            "created_at": row.joined_at,
            "ended_at": row.ended_at,
            "offers": [
                {
                    "starts_at": offer.starts_at,
                    "ends_at": offer.ends_at,
                    "with": offer.provider.name,
                    "state": str(offer.get_status_display()),
                    "created_at": offer.offered_at,
                    "valid_to": offer.expires_at,
                    "ended_at": offer.ended_at,
                }
                for offer in row.offers.all()
            ],
            "passed_over": [
                {
                    "at": one.at,
                    "starts_at": one.starts_at,
                    "reason": str(one.get_reason_display()),
                }
                for one in row.passed_over.all()
            ],
        }


def _draw_requests(reader: Reader) -> Iterator[Row]:
    """Yield what the patient asked for in draws of urgent times, and what came of it."""
    own = DrawRequest.objects.filter(patient=reader.patient).select_related("draw").order_by("asked_at", "pk")
    for row in own:
        yield {
            "id": row.pk,
            "day": row.draw.day,
            "asked_at": row.asked_at,
            "with": providers_named(reader.patient.clinic, row.providers),
            "reason": row.reason,
            "wants_reminder": row.wants_reminder,
            "reminder_price": in_crowns(reader.patient.clinic, row.reminder_ore),
            "state": str(row.get_outcome_display()),
            "place": row.rank,
        }


def _messages(reader: Reader) -> Iterator[Row]:
    yield from _about("patients.patient", [str(reader.patient.pk)])
    asked = ContactChange.objects.filter(patient=reader.patient)
    yield from _about("patients.contactchange", _ids(asked))
    yield from _about("registration.loginrequest", _ids(_own_requests(reader)))
    accounts = list(_own_memberships(reader))
    yield from _about("identity.clinicmembership", [str(one.pk) for one in accounts])
    yield from _about("identity.actionlink", _ids(ActionLink.objects.filter(membership__in=accounts)))
    yield from _about("identity.onetimecode", _ids(OneTimeCode.objects.filter(membership__in=accounts)))
    guests = GuestRequest.objects.filter(appointment__patient=reader.patient)
    yield from _about("booking.guestrequest", _ids(guests))
    yield from _about("booking.earlieroffer", _ids(EarlierOffer.objects.filter(patient=reader.patient)))
    drawn = DrawRequest.objects.filter(patient=reader.patient)
    yield from _about("booking.drawrequest", _ids(drawn))
    own = Appointment.objects.for_patient(reader.patient).only("pk", "starts_at")
    for chunk in _chunks(own, "starts_at"):
        yield from _about("booking.appointment", [str(one.pk) for one in chunk])


def _about(kind: str, ids: list[str]) -> Iterator[Row]:
    """Yield what was sent about these rows. Texts that opened a door are left out, others are there while they are kept."""
    rows = OutboxMessage.objects.filter(subject_type=kind, subject_id__in=ids).order_by("created_at", "pk")
    for row in rows if ids else ():
        is_secret = row.kind in SECRETS
        yield {
            "kind": str(row.get_kind_display()),
            "channel": str(row.get_channel_display()),
            "state": str(row.get_state_display()),
            "created_at": row.created_at,
            "due_at": row.due_at,
            "ended_at": row.closed_at,
            "to": row.recipient or None,
            "title": None if is_secret else row.title or None,
            "text": None if is_secret else row.body or None,
        }


# -- sessions ----------------------------------------------------------------------------------------------
def _kept_forms(reader: Reader) -> Iterator[Row]:
    """Yield what was typed when a session ended, until it is sent or a day has passed."""
    own = KeptForm.objects.filter(user=reader.account.user_id, clinic=reader.patient.clinic, acted_by=None)
    for row in own.filter(expires_at__gt=reader.now).order_by("kept_at", "pk"):
        yield {
            "page": row.page,
            "kept_at": row.kept_at,
            "kept_until": row.expires_at,
            "typed": [
                {"name": str(name), "value": str(value)} for name, value in json.loads(row.fields or "[]")
            ],
        }


def _open_sessions(reader: Reader) -> Iterator[Row]:
    own = UserSession.objects.filter(user=reader.account.user_id)
    if reader.clinic_scope is not None:
        own = own.filter(data__clinic_scope=reader.clinic_scope)
    for row in own.order_by("created_at", "pk"):
        yield {
            "opened_at": row.created_at,
            "device": devices.words_for(row.user_agent),
            "network_address": str(row.ip),
        }


# -- the trail ---------------------------------------------------------------------------------------------
def _sign_ins(reader: Reader) -> Iterator[Row]:
    events = sign_in_queries.events_of(reader.account.user_id, scope=reader.clinic_scope)
    for chunk in _chunks(events, "at"):
        for event, line in zip(chunk, sign_in_queries.lines_of(chunk), strict=True):
            device = event.details.get("device")
            yield {
                "at": line.at,
                "what": line.what,
                "why": line.why or None,
                "method": line.method or None,
                "clinic": line.clinic or None,
                "device": devices.in_words(device) or None,
                "network_address": line.network_address or None,
            }


def _log(reader: Reader) -> Iterator[Row]:
    for chunk in _chunks(log_queries.events_of(reader.patient), "at"):
        for entry in _entries(reader, chunk):
            yield _told(entry)


def _entries(reader: Reader, events: Sequence[AuditEvent]) -> list[Entry]:
    return log_queries.entries_of(reader.patient, events, viewer=reader.account.user_id)


def _told(entry: Entry) -> Row:
    return {
        "at": entry.at,
        "who": entry.who.name,
        "role": entry.who.role or None,
        "action": entry.action,
        "what": entry.what,
        "more": ", ".join(entry.more) or None,
        "changes": [{"what": line.what, "before": line.before, "after": line.after} for line in entry.lines],
    }


# -- reading in pieces -------------------------------------------------------------------------------------
def _ids(rows: QuerySet[Any]) -> list[str]:
    found: list[UUID] = list(rows.order_by("pk").values_list("pk", flat=True))
    return [str(one) for one in found]


def _chunks(rows: QuerySet[M], moment: str) -> Iterator[list[M]]:
    """Yield the rows in pieces, the latest first. Each piece is a query of its own: no cursor stays open meanwhile."""
    ordered, place = rows.order_by(f"-{moment}", "-pk"), Q()
    while chunk := list(ordered.filter(place)[:PER_CHUNK]):
        yield chunk
        if len(chunk) < PER_CHUNK:
            return
        at, pk = getattr(chunk[-1], moment), chunk[-1].pk
        place = Q(**{f"{moment}__lte": at}) & (Q(**{f"{moment}__lt": at}) | Q(pk__lt=pk))
