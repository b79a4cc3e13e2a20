"""App configuration."""

from django.apps import AppConfig

from portal.field_words import speak_for_all_forms

speak_for_all_forms()


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal import checks  # noqa: F401, PLC0415  registering checks is what ready() is for
