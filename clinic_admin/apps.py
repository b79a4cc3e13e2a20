"""App configuration."""

from django.apps import AppConfig
from django.urls import register_converter

from clinic_admin.addresses import PortalConverter


class Config(AppConfig):
    name = "clinic_admin"

    def ready(self) -> None:
        """Let addresses name a clinic."""
        register_converter(PortalConverter, "portal")
