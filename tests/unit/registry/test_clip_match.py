# SPDX-License-Identifier: Apache-2.0
"""A clip is what was issued where its stretches show frames that were kept; another clip's do not."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from waarmerk.provenance.registry import ClipFrame, ClipLikeness, Issuance, compare_clip, compare_still
from waarmerk.provenance.registry.stills import MOST_STILLS, Collector, packed, unpacked

Bytes = npt.NDArray[np.uint8]
WIDTH, HEIGHT, RATE = 320, 192, 6


def scene(seed: int) -> Bytes:
    """A picture with things in it, wider than a frame."""
    random = np.random.default_rng(seed)
    picture = cv2.resize(random.integers(0, 256, (7, 15, 3)).astype(np.uint8), (640, HEIGHT))
    for _ in range(24):
        left, top = int(random.integers(0, 600)), int(random.integers(0, HEIGHT - 40))
        colour = tuple(int(v) for v in random.integers(0, 256, 3))
        cv2.rectangle(picture, (left, top), (left + int(random.integers(12, 60)), top + 30), colour, -1)
    return np.asarray(picture, np.uint8)


def film(seeds: Sequence[int]) -> list[Bytes]:
    """Two seconds of each scene, panned."""
    frames = [scene(seed)[:, 8 * step : 8 * step + WIDTH] for seed in seeds for step in range(2 * RATE)]
    return [np.ascontiguousarray(frame) for frame in frames]


def stretches(frames: Sequence[Bytes], seconds: float = 1.5) -> list[list[ClipFrame]]:
    size = int(seconds * RATE)
    held = [ClipFrame(rgb=frame, width=frame.shape[1], height=frame.shape[0]) for frame in frames]
    return [held[at : at + size] for at in range(0, len(held) - size // 2, size)]


def issued(frames: Sequence[Bytes]) -> Issuance:
    kept = Collector()
    for number, frame in enumerate(frames):
        if kept.wants(number / RATE):
            kept.take(number / RATE, frame)
    first = kept.stills[0]
    return Issuance(
        key_id="0011223344556677",
        payload=bytes(8),
        scheme="ring/1",
        issued_at="2026-11-22T00:00:00Z",
        says="generated",
        sha256=bytes(32),
        media_type="video/mp4",
        width=WIDTH,
        height=HEIGHT,
        phash=bytes(8),
        pdq=None,
        thumbnail=first.thumbnail,
        geometry=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        manifest=None,
        chroma=first.chroma,
        stills=kept.stills,
    )


FILM = film([1, 2, 3])
ENTRY = issued(FILM)


def compared(frames: Sequence[Bytes], geometry: npt.NDArray[np.float64] | None = None) -> ClipLikeness:
    matrix = np.eye(3) if geometry is None else geometry
    return compare_clip(ENTRY, stretches(frames), tuple(float(v) for v in matrix.ravel()), complete=True)


def coarse(frame: Bytes) -> Bytes:
    held = BytesIO()
    Image.fromarray(frame).save(held, "JPEG", quality=40)
    return np.asarray(Image.open(held))


def test_a_copy_is_bound() -> None:
    likeness = compared([coarse(frame) for frame in FILM])
    assert likeness.bound is True
    assert not likeness.is_altered
    assert likeness.colours_compared


def test_a_piece_made_smaller_is_bound() -> None:
    small = [np.asarray(cv2.resize(frame, (240, 144), interpolation=cv2.INTER_AREA)) for frame in FILM[7:25]]
    assert compared(small, np.diag([WIDTH / 240, HEIGHT / 144, 1.0])).bound is True


def test_a_mirrored_copy_is_bound() -> None:
    turned = np.array([[-1.0, 0.0, WIDTH], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert compared([np.ascontiguousarray(frame[:, ::-1]) for frame in FILM], turned).bound is True


def test_a_cropped_copy_is_bound() -> None:
    """The geometry of a mark says nothing of where a crop lies but for a shift."""
    cropped = [np.ascontiguousarray(frame[20:180, 24:300]) for frame in FILM]
    assert compared(cropped).bound is True


def test_another_clip_is_not() -> None:
    assert compared(film([7, 8, 9])).bound is False


def test_half_another_clip_is_neither() -> None:
    assert compared([*FILM[:18], *film([7, 8])]).bound is None


@pytest.mark.parametrize("every", [2, 3, 9])
def test_frames_of_the_issued_clip_between_those_of_another_bind_nothing(every: int) -> None:
    other = film([7, 8, 9])
    mixed = [mine if at % every == 0 else another for at, (mine, another) in enumerate(zip(FILM, other, strict=True))]
    found = compared(mixed)
    assert found.bound is None
    assert found.others > len(FILM) // 3


def test_one_frame_that_shows_something_else_is_enough() -> None:
    assert compared([*FILM[:20], film([7])[3], *FILM[21:]]).bound is None


def test_what_is_left_untold_binds_nothing() -> None:
    """Dark for a while: what is shown there nobody can compare."""
    dark = [np.full((HEIGHT, WIDTH, 3), 9, np.uint8)] * 9
    found = compared([*FILM[:27], *dark])
    assert (found.bound, found.others, found.untold) == (None, 0, 9)


def test_what_was_not_all_looked_at_is_never_bound() -> None:
    found = compare_clip(ENTRY, stretches(FILM), None, complete=False)
    assert (found.bound, found.others, found.complete) == (None, 0, False)
    assert compare_clip(ENTRY, stretches(film([7, 8, 9])), None, complete=False).bound is False


def test_the_comparison_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waarmerk.provenance.registry.clip_match._MOST_WORK", 10_000)
    assert compared(FILM).bound is None


@pytest.mark.parametrize("at", [0, 13, 18, 35])
def test_a_still_of_an_issued_clip_is_bound_or_cannot_be_told(at: int) -> None:
    assert compare_still(ENTRY, FILM[at], None).bound is True
    assert compare_still(ENTRY, film([7])[at % 12], None).bound is None


def test_opposite_colours_are_told() -> None:
    planes = [cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb) for frame in FILM]
    turned = [np.dstack((p[:, :, 0], 255 - p[:, :, 1], 255 - p[:, :, 2])) for p in planes]
    assert compared([np.asarray(cv2.cvtColor(p, cv2.COLOR_YCrCb2RGB), np.uint8) for p in turned]).colours_turned


@pytest.mark.parametrize("frames", [[], [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 12])
def test_nothing_to_compare_tells_nothing(frames: list[Bytes]) -> None:
    assert compared(frames).bound is None


def test_an_entry_of_an_earlier_version_tells_nothing() -> None:
    assert compare_clip(replace(ENTRY, stills=()), stretches(FILM), None, complete=True).bound is None


def test_no_geometry_takes_it_for_whole_and_a_senseless_one_tells_nothing() -> None:
    assert compare_clip(ENTRY, stretches(FILM), None, complete=True).bound is True
    for matrix in (np.zeros((3, 3)), np.diag([1e9, 1e9, 1.0]), np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])):
        assert compared(FILM, matrix).bound is None


def test_one_frame_a_second_is_kept_and_fewer_of_a_long_clip() -> None:
    assert [round(each.at) for each in ENTRY.stills] == [0, 1, 2, 3, 4, 5]
    kept, frame = Collector(), FILM[0]
    for second in range(2 * MOST_STILLS + 1):
        if kept.wants(second):
            kept.take(second, frame)
    assert MOST_STILLS // 2 < len(kept.stills) <= MOST_STILLS
    assert {late.at - early.at for early, late in zip(kept.stills, kept.stills[1:], strict=False)} <= {2.0, 4.0}
    assert kept.wants(0.0)  # tried anew
    kept.take(0.0, frame)
    assert [each.at for each in kept.stills] == [0.0]


def test_they_are_stored_as_they_are() -> None:
    data = packed(ENTRY.stills)
    assert data is not None
    assert unpacked(data) == ENTRY.stills
    assert packed(()) is None


@pytest.mark.parametrize("cut", [0, 10, -1], ids=["nothing", "a head cut short", "a frame cut short"])
def test_what_was_stored_otherwise_is_no_frames(cut: int) -> None:
    data = packed(ENTRY.stills)
    assert data is not None
    with pytest.raises((ValueError, struct.error)):
        unpacked(zlib.compress(zlib.decompress(data)[:cut]))
