# SPDX-License-Identifier: Apache-2.0
"""Messages between a pool and its workers: four bytes of length, big-endian, then JSON."""

import json
import os
import select
import struct
import time
from typing import Any

_LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 16 * 2**20  # a report of a store with 1,000 ingredients stays below 1 MiB


class FrameError(Exception):
    """The other side sent something that is no frame, or went away in the middle of one."""


class DeadlineError(Exception):
    """No whole frame arrived in time."""


def seconds_from_now(seconds: float) -> float:
    """A deadline for ``receive``."""
    return time.monotonic() + seconds


def send(descriptor: int, message: dict[str, Any]) -> None:
    """Write one frame to a pipe. Raises BrokenPipeError where nobody reads any more."""
    body = json.dumps(message, ensure_ascii=True).encode("ascii")
    data = memoryview(_LENGTH.pack(len(body)) + body)
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int, *, deadline: float | None = None) -> dict[str, Any] | None:
    """Read one frame from a pipe, None where it was closed between two frames.

    ``deadline`` is a moment of ``time.monotonic``. Raises FrameError and DeadlineError.
    """
    head = _read(descriptor, _LENGTH.size, deadline)
    if not head:
        return None
    (length,) = _LENGTH.unpack(head) if len(head) == _LENGTH.size else (MAX_FRAME_BYTES + 1,)
    if length > MAX_FRAME_BYTES:
        raise FrameError("a frame of impossible length")
    body = _read(descriptor, length, deadline)
    if len(body) != length:
        raise FrameError("a frame cut short")
    try:
        message = json.loads(body)
    except ValueError as error:
        raise FrameError("a frame that is not JSON") from error
    if not isinstance(message, dict):
        raise FrameError("a frame that is not an object")
    return message


def _read(descriptor: int, size: int, deadline: float | None) -> bytes:
    """``size`` bytes, fewer only at the end of the stream."""
    parts: list[bytes] = []
    missing = size
    while missing:
        _wait(descriptor, deadline)
        part = os.read(descriptor, missing)
        if not part:
            break
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _wait(descriptor: int, deadline: float | None) -> None:
    if deadline is None:
        return
    poll = select.poll()  # unlike select.select, not bounded to descriptors below 1024
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise DeadlineError
