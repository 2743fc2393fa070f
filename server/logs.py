"""Logs on standard error: as text, or as one JSON object on each line for machines that collect them."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from . import request_ids
from .command_parser import PROGRAM

REQUESTS = "hoopai_products_mcp.requests"
"""The logger that has one line for each request over HTTP."""


def _escaped(text: str, kept: str = "") -> str:
    """The text without what ends a line, moves a cursor or hides: what a stranger sent may be quoted in it."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in kept else json.dumps(each)[1:-1] for each in text)


class Lines(logging.Formatter):
    """One line of text for each record, and a traceback below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line."""
        return _escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """The traceback."""
        return _escaped(super().formatException(ei), kept="\n")


class JsonLines(logging.Formatter):
    """One object a line: `time`, `level`, `logger`, `message`, what belongs to it, and `fault` for a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request_id := request_ids.current()) is not None:
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["fault"] = self.formatException(record.exc_info)
        return _escaped(json.dumps(line, ensure_ascii=False, default=str))


def log_to_stderr(kind: Literal["text", "json"]) -> None:
    """Set logging up, before the SDK does it in tables as wide as a terminal."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonLines() if kind == "json" else Lines(f"{PROGRAM}: %(message)s"))
    if kind == "json":
        logging.getLogger(REQUESTS).setLevel(logging.INFO)
