"""Stands in for the SMS provider: takes every message at once and answers as Twilio does."""

import itertools
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"
numbers = itertools.count(1)


class Provider(BaseHTTPRequestHandler):
    """Answers 201 with a number of its own to whatever is posted."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """Say how many messages were taken."""
        self._answer(200, {"taken": next(numbers) - 1})

    def do_POST(self) -> None:
        """Take a message."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(201, {"sid": f"SM{next(numbers):032x}", "status": "queued"})

    def _answer(self, status: int, words: dict[str, object]) -> None:
        body = json.dumps(words).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer((HOST, int(sys.argv[1])), Provider).serve_forever()
