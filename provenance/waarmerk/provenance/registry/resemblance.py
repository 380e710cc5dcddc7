# SPDX-License-Identifier: Apache-2.0
"""Whether a picture shows what a registered one shows: a candidate is compared on its pixels before it counts.

A fingerprint only points somewhere: a second preimage of pHash is made at will, and pictures of one template share
their hashes. Here the two are laid on each other and compared part by part. Parts are compared by their structure
(light and contrast change with every copy), each on its own, so that one strong edge does not speak for the whole.

Two limits tell a copy from a picture that was made like it. In a photograph a caption or a sticker may cover a part,
but no single large part may show something else: the same podium with other people is another picture. In a drawing
or a form, where most is paper, no ink of the registered one may be missing but under a solid cover: the same form
with another name is another form.

Colours follow where the light agrees: a map whose parties swapped their colours is another map. A picture without any
structure, such as a clear sky, has nothing but light and colour, and is the same only where both are the same. Nor does
the structure of a pattern name one picture.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.covers import Judged, on_paper, on_photograph
from waarmerk.provenance.registry.entire import is_entire
from waarmerk.provenance.registry.equalised import equalised, has_tones_of
from waarmerk.provenance.registry.filtered import with_colours_of
from waarmerk.provenance.registry.groups import groups
from waarmerk.provenance.registry.hashes import colours, luma, reduced
from waarmerk.provenance.registry.lettered import is_lettered_anew
from waarmerk.provenance.registry.pattern import is_pattern
from waarmerk.provenance.registry.registration import Lie, Places, lies, places_of
from waarmerk.provenance.registry.replaced import is_replaced
from waarmerk.provenance.registry.smooth import as_it_was, on_smooth
from waarmerk.provenance.registry.structure import coloured_otherwise, structure_of, textured

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

REFERENCE_SIDE = 512  # pixels of the longer side of what is kept to compare with
_EXAMINED_SIDE = 768
_LEAST_PARTS = 16  # with structure
_LEAST_OVERLAP = 0.06  # of the reference
# A drawing or form: this share of it has one tone, give or take; or less, and this many parts have nothing on them.
_ALL_PAPER, _PAPER, _TONE, _EMPTY = 0.45, 0.35, 2, 0.25
_FEW_TONES, _IN_FEW_TONES, _EVEN = 3, 0.70, 0.50  # photographs: 0.54 in three tones at most where they are even
_WHOLE_SHARE, _WHOLE_OVERLAP = 0.97, 0.90
# Of what is known: copies with other light, colours and saturation have 0.02 in all, and a sticker is small.
_COLOURED_OTHERWISE, _ON_PHOTOGRAPH, _ON_PAPER = 0.12, 0.05, 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Resemblance:
    """What the comparison came to.

    ``verified``: the examined picture shows what the reference shows, or a part of it. ``whole``: no place in it
    differs that one could see, and nearly all of the reference is there. ``share`` is the part of what could be
    compared that agrees, ``overlap`` the part of the reference that was seen. ``region`` (left, top, width, height) is
    where the reference lies in the examined picture, in its pixels, and ``seen`` which part of the reference is there,
    in shares of its width and height; None where nothing was found. ``mirrored``: it is there turned over.
    """

    verified: bool = False
    whole: bool = False
    share: float = 0.0
    overlap: float = 0.0
    region: tuple[int, int, int, int] | None = None
    seen: tuple[float, float, float, float] | None = None
    mirrored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """A picture made ready to be compared with many: small (h x w x 3) and grey (h x w), its places, and the shape
    (H, W) it had."""

    small: Bytes
    grey: Bytes
    places: Places
    shape: tuple[int, int]


NOTHING = Resemblance()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    """A reference as it is compared: its ``grey`` (h x w), and luma, Cb and Cr (h x w x 3), None where only grey was
    kept."""

    grey: Bytes
    coloured: Floats | None


def reference_of(rgb: Bytes) -> Bytes:
    """What is kept of H x W x 3 RGB to compare with: at most ``REFERENCE_SIDE`` pixels a side."""
    return reduced(rgb, REFERENCE_SIDE)


def look(rgb: Bytes) -> Look:
    """Make H x W x 3 RGB ready to be compared."""
    small = reduced(rgb, _EXAMINED_SIDE)
    grey = _grey(small)
    return Look(small=small, grey=grey, places=places_of(grey, spread=True), shape=(rgb.shape[0], rgb.shape[1]))


def compare(reference: Bytes, examined: Bytes | Look) -> Resemblance:
    """Compare a picture (H x W x 3 RGB, or made ready) with a reference. Equal input, equal results.

    A reference is h x w x 3 RGB, or h x w where only its grey was kept: then colours say nothing. Of several ways in
    which one may lie on the other the first that holds counts, or else the best.
    """
    ready = examined if isinstance(examined, Look) else look(examined)
    found = _best(reference, ready)
    if found.verified or not _has_structure(reference):  # made flat, any gradient is like any other
        return found
    if has_tones_of(flat := equalised(reference), ready.grey):
        found = max(found, _best(flat, ready), key=lambda each: (each.verified, each.share))
    return found


def _has_structure(reference: Bytes) -> bool:
    return int(textured(reference if reference.ndim == 2 else _grey(reference)).sum()) >= _LEAST_PARTS


def _best(reference: Bytes, ready: Look) -> Resemblance:
    is_grey = reference.ndim == 2
    kept = _Kept(
        grey=reference if is_grey else _grey(reference), coloured=None if is_grey else _light_and_colour(reference)
    )
    found = NOTHING
    for lie in lies(places_of(kept.grey), ready.places, kept.grey, ready.grey):
        seen = _compared(kept, ready, lie)
        if seen.verified:
            return seen
        found = max(found, seen, key=lambda each: each.share)
    return found


def _compared(kept: _Kept, ready: Look, lie: Lie) -> Resemblance:
    reference = kept.grey
    values, known = _laid(ready.grey, lie.matrix, reference.shape)
    overlap = float(known.mean())
    region = _region(reference.shape, lie.matrix, ready.grey.shape, ready.shape)
    nothing = Resemblance(overlap=overlap, region=region, mirrored=lie.mirrored)
    if overlap < _LEAST_OVERLAP:
        return nothing
    judged = _judged(kept, ready, lie, values, known)
    if judged is None:
        return nothing
    whole = judged.verified and judged.share >= _WHOLE_SHARE and overlap >= _WHOLE_OVERLAP and not lie.mirrored
    return Resemblance(
        verified=judged.verified,
        whole=whole and is_entire(*_planes(kept, ready, lie, values), known),
        share=judged.share,
        overlap=overlap,
        region=region,
        seen=_seen(known),
        mirrored=lie.mirrored,
    )


def _judged(kept: _Kept, ready: Look, lie: Lie, values: Floats, known: Truths) -> Judged | None:
    """What follows from structure, light and colour; None where there is too little of all three."""
    reference = kept.grey
    parts = structure_of(reference, values, known)
    paper = _is_paper(reference, known, parts.counted)
    judged = on_paper(reference, values, known, parts) if paper else on_photograph(reference, values, known, parts)
    has_structure = judged.parts >= _LEAST_PARTS
    if has_structure and not judged.verified:
        return judged
    planes = _planes(kept, ready, lie, values)
    if kept.coloured is not None:
        if not has_structure:
            return on_smooth(*planes, known, parts)
        if not _coloured_alike(*planes, known, judged.apart, most=_ON_PAPER if paper else _ON_PHOTOGRAPH):
            return replace(judged, verified=False)
    if not has_structure:
        return None
    is_told = not is_pattern(reference) or as_it_was(*planes, known, judged.apart)
    told = with_colours_of(*planes, known)
    is_other = is_replaced(*told, known) or is_lettered_anew(*told, known)
    return replace(judged, verified=is_told and not is_other)


def _planes(kept: _Kept, ready: Look, lie: Lie, values: Floats) -> tuple[Floats, Floats]:
    """The reference and what lies on it (``values``, luma), in as many planes as were kept."""
    if kept.coloured is None:
        return kept.grey[:, :, None].astype(np.float32), values[:, :, None]
    return kept.coloured, _laid(_light_and_colour(ready.small), lie.matrix, kept.grey.shape)[0]


def _coloured_alike(reference: Floats, values: Floats, known: Truths, apart: Truths, *, most: float) -> bool:
    """Whether colours are what is to be expected where the light is, bars and covers aside.

    One place that is not may take ``most`` of what is known.
    """
    otherwise = coloured_otherwise(reference, values, known, apart=apart) & ~apart
    whole = float(known.mean()) * otherwise.size
    largest = max((rows.size for rows, _ in groups(otherwise)), default=0)
    return int(otherwise.sum()) <= _COLOURED_OTHERWISE * whole and largest <= max(1.0, most * whole)


def _grey(rgb: Bytes) -> Bytes:
    return np.rint(luma(rgb)).astype(np.uint8)


def _light_and_colour(rgb: Bytes) -> Floats:
    return np.dstack([luma(rgb), colours(rgb)]).astype(np.float32)


def _laid(examined: Bytes | Floats, matrix: npt.NDArray[np.float64], shape: tuple[int, ...]) -> tuple[Floats, Truths]:
    """The examined plane or planes as they lie on the reference, and where that is known; averaged first where they
    shrink."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    plane = examined.astype(np.float32)
    if scale < 1:
        plane = cv2.GaussianBlur(plane, (0, 0), 0.5 / scale).astype(np.float32)
    size = (shape[1], shape[0])
    values = cv2.warpPerspective(plane, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    known = cv2.warpPerspective(np.ones(plane.shape[:2], np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    return np.asarray(values, np.float32), np.asarray(known > 0.99, np.bool_)


def _is_paper(reference: Bytes, known: Truths, counted: Truths) -> bool:
    """Whether most of what is compared has one tone, as drawings, forms and slides have, or is even in a few of them,
    as the screens of programs and maps are."""
    tones = np.bincount(reference[known], minlength=256)
    shares = []
    for _ in range(_FEW_TONES):
        near = np.convolve(tones, np.ones(2 * _TONE + 1, np.int64), "same")
        middle = int(near.argmax())
        shares.append(float(near[middle] / max(1, int(known.sum()))))
        tones[max(0, middle - _TONE) : middle + _TONE + 1] = 0
    if shares[0] >= _ALL_PAPER or (shares[0] >= _PAPER and counted.mean() <= known.mean() - _EMPTY):
        return True
    return sum(shares) >= _IN_FEW_TONES and _even(reference, known) >= _EVEN


def _even(reference: Bytes, known: Truths) -> float:
    """The share of the known pixels that have hardly another tone around them."""
    plane = reference.astype(np.float32)
    mean = cv2.blur(plane, (5, 5))
    return float((cv2.blur(plane * plane, (5, 5)) - mean * mean < 1.0)[known].mean()) if known.any() else 0.0


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


def _seen(known: Truths) -> tuple[float, float, float, float] | None:
    """Left, top, width and height of the box around what is known, in shares of the reference."""
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    if not rows.size or not columns.size:
        return None
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    height, width = known.shape
    return left / width, top / height, (right - left) / width, (bottom - top) / height
