"""A client that costs little: plain sockets, kept open, requests written beforehand. Loopback only, bounded in number."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

HOST = "127.0.0.1"
PATIENCE_SECONDS = 60
MOST_CLIENTS = 64
WITHOUT_BODY = {204, 304}
"""Answers that end with their head (RFC 9110, 6.4.1)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Status 0 means that nothing did."""

    status: int
    body: bytes
    seconds: float


BY_SCRIPT = "HX-Request: true\r\n"


def get(path: str, *, cookies: str = "", in_place: bool = False) -> bytes:
    """Return a GET request as it goes over the wire; `in_place` as a page's script sends it."""
    by_itself = BY_SCRIPT if in_place else ""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookies}\r\n{by_itself}\r\n".encode()


def post(path: str, fields: dict[str, str], *, cookies: str, in_place: bool = False) -> bytes:
    """Return a POST request of a form as it goes over the wire; `in_place` as the page's script sends it."""
    body, by_itself = urlencode(fields), BY_SCRIPT if in_place else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookies}\r\n{by_itself}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


class _Line:
    """One client's connection, opened again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def ask(self, request: bytes, *, anew: bool = False) -> Answer:
        """Send the request and return the answer. With `anew` the connection is opened for it and closed after it."""
        if anew:
            self.close()
        answer = self._ask(request)
        if anew:
            self.close()
        return answer

    def _ask(self, request: bytes) -> Answer:
        started = time.perf_counter()
        fresh = self.socket is None
        answer = self._try(request)
        if answer is None and not fresh:
            answer = self._try(request)  # the kept connection had just been closed, before it was read
        status, body = answer or (0, b"")
        return Answer(status, body, time.perf_counter() - started)

    def _try(self, request: bytes) -> tuple[int, bytes] | None:
        try:
            if self.socket is None:
                self.socket = socket.create_connection((HOST, self.port), timeout=PATIENCE_SECONDS)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(request)
            return self._read(self.socket)
        except OSError:
            self.close()
            return None

    def _read(self, line: socket.socket) -> tuple[int, bytes] | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = line.recv(65536)
            if not more:
                self.close()
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        status = int(lines[0].split()[1])
        length = next((int(one[15:]) for one in lines if one.startswith(b"content-length:")), None)
        if status in WITHOUT_BODY:
            length = 0
        while not body.endswith(b"0\r\n\r\n") if length is None else len(body) < length:
            more = line.recv(65536)
            if not more:
                self.close()
                return None
            body += more
        if b"connection: close" in lines:
            self.close()
        return status, body

    def close(self) -> None:
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.close()
        self.socket = None


def send_all(port: int, requests: Sequence[bytes], *, clients: int, each_anew: bool = False) -> list[Answer]:
    """Send each request once, by so many clients at the same time. Return the answers in the order of requests.

    With `each_anew` every request has a connection of its own, as the people of a crowd have.
    """
    answers: list[Answer] = [Answer(0, b"", 0)] * len(requests)
    numbers = iter(range(len(requests)))

    def do(line: _Line, number: int) -> None:
        answers[number] = line.ask(requests[number], anew=each_anew)

    _together(port, numbers, do, clients)
    return answers


def send_for(
    port: int,
    request_of: Callable[[int], bytes],
    *,
    clients: int,
    seconds: float,
    each_anew: bool = False,
) -> tuple[list[Answer], float]:
    """Send requests for so long. Return the answers and how many came per second; `each_anew` as in send_all."""
    answers: list[Answer] = []
    ends = time.perf_counter() + seconds
    numbers = itertools.takewhile(lambda _number: time.perf_counter() < ends, itertools.count())
    started = time.perf_counter()

    def do(line: _Line, number: int) -> None:
        answers.append(line.ask(request_of(number), anew=each_anew))

    _together(port, numbers, do, clients)
    return answers, len(answers) / (time.perf_counter() - started)


def _together(port: int, numbers: Iterator[int], do: Callable[[_Line, int], None], clients: int) -> None:
    taking = threading.Lock()

    def client() -> None:
        line = _Line(port)
        while True:
            with taking:
                number = next(numbers, None)
            if number is None:
                break
            do(line, number)
        line.close()

    threads = [threading.Thread(target=client) for _ in range(min(clients, MOST_CLIENTS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
