"""Moves the clocks of all open sessions of patients back, as if time had passed. Prints how many there were."""

import json
import sys
from datetime import UTC, datetime, timedelta

import django

django.setup()

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session


def main(opened_seconds_ago: int, signed_in_seconds_ago: int) -> dict[str, int]:
    """Set when they were opened, and when the person proved who they are."""
    now, count = datetime.now(UTC), 0
    for row in Session.objects.all():
        store = SessionStore(row.session_key)
        if "sign_in" not in store:
            continue
        store["opened_at"] = (now - timedelta(seconds=opened_seconds_ago)).isoformat()
        at = (now - timedelta(seconds=signed_in_seconds_ago)).isoformat()
        store["sign_in"] = store["sign_in"] | {"at": at}
        store.save()
        count += 1
    return {"sessions": count}


print(json.dumps(main(**json.loads(sys.argv[1]))))
