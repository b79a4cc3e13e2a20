"""Kernel and configuration. Imports no other area; names the others only as strings."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
