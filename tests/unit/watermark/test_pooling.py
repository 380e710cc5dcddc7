# SPDX-License-Identifier: Apache-2.0
"""A mark is pooled over the frames of a clip; what is searched is counted, what is no evidence is none."""

from __future__ import annotations

import itertools
import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.unit.watermark import hosts
from waarmerk.watermark import Key, Payload, embed, pooling
from waarmerk.watermark.carriers import build_carriers
from waarmerk.watermark.clip import ClipMarker, Levels
from waarmerk.watermark.decoding import Reading
from waarmerk.watermark.embedding import render_pattern
from waarmerk.watermark.pooling import FRAMES, MOST_FRAMES, ClipFrame, detect_frames, most_frames
from waarmerk.watermark.registration import Lock
from waarmerk.watermark.transforms import clip_canvas_shape
from waarmerk.watermark.view import View

Plane = npt.NDArray[np.uint8]


def marker(key: Key, payload: Payload, shape: tuple[int, int], **changes: Any) -> ClipMarker:
    pattern = render_pattern(build_carriers(key), bytes(payload), 5, clip_canvas_shape(*shape))
    wanted = {"strength": 1.0, "psnr": None, "levels": Levels.of(bits=8, full_range=True), **changes}
    return ClipMarker(pattern=pattern, shape=shape, **wanted)


def scene(count: int, shape: tuple[int, int] = (384, 480), seed: int = 3) -> list[Plane]:
    """A texture that pans, luma."""
    wide = hosts.textured(shape[0], shape[1] * 2, seed)[:, :, 1]
    return [np.ascontiguousarray(wide[:, 3 * i : 3 * i + shape[1]]) for i in range(count)]


def frames(planes: list[Plane], whole: int = 1) -> list[ClipFrame]:
    return [ClipFrame(seconds=i / 25, pixels=p, whole=i < whole) for i, p in enumerate(planes)]


def marked_scene(key: Key, payload: Payload, count: int, **changes: Any) -> list[Plane]:
    planes = scene(count)
    machine = marker(key, payload, (384, 480), **changes)
    for plane in planes:
        machine.mark(plane)
    return planes


def test_a_strong_mark_needs_one_frame(key: Key, payload: Payload) -> None:
    endless = itertools.chain(frames(marked_scene(key, payload, 2)), iter(lambda: pytest.fail("too many"), 0))
    (found,) = detect_frames(endless, (key,), max_false_positive=1e-9)
    assert found.payload == payload
    assert found.frames == 1
    assert found.seconds == (0.0,)


def test_frames_too_weak_alone_are_read_together(key: Key, payload: Payload) -> None:
    planes = marked_scene(key, payload, 16, strength=0.45)
    noise = np.random.default_rng(5)
    noisy = [cv2.add(p, noise.normal(0, 6, p.shape), dtype=cv2.CV_8U) for p in planes]
    alone = detect_frames(frames(noisy[:1]), (key,), max_false_positive=1e-9)[0]
    together = detect_frames(frames(noisy), (key,), max_false_positive=1e-9)[0]
    assert alone.payload is None
    assert together.payload == payload
    assert together.frames > 2


def test_frames_that_lost_the_mark_do_not_drown_the_others(key: Key, payload: Payload) -> None:
    good = marked_scene(key, payload, 3, strength=0.8)
    bad = scene(13, seed=8)
    order = [bad[0], *good, *bad[1:]]
    (found,) = detect_frames(frames(order), (key,), max_false_positive=1e-9)
    assert found.payload == payload
    assert set(found.seconds) <= {1 / 25, 2 / 25, 3 / 25}


def test_a_mirrored_clip_of_another_size_is_found(key: Key, payload: Payload) -> None:
    planes = marked_scene(key, payload, 4)
    changed = [np.ascontiguousarray(cv2.resize(p, (576, 461), interpolation=cv2.INTER_AREA)[:, ::-1]) for p in planes]
    (found,) = detect_frames(frames(changed), (key,), max_false_positive=1e-9)
    assert found.payload == payload
    assert found.geometry is not None
    assert found.geometry.flipped


def test_no_mark_and_a_wrong_key_are_not_found(key: Key, other_key: Key, payload: Payload) -> None:
    plain = detect_frames(frames(scene(20)), (key, other_key), max_false_positive=1e-9)
    foreign = detect_frames(frames(marked_scene(key, payload, 4)), (other_key,), max_false_positive=1e-9)
    for found in (*plain, *foreign):
        assert not found.detected
        assert found.payload is None
        assert found.p_value > 1e-3
        assert found.seconds == ()
    assert plain[0].frames == 20


def test_two_keys_are_searched_in_one_pass(key: Key, other_key: Key, payload: Payload) -> None:
    planes = marked_scene(key, payload, 4)
    first, second = detect_frames(frames(planes), (other_key, key), max_false_positive=1e-9)
    assert (first.detected, second.payload) == (False, payload)


def test_every_look_is_counted(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """The p-value of a clip counts the poses of all looks, not of the last one."""
    hunts: list[Any] = []
    real = pooling.Hunt
    monkeypatch.setattr(pooling, "Hunt", lambda **given: hunts.append(real(**given)) or hunts[-1])
    (found,) = detect_frames(frames(scene(8)), (key,), max_false_positive=1e-9)
    (hunt,) = hunts
    alone = real(view=hunt.view, carriers=hunt.carriers, keys=1)
    alone.run(key, 1e-9)
    assert hunt.poses > 1.5 * alone.poses
    assert found.p_value >= min(1.0, math.exp(-0.5 * max(lock.z for lock in hunt.locks) ** 2))


def test_black_frames_and_frames_of_another_shape_are_left_out(key: Key, payload: Payload) -> None:
    planes = marked_scene(key, payload, 1)
    odd = np.zeros((384, 480), np.uint8)
    other = hosts.textured(300, 480)
    given = [ClipFrame(seconds=9.0, pixels=odd, whole=True), *frames(planes)]
    given.append(ClipFrame(seconds=8.0, pixels=other, whole=False))
    (found,) = detect_frames(given, (key,), max_false_positive=1e-9)
    assert (found.payload, found.frames) == (payload, 1)


def test_nothing_to_look_at_is_no_finding(key: Key) -> None:
    (found,) = detect_frames((), (key,), max_false_positive=1e-9)
    assert (found.detected, found.p_value, found.frames) == (False, 1.0, 0)


def test_small_frames_are_cheap_and_more_are_looked_at() -> None:
    assert most_frames((720, 1280)) == most_frames((2160, 3840)) == FRAMES
    assert FRAMES < most_frames((300, 540)) < most_frames((288, 512)) < most_frames((180, 320)) == MOST_FRAMES


def test_the_p_value_of_a_clip_counts_what_was_tried(key: Key) -> None:
    """Payload alone, or with the pilots by Fisher's product; half the chances lie with the uncropped place."""

    def log_p(pilots: float, payload: float, *, is_expected: bool) -> float:
        nothing = View(shape=(9, 9), whitened=np.zeros((9, 9), np.float32), is_clip=True)
        hunt = pooling.Hunt(view=nothing, carriers=build_carriers(key), keys=3)
        hunt.poses, hunt.readings = 20, 4
        hunt.locks.append(Lock(pose=np.eye(3), z=pilots, negative=False))
        seen = Reading(index_z=0.0, offset=(0, 0), payload=b"12345678", total_z=payload, is_expected=is_expected)
        return math.log(hunt._conclude(key, 1e-9, hunt.locks[0], seen).p_value)

    others = math.log(2 * 4 * 64) + 64 * math.log(2)
    alone = -0.5 * 13.0**2 + others
    assert log_p(0.0, 13.0, is_expected=True) == pytest.approx(alone + math.log(2) + math.log(3) + math.log(3))
    assert log_p(0.0, 13.0, is_expected=False) == pytest.approx(alone + math.log(512) + math.log(3) + math.log(3))
    product = -0.5 * 6.2**2 + math.log(20 * 125**2 * 4) + alone + math.log(2)
    assert log_p(6.2, 13.0, is_expected=True) == pytest.approx(product + math.log1p(-product) + 2 * math.log(3))


def test_a_small_frame_may_carry_the_pattern_of_a_still(key: Key, payload: Payload) -> None:
    still = embed(hosts.textured(256, 320), key, payload)
    (found,) = detect_frames(frames([np.ascontiguousarray(still[:, :, 1])]), (key,), max_false_positive=1e-9)
    assert found.payload == payload
