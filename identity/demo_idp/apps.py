"""App configuration. Installed during development only: its providers let anyone be anyone."""

from django.apps import AppConfig


class Config(AppConfig):
    name = "identity.demo_idp"
    label = "demo_idp"
