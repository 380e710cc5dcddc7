# SPDX-License-Identifier: Apache-2.0
"""What one filter makes of a reference: the picture that is to be expected where nothing else was changed."""

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.fit import fitted
from waarmerk.provenance.registry.structure import part_means, whole_parts

Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

_ROUNDS, _FITTED, _CLOSE = 4, 0.7, 0.5  # of the fit; share of the parts; how strongly it is held to no change at all

_PLACE, _FOREIGN = 25, 10.0  # pixels: where colours were before; levels off these
_GREY = 2.0  # levels of Cb and Cr, standard deviation


def with_colours_of(reference: Floats, values: Floats, known: Truths) -> tuple[Floats, Floats]:
    """Both (H x W x C), or their light alone where the copy has no colours."""
    if known.any() and values[known][:, 1:].std(axis=0).max(initial=0.0) < _GREY:
        return reference[:, :, :1], values[:, :, :1]
    return reference, values


def filtered(planes: Floats, reference: Floats, values: Floats, known: Truths) -> Floats:
    """Planes (H x W x C: luma, Cb, Cr, or luma alone) after the filter that makes ``values`` of the reference.

    It is held to no change at all, so what alone has a colour does not make the rule for that colour.
    """
    inside = whole_parts(known)
    one, other = part_means(reference), part_means(values)
    rule = fitted(_terms(one)[inside], (other - one)[inside], share=_FITTED, rounds=_ROUNDS, held=_CLOSE)
    expected = planes if rule is None else planes + _terms(planes) @ rule.astype(np.float32)
    return np.dstack([np.clip(expected[:, :, :1], 0, 255), expected[:, :, 1:]]).astype(np.float32)


def beyond(seen: Floats, wanted: Floats) -> Floats:
    """How far a pixel is from all that lie near it in the other plane (H x W)."""
    near, wanted = np.ones((3, 3), np.uint8), np.ascontiguousarray(wanted)
    away = np.maximum(seen - cv2.dilate(wanted, near), 0) + np.maximum(cv2.erode(wanted, near) - seen, 0)
    return np.asarray(away, np.float32)


def foreign(expected: Floats, values: Floats) -> Truths:
    """Where (H x W) light or colour of ``values`` is none that the place had before, give or take a little."""
    near, found = np.ones((_PLACE, _PLACE), np.uint8), np.zeros(values.shape[:2], np.bool_)
    for plane in range(values.shape[2]):
        had, seen = np.ascontiguousarray(expected[:, :, plane]), values[:, :, plane]
        found |= (seen > cv2.dilate(had, near) + _FOREIGN) | (seen < cv2.erode(had, near) - _FOREIGN)
    return found


def _terms(planes: Floats) -> Floats:
    light = planes[:, :, :1] / np.float32(128) - 1
    return np.dstack([np.ones_like(light), light, light**2, planes[:, :, 1:] / np.float32(64)]).astype(np.float32)
