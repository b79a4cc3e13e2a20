"""The demo's keys: made once, kept beside its data, so that a second start can read what the first one wrote."""

import json
import os
import secrets
from pathlib import Path

from launcher.temporary import new_field_keys
from launcher.trouble import Trouble


def load(path: Path, *, data_exists: bool) -> dict[str, str]:
    """SECRET_KEY and FIELD_KEYS from `path`; made when missing. Raises Trouble when data would be unreadable."""
    try:
        kept = json.loads(path.read_text())
        return {"SECRET_KEY": str(kept["SECRET_KEY"]), "FIELD_KEYS": str(kept["FIELD_KEYS"])}
    except FileNotFoundError:
        if data_exists:
            raise _unreadable(path, "is missing") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise _unreadable(path, "cannot be read") from None
    made = {"SECRET_KEY": secrets.token_urlsafe(48), "FIELD_KEYS": new_field_keys()}
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file)
    half.rename(path)
    return made


def _unreadable(path: Path, what: str) -> Trouble:
    return Trouble(
        f"{path} {what}, and without its keys the demo's data cannot be read. "
        "`make demo-reset` deletes the data, and the next `make demo` starts afresh."
    )
