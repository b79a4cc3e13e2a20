"""App configuration."""

from django.apps import AppConfig


class Config(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from notifications import checks  # noqa: F401, PLC0415  registering checks is what ready() is for
