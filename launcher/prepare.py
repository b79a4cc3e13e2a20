"""Several management commands in one process, which saves Django's start-up time for each.

Runs in the project's environment: `python -m launcher.prepare "migrate -v0" "demo_people > FILE"`.
"""

import io
import os
import shlex
import sys
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from launcher.programs import SETTINGS


def run(line: str) -> None:
    """Run one management command, given as on a command line; `> FILE` at its end keeps what it says."""
    command, _, target = line.partition(" > ")
    output = io.StringIO()
    call_command(*shlex.split(command), stdout=output)
    if target:
        Path(target).write_text(output.getvalue())
    else:
        print(output.getvalue(), end="", flush=True)


def main(lines: list[str]) -> int:
    """Run the commands in order. Returns 0, or 1 with the failure said."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    try:
        django.setup()
        for line in lines:
            run(line)
    except (CommandError, ImproperlyConfigured) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
