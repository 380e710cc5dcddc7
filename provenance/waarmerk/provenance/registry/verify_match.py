# SPDX-License-Identifier: Apache-2.0
"""Whether a marked picture is what was issued: its pixels against the thumbnail of what was issued.

A mark can be cut out of one picture and pasted onto another, so a payload alone binds nothing. The geometry of the
detection says how the picture lies on what was issued, but for a shift (the mark repeats); the shift is searched. What
is compared is structure between the finest and the coarsest of a thumbnail: light, contrast and a sky that is bright
above and dark below are alike in half of all pictures.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.hashes import luma
from waarmerk.provenance.registry.model import Issuance

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# Set on drawings and photographs, tests/unit/registry: what was issued scores above 0.85 after JPEG 40, a quarter of
# the size or half of the picture cut off, above 0.75 after a turn; whole other pictures below 0.45 at the best shift.
SAME = 0.70
OTHER = 0.45
_COARSEST = 4.0  # pixels of the thumbnail; the standard deviation of the blur that is taken off
_LEAST_STRUCTURE = 1.5  # grey levels, root mean square; below that there is nothing to compare
_LEAST_PIXELS = 24 * 24
_LEAST_OVERLAP = 0.6  # of the smaller of the two
_BLOCK = 16
_LEAST_BLOCKS = 6  # of about 24: the visible label alone, drawn on a flat picture, fills one or two
_BLOCK_AGREES, _BLOCKS_AGREE = 0.4, 0.75  # a picture with another one pasted into it is not what was issued


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    """A small picture: structure without light, H x W, and where it is known (1) or not (0)."""

    values: Floats
    known: Floats


def binds(issued: Issuance, rgb: Bytes, geometry: tuple[float, ...] | None) -> bool | None:
    """Whether ``rgb`` (H x W x 3) shows what was issued; None where there is too little to compare.

    ``geometry`` is the detection's matrix (row-major 3 x 3, pixel centres of ``rgb`` to the mark's reference).
    """
    small = issued.thumbnail
    stored = np.frombuffer(small.pixels, np.uint8).reshape(small.height, small.width).astype(np.float64)
    reference = _structured(stored, np.ones_like(stored))
    moved = _aligned(issued, rgb, geometry)
    if moved is None:
        return None
    examined = _structured(*moved)
    if examined.known.sum() < _LEAST_PIXELS or _strength(examined) < _LEAST_STRUCTURE:
        return None
    if _strength(reference) < _LEAST_STRUCTURE:
        return None
    score, shift = _best_shift(reference, examined)
    if score < OTHER:
        return False
    if score >= SAME:
        return True if _blocks_agree(reference, examined, shift) else None
    return None


def _aligned(issued: Issuance, rgb: Bytes, geometry: tuple[float, ...] | None) -> tuple[Floats, Floats] | None:
    """The picture turned and scaled as it lies on the thumbnail, and where it is known."""
    height, width = rgb.shape[:2]
    scale = issued.thumbnail.width / issued.width
    if geometry is None or issued.geometry is None:
        to_issued = np.diag([issued.width / width, issued.height / height, 1.0])
    else:
        try:
            to_issued = np.linalg.inv(np.reshape(issued.geometry, (3, 3))) @ np.reshape(geometry, (3, 3))
        except np.linalg.LinAlgError:
            return None
    matrix = np.diag([scale, scale, 1.0]) @ to_issued
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    with np.errstate(all="ignore"):
        placed = cv2.perspectiveTransform(corners, matrix)[0]
    if not np.isfinite(placed).all():
        return None
    low, high = placed.min(axis=0), placed.max(axis=0)
    size = np.ceil(high - low).astype(int) + 1
    longest = 4 * max(issued.thumbnail.width, issued.thumbnail.height)
    if size.min() < 8 or size.max() > longest:
        return None
    matrix = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]]) @ matrix
    return _warped(rgb, matrix, (int(size[0]), int(size[1])))


def _warped(rgb: Bytes, matrix: Floats, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """The luma of the picture after ``matrix``, averaged first so that reducing it leaves no false structure."""
    height, width = rgb.shape[:2]
    reduce = max(1.0, float(np.sqrt(width * height / (size[0] * size[1]))) / 2)
    inner = max(8, round(width / reduce)), max(8, round(height / reduce))
    plane = luma(np.asarray(cv2.resize(rgb, inner, interpolation=cv2.INTER_AREA), np.uint8))
    blurred = cv2.GaussianBlur(plane, (0, 0), 0.8)
    matrix = matrix @ np.diag([width / inner[0], height / inner[1], 1.0])
    values = cv2.warpPerspective(blurred, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    known = cv2.warpPerspective(np.ones_like(blurred), matrix, size, flags=cv2.INTER_LINEAR)
    return values.astype(np.float64), (known > 0.99).astype(np.float64)


def _structured(values: Floats, known: Floats) -> _Plane:
    """Without what is coarser than ``_COARSEST``; single strong edges are held back so that many decide."""
    weight = cv2.GaussianBlur(known, (0, 0), _COARSEST, borderType=cv2.BORDER_CONSTANT)
    mean = cv2.GaussianBlur(values * known, (0, 0), _COARSEST, borderType=cv2.BORDER_CONSTANT) / np.maximum(
        weight, 1e-9
    )
    rest = (cv2.GaussianBlur(values, (0, 0), 0.6) - mean) * known
    return _Plane(values=np.clip(rest, -40.0, 40.0), known=known)


def _strength(plane: _Plane) -> float:
    return float(np.sqrt((plane.values**2).sum() / max(plane.known.sum(), 1.0)))


def _best_shift(reference: _Plane, examined: _Plane) -> tuple[float, tuple[int, int]]:
    """The best correlation over all shifts with enough overlap, known pixels only (Padfield 2012, by FFT).

    The shift is where the examined plane's first pixel lies in the reference (down, across).
    """
    tall, wide = (a + b for a, b in zip(reference.values.shape, examined.values.shape, strict=True))
    shape = cv2.getOptimalDFTSize(tall), cv2.getOptimalDFTSize(wide)

    def spectrum(plane: Floats) -> npt.NDArray[np.complex128]:
        return np.fft.rfft2(plane, shape)

    def correlated(one: npt.NDArray[np.complex128], other: npt.NDArray[np.complex128]) -> Floats:
        return np.fft.irfft2(one * np.conj(other), shape)

    r, r2, rm = (spectrum(p) for p in (reference.values, reference.values**2, reference.known))
    e, e2, em = (spectrum(p) for p in (examined.values, examined.values**2, examined.known))
    count = np.maximum(correlated(rm, em), 1e-9)
    sum_r, sum_e = correlated(r, em), correlated(rm, e)
    joint = correlated(r, e) - sum_r * sum_e / count
    spread_r = np.maximum(correlated(r2, em) - sum_r**2 / count, 0.0)
    spread_e = np.maximum(correlated(rm, e2) - sum_e**2 / count, 0.0)
    enough = count >= _LEAST_OVERLAP * min(reference.known.sum(), examined.known.sum())
    floor = (_LEAST_STRUCTURE / 2) ** 2 * count
    enough &= (spread_r > floor) & (spread_e > floor)
    score = np.where(enough, joint / np.sqrt(np.maximum(spread_r * spread_e, 1e-9)), -1.0)
    down, across = np.unravel_index(int(score.argmax()), score.shape)
    best = float(score[down, across])
    shift = tuple(
        int(at - size if at >= limit else at)
        for at, size, limit in zip((down, across), shape, reference.values.shape, strict=True)
    )
    return best, (shift[0], shift[1])


def _blocks_agree(reference: _Plane, examined: _Plane, shift: tuple[int, int]) -> bool:
    """Whether most parts agree each on its own: what was pasted into the picture does not."""
    agree = total = 0
    placed = np.zeros_like(reference.values)
    known = np.zeros_like(reference.values)
    rows, columns = (
        _span(at, size, limit)
        for at, size, limit in zip(shift, examined.values.shape, reference.values.shape, strict=True)
    )
    inner = slice(rows.start - shift[0], rows.stop - shift[0]), slice(columns.start - shift[1], columns.stop - shift[1])
    placed[rows, columns], known[rows, columns] = examined.values[inner], examined.known[inner]
    for top in range(0, reference.values.shape[0] - _BLOCK // 2, _BLOCK):
        for left in range(0, reference.values.shape[1] - _BLOCK // 2, _BLOCK):
            part = slice(top, top + _BLOCK), slice(left, left + _BLOCK)
            one, other, seen = reference.values[part], placed[part], known[part] > 0
            if seen.mean() < 0.5:
                continue
            one, other = one[seen], other[seen]
            if max(one.std(), other.std()) < _LEAST_STRUCTURE:
                continue
            total += 1
            agree += float(np.corrcoef(one, other)[0, 1]) >= _BLOCK_AGREES if min(one.std(), other.std()) > 0 else 0
    return total >= _LEAST_BLOCKS and agree >= _BLOCKS_AGREE * total


def _span(at: int, size: int, limit: int) -> slice:
    return slice(max(0, at), max(0, min(limit, at + size)))
