"""App configuration."""

from django.apps import AppConfig
from django.urls import register_converter


class Config(AppConfig):
    name = "clinic_admin"

    def ready(self) -> None:
        """Let addresses name a clinic."""
        from clinic_admin.addresses import PortalConverter

        register_converter(PortalConverter, "portal")
