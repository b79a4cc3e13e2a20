"""The providers as processes of this run: started, waited for, told what to do next, and stopped."""

import json
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

HERE = Path(__file__).resolve().parent
STARTS_WITHIN_SECONDS = 30


class Server:
    """One provider on a port of this machine, in a with statement. What it says goes to a file in `logs`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        port: int,
        logs: Path,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name, self.command, self.port = name, command, port
        self.log = logs / f"{name}.log"
        self.environment = os.environ | (environment or {})
        self.base = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Server":
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=HERE,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        ends = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                self._stop()
                raise AssertionError(f"{self.name} did not start, see {self.log}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def control(self, **wanted: Any) -> dict[str, Any]:
        """Say what the provider does next, and return what it says of itself."""
        answer = httpx.post(
            f"{self.base}/control", content=json.dumps(wanted), headers=_JSON, trust_env=False
        )
        answer.raise_for_status()
        said: dict[str, Any] = answer.json()
        return said

    def get(self, path: str) -> bytes:
        """Return what is at an address of the provider."""
        answer = httpx.get(f"{self.base}{path}", trust_env=False)
        answer.raise_for_status()
        return answer.content

    def _answers(self) -> bool:
        try:
            httpx.get(f"{self.base}/", trust_env=False, timeout=5)
        except httpx.HTTPError:
            return False
        return True

    def _stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)


_JSON = {"Content-Type": "application/json"}


def node(script: str, values: dict[str, Any]) -> list[str]:
    """Return the command that runs one of the scripts here."""
    return ["node", script, json.dumps(values)]
