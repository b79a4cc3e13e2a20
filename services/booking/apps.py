"""App configuration."""

from django.apps import AppConfig


class Config(AppConfig):
    name = "services.booking"
    label = "booking"

    def ready(self) -> None:
        """Let what a crowd asks be read with who comes."""
        from services.booking import page_questions  # noqa: PLC0415 - models can't be imported before

        page_questions.register()
