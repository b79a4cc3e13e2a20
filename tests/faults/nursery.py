"""A process that forks one child for each line it reads, and answers how the child ended: children that may be killed."""

import contextlib
import json
import os
import subprocess
import sys
from typing import Self

from tests.faults.test_kill_sender import test_database_url as database_url


class Nursery:
    """The process of a module of this package, on this test's database, in a with statement."""

    module: str

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module],
            env=os.environ | {"DATABASE_URL": database_url(), "LOG_LEVEL": "WARNING"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def run(self, **asked):
        """Let a child do what is asked; return its exit code, negative when a signal ended it."""
        self.process.stdin.write(json.dumps(asked, default=str) + "\n")
        return int(self.process.stdout.readline())
