# SPDX-License-Identifier: Apache-2.0
"""One thing that a worker is to do with one file, and how long it may take."""

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Required, TypedDict

from waarmerk.provenance.jobs.spool import Spooled, is_nameless
from waarmerk.provenance.media.sniff import Kind, kind_by

DEADLINE_SECONDS = 20.0  # wall clock for an image; a quiet machine needs 0.05
DEADLINE_SECONDS_LARGE = 90.0  # for film, and beyond LARGE_BYTES: hashing and pixel searches take longer
DEADLINE_SECONDS_PER_KEY = 2.0  # a search for one more watermark key takes 0.3 on a quiet machine
DEADLINE_SECONDS_PER_DETECTOR = 12.0  # each has 10 of its own (jobs/detectors.py)
LARGE_BYTES = 32 * 2**20
_HEAD_BYTES = 4096
_SHORT = 16 * 2**10  # characters; JSON makes six of one at most


class Asked(TypedDict, total=False):
    """What belongs to a question beside the verb and the file: the moment, whether the file's name is told, further
    facts for the rules (``field=value``), options of the verb, and settings other than those that workers have.
    """

    at: Required[datetime]
    named: bool
    facts: Sequence[str]
    options: Mapping[str, Any] | None
    settings: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """``task`` is what a worker is told, ``settings`` are those it is to know, ``seconds`` is its time on the clock."""

    task: dict[str, Any]
    settings: dict[str, Any]
    seconds: float

    @property
    def is_short(self) -> bool:
        """Whether a socket holds what a worker is told, however little of it has been read."""
        return sum(len(each) + 1 for each in self.task["facts"]) < _SHORT and len(str(self.task["options"])) < _SHORT

    @property
    def may_be_refused(self) -> bool:
        """Whether more is asked than any file may be asked: facts, or the fields of an export."""
        return bool(self.task["facts"]) or self.task["verb"] == "export"


def errand_of(
    verb: str,
    file: Path | Spooled,
    known: dict[str, Any],
    *,
    at: datetime,
    named: bool = True,
    facts: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
) -> Errand:
    """The errand of doing ``verb`` (see ``jobs.workbench.Workbench.perform``) with a file.

    ``known`` are the settings where no others are asked for.
    """
    settings = known if settings is None else settings
    seconds = _deadline(file) + DEADLINE_SECONDS_PER_KEY * len(settings.get("keys") or ())
    return Errand(
        task={
            "verb": verb,
            "path": str(file.absolute()) if isinstance(file, Path) else file,
            "at": at.isoformat(),
            "named": named,
            "facts": list(facts),
            "options": dict(options or {}),
        },
        settings=settings,
        seconds=seconds + DEADLINE_SECONDS_PER_DETECTOR * len(settings.get("detectors") or ()),
    )


def _deadline(file: Path | Spooled) -> float:
    """Seconds on the clock for this file, by what its first bytes say it is."""
    if isinstance(file, Spooled):
        return DEADLINE_SECONDS_LARGE if file.size > LARGE_BYTES else _deadline_by(file.head(_HEAD_BYTES))
    if is_nameless(str(file)):  # it is open already
        return _deadline_of(int(file.name))
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # opening a pipe would wait for whoever writes into it
    except (OSError, ValueError):  # ValueError: a name that no file system can hold
        return DEADLINE_SECONDS
    try:
        return _deadline_of(opened)
    finally:
        os.close(opened)


def _deadline_of(file: int) -> float:
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            return DEADLINE_SECONDS
        if status.st_size > LARGE_BYTES:
            return DEADLINE_SECONDS_LARGE
        return _deadline_by(os.pread(file, _HEAD_BYTES, 0))
    except OSError:
        return DEADLINE_SECONDS


def _deadline_by(head: bytes) -> float:
    return DEADLINE_SECONDS_LARGE if kind_by(head) is Kind.VIDEO else DEADLINE_SECONDS
