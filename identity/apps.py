"""App configuration."""

from django.apps import AppConfig


class Config(AppConfig):
    name = "identity"

    def ready(self) -> None:
        from identity import checks  # noqa: F401, PLC0415  registering checks is what ready() is for
