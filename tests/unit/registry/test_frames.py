# SPDX-License-Identifier: Apache-2.0
"""Of a clip one frame a second is hashed, where there is something in it to tell."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.unit.marking.pictures import plain, scene
from waarmerk.provenance.registry.frames import frame_hashes

Bytes = npt.NDArray[np.uint8]


def shot(seed: int) -> Bytes:
    return scene(180, 320, seed)


def clip(seeds: list[int], *, fps: float = 5.0, quality: int = 90) -> Iterator[tuple[float, Bytes]]:
    """Two seconds of each scene, which moves sideways."""
    number = 0
    for seed in seeds:
        whole = scene(180, 420, seed)
        for moved in range(int(2 * fps)):
            frame = np.ascontiguousarray(whole[:, 4 * moved : 4 * moved + 320])
            target = BytesIO()
            Image.fromarray(frame).save(target, "JPEG", quality=quality)
            yield number / fps, np.asarray(Image.open(target))
            number += 1


KNOWN = frame_hashes(clip([1, 2, 3, 4, 5, 6]))


def test_one_frame_a_second_is_hashed() -> None:
    assert [each.at for each in KNOWN] == [float(second) for second in range(12)]
    assert {len(each.phash) for each in KNOWN} == {8}
    assert {len(each.pdq or b"") for each in KNOWN} == {32}
    assert frame_hashes(clip([1]), every=0.5)[1].at == pytest.approx(0.6)


def test_frames_without_detail_are_left_out() -> None:
    black = [(float(second), plain(90, 160, 0, 0, 0)) for second in range(6)]
    assert frame_hashes(black) == ()


@pytest.mark.parametrize("times", [[float("nan")], [0.0, float("inf")]])
def test_times_that_are_none_are_refused(times: list[float]) -> None:
    with pytest.raises(ValueError, match="is a number"):
        frame_hashes((at, shot(1)) for at in times)
    with pytest.raises(ValueError, match="positive"):
        frame_hashes([], every=0)


def test_frames_that_do_not_advance_are_left_out() -> None:
    assert [each.at for each in frame_hashes((at, shot(1)) for at in (0.0, 1.0, 0.2, 1.0, 2.5))] == [0.0, 1.0, 2.5]
