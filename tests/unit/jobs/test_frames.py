# SPDX-License-Identifier: Apache-2.0
"""Messages between a pool and a worker that may send anything."""

import json
import os
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from waarmerk.api.wire import Json
from waarmerk.provenance.jobs.frames import FrameError, receive, seconds_from_now, send
from waarmerk.provenance.jobs.told import Told

REPORT = {"format": "x", "name": "café\u202e\n\x7f", "p_value": 1.2e-12, "none": None, "list": [1, {"a": True}]}


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    out, into = os.pipe()
    yield out, into
    for each in (out, into):
        os.close(each)


def framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def test_an_answer_keeps_the_bytes_it_was_read_from(pipe: tuple[int, int]) -> None:
    send(pipe[1], {"answer": REPORT})
    got = receive(pipe[0], deadline=seconds_from_now(10))
    assert got == {"answer": REPORT}
    assert isinstance(got["answer"], Told)
    assert got["answer"].text == bytes(Json(REPORT).body)
    assert not isinstance({**got["answer"]}, Told)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.__setitem__("a", 2),
        lambda told: told.__delitem__("a"),
        lambda told: told.__ior__({"a": 2}),
        lambda told: told.pop("a"),
        lambda told: told.popitem(),
        lambda told: told.update(a=2),
        lambda told: told.setdefault("b", 2),
        lambda told: told.clear(),
    ],
)
def test_what_was_told_is_changed_in_a_copy(change: Callable[[Any], Any]) -> None:
    told = Told(b'{"a":1}')
    with pytest.raises(TypeError):
        change(told)
    assert told == json.loads(told.text)
    copies: list[dict[str, Any]] = [told.copy(), {**told}, told | {}]
    for copy in copies:
        change(copy)
        assert not isinstance(copy, Told)


def test_several_messages_wait_for_a_worker_in_order(pipe: tuple[int, int]) -> None:
    for number in range(3):
        send(pipe[1], {"task": number})
    assert [receive(pipe[0]) for _ in range(3)] == [{"task": number} for number in range(3)]


def test_a_large_answer_comes_in_pieces(pipe: tuple[int, int]) -> None:
    large: dict[str, Any] = {"answer": {"text": "x" * 1_000_000}}
    writer = threading.Thread(target=send, args=(pipe[1], large))
    writer.start()
    assert receive(pipe[0], deadline=seconds_from_now(30)) == large
    writer.join()


@pytest.mark.parametrize(
    "sent",
    [
        framed(b'{"answer":{"a":NaN}}'),
        framed(b'{"answer":{"a":1}},"answer":{"b":2}}'),
        framed(b'{"answer":{"a":1},"answer":{"b":2}}'),
        framed(b'{"answer":{"a":1},"fault":"x"}'),
        framed(b'{"answer":{"a":1}'),
        framed('{"answer":{"a":"é"}}'.encode()),
        framed(b'{"answer":{"a":"\x1b"}}'),
        framed(b"[]"),
        framed(b'{"answer":{"a":1}}') + b"\0",
        framed(b'{"answer":{"a":1}}') * 2,
        struct.pack(">I", 2**31),
        b"\0\0",
        framed(b'{"answer":{}}')[:-1],
    ],
)
def test_what_is_no_answer_is_refused(pipe: tuple[int, int], sent: bytes) -> None:
    out, into = os.pipe()
    os.write(into, sent)
    os.close(into)
    with pytest.raises(FrameError):
        receive(out, deadline=seconds_from_now(10))
    os.close(out)


def test_a_fault_is_read_as_ever(pipe: tuple[int, int]) -> None:
    for message in ({"fault": "worker.memory"}, {"answer": None}, {"answer": [1]}, {"answer": {}}):
        os.write(pipe[1], framed(json.dumps(message).encode()))
        assert receive(pipe[0], deadline=seconds_from_now(10)) == message
