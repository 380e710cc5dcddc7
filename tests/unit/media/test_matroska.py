# SPDX-License-Identifier: Apache-2.0
"""Length and size of Matroska and WebM come from their header, bounded, whatever the file states."""

import math
import struct
from io import BytesIO

import pytest

from waarmerk.provenance.media import Limits, Window
from waarmerk.provenance.media.matroska import Heading, read_heading
from waarmerk.provenance.media.open import asset_from_bytes

UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"


def element(name: str, *parts: bytes, size: bytes | None = None) -> bytes:
    body = b"".join(parts)
    return bytes.fromhex(name) + (size or (0x10000000 | len(body)).to_bytes(4)) + body


def number(name: str, value: int) -> bytes:
    return element(name, value.to_bytes(4))


def duration(value: float) -> bytes:
    return element("4489", struct.pack(">d", value))


HEADER = element("1a45dfa3", b"\x42\x82\x84webm")
INFO = element("1549a966", number("2ad7b1", 1_000_000), duration(5_250.0))
TRACKS = element("1654ae6b", element("ae", element("e0", number("b0", 640), number("ba", 360))))


def heading(*parts: bytes, size: bytes | None = None, limits: Limits | None = None) -> Heading:
    data = HEADER + element("18538067", *parts, size=size)
    return read_heading(Window(BytesIO(data), len(data)), limits or Limits())


def test_what_the_header_states() -> None:
    assert heading(INFO, TRACKS) == Heading(width=640, height=360, duration_seconds=5.25)


def test_a_segment_of_unknown_size() -> None:
    assert heading(INFO, TRACKS, element("1f43b675", bytes(40)), size=UNKNOWN).duration_seconds == 5.25


def test_an_asset_knows_them() -> None:
    asset = asset_from_bytes(HEADER + element("18538067", INFO, TRACKS), name=None, limits=Limits())
    assert (asset.media_type, asset.width, asset.height, asset.duration_seconds) == ("video/webm", 640, 360, 5.25)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, 1e12])
def test_a_length_that_cannot_be_is_none(value: float) -> None:
    assert heading(element("1549a966", duration(value)), TRACKS) == Heading(width=640, height=360)


def test_sizes_that_cannot_be_are_none() -> None:
    tracks = element("1654ae6b", element("ae", element("e0", number("b0", 2**31), number("ba", 0))))
    assert heading(INFO, tracks) == Heading(duration_seconds=5.25)


def test_frames_are_not_walked() -> None:
    assert heading(element("1f43b675", INFO), INFO, TRACKS) == Heading()


def test_every_cut_is_survived() -> None:
    data = HEADER + element("18538067", INFO, TRACKS)
    for end in range(len(data)):
        read_heading(Window(BytesIO(data[:end]), end), Limits())


def test_a_file_of_empty_elements_ends() -> None:
    void = element("ec") * 1000
    assert heading(void, INFO, TRACKS, limits=Limits(parts=100)) == Heading()
