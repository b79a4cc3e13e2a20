"""Rights in words."""

from dataclasses import fields

from django.utils.translation import gettext as _

from services.access.choices import Approval, Right
from services.access.policy import NO_RIGHTS, Rights, Services, SpecialRights


def services_lines(stored: Services, other: Services) -> list[str]:
    """Return how the stored services are wherever the other ones differ."""
    lines = []
    if stored.allowed != other.allowed:
        lines.append(_("Portal access") + ": " + value_words(stored.allowed))
    labels = _labels()
    for column, rights in stored.columns.items():
        wanted = other.columns.get(column, NO_RIGHTS)
        lines += [
            f"{column.label}, {labels[field.name]}: {value_words(getattr(rights, field.name))}"
            for field in fields(Rights)
            if getattr(rights, field.name) != getattr(wanted, field.name)
        ]
    return lines


def special_lines(stored: SpecialRights, other: SpecialRights) -> tuple[str, ...]:
    """Return how the stored special rights are wherever the other ones differ."""
    labels = _labels()
    return tuple(
        f"{labels[field.name]}: {value_words(getattr(stored, field.name))}"
        for field in fields(SpecialRights)
        if getattr(stored, field.name) != getattr(other, field.name)
    )


def _labels() -> dict[str, str]:
    return {str(name): str(label) for name, label in Right.choices} | {"approval": _("What a patient books")}


def value_words(value: bool | Approval | None) -> str:
    """Return "on", "off", how a booked time becomes final, or that the standard holds."""
    if value is None:
        return _("as standard")
    if isinstance(value, Approval):
        return str(value.label)
    return _("on") if value else _("off")
