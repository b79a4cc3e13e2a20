"""A worker that is killed in the middle of a draw or of passing times on: python -m tests.faults.queue_process.

Every line on standard input is a piece of work as JSON (`work`, `clinic`, `now`, `dies_before`, and what the work needs).
A fork does it and kills itself before its n-th statement; how it ended is printed: a signal as a negative number, else 0.
"""

import json
import os
import signal
import sys
from datetime import date, datetime
from typing import Any

import django

django.setup()

from django.db import connection

from clinic_admin.models import Clinic
from identity.choices import Assurance
from identity.models import User
from patients.models import Patient
from services.booking.earlier import operations as earlier
from services.booking.release import operations as release


class Statements:
    """Counts what is sent to the database, and kills the process before the n-th."""

    def __init__(self, dies_before: int) -> None:
        self.left = dies_before

    def __call__(self, execute: Any, *given: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*given)


def do(asked: dict[str, Any]) -> None:
    """Do the work, up to where it dies."""
    clinic, now = Clinic.objects.get(pk=asked["clinic"]), datetime.fromisoformat(asked["now"])
    who: dict[str, Any] = {}
    if "patient" in asked:
        patient = Patient.objects.select_related("clinic").get(pk=asked["patient"])
        who = {
            "patient": patient,
            "offer_id": asked["offer"],
            "actor": User.objects.get(pk=asked["actor"]),
            "now": now,
        }
    with connection.execute_wrapper(Statements(asked["dies_before"])):
        if asked["work"] == "draw":
            release.hold(clinic=clinic, day=date.fromisoformat(asked["day"]), now=now)
        elif asked["work"] == "pass on":
            earlier.pass_on(clinic=clinic, now=now)
        elif asked["work"] == "decline":
            earlier.decline(**who)
        elif asked["work"] == "accept":
            earlier.accept(**who, assurance=Assurance.HIGH)
        else:
            raise ValueError(asked["work"])


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            do(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
