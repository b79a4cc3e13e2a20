"""Words for changes of staff, their logins, and providers."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from clinic_admin.choices import ProviderKind, Role
from portal.models import AuditEvent
from services.reports.choices import ChangeKind
from services.reports.words.told import (
    Line,
    Names,
    Told,
    Words,
    day_in_words,
    label,
    on_or_off,
    one_line,
    yes_or_no,
)


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
            _("%(name)s works here again") % words, one_line(_("Roles"), _roles(details.get("roles")))
        )
    return Told(_("New staff member: %(name)s") % words, one_line(_("Roles"), _roles(details.get("roles"))))


def _roles(roles: object) -> str:
    return ", ".join(label(Role, role) for role in roles) if isinstance(roles, list) else ""


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
        _("%(name)s will leave") % words, one_line(_("Last day"), day_in_words(event.details.get("last_day")))
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
            Line(_("Kind"), "", label(ProviderKind, details.get("kind"))),
            Line(_("Patient list"), "", yes_or_no(details.get("has_patient_list"))),
            Line(_("Portal access"), "", on_or_off(details.get("has_portal_access"))),
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


CHANGES: Mapping[str, tuple[ChangeKind, Words]] = {
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
}

LOGINS = tuple(action for action, (_kind, words) in CHANGES.items() if words is _login)
"""Changes of a person's login. They belong to no clinic: every clinic where the person works sees them."""
