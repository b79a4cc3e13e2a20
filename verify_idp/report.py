"""One line per flow, and whether all of them went well."""

import traceback
from collections.abc import Callable
from pathlib import Path

import httpx


class Report:
    """What is printed, and the exit code."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.failed = 0
        self.passed = 0

    def run(self, name: str, flow: Callable[[], None]) -> None:
        """Run one flow; an assertion that fails or a connection that breaks is its reason."""
        try:
            flow()
        except (AssertionError, httpx.HTTPError, StopIteration, LookupError) as trouble:
            self.failed += 1
            with (self.logs / "flows.log").open("a") as log:
                log.write(f"{name}\n{traceback.format_exc()}\n")
            print(f"{name} FAIL {_words(trouble)}", flush=True)
        else:
            self.passed += 1
            print(f"{name} ok", flush=True)

    def skip(self, name: str, reason: str) -> None:
        """Say what was not tried."""
        print(f"{name} skipped: {reason}", flush=True)

    @property
    def exit_code(self) -> int:
        """Return 0 if something ran and nothing failed."""
        return 0 if self.passed and not self.failed else 1


def _words(trouble: Exception) -> str:
    text = " ".join(str(trouble).split()) or type(trouble).__name__
    return text[:300]
