"""A worker that only sends, for tests that kill it: python -m tests.faults.sender_process SECONDS [naive]."""

import sys
import time
from dataclasses import replace
from datetime import timedelta

import django

django.setup()

from notifications import claims, dispatch, sms  # noqa: E402  settings first
from notifications.choices import Outcome  # noqa: E402
from notifications.clock import database_now  # noqa: E402
from notifications.policy import Pace  # noqa: E402

PACE = Pace(
    lease=timedelta(seconds=4),
    margin=timedelta(seconds=2.5),
    grace=timedelta(seconds=1),
    look_again=timedelta(seconds=1),
)


def forget_doubt():
    """Do what many senders do: take "no clear answer" for "not sent". The tests must notice this."""
    careful = sms.send

    def careless(client, letter):
        answer = careful(client, letter)
        return replace(answer, outcome=Outcome.BUSY) if answer.outcome is Outcome.UNCLEAR else answer

    sms.send = careless


def main(seconds):
    ends = time.monotonic() + seconds
    with dispatch.Sender() as sender:
        while time.monotonic() < ends:
            claims.end_leases(now=database_now(), pace=PACE)
            dispatch.look(sender, pace=PACE)
            if not dispatch.send_batch(sender, pace=PACE, limit=8):
                time.sleep(0.05)


if __name__ == "__main__":
    if "naive" in sys.argv:
        forget_doubt()
    main(float(sys.argv[1]))
