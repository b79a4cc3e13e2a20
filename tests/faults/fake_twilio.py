"""A provider that misbehaves on purpose and keeps a ledger of what it took over. Run it in a thread."""

import json
import random
import threading
import time
import urllib.parse
import uuid
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NO_FAULTS = {}
FAULT_MIX = {
    "busy": 0.06,
    "error-before": 0.05,
    "reset-before": 0.03,
    "error-after": 0.06,
    "reset-after": 0.05,
    "slow-after": 0.03,
}


class Ledger:
    """What was taken over. Faults are drawn from a seeded source."""

    def __init__(self, faults=NO_FAULTS, seed=0, slow_seconds=2.0):
        self.faults, self.slow_seconds = dict(faults), slow_seconds
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.taken = []
        self.calls = Counter()
        self.answer_always = None

    def draw(self):
        with self.lock:
            number = self.random.random()
        for fault, share in self.faults.items():
            if number < share:
                return fault
            number -= share
        return ""

    def take(self, form):
        message = {
            "sid": f"SM{uuid.uuid4().hex}",
            "to": form["To"],
            "body": form["Body"],
            "status": "queued",
            "date_created": format_datetime(datetime.now(UTC)),
            "status_callback": form.get("StatusCallback", ""),
            "validity": form.get("ValidityPeriod", ""),
            "at": time.time(),
        }
        with self.lock:
            self.taken.append(message)
        return message

    def bodies(self):
        with self.lock:
            return Counter(message["body"] for message in self.taken)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A killed sender's broken connection is no news."""


class FakeTwilio:
    """The ledger behind HTTP, in a with statement."""

    def __init__(self, **values):
        self.ledger = Ledger(**values)
        self.server = _Server(("127.0.0.1", 0), _handler(self.ledger))
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


BUSY = (429, {"code": 20429, "message": "Too Many Requests", "status": 429})
INTERNAL = (500, {"code": 20500, "message": "Internal", "status": 500})


class Handler(BaseHTTPRequestHandler):
    """Answers like the provider, or with the fault that is drawn."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    ledger: Ledger

    def log_message(self, *_):
        pass

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        fault = self.ledger.draw()
        with self.ledger.lock:
            self.ledger.calls[fault or "well"] += 1
        before = {"busy": BUSY, "error-before": INTERNAL}.get(fault) or self.ledger.answer_always
        if before:
            self._say(*before)
        elif fault == "reset-before":
            self._cut()
        else:
            self._take(form, fault)

    def _take(self, form, fault):
        message = self.ledger.take(form)
        if fault == "reset-after":
            self._cut()
            return
        if fault == "slow-after":
            time.sleep(self.ledger.slow_seconds)
        self._say(*(INTERNAL if fault == "error-after" else (201, message)))

    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        with self.ledger.lock:
            found = [each for each in reversed(self.ledger.taken) if each["to"] == query.get("To")]
        self._say(200, {"messages": found, "next_page_uri": None, "uri": self.path, "page": 0})

    def _say(self, status, content):
        body = json.dumps(content).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def _cut(self):
        self.close_connection = True


def _handler(ledger):
    return type("BoundHandler", (Handler,), {"ledger": ledger})
