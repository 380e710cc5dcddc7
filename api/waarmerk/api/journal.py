# SPDX-License-Identifier: Apache-2.0
"""The log: one JSON object a line, fields from a list and no others, nothing of a file, a key or an address.

A field that is not on the list is an error of ours, found by the first test that writes it. Exceptions are told by
type and place (module and line); their texts may hold bytes of a file.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from waarmerk.provenance.errors import places
from waarmerk.provenance.model.moment import rfc3339

FIELDS = frozenset(
    {
        "at",
        "event",
        "request_id",
        "tenant",
        "method",
        "route",
        "status",
        "bytes",
        "media_type",
        "verdict",
        "ms",
        "code",
        "job",
        "attempt",
        "count",
        "level",
        "where",
    }
)


class Journal:
    """Writes events to a stream, one line each; safe to use from several threads."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        """``write`` takes one line with its end; standard error if not given."""
        self._write = write or _to_stderr
        self._lock = threading.Lock()

    def write(self, **event: str | float | None) -> None:
        """Write one event; what is None is left out. Raises ValueError for a field that is not on the list."""
        unknown = sorted(set(event) - FIELDS)
        if unknown:
            raise ValueError(f"not a field of the log: {', '.join(unknown)}")
        line = json.dumps({name: value for name, value in event.items() if value is not None}, ensure_ascii=True)
        with self._lock:
            self._write(line + "\n")

    def worker_gone(self, clock: Callable[[], datetime], code: str) -> None:
        """A process that worked on a file ended without an answer: ``code`` says how, nothing says on which file."""
        self.write(at=rfc3339(clock()), event="worker", code=code)


def _to_stderr(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()


class PlainFormatter(logging.Formatter):
    """What libraries log, as events: the template of the message without its arguments, and where a fault came from."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        event: dict[str, Any] = {"event": str(record.msg).strip().splitlines()[0][:200], "level": record.levelname}
        if record.exc_info and record.exc_info[1] is not None:
            event["where"] = f"{type(record.exc_info[1]).__name__} at {places(record.exc_info[1])}"
        return json.dumps(event, ensure_ascii=True)


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"()": "waarmerk.api.journal.PlainFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}
