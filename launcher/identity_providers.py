"""`make verify-idp`: the portal against identity providers that others wrote, at versions fixed by a lock file."""

import os
import subprocess
from collections.abc import Sequence

from launcher import assets, checking, locks
from launcher.places import LOCAL, LOGS, ROOT
from launcher.processes import last_lines
from launcher.trouble import Trouble

HOME = ROOT / "verify_idp"
MARKER = HOME / "node_modules" / ".installed-from"
LOG = LOGS / "verify-idp-install.log"


def verify(arguments: Sequence[str]) -> int:
    """Install the providers, and run the flows with a product of their own. Returns their exit code. Raises Trouble."""
    command, search_path = assets.npm_command()
    _install([*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], search_path)
    os.environ["PATH"] = search_path  # of the Node that starts the providers
    return checking.with_servers(["-m", "verify_idp", *arguments])


def _install(command: list[str], search_path: str) -> None:
    installed_from = assets.fingerprint([HOME / "package.json", HOME / "package-lock.json"])
    with locks.held(LOCAL / "verify-idp.lock"):
        if MARKER.exists() and MARKER.read_text() == installed_from:
            return
        print("Installing the identity providers (npm) …", flush=True)
        with LOG.open("wb") as log:
            environment = os.environ | {"PATH": search_path, "npm_config_update_notifier": "false"}
            done = subprocess.run(
                command,
                cwd=HOME,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                env=environment,
            )
        if done.returncode != 0:
            raise Trouble(
                f"The identity providers could not be installed. {LOG} ends with:\n{last_lines(LOG)}"
            )
        MARKER.write_text(installed_from)
