# SPDX-License-Identifier: Apache-2.0
"""What a job made, in one file of the spool: its files behind each other, and behind them what is to be said of them.

It appears whole or not at all, and never in place of another: whoever does a job a second time, because the first died
or was too slow, finds what the first made and takes that.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.labelling import Held

_MAGIC = b"waarmerk.bundle/1"
_LENGTH = 8
_PIECE_BYTES = 2**18
_MOST_TOLD = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Its ``name`` in the spool, what is to be said of it, and where each of its files stands: first byte, bytes."""

    name: str
    told: dict[str, Any]
    parts: dict[str, tuple[int, int]]


def name_for(job: str) -> str:
    """The name of what the job of this id makes, whoever does it."""
    return hashlib.sha256(_MAGIC + job.encode("utf-8")).hexdigest()[:32]


def put(keep: Keep, job: str, files: Mapping[str, Held], told: Mapping[str, Any]) -> Bundle:
    """Keep what the job of this id made; what it had made before, if anything. Raises StoreError."""
    name, draft = name_for(job), keep.draft()
    parts: dict[str, tuple[int, int]] = {}
    try:
        with contextlib.ExitStack() as stack:
            stack.callback(draft.unlink, missing_ok=True)
            made = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            writing = stack.enter_context(os.fdopen(made, "wb"))
            for key, each in files.items():
                each.stream.seek(0)
                parts[key] = writing.tell(), each.size
                shutil.copyfileobj(each.stream, writing, _PIECE_BYTES)
            text = json.dumps({"parts": parts, "told": dict(told)}, ensure_ascii=True).encode("ascii")
            if len(text) > _MOST_TOLD:
                raise StoreError("spool.failed", "more is to be said of it than is kept")
            writing.write(text + len(text).to_bytes(_LENGTH) + _MAGIC)
            writing.flush()
            os.fsync(writing.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, keep.path(name))
            keep.synchronise()
    except OSError as error:
        raise StoreError("spool.failed", "the spool cannot be written") from error
    found = find(keep, job)
    if found is None:
        raise StoreError("spool.failed", "the spool does not give back what was written")
    return found


def find(keep: Keep, job: str) -> Bundle | None:
    """What the job of this id made, None where nothing is there."""
    name = name_for(job)
    try:
        with keep.path(name).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            tail = file.seek(max(0, size - _LENGTH - len(_MAGIC)))
            end = file.read()
            length = int.from_bytes(end[:_LENGTH])
            if not end.endswith(_MAGIC) or not 0 < length <= min(tail, _MOST_TOLD):
                return None
            file.seek(tail - length)
            found = json.loads(file.read(length))
        parts = {str(key): (int(first), int(size)) for key, (first, size) in found["parts"].items()}
        if any(first < 0 or size < 0 or first + size > tail - length for first, size in parts.values()):
            return None
        return Bundle(name=name, told=dict(found["told"]), parts=parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):  # not there, or damaged
        return None


def opened(keep: Keep, name: str) -> IO[bytes] | None:
    """The bundle of this name, to be read from; None where it is gone."""
    try:
        return keep.path(name).open("rb")
    except (OSError, ValueError):
        return None


def pieces(file: IO[bytes], first: int, size: int) -> Iterator[bytes]:
    """The bytes from ``first`` on, a little at a time; closes the file."""
    with file:
        file.seek(first)
        while size > 0 and (piece := file.read(min(size, _PIECE_BYTES))):
            size -= len(piece)
            yield piece
