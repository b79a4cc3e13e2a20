"""The worker's and the clock's way in. The schedule stands in settings; tasks stand in each area's tasks.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("venterom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
