"""Words for changes of the clinic's settings, hours, texts and ways of signing in."""

from collections.abc import Iterable, Mapping

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clinic_admin import code_countries
from clinic_admin.choices import ClinicRefusal, TextKind, Weekday
from clinic_admin.forms import PHONES, SettingsForm
from portal import phone_numbers
from portal.models import AuditEvent
from services.reports.choices import ChangeKind
from services.reports.words.told import (
    Line,
    Names,
    Told,
    Words,
    clock_in_words,
    days_in_words,
    label,
    mapping,
    one_line,
    switched,
)


def _created(event: AuditEvent, names: Names) -> Told:
    return Told(_("The clinic was set up"))


def _switched_clinic(event: AuditEvent, names: Names) -> Told:
    is_on = event.details.get("after")
    sentence = (
        _("The clinic's portal was switched on") if is_on else _("The clinic's portal was switched off")
    )
    return Told(sentence, switched(_("The portal"), event))


def _settings(event: AuditEvent, names: Names) -> Told:
    before, after = mapping(event, "before"), mapping(event, "after")
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
        return clock_in_words(value)
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
        found.setdefault(day, []).append(f"{clock_in_words(opens_at)}–{clock_in_words(closes_at)}")
    return {day: ", ".join(times) for day, times in found.items()}


def _closure(event: AuditEvent, names: Names) -> Told:
    days = days_in_words(event.details.get("first_day"), event.details.get("last_day"))
    if event.action == "closure.added":
        return Told(_("The clinic is closed %(days)s") % {"days": days})
    return Told(_("Closed days removed: %(days)s") % {"days": days})


def _identifier(event: AuditEvent, names: Names) -> Told:
    if event.action == "clinic.identifier_changed":
        words = (str(event.details.get("before") or ""), str(event.details.get("after") or ""))
        return Told(_("The portal identifier was changed"), (Line(_("Portal identifier"), *words),))
    why = label(ClinicRefusal, event.details.get("reason"))
    return Told(_("A change of the portal identifier was refused"), one_line(_("Why"), why))


_LANGUAGES = {"nb": _lazy("Norwegian"), "da": _lazy("Danish"), "en": _lazy("English")}


def _text(event: AuditEvent, names: Names) -> Told:
    details = event.details
    provider = details.get("provider")
    parts = [
        label(TextKind, details.get("kind")),
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
    return Told(_("A way of signing in was connected"), one_line(_("Sign-in"), name))


def _sign_in(event: AuditEvent, names: Names) -> Told:
    before, after = (_sign_ins(event.details.get(side), names) for side in ("before", "after"))
    return Told(_("How patients may sign in"), (Line(_("Ways of signing in"), before, after),))


def _sign_ins(slugs: object, names: Names) -> str:
    told = [names.sign_in(slug) for slug in slugs] if isinstance(slugs, list) else []
    return ", ".join(told) or _("none")


CHANGES: Mapping[str, tuple[ChangeKind, Words]] = {
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
    "provider.connected": (ChangeKind.SETTINGS, _identity_provider),
}
