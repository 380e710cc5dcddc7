# SPDX-License-Identifier: Apache-2.0
"""Whether a picture shows what a registered one shows: a candidate is compared on its pixels before it counts.

A fingerprint only points somewhere: a second preimage of pHash is made at will, and pictures of one template share
their hashes. Here the two are laid on each other and compared part by part. Parts are compared by their structure
(light and contrast change with every copy), each on its own, so that one strong edge does not speak for the whole.

Two limits tell a copy from a picture that was made like it. In a photograph a caption or a logo may cover a part, but
no single large part may show something else: the same podium with other people is another picture. In a drawing or a
form, where most is paper, every part has to agree: the same form with another name is another form.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.hashes import luma, reduced
from waarmerk.provenance.registry.registration import register

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

REFERENCE_SIDE = 512  # pixels of the longer side of what is kept to compare with
_EXAMINED_SIDE = 768
_BLOCK = 16  # pixels of the reference
_INK_BLOCK, _INK_OTHER = 8, 0.12  # pixels; share of a part where one has ink and the other has none near
_STRONG_INK, _WEAK_INK = 0.5, 0.2  # of the contrast between paper and the darkest or lightest on it
_COARSEST, _FINEST = 8.0, 1.0  # pixels; structure is what lies between
_REACH = 2  # pixels a part may be off: paper folds and lenses bend
_LEAST_STRUCTURE = 2.5  # grey levels, standard deviation within a part
_AGREES = 0.55  # correlation within a part
_LEAST_PARTS = 16  # with structure
_LEAST_OVERLAP = 0.06  # of the reference
_SHARE, _LARGEST_OTHER = 0.75, 0.10  # photographs
_BAR, _LARGEST_BAR = 0.20, 0.22  # a bar along an edge: how deep, and of how many parts
# A drawing or form: this share of it has one tone, give or take; or less, and this many parts have nothing on them.
_ALL_PAPER, _PAPER, _TONE, _EMPTY = 0.55, 0.40, 6, 0.25
_SHARE_ON_PAPER, _OTHER_ON_PAPER = 0.97, 1  # parts
_WHOLE_SHARE = 0.97


@dataclass(frozen=True, slots=True, kw_only=True)
class Resemblance:
    """What the comparison came to.

    ``verified``: the examined picture shows what the reference shows, or a part of it. ``whole``: nearly nothing in
    it differs, and nearly all of the reference is there. ``share`` is the part of what could be compared that agrees,
    ``overlap`` the part of the reference that was seen. ``region`` (left, top, width, height) is where the reference
    lies in the examined picture, in its pixels; None where nothing was found.
    """

    verified: bool = False
    whole: bool = False
    share: float = 0.0
    overlap: float = 0.0
    region: tuple[int, int, int, int] | None = None


NOTHING = Resemblance()


def reference_of(rgb: Bytes) -> Bytes:
    """What is kept of H x W x 3 RGB to compare with: grey, at most ``REFERENCE_SIDE`` pixels a side."""
    return np.rint(luma(reduced(rgb, REFERENCE_SIDE))).astype(np.uint8)


def compare(reference: Bytes, rgb: Bytes) -> Resemblance:
    """Compare H x W x 3 RGB with a reference (h x w grey). Equal input gives equal results."""
    examined = np.rint(luma(reduced(rgb, _EXAMINED_SIDE))).astype(np.uint8)
    lie = register(reference, examined)
    if lie is None:
        return NOTHING
    values, known = _laid(examined, lie.matrix, reference.shape)
    overlap = float(known.mean())
    region = _region(reference.shape, lie.matrix, examined.shape, rgb.shape)
    if overlap < _LEAST_OVERLAP:
        return Resemblance(overlap=overlap, region=region)
    agrees, counted = _parts(reference, values, known, _BLOCK)
    paper = _is_paper(reference, known, counted)
    if paper:
        agrees, counted = _ink(reference.astype(np.float32), values, known)
    total = int(counted.sum())
    if total < _LEAST_PARTS:
        return Resemblance(overlap=overlap, region=region)
    other, bar = _largest(counted & ~agrees)
    share = float((agrees & counted).sum() / max(1, total - bar))
    if paper:
        verified = share >= _SHARE_ON_PAPER and max(other, bar) <= _OTHER_ON_PAPER
    else:
        covered = other <= max(1.0, _LARGEST_OTHER * total) and bar <= _LARGEST_BAR * overlap * counted.size
        verified = share >= _SHARE and covered
    whole = (
        verified
        and share >= _WHOLE_SHARE
        and overlap >= _WHOLE_SHARE - 0.07
        and max(other, bar) <= max(1, 0.01 * total)
    )
    return Resemblance(verified=verified, whole=whole, share=share, overlap=overlap, region=region)


def _laid(
    examined: Bytes, matrix: npt.NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The examined picture as it lies on the reference, and where it is known; averaged first where it shrinks."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    plane = examined.astype(np.float32)
    if scale < 1:
        plane = cv2.GaussianBlur(plane, (0, 0), 0.5 / scale).astype(np.float32)
    size = (shape[1], shape[0])
    values = cv2.warpPerspective(plane, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    known = cv2.warpPerspective(np.ones_like(plane), matrix, size, flags=cv2.INTER_LINEAR)
    return np.asarray(values, np.float32), np.asarray(known > 0.99, np.bool_)


def _structured(plane: Floats) -> Floats:
    fine = cv2.GaussianBlur(plane, (0, 0), _FINEST)
    return np.asarray(fine - cv2.GaussianBlur(plane, (0, 0), _COARSEST), np.float32)


def _mean(plane: Floats, block: int) -> Floats:
    return np.asarray(cv2.boxFilter(plane, -1, (block, block)), np.float32)


def _parts(
    reference: Bytes, values: Floats, known: npt.NDArray[np.bool_], block: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """For each part of the reference: whether it agrees, and whether there is something to compare."""
    one, other = _structured(reference.astype(np.float32)), _structured(values)
    mean, spread = _mean(one, block), _mean(one * one, block)
    spread = np.maximum(spread - mean**2, 0)
    seen = _mean(other, block)
    seen_spread = np.maximum(_mean(other * other, block) - seen**2, 0)
    best = np.full_like(one, -1.0)
    for down in range(-_REACH, _REACH + 1):
        for across in range(-_REACH, _REACH + 1):
            moved, average, width = (_moved(plane, down, across) for plane in (other, seen, seen_spread))
            joint = _mean(one * moved, block) - mean * average
            best = np.maximum(best, joint / np.sqrt(np.maximum(spread * width, 1e-3)))
    grid = (slice(block // 2, None, block), slice(block // 2, None, block))
    inside = _mean(known.astype(np.float32), block)[grid] > 0.99
    strong = np.maximum(spread, seen_spread)[grid] > _LEAST_STRUCTURE**2
    return best[grid] >= _AGREES, inside & strong


def _ink(
    reference: Floats, values: Floats, known: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The same for paper: a part agrees where neither has clear ink that the other lacks within a pixel or two."""
    one, other = _darkness(reference, known), _darkness(values, known)
    near = np.ones((3, 3), np.uint8)
    missing = np.zeros(reference.shape, np.float32)
    for has, lacks in ((one, other), (other, one)):
        around = cv2.dilate((lacks > _WEAK_INK).astype(np.uint8), near)
        missing += ((has > _STRONG_INK) & (around == 0) & known).astype(np.float32)
    written = ((np.maximum(one, other) > _STRONG_INK) & known).astype(np.float32)
    grid = (slice(_INK_BLOCK // 2, None, _INK_BLOCK), slice(_INK_BLOCK // 2, None, _INK_BLOCK))
    counted = (_mean(written, _INK_BLOCK)[grid] > 0) & (_mean(known.astype(np.float32), _INK_BLOCK)[grid] > 0.99)
    return _mean(missing, _INK_BLOCK)[grid] < _INK_OTHER, counted


def _darkness(plane: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """How far each pixel is from the tone of the paper, 0 to about 1 for the clearest ink."""
    tones = np.bincount(np.clip(np.rint(plane[known]), 0, 255).astype(np.int64), minlength=256)
    paper = float(np.convolve(tones, np.ones(2 * _TONE + 1, np.int64), "same").argmax())
    away = np.abs(plane - paper)
    return np.asarray(away / max(float(np.percentile(away[known], 98)), 16.0), np.float32)


def _moved(plane: Floats, down: int, across: int) -> Floats:
    return np.roll(plane, (down, across), axis=(0, 1))


def _largest(parts: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Parts in the largest group, and in the largest that is a bar along one edge. Lines of text are one group."""
    merged = cv2.dilate(parts.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, groups = cv2.connectedComponents(merged, connectivity=8)
    other = bar = 0
    for group in range(1, count):
        rows, columns = np.nonzero(parts & (groups == group))
        across = _is_bar(rows, columns, parts.shape) or _is_bar(columns, rows, parts.shape[::-1])
        bar, other = (max(bar, rows.size), other) if across else (bar, max(other, rows.size))
    return other, bar


def _is_bar(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], shape: tuple[int, ...]) -> bool:
    """Whether parts lie in a strip along the first or last rows that is wider than half the picture."""
    depth = _BAR * shape[0] + 1
    return bool((rows.max() < depth or rows.min() > shape[0] - 1 - depth) and np.ptp(columns) > 0.5 * shape[1])


def _is_paper(reference: Bytes, known: npt.NDArray[np.bool_], counted: npt.NDArray[np.bool_]) -> bool:
    """Whether most of what is compared has one tone, as drawings, forms and slides have."""
    tones = np.bincount(reference[known], minlength=256)
    near = np.convolve(tones, np.ones(2 * _TONE + 1, np.int64), "same")
    share = float(near.max() / max(1, tones.sum()))
    return bool(share >= _ALL_PAPER or (share >= _PAPER and counted.mean() <= known.mean() - _EMPTY))


def _region(
    shape: tuple[int, ...], matrix: npt.NDArray[np.float64], examined: tuple[int, ...], picture: tuple[int, ...]
) -> tuple[int, int, int, int] | None:
    """Where the reference lies in the picture: the upright box around it, cut at the edges."""
    height, width = shape[0], shape[1]
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    placed = cv2.perspectiveTransform(corners, np.linalg.inv(matrix))[0]
    placed = placed * (picture[1] / examined[1], picture[0] / examined[0])
    if not np.isfinite(placed).all():
        return None
    low = np.clip(placed.min(axis=0), 0, (picture[1], picture[0]))
    high = np.clip(placed.max(axis=0), 0, (picture[1], picture[0]))
    left, top, right, bottom = (round(float(v)) for v in (*low, *high))
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None
