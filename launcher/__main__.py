"""`python3 -m launcher COMMAND`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said before anything that an older Python cannot read
    sys.exit(
        "Python 3.11 or newer is needed, and this is {}.{}. "
        "Choose another with: make PYTHON=python3.12 ...".format(*sys.version_info[:2])
    )

from launcher.commands import main

if __name__ == "__main__":
    sys.exit(main())
