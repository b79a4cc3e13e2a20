"""Style sheet, fonts, custom elements and icons in `static/vendor`, built by npm from `package-lock.json`."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from launcher import environment, locks
from launcher.places import LOCAL, LOGS, ROOT
from launcher.processes import last_lines
from launcher.trouble import Trouble

OLDEST_NODE = 20
OUTPUT = ROOT / "static" / "vendor"
MARKER = OUTPUT / ".built-from"
MODULES_MARKER = ROOT / "node_modules" / ".installed-from"
LOG = LOGS / "assets.log"


def sources(root: Path = ROOT) -> list[Path]:
    """Every file that the result depends on, in a fixed order."""
    inside = sorted(path for path in (root / "assets").rglob("*") if path.is_file())
    return [
        root / "package.json",
        root / "package-lock.json",
        root / "portal" / "look" / "icons.json",
        *inside,
    ]


def fingerprint(files: list[Path], root: Path = ROOT) -> str:
    """Names and contents of files in short."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_fresh() -> bool:
    """Whether `static/vendor` was built from today's sources and is still whole."""
    try:
        built_from, listing = MARKER.read_text().split()
    except (OSError, ValueError):
        return False
    return built_from == fingerprint(sources()) and listing == _listing()


def has_system_node() -> bool:
    """Whether the machine has npm and a Node that is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = said.lstrip("v").split(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def ensure() -> None:
    """Build the assets when they are not there or their sources changed. Raises Trouble."""
    with locks.held(LOCAL / "assets.lock"):
        if is_fresh():
            return
        print("Building the style sheet and scripts …", flush=True)
        LOG.unlink(missing_ok=True)
        npm, search_path = npm_command()
        installed_from = fingerprint([ROOT / "package.json", ROOT / "package-lock.json"])
        if not MODULES_MARKER.exists() or MODULES_MARKER.read_text() != installed_from:
            _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], search_path)
            MODULES_MARKER.write_text(installed_from)
        MARKER.unlink(missing_ok=True)
        _run([*npm, "run", "build"], search_path)
        if not OUTPUT.is_dir():
            raise Trouble(f"Building the style sheet and scripts made nothing in {OUTPUT}. See {LOG}.")
        MARKER.write_text(f"{fingerprint(sources())} {_listing()}\n")


def _listing() -> str:
    """Names and sizes of the built files in short."""
    files = sorted(path for path in OUTPUT.rglob("*") if path.is_file() and path != MARKER)
    text = "\n".join(f"{path.relative_to(OUTPUT)} {path.stat().st_size}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()


def npm_command() -> tuple[list[str], str]:
    """The start of an npm command, and the PATH for it: the machine's Node, else the wheel's in the environment."""
    search_path = os.environ.get("PATH", os.defpath)
    if has_system_node():
        return ["npm"], search_path
    wheel = environment.ensure_node()
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node = wheel / "bin" / "node"
    return [str(node), str(npm)], f"{node.parent}{os.pathsep}{search_path}"


def _run(command: list[str], search_path: str) -> None:
    with LOG.open("ab") as log:
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
            env=os.environ | {"PATH": search_path, "NODE_ENV": "", "npm_config_update_notifier": "false"},
        )
    if done.returncode == 0:
        return
    said = last_lines(LOG)
    if "ENOSPC" in said:
        raise Trouble("The disk is full. Make room and start again.")
    raise Trouble(f"The style sheet and scripts could not be built (npm). {LOG} ends with:\n{said}")
