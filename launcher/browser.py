"""Finding a Chromium for the browser tests."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
HOW_TO_GET_ONE = "no Chromium was found: apt-get install chromium, or set CHROMIUM to its path"


def find(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The browser's program: the one CHROMIUM names, else the first that is installed, else None."""
    if named := environ.get("CHROMIUM"):
        return Path(named) if os.access(named, os.X_OK) else None
    for name in NAMES:
        for place in (shutil.which(name, path=environ.get("PATH")), f"/usr/bin/{name}"):
            if place and os.access(place, os.X_OK):
                return Path(place)
    return MAC if MAC.exists() else None


def must_be_there(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a missing browser is a failure: in CI nothing is skipped."""
    return bool(environ.get("CI"))
