"""Log lines: one JSON object each, with ids and durations, never names, numbers or texts of people."""

import json
import logging
import re
import time
from typing import Any

from portal import request_id

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "request", "request_id"}
_LONG_NUMBER = re.compile(r"(?<![0-9a-zA-Z-])\+?\d[\d -]{6,}\d(?![0-9a-zA-Z-])")
_ADDRESS = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+")


def without_personal_data(text: str) -> str:
    """Return the text with everything that looks like a national ID, phone number or e-mail address removed."""
    return _ADDRESS.sub("[address]", _LONG_NUMBER.sub("[number]", text))


class RequestIdFilter(logging.Filter):
    """Puts the request id on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.current()
        return True


class JsonFormatter(logging.Formatter):
    """One line of JSON per record. A traceback keeps its files and lines, not the values in its message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": without_personal_data(record.getMessage()),
        }
        if identifier := getattr(record, "request_id", ""):
            line["request_id"] = identifier
        line |= {key: self._plain(value) for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = self._frames(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False)

    @staticmethod
    def _plain(value: object) -> object:
        return value if isinstance(value, int | float | bool | None) else without_personal_data(str(value))

    @staticmethod
    def _frames(traceback: Any) -> list[str]:
        frames = []
        while traceback:
            code = traceback.tb_frame.f_code
            frames.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
            traceback = traceback.tb_next
        return frames[-12:]
