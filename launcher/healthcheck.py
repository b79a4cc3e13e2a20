"""Asks a running web server whether it is alive. The image's HEALTHCHECK: exit code 0 or 1.

The server answers only to its own host name, so the question carries the one of BASE_URL.
"""

import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 4


def is_alive(server: str, base_url: str) -> bool:
    """Whether `server` ("address:port") answers /healthz, asked as the host of `base_url`."""
    host = urlsplit(base_url).netloc or server
    question = urllib.request.Request(f"http://{server}/healthz", headers={"Host": host})
    try:
        with urllib.request.urlopen(question, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_alive("127.0.0.1:8000", os.environ.get("BASE_URL", "")) else 1)
