"""App configuration."""

from django.apps import AppConfig


class Config(AppConfig):
    name = "services.inbox"
    label = "inbox"
