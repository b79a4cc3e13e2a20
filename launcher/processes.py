"""Starting children so that nothing outlives us: own session, and a signal from the kernel when we die."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """A user of the machine, as numbers."""

    user: int
    group: int


def own_session(*, on_parent_death: signal.Signals, account: Account | None = None) -> Callable[[], None]:
    """What a child does between fork and exec (`preexec_fn`).

    It leaves our session, so that Ctrl-C in the terminal reaches only us and we stop children in order; it becomes
    `account` where one is given; and it asks the kernel for `on_parent_death` when the thread that started it ends
    (so start children from the main thread). The last comes last: changing the user clears it.
    """
    parent = os.getpid()

    def prepare() -> None:
        os.setsid()
        if account is not None:
            os.setgroups([])
            os.setgid(account.group)
            os.setuid(account.user)
            os.umask(0o077)
        if _libc is not None:
            _libc.prctl(SET_PARENT_DEATH_SIGNAL, int(on_parent_death))
            if os.getppid() != parent:  # we died in between: nobody will send the signal any more
                os._exit(1)

    return prepare


def is_running(pid: int) -> bool:
    """Whether a process of that number lives, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command_line(pid: int) -> str | None:
    """The command line of a process, or None where the system does not tell (not Linux, or it is gone)."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log file, for a person who must know why something stopped."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 20_000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
