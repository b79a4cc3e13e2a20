"""App configuration."""

from django.apps import AppConfig


class Config(AppConfig):
    name = "services.registration"
    label = "registration"
