"""Whether the installation works."""

from django.apps import AppConfig


class OperationConfig(AppConfig):
    """The operation page, the public status page, and the clock's pulse."""

    name = "services.operation"
    label = "operation"
