"""Every recorded change as a sentence, with before and after in words: one small function per family of actions.

Stored events hold ids, never names of patients; names are looked up when the log is shown. What an old event lacks is
left out of the sentence's details, never an error.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from clinic_admin import code_countries
from clinic_admin.choices import ClinicRefusal, ProviderKind, Role, Service, TextKind, Weekday
from clinic_admin.forms import PHONES, SettingsForm
from delegation.choices import Topic
from identity.choices import Method, StopReason
from portal import moments, phone_numbers
from portal.models import AuditEvent
from services.access.choices import Approval, Column, Right
from services.booking.choices import SlotKind
from services.reports.choices import ChangeKind


class Line(NamedTuple):
    """One thing that changed. Empty texts mean that there was nothing before, or is nothing after."""

    what: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A change in words."""

    sentence: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """Who is who at the clinic, also those who have left."""

    country: str
    providers: Mapping[int, str]
    staff: Mapping[UUID, str]
    """By login."""
    members: Mapping[int, str]
    """By post at the clinic."""
    sign_ins: Mapping[str, str]
    """Identity providers by slug."""

    def provider(self, provider_id: object) -> str:
        """Return the provider's name."""
        number = int(str(provider_id)) if str(provider_id).isdecimal() else 0
        return self.providers.get(number) or _("a provider who has left")

    def member(self, member_id: object) -> str:
        """Return the name of the post's holder."""
        number = int(str(member_id)) if str(member_id).isdecimal() else 0
        return self.members.get(number) or _("someone who has left")

    def login(self, user_id: object) -> str:
        """Return the name of the person with the login."""
        known = {str(user): name for user, name in self.staff.items()}
        return known.get(str(user_id)) or _("someone who has left")

    def sign_in(self, slug: str) -> str:
        """Return what people call a way of signing in, also one that is gone."""
        return self.sign_ins.get(slug) or _label(Method, slug)

    def list_of(self, row: object) -> str:
        """Return the name of a row of the matrix; None is all other patients."""
        if row is None:
            return _("all other active patients")
        return _("%(name)s's list") % {"name": self.provider(row)}


# -- rights ------------------------------------------------------------------------------------------------
def _rights(event: AuditEvent, names: Names) -> Told:
    column = _label(Column, event.details.get("column"))
    words = {"name": names.provider(event.subject_id), "column": column}
    return Told(_("Services of %(name)s, %(column)s") % words, _rights_lines(event))


def _special(event: AuditEvent, names: Names) -> Told:
    after = event.details.get("after") or {}
    if not any(value is not None for value in after.values()):
        return Told(_("Special rights of a patient taken away: as standard again"), _rights_lines(event))
    return Told(_("Special rights of a patient"), _rights_lines(event))


def _rights_lines(event: AuditEvent) -> tuple[Line, ...]:
    before, after = _mapping(event, "before"), _mapping(event, "after")
    labels = dict(Right.choices) | {"approval": _("Approval of bookings")}
    return tuple(
        Line(str(label), _right(before.get(name)), _right(after.get(name)))
        for name, label in labels.items()
        if before.get(name) != after.get(name)
    )


def _right(value: object) -> str:
    if value is None:
        return _("as standard")
    return _switch(value) if isinstance(value, bool) else _label(Approval, value)


def _access(event: AuditEvent, names: Names) -> Told:
    words = {"name": names.provider(event.subject_id)}
    if event.details.get("after"):
        return Told(
            _("%(name)s can be reached through the portal") % words, _switched(_("Portal access"), event)
        )
    return Told(
        _("%(name)s can no longer be reached through the portal") % words,
        _switched(_("Portal access"), event),
    )


# -- matrix and absences -----------------------------------------------------------------------------------
def _matrix(event: AuditEvent, names: Names) -> Told:
    on, off = event.details.get("on") or [], event.details.get("off") or []
    total = len(on) + len(off)
    sentence = ngettext(
        "Service matrix: %(total)d box changed", "Service matrix: %(total)d boxes changed", total
    ) % {"total": total}
    lines = [Line(_tick(tick, names), _("no tick"), _("tick")) for tick in on]
    lines += [Line(_tick(tick, names), _("tick"), _("no tick")) for tick in off]
    return Told(sentence, tuple(lines))


def _tick(tick: Mapping[str, Any], names: Names) -> str:
    return _("%(service)s: %(row)s with %(provider)s") % {
        "service": _label(Service, tick.get("service")),
        "row": names.list_of(tick.get("row")),
        "provider": names.provider(tick.get("provider")),
    }


def _absence(event: AuditEvent, names: Names) -> Told:
    is_added = event.action == "absence.added"
    absence = _mapping(event, "after" if is_added else "before")
    words = {
        "name": names.provider(absence.get("provider")),
        "days": _days(absence.get("first_day"), absence.get("last_day")),
    }
    covers = _covers(absence, names)
    if is_added:
        return Told(
            _("%(name)s is away %(days)s") % words, tuple(Line(what, "", who) for what, who in covers)
        )
    return Told(_("Absence removed: %(name)s, %(days)s") % words, tuple(Line(*cover) for cover in covers))


def _absence_changed(event: AuditEvent, names: Names) -> Told:
    before, after = _mapping(event, "before"), _mapping(event, "after")
    words = {
        "name": names.provider(after.get("provider")),
        "days": _days(after.get("first_day"), after.get("last_day")),
    }
    old, new = before.get("covers") or {}, after.get("covers") or {}
    lines = tuple(
        Line(
            _("%(service)s covered by") % {"service": _label(Service, service)},
            _cover(old.get(service), names),
            _cover(new.get(service), names),
        )
        for service in Service.values
        if old.get(service) != new.get(service)
    )
    return Told(_("Who covers for %(name)s, %(days)s") % words, lines)


def _covers(absence: Mapping[str, Any], names: Names) -> list[tuple[str, str]]:
    """Return who covers, in one line when it is the same for every service."""
    covers = absence.get("covers") or {}
    by_service = {service: covers.get(service) for service in Service.values}
    different = set(by_service.values())
    if len(different) == 1:
        return [(_("Covered by"), _cover(different.pop(), names))]
    return [
        (_("%(service)s covered by") % {"service": _label(Service, service)}, _cover(cover, names))
        for service, cover in by_service.items()
    ]


def _cover(cover: object, names: Names) -> str:
    return names.provider(cover) if cover else _("nobody")


def _messages(event: AuditEvent, names: Names) -> Told:
    before, after = _mapping(event, "before"), _mapping(event, "after")
    told = [Line(_("Messages"), _topics(before), _topics(after))]
    if before.get("recipient") != after.get("recipient"):
        told.append(Line(_("To"), _recipient(before, names), _recipient(after, names)))
    return Told(_("Who gets new messages from patients"), tuple(told))


def _topics(stored: Mapping[str, Any]) -> str:
    return ", ".join(_label(Topic, topic) for topic in stored.get("topics") or []) or _("none")


def _recipient(stored: Mapping[str, Any], names: Names) -> str:
    return names.members.get(int(stored.get("recipient") or 0)) or _("nobody")


# -- settings ----------------------------------------------------------------------------------------------
def _created(event: AuditEvent, names: Names) -> Told:
    return Told(_("The clinic was set up"))


def _switched_clinic(event: AuditEvent, names: Names) -> Told:
    is_on = event.details.get("after")
    sentence = (
        _("The clinic's portal was switched on") if is_on else _("The clinic's portal was switched off")
    )
    return Told(sentence, _switched(_("The portal"), event))


def _settings(event: AuditEvent, names: Names) -> Told:
    before, after = _mapping(event, "before"), _mapping(event, "after")
    lines = tuple(
        Line(setting_label(name), _setting(name, before.get(name), names), _setting(name, value, names))
        for name, value in after.items()
    )
    return Told(_("Settings of the clinic"), lines)


def setting_label(name: str) -> str:
    """Return the words by which the page of settings calls a setting."""
    field = SettingsForm.base_fields.get(name)
    return str(field.label) if field is not None and field.label else name


def _setting(name: str, value: object, names: Names) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "urgent_release_at":
        return _clock(value)
    if isinstance(value, list):
        return code_countries.names_of(value) or _("none")
    if name in PHONES and value:
        return phone_numbers.as_people_write(str(value), names.country)
    return _("empty") if value in ("", None) else str(value)


def _opening_hours(event: AuditEvent, names: Names) -> Told:
    before, after = _hours(event.details.get("before")), _hours(event.details.get("after"))
    closed = _("closed")
    lines = tuple(
        Line(capfirst(str(label)), before.get(day, closed), after.get(day, closed))
        for day, label in Weekday.choices
        if before.get(day) != after.get(day)
    )
    return Told(_("Opening hours"), lines)


def _hours(periods: Iterable[Iterable[str]] | None) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for day, opens_at, closes_at in periods or ():
        found.setdefault(day, []).append(f"{_clock(opens_at)}–{_clock(closes_at)}")
    return {day: ", ".join(times) for day, times in found.items()}


def _closure(event: AuditEvent, names: Names) -> Told:
    days = _days(event.details.get("first_day"), event.details.get("last_day"))
    if event.action == "closure.added":
        return Told(_("The clinic is closed %(days)s") % {"days": days})
    return Told(_("Closed days removed: %(days)s") % {"days": days})


def _identifier(event: AuditEvent, names: Names) -> Told:
    if event.action == "clinic.identifier_changed":
        words = (str(event.details.get("before") or ""), str(event.details.get("after") or ""))
        return Told(_("The portal identifier was changed"), (Line(_("Portal identifier"), *words),))
    why = _label(ClinicRefusal, event.details.get("reason"))
    return Told(_("A change of the portal identifier was refused"), _one_line(_("Why"), why))


_LANGUAGES = {"nb": _lazy("Norwegian"), "da": _lazy("Danish"), "en": _lazy("English")}


def _text(event: AuditEvent, names: Names) -> Told:
    details = event.details
    provider = details.get("provider")
    parts = [
        _label(TextKind, details.get("kind")),
        names.provider(provider) if provider else "",
        str(_LANGUAGES.get(details.get("language") or "", "")),
    ]
    words = {"text": ", ".join(part for part in parts if part)}
    if details.get("is_factory"):
        return Told(_("Back to the text it came with: %(text)s") % words)
    return Told(_("Text written anew: %(text)s") % words)


def _identity_provider(event: AuditEvent, names: Names) -> Told:
    slug = str(event.details.get("provider") or "")
    name = names.sign_in(slug)
    return Told(_("A way of signing in was connected"), _one_line(_("Sign-in"), name))


def _sign_in(event: AuditEvent, names: Names) -> Told:
    before, after = (_sign_ins(event.details.get(side), names) for side in ("before", "after"))
    return Told(_("How patients may sign in"), (Line(_("Ways of signing in"), before, after),))


def _sign_ins(slugs: object, names: Names) -> str:
    told = [names.sign_in(slug) for slug in slugs] if isinstance(slugs, list) else []
    return ", ".join(told) or _("none")


# -- calendars ---------------------------------------------------------------------------------------------
def _calendar(event: AuditEvent, names: Names) -> Told:
    before, after = _mapping(event, "before"), _mapping(event, "after")
    words = {
        "calendar": after.get("name") or before.get("name") or "",
        "name": names.provider(event.details.get("provider")),
    }
    if event.action == "calendar-template.deleted":
        sentence = _("Weekly calendar “%(calendar)s” of %(name)s deleted") % words
    elif not before:
        sentence = _("New weekly calendar “%(calendar)s” of %(name)s") % words
    else:
        sentence = _("Weekly calendar “%(calendar)s” of %(name)s") % words
    return Told(sentence, (*_calendar_lines(before, after), *_block_lines(before, after)))


def _calendar_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Line, ...]:
    labels = {"name": _("Name"), "valid_from": _("First day"), "valid_until": _("Last day")}
    return tuple(
        Line(label, _calendar_word(name, before), _calendar_word(name, after))
        for name, label in labels.items()
        if before.get(name) != after.get(name) or bool(before) != bool(after)
    )


def _calendar_word(name: str, calendar: Mapping[str, Any]) -> str:
    if not calendar:
        return ""
    value = calendar.get(name)
    if name == "name":
        return str(value or "")
    return _day(value) if value else _("until further notice")


def _block_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Line, ...]:
    old, new = before.get("blocks") or [], after.get("blocks") or []
    gone = [Line(_block(block), _("there"), _("removed")) for block in old if block not in new]
    added = [Line(_block(block), "", _("added")) for block in new if block not in old]
    return (*gone, *added)


def _block(stored: str) -> str:
    """Return "Monday 08:00–09:00, 20 minutes, urgent" for "0 08:00-09:00 20 urgent"."""
    parts = stored.split()
    if len(parts) != 4:
        return stored
    weekday, times, minutes, kind = parts
    return _("%(weekday)s %(times)s, %(minutes)s minutes, %(kind)s") % {
        "weekday": capfirst(_label(Weekday, weekday)),
        "times": "–".join(_clock(end) for end in times.split("-")),
        "minutes": minutes,
        "kind": _label(SlotKind, kind).lower(),
    }


# -- staff -------------------------------------------------------------------------------------------------
def _staff_member(event: AuditEvent, names: Names) -> Told:
    words = {"name": names.member(event.subject_id)}
    details = event.details
    if event.action == "staff_member.roles_changed":
        line = Line(_("Roles"), _roles(details.get("before")), _roles(details.get("after")))
        return Told(_("Roles of %(name)s") % words, (line,))
    if event.action == "staff_member.left":
        return Told(_("%(name)s no longer works here") % words, _handed_over(details, names))
    if event.action == "staff_member.came_back":
        return Told(
            _("%(name)s works here again") % words, _one_line(_("Roles"), _roles(details.get("roles")))
        )
    return Told(_("New staff member: %(name)s") % words, _one_line(_("Roles"), _roles(details.get("roles"))))


def _roles(roles: object) -> str:
    return ", ".join(_label(Role, role) for role in roles) if isinstance(roles, list) else ""


def _handed_over(details: Mapping[str, Any], names: Names) -> tuple[Line, ...]:
    if "patients" not in details:
        return ()
    successor = details.get("successor")
    return (
        Line(_("Patients of the list"), "", str(details["patients"])),
        Line(_("They are now on the list of"), "", names.provider(successor) if successor else _("nobody")),
    )


def _leaving(event: AuditEvent, names: Names) -> Told:
    post, provider = event.details.get("staff_member"), event.details.get("provider")
    words = {"name": names.provider(provider) if post is None and provider else names.member(post)}
    if event.action == "leaving.called_off":
        return Told(_("%(name)s stays after all") % words)
    return Told(
        _("%(name)s will leave") % words, _one_line(_("Last day"), _day(event.details.get("last_day")))
    )


def _second_factor_reset(event: AuditEvent, names: Names) -> Told:
    words = {"name": names.login(event.details.get("user"))}
    sentences = {
        "second_factor_reset.requested": _("Someone asked to reset the second step of %(name)s"),
        "second_factor_reset.confirmed": _("A second person agreed to reset the second step of %(name)s"),
        "second_factor_reset.withdrawn": _("The second step of %(name)s is not reset after all"),
    }
    return Told(sentences[event.action] % words)


def _provider(event: AuditEvent, names: Names) -> Told:
    details = event.details
    words = {"name": names.provider(event.subject_id)}
    if event.action == "provider.left":
        return Told(_("%(name)s no longer works here") % words, _handed_over(details, names))
    if event.action == "provider.came_back":
        return Told(_("%(name)s works here again") % words)
    return Told(
        _("New provider: %(name)s") % words,
        (
            Line(_("Kind"), "", _label(ProviderKind, details.get("kind"))),
            Line(_("Patient list"), "", _yes(details.get("has_patient_list"))),
            Line(_("Portal access"), "", _switch(details.get("has_portal_access"))),
        ),
    )


def _login(event: AuditEvent, names: Names) -> Told:
    sentences = {
        "staff.added": _("%(name)s got a login"),
        "staff.password-set": _("New password for %(name)s"),
        "staff.second-factor-set": _("New code app for %(name)s"),
        "staff.second-factor-reset": _(
            "Code app and passkeys of %(name)s were taken away; new ones are set up at sign-in"
        ),
        "staff.code-app-removed": _("%(name)s took the code app away"),
        "staff.passkey-added": _("New passkey for %(name)s"),
        "staff.passkey-removed": _("%(name)s took a passkey away"),
        "staff.recovery-codes-made": _("New recovery codes for %(name)s"),
    }
    return Told(sentences[event.action] % {"name": names.login(event.subject_id)})


def _link(event: AuditEvent, names: Names) -> Told:
    words = {"name": names.login(event.details.get("user"))}
    if event.action == "staff_link.sent":
        return Told(_("%(name)s got an e-mail with a link to choose a password") % words)
    return Told(_("%(name)s chose a password through the link") % words)


# -- patients ----------------------------------------------------------------------------------------------
def _import(event: AuditEvent, names: Names) -> Told:
    labels = {
        "new": _("New patients"),
        "changed": _("Changed patients"),
        "unchanged": _("Unchanged patients"),
    }
    lines = (Line(label, "", str(event.details.get(name, 0))) for name, label in labels.items())
    return Told(_("Patients were imported"), tuple(lines))


def _contact(event: AuditEvent, names: Names) -> Told:
    labels = {"mobile": _("mobile"), "email": _("e-mail"), "language": _("language")}
    fields = ", ".join(labels.get(name, name) for name in event.details.get("fields") or [])
    return Told(_("A patient's contact details"), _one_line(_("Changed"), fields))


def _withdrawn(event: AuditEvent, names: Names) -> Told:
    if event.action == "patient.portal_withdrawn":
        return Told(_("The portal was taken away from a patient"))
    return Told(_("The portal was given back to a patient"))


def _shown(event: AuditEvent, names: Names) -> Told:
    return Told(_("A patient's national ID was shown"))


def _membership(event: AuditEvent, names: Names) -> Told:
    sentences = {
        "membership.created": _("A patient got an account with password, and had agreed to it"),
        "membership.link_sent": _("A patient got a link to choose a password"),
        "membership.removed": _("A patient's account with password was removed"),
        "membership.activated": _("A patient chose a password"),
        "membership.password_changed": _("A patient chose a new password"),
    }
    return Told(sentences[event.action])


def _portal(event: AuditEvent, names: Names) -> Told:
    sentences = {
        "patient.registered": _("A patient was registered with the portal"),
        "patient.removed_from_portal": _("A patient was removed from the portal"),
        "patient.left_portal": _("A patient left the portal"),
        "patient.no_eid_set": _("It was noted that a patient can't use eID"),
        "patient.no_eid_cleared": _("The mark “no eID” was taken from a patient"),
        "patient.electronic_answers": _("It was noted how a patient wants answers"),
        "patient.created": _("A record was made for somebody who registered or asked for a time"),
        "register.approved": _("A registration was accepted"),
        "register.refused": _("A registration was refused"),
        "register.set_aside": _("A registration was put aside without an answer"),
        "register.put_back": _("A registration that was put aside waits again"),
    }
    return Told(sentences[event.action])


def _codes(event: AuditEvent, names: Names) -> Told:
    if event.action == "codes.resumed":
        return Told(_("An administrator lets codes go out again"))
    reason = event.details.get("reason")
    lines = (Line(_("Why"), "", str(StopReason(reason).label)),) if reason in StopReason else ()
    return Told(_("No codes are sent for a while"), lines)


def _exported(event: AuditEvent, names: Names) -> Told:
    of_all = event.details.get("is_everyone")
    return Told(
        _("The patient log was taken out as a file: all patients")
        if of_all
        else _("The patient log was taken out as a file: what a search had found")
    )


# -- all of them -------------------------------------------------------------------------------------------
Words = Callable[[AuditEvent, Names], Told]

CHANGES: Mapping[str, tuple[ChangeKind, Words]] = {
    "rights.changed": (ChangeKind.SERVICES, _rights),
    "portal_access.changed": (ChangeKind.SERVICES, _access),
    "special_rights.changed": (ChangeKind.SPECIAL, _special),
    "matrix.saved": (ChangeKind.MATRIX, _matrix),
    "absence.added": (ChangeKind.ABSENCES, _absence),
    "absence.removed": (ChangeKind.ABSENCES, _absence),
    "absence.changed": (ChangeKind.ABSENCES, _absence_changed),
    "message_delegation.changed": (ChangeKind.MESSAGES, _messages),
    "text.changed": (ChangeKind.TEXTS, _text),
    "clinic.created": (ChangeKind.SETTINGS, _created),
    "clinic.switched": (ChangeKind.SETTINGS, _switched_clinic),
    "clinic.changed": (ChangeKind.SETTINGS, _settings),
    "clinic.identifier_changed": (ChangeKind.SETTINGS, _identifier),
    "clinic.identifier_refused": (ChangeKind.SETTINGS, _identifier),
    "opening_hours.changed": (ChangeKind.SETTINGS, _opening_hours),
    "closure.added": (ChangeKind.SETTINGS, _closure),
    "closure.removed": (ChangeKind.SETTINGS, _closure),
    "sign_in.changed": (ChangeKind.SETTINGS, _sign_in),
    "codes.stopped": (ChangeKind.SETTINGS, _codes),
    "codes.resumed": (ChangeKind.SETTINGS, _codes),
    "provider.connected": (ChangeKind.SETTINGS, _identity_provider),
    "calendar-template.saved": (ChangeKind.CALENDARS, _calendar),
    "calendar-template.deleted": (ChangeKind.CALENDARS, _calendar),
    "staff_member.added": (ChangeKind.STAFF, _staff_member),
    "staff_member.roles_changed": (ChangeKind.STAFF, _staff_member),
    "staff_member.left": (ChangeKind.STAFF, _staff_member),
    "staff_member.came_back": (ChangeKind.STAFF, _staff_member),
    "leaving.decided": (ChangeKind.STAFF, _leaving),
    "leaving.called_off": (ChangeKind.STAFF, _leaving),
    "second_factor_reset.requested": (ChangeKind.STAFF, _second_factor_reset),
    "second_factor_reset.confirmed": (ChangeKind.STAFF, _second_factor_reset),
    "second_factor_reset.withdrawn": (ChangeKind.STAFF, _second_factor_reset),
    "provider.added": (ChangeKind.STAFF, _provider),
    "provider.left": (ChangeKind.STAFF, _provider),
    "provider.came_back": (ChangeKind.STAFF, _provider),
    "staff_link.sent": (ChangeKind.STAFF, _link),
    "staff_link.used": (ChangeKind.STAFF, _link),
    "staff.added": (ChangeKind.STAFF, _login),
    "staff.password-set": (ChangeKind.STAFF, _login),
    "staff.second-factor-set": (ChangeKind.STAFF, _login),
    "staff.second-factor-reset": (ChangeKind.STAFF, _login),
    "staff.code-app-removed": (ChangeKind.STAFF, _login),
    "staff.passkey-added": (ChangeKind.STAFF, _login),
    "staff.passkey-removed": (ChangeKind.STAFF, _login),
    "staff.recovery-codes-made": (ChangeKind.STAFF, _login),
    "patients.imported": (ChangeKind.PATIENTS, _import),
    "patient.contact_changed": (ChangeKind.PATIENTS, _contact),
    "patient.portal_withdrawn": (ChangeKind.PATIENTS, _withdrawn),
    "patient.portal_given_back": (ChangeKind.PATIENTS, _withdrawn),
    "patient.national_id_shown": (ChangeKind.PATIENTS, _shown),
    "membership.created": (ChangeKind.PATIENTS, _membership),
    "membership.link_sent": (ChangeKind.PATIENTS, _membership),
    "membership.removed": (ChangeKind.PATIENTS, _membership),
    "membership.activated": (ChangeKind.PATIENTS, _membership),
    "membership.password_changed": (ChangeKind.PATIENTS, _membership),
    "patient.registered": (ChangeKind.PATIENTS, _portal),
    "patient.removed_from_portal": (ChangeKind.PATIENTS, _portal),
    "patient.left_portal": (ChangeKind.PATIENTS, _portal),
    "patient.no_eid_set": (ChangeKind.PATIENTS, _portal),
    "patient.no_eid_cleared": (ChangeKind.PATIENTS, _portal),
    "patient.electronic_answers": (ChangeKind.PATIENTS, _portal),
    "patient.created": (ChangeKind.PATIENTS, _portal),
    "register.approved": (ChangeKind.PATIENTS, _portal),
    "register.refused": (ChangeKind.PATIENTS, _portal),
    "register.set_aside": (ChangeKind.PATIENTS, _portal),
    "register.put_back": (ChangeKind.PATIENTS, _portal),
    "patient_log.exported": (ChangeKind.PATIENTS, _exported),
}
"""Every action that the change log tells of."""

LOGINS = tuple(action for action, (_kind, words) in CHANGES.items() if words is _login)
"""Changes of a person's login. They belong to no clinic: every clinic where the person works sees them."""

NOT_CHANGES = {
    "acting.allowed": "told on the patient's own page",
    "acting.closed": "told on the patient's own page",
    "acting.letters_closed": "told on the patient's own page",
    "acting.letters_opened": "told on the patient's own page",
    "acting.started": "told on the patient's own page",
    "acting.stopped": "told on the patient's own page",
    "guardian.blocked": "told on the patient's own page",
    "guardian.checked": "told on the patient's own page",
    "guardian.child_sign_in": "told on the patient's own page",
    "guardian.confirmed": "told on the patient's own page",
    "guardian.ended": "told on the patient's own page",
    "guardian.unblocked": "told on the patient's own page",
    "guardians.loaded": "told on the patient's own page",
    "membership.child_confirmed": "told on the patient's own page",
    "membership.child_ended": "told on the patient's own page",
    "membership.child_made": "told on the patient's own page",
    "contact.asked": "told on the patient's own page",
    "contact.code_locked": "told on the patient's own page",
    "contact.code_wrong": "told on the patient's own page",
    "contact.confirmed": "the change of the contact details is told",
    "contact.ended": "told on the patient's own page",
    "contact.kept": "told on the patient's own page",
    "contact.sent_again": "told on the patient's own page",
    "patient.came_of_age": "told on the patient's own page",
    "proxy.ended": "told on the patient's own page",
    "proxy.registered": "told on the patient's own page",
    "appointment.absence_answered": "daily work",
    "appointment.approved": "daily work",
    "appointment.booked": "daily work",
    "appointment.cancelled": "daily work",
    "appointment.marked": "daily work",
    "appointment.moved": "daily work",
    "appointment.refused": "daily work",
    "appointment.reminder_off": "daily work",
    "appointment.reminder_on": "daily work",
    "appointment.requested": "daily work",
    "appointment.viewed": "reading, not changing",
    "calendar.blocked": "daily work in the calendar, about no patient",
    "calendar.unblocked": "daily work in the calendar, about no patient",
    "patient.viewed": "reading, not changing",
    "patient.listed": "reading, not changing",
    "patient.data_taken": "the patient's own business; told on the patient's own page",
    "earlier.joined": "daily work",
    "earlier.changed": "daily work",
    "earlier.left": "daily work",
    "earlier.offered": "daily work",
    "earlier.accepted": "daily work",
    "earlier.declined": "daily work",
    "earlier.expired": "daily work",
    "earlier.failed": "daily work",
    "draw.prepared": "follows from the clinic's settings, whose change is told",
    "draw.held": "daily work; staff have a report of each draw",
    "draw.asked": "daily work",
    "draw.asked_again": "daily work",
    "draw.withdrawn": "daily work",
    "guest.requested": "daily work",
    "guest.approved": "daily work",
    "guest.refused": "daily work",
    "guest.withdrawn": "daily work",
    "guest.viewed": "reading, not changing",
    "calendar.extended": "follows from a weekly calendar, whose change is told",
    "new_staff.started": "a draft; what comes of it is told",
    "new_staff.discarded": "a draft; what comes of it is told",
    "new_staff.finished": "the new staff member, rights and calendar are told one by one",
    "patient.gp_changed": "one of many that staff_member.left or provider.left sums up",
    "patient.imported": "one of many that patients.imported sums up",
    "patient.updated": "one of many that patients.imported sums up",
    "account.created": "signing in",
    "auth.cancel": "signing in",
    "code.sent": "signing in",
    "code.hint-sent": "signing in",
    "link.hint-sent": "signing in",
    "membership.password_chosen": "signing in; the activation that follows is told",
    "membership.identity_confirmed": "signing in",
    "membership.registered": "the registration is told",
    "register.requested": "what comes of it is told",
    "inbox.assigned": "daily work",
    "code.not-sent": "signing in",
    "code.wrong": "signing in",
    "code.locked": "signing in",
    "throttle.hit": "signing in",
    "link.issued": "the change of the account that sent it is told",
    "auth.again": "signing in",
    "auth.fail": "signing in",
    "staff.passkey-renamed": "only what its owner calls it",
    "auth.start": "signing in",
    "auth.success": "signing in",
    "session.end": "signing in",
    "slo.out": "signing in",
    "slo.in": "signing in",
    "slo.answered": "signing in",
    "provider.metadata-loaded": "the vendor's, the same for all clinics",
    "saml.archive-read": "the vendor's, and of no clinic",
    "provider.key-added": "the vendor's, the same for all clinics",
    "provider.key-used": "the vendor's, the same for all clinics",
    "provider.key-retired": "the vendor's, the same for all clinics",
}
"""Recorded, but not a change of how the clinic works, and why; a test sees to it that every action is in one of the two."""


def tell(event: AuditEvent, names: Names) -> Told:
    """Return the change in words, in the language in force. The event's action must be one of CHANGES."""
    return CHANGES[event.action][1](event, names)


def actions_of(kind: ChangeKind | None) -> list[str]:
    """Return the actions of a kind, or all of them."""
    return [action for action, (of, _words) in CHANGES.items() if kind is None or of is kind]


# -- small words -------------------------------------------------------------------------------------------
def _mapping(event: AuditEvent, name: str) -> Mapping[str, Any]:
    found = event.details.get(name)
    return found if isinstance(found, Mapping) else {}


def _switched(what: str, event: AuditEvent) -> tuple[Line, ...]:
    return (Line(what, _switch(event.details.get("before")), _switch(event.details.get("after"))),)


def _one_line(what: str, after: object) -> tuple[Line, ...]:
    return (Line(what, "", str(after)),) if after else ()


def _switch(value: object) -> str:
    return _("on") if value else _("off")


def _yes(value: object) -> str:
    return _("yes") if value else _("no")


def _label(words: Any, value: object) -> str:
    return str(words(value).label) if value in words.values else str(value or "")


def _day(value: object) -> str:
    try:
        return moments.full_date(date.fromisoformat(str(value)))
    except ValueError:
        return str(value or "")


def _clock(value: object) -> str:
    try:
        return moments.time_of_day(time.fromisoformat(str(value)))
    except ValueError:
        return str(value or "")


def _days(first: object, last: object) -> str:
    return (
        _day(first)
        if first == last
        else _("%(first)s to %(last)s") % {"first": _day(first), "last": _day(last)}
    )
