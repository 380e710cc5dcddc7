# SPDX-License-Identifier: Apache-2.0
"""Two small pictures that lie on each other, compared part by part: structure, light and colours.

A copy may be lighter, warmer or grey all over. So light and colours are compared after one change that fits the whole
picture (a robust fit): what is left is what differs in a part and not everywhere. Structure is compared within each
part on its own, so that one strong edge does not speak for the whole.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

BLOCK = 8  # pixels of the thumbnail: a picture of 3 : 2 has 96 parts
_COARSEST = 4.0  # pixels of the thumbnail; the standard deviation of the blur that is taken off
_FINEST = 0.6
_CLIPPED = 40.0  # single strong edges are held back so that many decide
_LEAST_SEEN = 0.5  # of a part
_TEXTURE = 1.5  # grey levels, standard deviation within a part; below that there is no structure to compare
_UNLIKE = 0.35  # correlation within a part; copies stay above it, other content seldom does
_LIGHT, _COLOUR = 24.0, 13.0  # levels off what fits the whole picture
_CLEAR, _WASHED = 4.0, 0.4  # structure that must be there, and what is left of it where it was blurred away
_TONE_PARTS = 40  # for a bent curve and a gradient; with fewer a straight line is all that can be fitted
_SHADE_PARTS = 60  # for colours that change with the light
_COLOURED = 5.0  # levels, root mean square: below that there are no colours to speak of
_ROUNDS, _BIWEIGHT_FROM, _BIWEIGHT = 12, 4, 4.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Laid:
    """Luma, Cb and Cr (H x W x 3), and where they are known (1) or not (0)."""

    planes: Floats
    known: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """``differing`` of ``parts``; ``textured`` of them have structure. ``correlation`` is that of all structure."""

    parts: int
    textured: int
    differing: int
    correlation: float
    colour_correlation: float


def structured(values: Floats, known: Floats) -> Floats:
    """A plane without what is coarser than a few pixels: light, contrast and a bright sky above are alike in half of
    all pictures. Zero where it is not known."""
    weight = cv2.GaussianBlur(known, (0, 0), _COARSEST, borderType=cv2.BORDER_CONSTANT)
    mean = cv2.GaussianBlur(values * known, (0, 0), _COARSEST, borderType=cv2.BORDER_CONSTANT) / np.maximum(
        weight, 1e-9
    )
    rest = (cv2.GaussianBlur(values, (0, 0), _FINEST) - mean) * known
    return np.asarray(np.clip(rest, -_CLIPPED, _CLIPPED), np.float64)


def agreement(reference: Floats, laid: Laid, *, has_colours: bool) -> Agreement:
    """Compare the parts of ``reference`` (H x W x 3, luma, Cb, Cr) with those of the picture laid on it."""
    known = laid.known
    one, other = structured(reference[:, :, 0], known), structured(laid.planes[:, :, 0], known)
    seen = _sums(known)
    counted = seen >= _LEAST_SEEN * BLOCK * BLOCK
    safe = np.maximum(seen, 1.0)
    best, width_one, width_other = _structure(one, other, known)
    textured = counted & (np.maximum(width_one, width_other) >= _TEXTURE)
    differs = textured & (best < _UNLIKE)
    if textured.any():
        gain = float(np.median(width_other[textured] / np.maximum(width_one[textured], 0.5)))
        expected = gain * width_one
        differs |= textured & (expected > _CLEAR) & (width_other < _WASHED * expected)
    ours = np.dstack([_sums(reference[:, :, n] * known) / safe for n in range(3)])
    theirs = np.dstack([_sums(laid.planes[:, :, n] * known) / safe for n in range(3)])
    differs |= counted & _off(ours, theirs, counted, has_colours=has_colours)
    return Agreement(
        parts=int(counted.sum()),
        textured=int(textured.sum()),
        differing=int((differs & counted).sum()),
        correlation=_correlation(one, other, known),
        colour_correlation=_colour_correlation(ours[counted][:, 1:], theirs[counted][:, 1:]) if has_colours else 0.0,
    )


def _sums(plane: Floats) -> Floats:
    """The sum within each part."""
    down, across = (-(-side // BLOCK) * BLOCK for side in plane.shape)
    whole = np.zeros((down, across))
    whole[: plane.shape[0], : plane.shape[1]] = plane
    return np.asarray(whole.reshape(down // BLOCK, BLOCK, across // BLOCK, BLOCK).sum(axis=(1, 3)), np.float64)


def _structure(one: Floats, other: Floats, known: Floats) -> tuple[Floats, Floats, Floats]:
    """For each part: the best correlation within a pixel, and how strong the structure is on either side."""
    seen = np.maximum(_sums(known), 1.0)
    mean = _sums(one) / seen
    spread = np.maximum(_sums(one * one) / seen - mean**2, 0.0)
    straight = np.maximum(_sums(other * other) / seen - (_sums(other) / seen) ** 2, 0.0)
    best = np.full_like(mean, -1.0)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            moved = np.roll(other, (down, across), axis=(0, 1)) * known
            average = _sums(moved) / seen
            width = np.maximum(_sums(moved * moved) / seen - average**2, 0.0)
            joint = _sums(one * moved) / seen - mean * average
            best = np.maximum(best, joint / np.sqrt(np.maximum(spread * width, 1e-6)))
    return best, np.sqrt(spread), np.sqrt(straight)


def _off(ours: Floats, theirs: Floats, counted: Truths, *, has_colours: bool) -> Truths:
    """Where light or colours are off what one change of the whole picture explains."""
    rows, columns = np.nonzero(counted)
    if rows.size == 0:
        return np.zeros_like(counted)
    light, blue, red = (ours[rows, columns, n] for n in range(3))
    tone = (light - 128) / 64
    terms = [np.ones_like(tone), tone]
    if has_colours:
        terms += [blue / 32, red / 32]
    if rows.size >= _TONE_PARTS:
        across, down = (
            at / max(1, side - 1) - 0.5 for at, side in ((columns, counted.shape[1]), (rows, counted.shape[0]))
        )
        terms += [tone * tone, across, down]
    if has_colours and rows.size >= _SHADE_PARTS:
        terms += [tone * blue / 32, tone * red / 32, blue * blue / 1024, red * red / 1024, blue * red / 1024]
    design = np.stack(terms, axis=1)
    rest = [_residual(design, theirs[rows, columns, n]) for n in range(3 if has_colours else 1)]
    off = np.abs(rest[0]) > _LIGHT
    if has_colours:
        off |= np.hypot(rest[1], rest[2]) > _COLOUR
    found = np.zeros_like(counted)
    found[rows, columns] = off
    return found


def _residual(design: Floats, values: Floats) -> Floats:
    """What a robust linear fit leaves: first by least absolute deviations, then Tukey's biweight (Huber 1981)."""
    weight = np.ones(len(values))
    ridge = np.diag([0.0] + [1e-3 * len(values)] * (design.shape[1] - 1))
    rest = values
    for turn in range(_ROUNDS):
        root = np.sqrt(weight)[:, None]
        inner = design * root
        normal = inner.T @ inner + ridge + 1e-9 * np.eye(design.shape[1])
        rest = values - design @ np.linalg.solve(normal, inner.T @ (values * root[:, 0]))
        scale = max(1.4826 * float(np.median(np.abs(rest))), 1.5)
        if turn < _BIWEIGHT_FROM:
            weight = 1 / np.maximum(np.abs(rest) / scale, 1e-2)
        else:
            weight = np.maximum(1 - (rest / (_BIWEIGHT * scale)) ** 2, 0.0) ** 2 + 1e-6
    return np.asarray(rest, np.float64)


def _correlation(one: Floats, other: Floats, known: Floats) -> float:
    inside = known > 0
    if inside.sum() < 2:
        return 0.0
    a, b = one[inside] - one[inside].mean(), other[inside] - other[inside].mean()
    return float((a * b).sum() / np.sqrt(max(float((a * a).sum() * (b * b).sum()), 1e-9)))


def _colour_correlation(ours: Floats, theirs: Floats) -> float:
    """-1 where colours are the opposite, 1 where they are the same; 0 where one of the two has none.

    Around each picture's own mean and around grey, whichever speaks less against it: a tint moves the mean.
    """
    found = []
    for a, b in ((ours, theirs), (ours - ours.mean(axis=0), theirs - theirs.mean(axis=0))):
        strong = min(float((a * a).sum()), float((b * b).sum())) > _COLOURED**2 * len(a)
        found.append(float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())) if strong else 0.0)
    return max(found)
