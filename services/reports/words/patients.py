"""Words for what was done about patients' logins and data."""

from collections.abc import Mapping
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from identity.choices import StopReason
from portal.models import AuditEvent
from services.reports.choices import ChangeKind
from services.reports.words.told import Line, Names, Told, Words, one_line


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
    return Told(_("A patient's contact details"), one_line(_("Changed"), fields))


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


def _paid_exported(event: AuditEvent, names: Names) -> Told:
    month = event.details.get("month")
    if not month:
        return Told(_("The reminders that patients pay for were taken out as a file"))
    named = date_format(date.fromisoformat(f"{month}-01"), "F Y")
    return Told(
        _("The reminders that patients pay for were taken out as a file: %(month)s") % {"month": named}
    )


def _exported(event: AuditEvent, names: Names) -> Told:
    of_all = event.details.get("is_everyone")
    return Told(
        _("The patient log was taken out as a file: all patients")
        if of_all
        else _("The patient log was taken out as a file: what a search had found")
    )


CHANGES: Mapping[str, tuple[ChangeKind, Words]] = {
    "codes.stopped": (ChangeKind.SETTINGS, _codes),
    "codes.resumed": (ChangeKind.SETTINGS, _codes),
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
    "paid_reminders.exported": (ChangeKind.PATIENTS, _paid_exported),
}
