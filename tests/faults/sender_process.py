"""Workers that only send, for tests that kill them: python -m tests.faults.sender_process [naive].

Every line on standard input starts one more worker, whose process id is printed. They are forked from a process
that has loaded everything, so that one is back at work right after another was killed.
"""

import os
import signal
import sys
import time
from dataclasses import replace
from datetime import timedelta

import django

django.setup()

from notifications import claims, dispatch, sms
from notifications.choices import Outcome
from notifications.clock import database_now
from notifications.policy import Pace

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


def send_for_ever():
    parent = os.getppid()
    with dispatch.Sender() as sender:
        while os.getppid() == parent:
            claims.end_leases(now=database_now(), pace=PACE)
            dispatch.look(sender, pace=PACE)
            if not dispatch.send_batch(sender, pace=PACE, limit=8):
                time.sleep(0.05)


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed are gone at once
    while sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            send_for_ever()
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    if "naive" in sys.argv:
        forget_doubt()
    main()
