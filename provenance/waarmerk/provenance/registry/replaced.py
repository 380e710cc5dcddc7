# SPDX-License-Identifier: Apache-2.0
"""Whether something in a picture was replaced: what is there now has the outline of what stood there.

Another person put where the first one sat, a face in it, a coat in another colour: such a place may be a hundredth of
the picture, and its structure agrees along the outline that both share. What is laid over a picture brings an outline
of its own, which lies on edges of the picture only as often as what is beside it does.
"""

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.bars import barred
from waarmerk.provenance.registry.entire import relit
from waarmerk.provenance.registry.filtered import beyond, filtered

Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

_OFF = 20.0  # levels of light or colour beyond what lies within a pixel
_THIN, _CLOSED = np.ones((5, 5), np.uint8), np.ones((9, 9), np.uint8)  # strokes of a codec; eyes in a face
_SMALLEST = 0.004  # of what is known: a face of a twentieth of the height
# Of an outline, and more than beside it: of stickers, texts and logos over 24 pictures 0.53 and 0.31 at most where the
# place is as large, of other people and coats of the same outline 0.66 and 0.40 at least.
_OUTLINED, _MORE = 0.6, 0.37
_NEAR, _ASIDE = 3, 12  # pixels around an outline that are on it; beside it
_STEEP, _FLATTER = (24.0, 80.0), 0.8  # of the slope (Sobel: 4 for a step of one level); share of the picture below
_ENDS = (10.0, 245.0)  # light in which colours are lost


def is_replaced(reference: Floats, values: Floats, known: Truths) -> bool:
    """Whether a place of H x W x 3 (luma, Cb, Cr) or H x W x 1 (luma) shows something else in the same outline."""
    changed = _changed(reference, values, known)
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(changed)
    edges, still = _edges(reference, known), _edges(values, known)
    least = _SMALLEST * int(known.sum())
    return any(
        stats[number][cv2.CC_STAT_AREA] >= least and _had_outline(numbers == number, edges, still, known)
        for number in range(1, count)
    )


def _edges(planes: Floats, known: Truths) -> npt.NDArray[np.uint8]:
    """Where H x W x C is steep, and what lies next to that (1)."""
    across, down = (cv2.Sobel(planes, cv2.CV_32F, *way).reshape(planes.shape) for way in ((1, 0), (0, 1)))
    slopes = np.hypot(across, down).max(axis=2)
    steep = float(np.clip(np.percentile(slopes[known], 100 * _FLATTER), *_STEEP)) if known.any() else 0.0
    return np.asarray(cv2.dilate((slopes > steep).astype(np.uint8), np.ones((_NEAR, _NEAR), np.uint8)), np.uint8)


def _changed(reference: Floats, values: Floats, known: Truths) -> npt.NDArray[np.uint8]:
    """The pixels that no one filter makes of the reference, without thin lines."""
    one, other = _soft(reference), _soft(values)
    expected = filtered(one, reference, values, known)
    lost = [(planes[:, :, 0] < _ENDS[0]) | (planes[:, :, 0] > _ENDS[1]) for planes in (expected, other)]
    off = beyond(other[:, :, 0], expected[:, :, 0])  # by the rule, or by a curve that flat tones may follow better
    off = np.minimum(off, beyond(other[:, :, 0], relit(one[:, :, 0], other[:, :, 0], known)))
    for plane in range(1, one.shape[2]):
        away = beyond(other[:, :, plane], expected[:, :, plane])
        off = np.maximum(off, np.where(lost[0] | lost[1], 0, away))
    changed = (off > _OFF) & known
    found = cv2.morphologyEx((changed & ~barred(changed, values[:, :, 0])).astype(np.uint8), cv2.MORPH_OPEN, _THIN)
    return np.asarray(cv2.morphologyEx(found, cv2.MORPH_CLOSE, _THIN), np.uint8)


def _soft(planes: Floats) -> Floats:
    return np.asarray(cv2.blur(planes, (3, 3)), np.float32).reshape(planes.shape)


def _had_outline(place: Truths, edges: npt.NDArray[np.uint8], still: npt.NDArray[np.uint8], known: Truths) -> bool:
    """Whether a place has an outline in both: what is only gone, or was only added, replaced nothing."""
    closed = cv2.morphologyEx(place.astype(np.uint8), cv2.MORPH_CLOSE, _CLOSED)
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    line, ring = np.zeros_like(closed), np.zeros_like(closed)
    cv2.drawContours(line, outlines, -1, (1.0,), 1)
    cv2.drawContours(ring, outlines, -1, (1.0,), 2 * _ASIDE + 1)
    cv2.drawContours(ring, outlines, -1, (0.0,), 2 * _NEAR + 1)
    on, beside = (float(edges[known & (each > 0)].mean()) if each.any() else 0.0 for each in (line, ring))
    is_there = bool(line.any()) and float(still[known & (line > 0)].mean()) >= _OUTLINED
    return is_there and on >= max(_OUTLINED, _MORE + beside)
