# SPDX-License-Identifier: Apache-2.0
"""The picture inside a picture: where a screenshot, a story or a framed copy shows the thing one wants to examine.

Interfaces are drawn in exact colours, photographs are not: what is left when the exact colours are taken away, and is
a solid rectangle with straight sides, is a picture. Works on arrays alone; a hint for where to look, never a verdict.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from waarmerk.provenance.media.surfaces import busy, detail, drawn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

_MAX_PIXELS = 6_000_000  # no telephone has more; beyond, every second pixel tells enough
MIN_SIDE = 160  # pixels; below, neither interface nor picture can be told apart
_MIN_FLAT = 0.06  # share of the picture that must be drawn before anything is called an interface
_MIN_AREA, _MAX_AREA = 0.04, 0.97  # share of the picture that an inner one takes
_SOLID = 0.62  # share of a neighbourhood that is no interface: text reaches 0.5 at most
_EDGE_LEVELS = 6  # a step between two neighbouring pixels that is no noise
_MIN_DETAIL = 0.3  # levels between neighbours that a picture keeps through strong compression
_STRAIGHT_IN_PART = 0.35  # the same where the picture may be as white as the page
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
    """An inner picture, and whether what surrounds it is drawn, with text: an interface, a poster, a page."""

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
    factor = math.ceil(math.sqrt(rgb.shape[0] * rgb.shape[1] / _MAX_PIXELS))
    if factor > 1:  # every n-th pixel: averaging would mix the exact colours
        part = layout(np.ascontiguousarray(rgb[::factor, ::factor]))
        return None if part is None else replace(part, inner=_enlarged(part.inner, factor, rgb.shape))
    flat = drawn(rgb)
    framed = _first(_to_mask(rgb, ~flat, each) for each in _candidates(~flat)) if flat.mean() >= _MIN_FLAT else None
    if framed is None or min(framed.left, framed.top) == 0:  # a soft gradient at the border looks like a picture
        depth = detail(rgb)
        found = (_to_lines(rgb, depth, each) for each in _candidates(busy(depth)))
        soft = _first(each for each in found if each is not None and _is_between(each, *rgb.shape[:2]))
        if soft is not None and (framed is None or _lies_in(soft, framed)):
            return Layout(inner=soft, has_interface=False)
    return None if framed is None else Layout(inner=framed, has_interface=_has_interface(flat, framed))


def _enlarged(region: Region, factor: int, shape: tuple[int, ...]) -> Region:
    """The region of a picture of which only every ``factor``-th pixel was looked at."""
    left, top = region.left * factor, region.top * factor
    right, bottom = min(region.right * factor, shape[1]), min(region.bottom * factor, shape[0])
    return Region(left=left, top=top, width=right - left, height=bottom - top)


def _first(found: Iterable[Region | None]) -> Region | None:
    return next((each for each in found if each is not None), None)


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


def _to_mask(rgb: "Pixels", mask: "Mask", region: Region) -> Region | None:
    """The region with its sides where ``mask`` begins and ends; None if a side is not straight."""
    found = []
    for number, (axis, at, end, first, last) in enumerate(_sides(region, *mask.shape)):
        strip = mask[first:last] if axis == 1 else mask[:, first:last].T
        side = _step(strip.mean(axis=0), at, end, is_end=number % 2 == 1)
        if side is None:
            return None
        if 0 < side < end:  # compression blurs the mask by a few pixels; the step of the colours stays where it was
            low, score = _line_scores(rgb, axis, max(1, side - 6), min(end - 1, side + 6), (first, last))
            if score.max() < _STRAIGHT_IN_PART:
                return None
            if _stands_out(score):
                side = min((low + i for i in range(len(score)) if score[i] >= _STRAIGHT), key=partial(_apart, side))
        found.append(side)
    sharp = _region(found, mask.shape)
    return sharp if sharp is not None and _is_between(sharp, *mask.shape) else None


def _apart(one: int, other: int) -> int:
    return abs(one - other)


def _step(profile: "NDArray[np.floating]", at: int, end: int, *, is_end: bool) -> int | None:
    """Where a profile of "no interface" steps up (or down, ``is_end``) near ``at``; the border counts as a step."""
    reach = max(10, end // 25)
    low, high = max(0, at - reach), min(end, at + reach)
    line = profile[::-1] if is_end else profile
    start, stop = (end - high, end - low) if is_end else (low, high)
    step = next((i for i in range(start, stop) if line[i] >= 0.5 and line[i : i + 8].mean() >= 0.75), None)
    if step is None:
        return None
    if step <= max(3, end // 200):
        return end if is_end else 0
    outside = line[max(0, step - 14) : max(1, step - 1)]
    if outside.mean() > 0.45:
        return None
    return end - step if is_end else step


def _line_scores(
    rgb: "Pixels", axis: int, low: int, high: int, span: tuple[int, int]
) -> tuple[int, "NDArray[np.floating]"]:
    """For each boundary from ``low`` to ``high``: along which share of the span the colours make a step."""
    import numpy as np  # noqa: PLC0415

    first, last = span
    strip = rgb[first:last, low - 1 : high + 1] if axis == 1 else rgb[low - 1 : high + 1, first:last].swapaxes(0, 1)
    steps = np.abs(np.diff(strip.astype(np.int16), axis=1)).max(axis=2) > _EDGE_LEVELS
    return low, steps.mean(axis=0)


def _to_lines(rgb: "Pixels", depth: "NDArray[np.float32]", region: Region) -> Region | None:
    """The region with each side on the outermost straight line that has more detail inside than outside."""
    found = []
    for number, (axis, at, end, first, last) in enumerate(_sides(region, *rgb.shape[:2])):
        is_end = number % 2 == 1
        profile = (depth[first:last] if axis == 1 else depth[:, first:last].T).mean(axis=0)
        inward = max(8, end // 20)
        low, high = (max(1, at - inward), end - 1) if is_end else (1, min(end - 1, at + inward))
        _, score = _line_scores(rgb, axis, low, high, (first, last))
        order = range(len(score) - 1, -1, -1) if is_end else range(len(score))
        lines = (i for i in order if score[i] >= _STRAIGHT and _stands_out(score[max(0, i - 20) : i + 21]))
        side = next((low + i for i in lines if _rises(profile, low + i, is_end=is_end)), None)
        if side is None and not (end - at if is_end else at) <= inward:
            return None
        found.append((end if is_end else 0) if side is None else side)
    return _region(found, rgb.shape[:2])


def _rises(profile: "NDArray[np.floating]", at: int, *, is_end: bool) -> bool:
    """Whether there is more detail on the inner side of a line than on the outer one."""
    import numpy as np  # noqa: PLC0415

    band = max(12, len(profile) // 25)
    before, after = profile[max(0, at - band) : max(1, at - 3)], profile[at + 3 : at + band]
    inside, outside = (before, after) if is_end else (after, before)
    if not inside.size or not outside.size:
        return False
    within = float(np.median(inside))  # a thin bar beside the line is not a picture
    return within > _MIN_DETAIL and within >= 1.5 * float(np.median(outside))


def _lies_in(inner: Region, outer: Region) -> bool:
    slack = 4
    return (
        inner.left >= outer.left - slack
        and inner.top >= outer.top - slack
        and inner.right <= outer.right + slack
        and inner.bottom <= outer.bottom + slack
    )


def _is_between(region: Region, height: int, width: int) -> bool:
    """Whether there is room on two opposite sides: a band along one side may be a floor, a sea, a wall."""
    across = min(region.left, width - region.right) >= width // 50
    along = min(region.top, height - region.bottom) >= height // 50
    return across or along


def _stands_out(score: "NDArray[np.floating]") -> bool:
    """Whether the strongest line is far straighter than those around it, as no texture is."""
    import numpy as np  # noqa: PLC0415

    return bool(score.max() >= max(_STRAIGHT, 1.6 * np.median(score) + 0.1))


def _region(sides: list[int], shape: tuple[int, ...]) -> Region | None:
    left, right, top, bottom = sides
    if right - left < MIN_SIDE // 2 or bottom - top < MIN_SIDE // 2:
        return None
    region = Region(left=left, top=top, width=right - left, height=bottom - top)
    share = region.area / (shape[0] * shape[1])
    return region if _MIN_AREA <= share <= _MAX_AREA else None


def _has_interface(flat: "Mask", inner: Region) -> bool:
    """Whether the surroundings are mostly drawn, with some ink in them: neither a mere frame nor more picture."""
    outside = flat.copy()
    outside[inner.top : inner.bottom, inner.left : inner.right] = False
    around = flat.size - inner.area
    share = float(outside.sum()) / around
    return 0.55 <= share <= 0.995
