"""All of a patient's data as a file: JSON for machines, one HTML page for people. Written while it is read."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import moments
from services.own.data_queries import FORMAT, FORMAT_VERSION, Part, Reader, Row, parts_of

PER_PIECE = 100
"""Rows that the page is written in at a time."""

TITLES: Mapping[str, str | Promise] = {
    "record": gettext_lazy("The clinic's record of you"),
    "contact_changes": gettext_lazy("New addresses and numbers that were asked for"),
    "login": gettext_lazy("Your login"),
    "clinics": gettext_lazy("Your clinics"),
    "password_accounts": gettext_lazy("Your account with password"),
    "registrations": gettext_lazy("Your registrations"),
    "rights": gettext_lazy("What you may use"),
    "guardians": gettext_lazy("Guardians"),
    "proxies": gettext_lazy("Proxies"),
    "appointments": gettext_lazy("Appointments"),
    "requests_without_account": gettext_lazy("Requests without an account"),
    "earlier_times": gettext_lazy("Earlier times"),
    "draw_requests": gettext_lazy("Draws of urgent times"),
    "messages": gettext_lazy("Messages to you"),
    "kept_forms": gettext_lazy("What you had typed when a session ended"),
    "open_sessions": gettext_lazy("Where you are signed in"),
    "sign_ins": gettext_lazy("Your sign-ins"),
    "log": gettext_lazy("Who has seen or changed your data"),
}
LABELS: Mapping[str, str | Promise] = {
    "after": gettext_lazy("After"),
    "approval": gettext_lazy("Approval of bookings"),
    "asked_at": gettext_lazy("Asked"),
    "at": gettext_lazy("When"),
    "basis": gettext_lazy("On what it rests"),
    "before": gettext_lazy("Before"),
    "birth_date": gettext_lazy("Born"),
    "booking": gettext_lazy("Booking"),
    "cancelling": gettext_lazy("Cancelling"),
    "changed_at": gettext_lazy("Last changed"),
    "changes": gettext_lazy("Changes"),
    "channel": gettext_lazy("Channel"),
    "child_confirmed_at": gettext_lazy("Confirmed by a guardian"),
    "clinic": gettext_lazy("Clinic"),
    "closed_at": gettext_lazy("Closed"),
    "confirmed_at": gettext_lazy("Confirmed"),
    "confirmed_by_clinic_at": gettext_lazy("The clinic has seen proof"),
    "confirmed_until": gettext_lazy("Until"),
    "confirmed_with_eid": gettext_lazy("Confirmed with eID"),
    "consent_at": gettext_lazy("Consent given"),
    "consent_recorded_by": gettext_lazy("Consent recorded by"),
    "consultation": gettext_lazy("e-Consultation"),
    "country": gettext_lazy("Country"),
    "created_at": gettext_lazy("Made"),
    "day": gettext_lazy("Day"),
    "decided_at": gettext_lazy("Decided"),
    "device": gettext_lazy("Device"),
    "due_at": gettext_lazy("Due"),
    "email": gettext_lazy("E-mail"),
    "ended_at": gettext_lazy("Ended"),
    "ends_at": gettext_lazy("Ends"),
    "family_name": gettext_lazy("Family name"),
    "first_day": gettext_lazy("First day"),
    "for": gettext_lazy("For what"),
    "given_name": gettext_lazy("Given name"),
    "gp": gettext_lazy("GP"),
    "has_password": gettext_lazy("Has a password"),
    "history": gettext_lazy("What has happened"),
    "identity_confirmed_at": gettext_lazy("Identity confirmed"),
    "is_active": gettext_lazy("Record active"),
    "is_registered": gettext_lazy("Registered"),
    "kept_at": gettext_lazy("Kept"),
    "kept_until": gettext_lazy("Until"),
    "kind": gettext_lazy("Kind"),
    "known_to": gettext_lazy("Known to"),
    "language": gettext_lazy("Language"),
    "last_day": gettext_lazy("Last day"),
    "left_at": gettext_lazy("Left the portal"),
    "method": gettext_lazy("Method"),
    "mobile": gettext_lazy("Mobile"),
    "more": gettext_lazy("More"),
    "name": gettext_lazy("Name"),
    "national_id": gettext_lazy("National ID"),
    "network_address": gettext_lazy("Network address"),
    "no_eid_noted_at": gettext_lazy("Noted: can't use eID"),
    "no_eid_proof": gettext_lazy("How the clinic made sure"),
    "offers": gettext_lazy("Offers"),
    "on_day": gettext_lazy("As of"),
    "opened_at": gettext_lazy("Signed in"),
    "page": gettext_lazy("Page"),
    "passed_over": gettext_lazy("Times that were passed on to others"),
    "password_changed_at": gettext_lazy("Password chosen"),
    "place": gettext_lazy("Place in the order"),
    "portal_identifier": gettext_lazy("Address in the portal"),
    "proof": gettext_lazy("Proof"),
    "reason": gettext_lazy("Reason"),
    "receiver": gettext_lazy("Who acts"),
    "refusal": gettext_lazy("Why it was refused"),
    "registered_at": gettext_lazy("Registered since"),
    "renewal": gettext_lazy("Prescription renewal"),
    "role": gettext_lazy("Role"),
    "services": gettext_lazy("Services"),
    "services_closed_at": gettext_lazy("Services closed"),
    "source": gettext_lazy("Source"),
    "special": gettext_lazy("Instead of the standard"),
    "starts_at": gettext_lazy("Begins"),
    "state": gettext_lazy("State"),
    "status": gettext_lazy("Status"),
    "suits": gettext_lazy("What suits"),
    "terms": gettext_lazy("Terms accepted"),
    "text": gettext_lazy("Text"),
    "time_zone": gettext_lazy("Time zone"),
    "title": gettext_lazy("Title"),
    "to": gettext_lazy("To"),
    "typed": gettext_lazy("What you typed"),
    "valid_from": gettext_lazy("Valid from"),
    "valid_to": gettext_lazy("Valid to"),
    "value": gettext_lazy("Text"),
    "wants_electronic_answers": gettext_lazy("Wants answers electronically"),
    "wants_reminder": gettext_lazy("Wants a reminder"),
    "reminder_price": gettext_lazy("Price of the reminder"),
    "attendance": gettext_lazy("Attendance"),
    "rules_put_aside": gettext_lazy("Rules that the clinic put aside"),
    "what": gettext_lazy("What"),
    "who": gettext_lazy("Who"),
    "why": gettext_lazy("Why"),
    "with": gettext_lazy("With"),
}
_STYLE = mark_safe(
    "<style>body { max-width: 44rem; margin: 1rem auto; padding: 0 1rem; font-family: sans-serif; line-height: 1.5; "
    "overflow-wrap: anywhere; } dd { margin-inline-start: 1rem; }</style>"
)
"""The file stands alone: where it is opened there is neither our style sheet nor our content security policy."""
_FOR_MACHINES = {"id", "action", "service"}
"""Fields that the page for people leaves out."""


def json_lines(reader: Reader) -> Iterator[bytes]:
    """Return the file for machines, piece by piece, in the language in force now."""
    return _in_force(lambda: _json(reader), reader)


def html_lines(reader: Reader) -> Iterator[bytes]:
    """Return the file for people, piece by piece, in the language in force now."""
    return _in_force(lambda: _html(reader), reader)


def _in_force(pieces: Callable[[], Iterator[str]], reader: Reader) -> Iterator[bytes]:
    """Write each piece in the language of the request and the clinic's zone, whatever is in force when it is sent."""
    language, zone = translation.get_language() or reader.patient.clinic.language, reader.patient.clinic.zone

    def written() -> Iterator[bytes]:
        source = pieces()
        while True:
            with translation.override(language), timezone.override(zone):
                piece = next(source, None)
            if piece is None:
                return
            yield piece.encode()

    return written()


# -- for machines ------------------------------------------------------------------------------------------
def _json(reader: Reader) -> Iterator[str]:
    clinic = reader.patient.clinic
    head = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "made_at": reader.now,
        "language": translation.get_language() or "",
        "clinic": {
            "name": clinic.name,
            "portal_identifier": clinic.portal_identifier,
            "country": clinic.country,
            "time_zone": str(clinic.zone),
        },
    }
    yield _dumped(head)[:-1]
    for part in parts_of(reader):
        yield f",\n{json.dumps(part.name)}: "
        yield from _json_list(part.rows()) if part.is_list else map(_dumped, part.rows())
    yield "}\n"


def _json_list(rows: Iterable[Row]) -> Iterator[str]:
    between = "[\n"
    for row in rows:
        yield between + _dumped(row)
        between = ",\n"
    yield "[]" if between == "[\n" else "\n]"


def _dumped(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Promise):
        return str(value)
    raise TypeError(f"{type(value)} has no place in the file")


# -- for people --------------------------------------------------------------------------------------------
def _html(reader: Reader) -> Iterator[str]:
    parts = parts_of(reader)
    words = {
        "language": translation.get_language(),
        "style": _STYLE,
        "clinic": reader.patient.clinic,
        "patient": reader.patient,
        "made_at": reader.now,
        "contents": [(part.name, TITLES[part.name]) for part in parts],
    }
    yield render_to_string("own/file_begin.html", words)
    for part in parts:
        yield from _html_part(part, reader.patient.clinic.zone)
    yield render_to_string("own/file_end.html", {})


def _html_part(part: Part, zone: tzinfo) -> Iterator[str]:
    yield render_to_string("own/file_part.html", {"name": part.name, "title": TITLES[part.name]})
    is_empty = True
    for rows in _pieces(part.rows()):
        is_empty = False
        told = [_shown(row, zone) for row in rows]
        yield render_to_string("own/file_rows.html", {"rows": told})
    yield render_to_string("own/file_part_end.html", {"is_empty": is_empty})


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    piece: list[Row] = []
    for row in rows:
        piece.append(row)
        if len(piece) == PER_PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _shown(row: Mapping[str, Any], zone: tzinfo) -> list[tuple[str, Sequence[str]]]:
    """Return label and texts of every field that says something."""
    return [
        (str(LABELS[name]), texts)
        for name, value in row.items()
        if name not in _FOR_MACHINES and (texts := _texts(value, zone))
    ]


def _texts(value: object, zone: tzinfo) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, Mapping):
        parts = (f"{label}: {', '.join(texts)}" for label, texts in _shown(value, zone))
        return [joined] if (joined := " · ".join(parts)) else []
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one, zone)]
    return [_text(value, zone)]


def _text(value: object, zone: tzinfo) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return f"{moments.full_date(value.astimezone(zone).date())}, {moments.clock(value, zone)}"
    return moments.full_date(value) if isinstance(value, date) else str(value)
