"""The patient's own view."""

from django.apps import AppConfig


class OwnConfig(AppConfig):
    """Pages on which patients see and take what the portal holds about them."""

    name = "services.own"
    label = "own"
