"""App configuration."""

from django.apps import AppConfig
from django.forms import Field
from django.utils.translation import gettext_lazy as _

Field.default_error_messages |= {
    "required": _("Fill in this field."),
    "max_length": _("Shorten the text to at most %(limit_value)d characters. Now it has %(show_value)d."),
    "min_value": _("Write %(limit_value)s or more."),
    "max_value": _("Write %(limit_value)s or less."),
}
"""Every form says what to do next. Set before any form is made, as each field copies the messages."""


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal import checks  # noqa: F401, PLC0415  registering checks is what ready() is for
