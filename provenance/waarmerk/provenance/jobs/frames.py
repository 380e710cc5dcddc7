# SPDX-License-Identifier: Apache-2.0
"""Messages between a pool and its workers: four bytes of length, big-endian, then JSON in ASCII without a space."""

import json
import os
import select
import struct
import time
from dataclasses import dataclass
from typing import Any

from waarmerk.provenance.jobs.told import Told, read

_LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 16 * 2**20  # a report of a store with 1,000 ingredients stays below 1 MiB
MAX_FRAME_PARTS, MAX_FRAME_VALUES = 100_000, 400_000  # of objects and lists, of commas
SECONDS_TO_READ = 20.0
_PIPE_BYTES = 64 * 2**10  # what a pipe of Linux holds
_ANSWER, _END = b'{"answer":{', b"}"  # the answer itself begins with the last byte of the one


class FrameError(Exception):
    """The other side sent something that is no frame, or went away in the middle of one."""


class DeadlineError(Exception):
    """No whole frame arrived in time."""


@dataclass(frozen=True, slots=True)
class Written:
    """An object as JSON in ASCII without a space, for an answer."""

    text: str


def seconds_from_now(seconds: float) -> float:
    """A deadline for ``receive``."""
    return time.monotonic() + seconds


def packed(message: dict[str, Any]) -> bytes:
    """One frame; what stands alone under ``answer`` may be ``Written``."""
    if isinstance(answer := message.get("answer"), Written):
        body = b'{"answer":%b}' % answer.text.encode("ascii")
    else:
        body = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return _LENGTH.pack(len(body)) + body


def send(descriptor: int, message: dict[str, Any]) -> None:
    """Write one frame to a pipe or a socket.

    Raises BrokenPipeError where nobody reads any more, BlockingIOError where one that does not block was not read in
    ``SECONDS_TO_READ``.
    """
    data, until = memoryview(packed(message)), seconds_from_now(SECONDS_TO_READ)
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            await_room(descriptor, until)


def await_room(descriptor: int, until: float) -> None:
    """Wait until something can be written. Raises BlockingIOError at the moment ``until`` of ``time.monotonic``."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise BlockingIOError("nobody reads")


def receive(descriptor: int, *, deadline: float | None = None) -> dict[str, Any] | None:
    """Read one frame from a pipe, None where it was closed between two frames.

    ``deadline`` is a moment of ``time.monotonic``; who gives one has asked, and more than one frame is no answer.
    What stands under ``answer`` is ``Told`` where it is an object. Raises FrameError and DeadlineError.
    """
    if deadline is None:
        body = _next(descriptor)
        return None if body is None else _message(body)
    frame = Frame(descriptor)
    while True:
        _wait(descriptor, deadline)
        if frame.reads():
            return frame.message()


class Frame:
    """The one frame that is to come, as it arrives: for who has other things to do meanwhile."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._data = bytearray()
        self._missing = _LENGTH.size

    def reads(self) -> bool:
        """Read what is there; whether that is all that will come. Raises FrameError.

        A socket may be said to have something to be read where there is nothing (``MSG_OOB``).
        """
        try:
            part = os.read(self.descriptor, _PIPE_BYTES)
        except BlockingIOError:
            return False
        if not part:
            return True
        self._data += part
        whole = _LENGTH.size + _length(self._data) if len(self._data) >= _LENGTH.size else _LENGTH.size
        self._missing = whole - len(self._data)
        return self._missing <= 0

    @property
    def is_whole(self) -> bool:
        """Whether exactly one frame was read."""
        return self._missing == 0

    def message(self) -> dict[str, Any] | None:
        """What was read, None where the other side left before it said anything. Raises FrameError."""
        if not self._data:
            return None
        if self._missing:
            raise FrameError("a frame cut short" if self._missing > 0 else "more than a frame")
        return _message(bytes(self._data[_LENGTH.size :]))


def _message(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_FRAME_PARTS and (
        body.count(b"[") + body.count(b"{") > MAX_FRAME_PARTS or body.count(b",") > MAX_FRAME_VALUES
    ):
        raise FrameError("a frame of too many parts")  # a reader takes a second for a million, and nobody else runs
    try:
        message = {"answer": Told(body[len(_ANSWER) - 1 : -1])} if _is_answer(body) else read(body)
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame that is not JSON") from error
    if not isinstance(message, dict):
        raise FrameError("a frame that is not an object")
    return message


def _is_answer(body: bytes) -> bool:
    return body.startswith(_ANSWER) and body.endswith(_END)


def _next(descriptor: int) -> bytes | None:
    """The body of the next frame; others may follow."""
    head = _read(descriptor, _LENGTH.size)
    if not head:
        return None
    length = _length(head)
    body = _read(descriptor, length)
    if len(body) != length:
        raise FrameError("a frame cut short")
    return body


def _length(head: bytes | bytearray) -> int:
    (length,) = _LENGTH.unpack_from(head) if len(head) >= _LENGTH.size else (MAX_FRAME_BYTES + 1,)
    if length > MAX_FRAME_BYTES:
        raise FrameError("a frame of impossible length")
    return int(length)


def _read(descriptor: int, size: int) -> bytes:
    """``size`` bytes, fewer only at the end of the stream."""
    parts: list[bytes] = []
    missing = size
    while missing:
        part = os.read(descriptor, missing)
        if not part:
            break
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _wait(descriptor: int, deadline: float) -> None:
    poll = select.poll()  # unlike select.select, not bounded to descriptors below 1024
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise DeadlineError
