"""Locks between runs of the launcher. The kernel lets go of them when the process ends, however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from launcher.trouble import Trouble


@contextlib.contextmanager
def held(path: Path, *, refusal: str | None = None) -> Iterator[None]:
    """Hold the lock `path`. Somebody else has it: raise Trouble with `refusal`, or wait when there is none."""
    with _opened(path) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if refusal else 0))
        except BlockingIOError as error:
            raise Trouble(refusal or "") from error
        yield


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise Trouble(f"{path} belongs to another user. Start as that user, or remove it.") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
