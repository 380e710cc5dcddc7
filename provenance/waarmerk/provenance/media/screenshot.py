# SPDX-License-Identifier: Apache-2.0
"""The picture inside a picture: where a screenshot, a story or a framed copy shows the thing one wants to examine.

Interfaces are drawn in exact colours, photographs are not: what is left when the exact colours are taken away, and is
a solid rectangle with straight sides, is a picture. Works on arrays alone; a hint for where to look, never a verdict.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

MIN_SIDE = 160  # pixels; below, neither interface nor picture can be told apart
_FLAT_RANGE = 2  # levels within 5 x 5 pixels: drawn surfaces stay exact through PNG and good JPEG
_MIN_FLAT = 0.06  # share of the picture that must be drawn before anything is called an interface
_MIN_COLOUR = 0.004  # share of the picture that makes an exact colour one of the interface
_MIN_AREA, _MAX_AREA = 0.04, 0.97  # share of the picture that an inner one takes
_SOLID = 0.62  # share of a neighbourhood that is no interface: text reaches 0.5 at most
_EDGE_LEVELS = 6  # a step between two neighbouring pixels that is no noise
_STRAIGHT = 0.6  # share of a side along which there is such a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A rectangle in pixels: ``left`` and ``top`` count from zero and lie inside it."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column behind it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.top + self.height

    @property
    def area(self) -> int:
        """Its pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """An inner picture, and whether what surrounds it is an interface with text or buttons."""

    inner: Region
    has_interface: bool


def inner_picture(rgb: "Pixels") -> Region | None:
    """The largest picture inside ``rgb`` (H x W x 3, uint8), None where there is none but the whole.

    Raises ValueError for an array of another shape or type.
    """
    found = layout(rgb)
    return None if found is None else found.inner


def layout(rgb: "Pixels") -> Layout | None:
    """The inner picture of ``rgb`` with what surrounds it. Raises ValueError as ``inner_picture`` does."""
    import numpy as np  # noqa: PLC0415 - opening a file without looking at pixels does not pay for it

    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError("pixels are H x W x 3, uint8")
    if min(rgb.shape[:2]) < MIN_SIDE:
        return None
    drawn = _drawn(rgb)
    if drawn.mean() >= _MIN_FLAT:
        for region in _candidates(~drawn):
            sharp = _to_mask(~drawn, region)
            if sharp is not None:
                return Layout(inner=sharp, has_interface=_has_interface(drawn, sharp))
    for region in _candidates(_busy(rgb)):
        sharp = _to_lines(rgb, region)
        if sharp is not None and _is_between(sharp, rgb.shape[0], rgb.shape[1]):
            return Layout(inner=sharp, has_interface=False)
    return None


def _drawn(rgb: "Pixels") -> "Mask":
    """Where a pixel has one of the exact colours in which large surfaces are drawn."""
    import cv2  # noqa: PLC0415 - as above
    import numpy as np  # noqa: PLC0415

    box = np.ones((5, 5), np.uint8)
    spread = cv2.subtract(cv2.dilate(rgb, box), cv2.erode(rgb, box)).max(axis=2)
    coarse = (rgb >> 2).astype(np.int32)
    index = (coarse[:, :, 0] << 12) | (coarse[:, :, 1] << 6) | coarse[:, :, 2]
    counts = np.bincount(index[spread <= _FLAT_RANGE], minlength=1 << 18).reshape(64, 64, 64)
    table = (counts >= _MIN_COLOUR * index.size).astype(np.uint8)
    for axis in range(3):  # compression moves a colour into a neighbouring bin
        table = np.maximum(table, np.maximum(_shifted(table, axis, 1), _shifted(table, axis, -1)))
    return np.asarray(table.reshape(-1)[index] > 0)


def _shifted(table: "NDArray[np.uint8]", axis: int, by: int) -> "NDArray[np.uint8]":
    """``table`` moved by one bin, zero at the end that gets free."""
    import numpy as np  # noqa: PLC0415

    moved = np.roll(table, by, axis)
    edge: list[slice | int] = [slice(None)] * 3
    edge[axis] = 0 if by > 0 else -1
    moved[tuple(edge)] = 0
    return moved


def _busy(rgb: "Pixels") -> "Mask":
    """Where there is detail: the surroundings of a story are a blurred copy or a soft gradient."""
    import cv2  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.int16)
    detail = np.abs(cv2.Laplacian(grey, cv2.CV_16S, ksize=1)) > 4
    window = max(9, min(rgb.shape[:2]) // 40 | 1)
    return np.asarray(cv2.blur(detail.astype(np.float32), (window, window)) > 0.12)


def _candidates(mask: "Mask") -> Iterator[Region]:
    """Solid, rectangular parts of ``mask``, the largest first."""
    import cv2  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    height, width = mask.shape
    short = min(height, width)
    window = max(7, short // 40 | 1)
    solid = (cv2.blur(mask.astype(np.float32), (window, window)) > _SOLID).astype(np.uint8)
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = cv2.drawContours(np.zeros_like(solid), contours, -1, 1, cv2.FILLED)
    kernel = np.ones((max(9, short // 16),) * 2, np.uint8)
    padded = cv2.copyMakeBorder(filled, *(4 * (short // 16 + 9,)), cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel)
    margin = short // 16 + 9
    opened = np.ascontiguousarray(opened[margin:-margin, margin:-margin])
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    for label in sorted(range(1, count), key=lambda each: -int(stats[each, cv2.CC_STAT_AREA]))[:3]:
        left, top, wide, high = (int(value) for value in stats[label, :4])
        part = labels[top : top + high, left : left + wide] == label
        columns, rows = _core(part.mean(axis=0)), _core(part.mean(axis=1))
        region = Region(left=left + columns[0], top=top + rows[0], width=columns[1], height=rows[1])
        share = region.area / mask.size
        fill = part[rows[0] : rows[0] + rows[1], columns[0] : columns[0] + columns[1]].mean()
        if _MIN_AREA <= share <= _MAX_AREA and fill >= 0.85:
            yield region


def _core(profile: "NDArray[np.floating]") -> tuple[int, int]:
    """First index and length of the part of a profile that is more than half full."""
    import numpy as np  # noqa: PLC0415

    full = np.flatnonzero(profile > 0.5)
    return (int(full[0]), int(full[-1] - full[0]) + 1) if full.size else (0, 1)


def _sides(region: Region, height: int, width: int) -> list[tuple[int, int, int, int, int]]:
    """For left, right, top, bottom: axis, coarse position, end of the axis, and the span along the side."""
    rows = (region.top + region.height // 20, region.bottom - region.height // 20)
    columns = (region.left + region.width // 20, region.right - region.width // 20)
    return [
        (1, region.left, width, *rows),
        (1, region.right, width, *rows),
        (0, region.top, height, *columns),
        (0, region.bottom, height, *columns),
    ]


def _to_mask(mask: "Mask", region: Region) -> Region | None:
    """The region with its sides where ``mask`` begins and ends; None if a side is not straight."""
    found = []
    for number, (axis, at, end, first, last) in enumerate(_sides(region, *mask.shape)):
        strip = mask[first:last] if axis == 1 else mask[:, first:last].T
        side = _step(strip.mean(axis=0), at, end, is_end=number % 2 == 1)
        if side is None:
            return None
        found.append(side)
    return _region(found, mask.shape)


def _step(profile: "NDArray[np.floating]", at: int, end: int, *, is_end: bool) -> int | None:
    """Where a profile of "no interface" steps up (or down, ``is_end``) near ``at``; the border counts as a step."""
    reach = max(8, end // 25)
    low, high = max(0, at - reach), min(end, at + reach)
    line = profile[::-1] if is_end else profile
    start, stop = (end - high, end - low) if is_end else (low, high)
    step = next((i for i in range(start, stop) if line[i : i + 3].mean() >= 0.55), None)
    if step is None:
        return None
    if step > max(3, end // 200):
        outside, inside = line[max(0, step - 5) : max(1, step - 1)], line[step + 1 : step + 6]
        if outside.mean() > 0.2 or inside.mean() < 0.55:
            return None
    else:
        step = 0
    return end - step if is_end else step


def _to_lines(rgb: "Pixels", region: Region) -> Region | None:
    """The region with its sides on the strongest straight lines nearby; None if a side has none."""
    import numpy as np  # noqa: PLC0415

    found = []
    for number, (axis, at, end, first, last) in enumerate(_sides(region, *rgb.shape[:2])):
        reach = max(8, end // 20)
        outward, inward = (3 * reach, reach)
        low, high = (at - inward, at + outward) if number % 2 else (at - outward, at + inward)
        low, high = max(1, low), min(end - 1, high)
        strip = rgb[first:last, low - 1 : high + 1] if axis == 1 else rgb[low - 1 : high + 1, first:last].swapaxes(0, 1)
        steps = np.abs(np.diff(strip.astype(np.int16), axis=1)).max(axis=2) > _EDGE_LEVELS
        score = steps.mean(axis=0)
        best = int(score.argmax())
        if score[best] >= _STRAIGHT and _stands_out(score, best):
            found.append(low + best)
        elif (at <= reach and number % 2 == 0) or (end - at <= reach and number % 2 == 1):
            found.append(end if number % 2 else 0)
        else:
            return None
    return _region(found, rgb.shape[:2])


def _is_between(region: Region, height: int, width: int) -> bool:
    """Whether there is room on two opposite sides: a band along one side may be a floor, a sea, a wall."""
    across = min(region.left, width - region.right) >= width // 50
    along = min(region.top, height - region.bottom) >= height // 50
    return across or along


def _stands_out(score: "NDArray[np.floating]", best: int) -> bool:
    """Whether one line is far straighter than those around it, as no texture is."""
    import numpy as np  # noqa: PLC0415

    return bool(score[best] >= 1.6 * np.median(score) + 0.1)


def _region(sides: list[int], shape: tuple[int, ...]) -> Region | None:
    left, right, top, bottom = sides
    if right - left < MIN_SIDE // 2 or bottom - top < MIN_SIDE // 2:
        return None
    region = Region(left=left, top=top, width=right - left, height=bottom - top)
    share = region.area / (shape[0] * shape[1])
    return region if _MIN_AREA <= share <= _MAX_AREA else None


def _has_interface(drawn: "Mask", inner: Region) -> bool:
    """Whether the surroundings are mostly drawn, with some ink in them: neither a mere frame nor more picture."""
    outside = drawn.copy()
    outside[inner.top : inner.bottom, inner.left : inner.right] = False
    around = drawn.size - inner.area
    flat = float(outside.sum()) / around
    return 0.55 <= flat <= 0.995
