"""Where things lie. Everything that a run leaves behind is in `.venv`, `.local`, `node_modules` and `static/vendor`."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from launcher.trouble import Trouble

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
LOCAL = ROOT / ".local"
LOGS = LOCAL / "log"
REQUIREMENTS = ROOT / "requirements"

# A socket's path may have 107 bytes on Linux and 103 on a Mac; Postgres adds 17 to the directory's.
LONGEST_SOCKET_DIRECTORY = 80


def private_directory(path: Path, *, owner: int | None = None, group: int | None = None) -> Path:
    """Make `path` (0700, of `owner`) or take the one that is there, and refuse one that somebody else made."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if path.is_symlink() or found.st_uid not in {os.geteuid(), owner}:
            raise Trouble(f"{path} belongs to somebody else. Remove it, or start as the user who made it.")
        path.chmod(0o700)
        if owner is not None and group is not None and found.st_uid != owner:
            os.chown(path, owner, group)
    except PermissionError as error:
        raise Trouble(f"{path} cannot be written by this user. Remove it, or start as its owner.") from error
    return path


def socket_directory(wanted: Path, *, owner: int | None = None, group: int | None = None) -> Path:
    """A private directory for a Unix socket: `wanted`, or a short one in its place where that path is too long."""
    if len(os.fsencode(wanted)) > LONGEST_SOCKET_DIRECTORY:
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:10]
        wanted = Path(tempfile.gettempdir()) / f"venterom-{digest}"
        if len(os.fsencode(wanted)) > LONGEST_SOCKET_DIRECTORY:
            wanted = Path("/tmp") / f"venterom-{digest}"  # noqa: S108 - made 0700, and refused when not ours
    return private_directory(wanted, owner=owner, group=group)


def make_local() -> Path:
    """The directory for everything that runs leave behind, made when it is missing. Raises Trouble."""
    try:
        LOGS.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(
            f"{LOCAL} cannot be made: {error.strerror}. Start as the user who owns this folder."
        ) from error
    if not os.access(LOCAL, os.W_OK | os.X_OK) or not os.access(LOGS, os.W_OK | os.X_OK):
        raise Trouble(f"{LOCAL} belongs to another user. Start as that user, or remove the folder.")
    return LOCAL


def need_room(path: Path, megabytes: int) -> None:
    """Raise Trouble when the disk under `path` has less free space than that."""
    free = shutil.disk_usage(path).free // 1_000_000
    if free < megabytes:
        raise Trouble(
            f"The disk that holds {path} is nearly full: {free} MB are free, {megabytes} MB are needed. "
            "Make room and start again."
        )
