"""A small mail server for the demo: takes e-mail over SMTP on this machine only and keeps it in the database."""

import asyncio
import re
from collections.abc import Awaitable, Callable

LARGEST_MAIL = 1_000_000
LONGEST_LINE = 4_000
SECONDS_PER_LINE = 60
MOST_RECIPIENTS = 50

Deliver = Callable[[str, list[str], bytes], Awaitable[None]]
_ADDRESS = re.compile(r"^\s*<([^<>\s]*)>")


class Conversation:
    """One client's conversation, by RFC 5321's commands EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP and QUIT."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deliver: Deliver) -> None:
        self.reader, self.writer, self.deliver = reader, writer, deliver
        self.sender: str | None = None
        self.recipients: list[str] = []

    async def hold(self) -> None:
        """Answer until the client leaves, is silent for too long, or sends lines without end."""
        try:
            await self._say("220 localhost demo mailbox")
            while line := await self._line():
                if not await self._answer(line.decode("utf-8", "replace").rstrip("\r\n")):
                    break
        except (TimeoutError, ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self.writer.close()

    async def _line(self) -> bytes:
        return await asyncio.wait_for(self.reader.readline(), SECONDS_PER_LINE)

    async def _say(self, text: str) -> None:
        self.writer.write(f"{text}\r\n".encode())
        await self.writer.drain()

    async def _answer(self, line: str) -> bool:
        """Answer one command; return whether the conversation goes on."""
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        if verb == "DATA":
            await self._data()
            return True
        await self._say(self._reply(verb, rest))
        return verb != "QUIT"

    def _reply(self, verb: str, rest: str) -> str:
        match verb:
            case "EHLO":
                return f"250-localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {LARGEST_MAIL}"
            case "MAIL":
                return self._start(rest)
            case "RCPT":
                return self._add(rest)
            case "RSET":
                self._reset()
                return "250 OK"
            case "HELO" | "NOOP":
                return "250 OK"
            case "QUIT":
                return "221 Bye"
            case _:
                return "502 Not implemented"

    def _start(self, rest: str) -> str:
        address = _ADDRESS.match(rest[5:]) if rest.upper().startswith("FROM:") else None
        if address is None:
            return "501 Syntax: MAIL FROM:<address>"
        if self.sender is not None:
            return "503 Sender already given"
        self.sender = address.group(1)
        return "250 OK"

    def _add(self, rest: str) -> str:
        address = _ADDRESS.match(rest[3:]) if rest.upper().startswith("TO:") else None
        if address is None or "@" not in address.group(1):
            return "501 Syntax: RCPT TO:<address>"
        if self.sender is None:
            return "503 Sender first"
        if len(self.recipients) >= MOST_RECIPIENTS:
            return "452 Too many recipients"
        self.recipients.append(address.group(1))
        return "250 OK"

    async def _data(self) -> None:
        if not self.recipients:
            await self._say("503 Recipient first")
            return
        await self._say("354 End with a line that holds only a dot")
        content = await self._content()
        if content is None:
            await self._say("552 Too large")
        else:
            await self.deliver(self.sender or "", list(self.recipients), content)
            await self._say("250 OK")
        self._reset()

    async def _content(self) -> bytes | None:
        """Read up to the lone dot; None when it was too large. A connection that ends before it raises."""
        lines: list[bytes] = []
        size = 0
        while (line := await self._line()) != b".\r\n":
            if not line:
                raise ConnectionResetError
            size += len(line)
            if size <= LARGEST_MAIL:
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines) if size <= LARGEST_MAIL else None

    def _reset(self) -> None:
        self.sender, self.recipients = None, []


async def listen(port: int, deliver: Deliver) -> asyncio.Server:
    """Listen on this machine's own address; port 0 takes a free one."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Conversation(reader, writer, deliver).hold()

    return await asyncio.start_server(meet, "127.0.0.1", port, limit=LONGEST_LINE)
