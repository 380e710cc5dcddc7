# SPDX-License-Identifier: Apache-2.0
"""Whether a marked picture is what was issued: its pixels against the thumbnails of what was issued.

A mark can be cut out of one picture and pasted onto another, so a payload alone binds nothing. The geometry of the
detection says how the picture lies on what was issued, but for a shift (the mark repeats); the shift is searched, and
what a lens or a scanner bent is straightened. Then the two are compared part by part (``parts``). The visible label is
left out on both sides: all pictures of one maker share it.

A thumbnail is coarse. What it can show is that light, structure and colours of a picture are those of what was issued,
and where they are not; another expression of a face is smaller than a part of it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.hashes import colours, luma
from waarmerk.provenance.registry.model import Kept
from waarmerk.provenance.registry.parts import Agreement, Laid, agreement, structured

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# Measured with benchmarks/binding.py on 24 pictures, their copies, altered copies and each other's.
SAME = 0.50  # correlation of structure after laying one on the other; other pictures: 0.45 at most
OTHER = 0.45
ALTERED = 0.25  # of the parts: beyond that nobody is told that it is the picture that was issued
MOSTLY_OTHER = 0.5  # of the parts
NOTICED = 3  # parts: fewer differ by chance, at the edge of a crop or under coarse compression
_LEAST_STRUCTURE = 1.5  # grey levels, root mean square; below that there is nothing to compare
_LEAST_PIXELS = 24 * 24
_LEAST_OVERLAP = 0.6  # of the smaller of the two
_LEAST_PARTS, _LEAST_TEXTURED, _TEXTURED_SHARE = 12, 8, 0.15
_TEXTURED_WITH_LABEL = 0.35  # where the label cannot be left out: on a flat picture it fills up to a sixth of the parts
_COLOURS_TURNED = -0.3  # correlation of colours where they are told apart at all
_STEPS, _LARGEST_BEND, _LARGEST_SHIFT = 30, 0.08, 6.0  # of the fine alignment; pixels of the thumbnail


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What the comparison came to.

    ``bound``: it is what was issued, it is not, or (None) that cannot be told. ``differing`` of ``parts`` parts show
    something else. ``colours_turned``: the colours are the opposite of those that were issued. ``colours_compared``
    is false for an entry of the ledger that holds none.
    """

    bound: bool | None = None
    parts: int = 0
    differing: int = 0
    colours_turned: bool = False
    colours_compared: bool = True

    @property
    def is_altered(self) -> bool:
        """Whether more differs than chance makes of a copy."""
        return self.differing >= NOTICED


UNTOLD = Likeness()


def compare(issued: Kept, rgb: Bytes, geometry: tuple[float, ...] | None) -> Likeness:
    """Compare ``rgb`` (H x W x 3) with what was issued.

    ``geometry`` is the detection's matrix (row-major 3 x 3, pixel centres of ``rgb`` to the mark's reference).
    """
    reference, known = _reference(issued)
    moved = _aligned(issued, rgb, geometry)
    if moved is None:
        return UNTOLD
    one, other = structured(reference[:, :, 0], known), structured(moved.planes[:, :, 0], moved.known)
    if moved.known.sum() < _LEAST_PIXELS or min(_strength(one, known), _strength(other, moved.known)) < (
        _LEAST_STRUCTURE
    ):
        return UNTOLD
    shift = _best_shift(one, known, other, moved.known)
    laid = _straightened(_placed(moved, shift, known), one, known)
    found = agreement(reference, laid, has_colours=issued.chroma is not None)
    share = _TEXTURED_SHARE if issued.chroma is not None else _TEXTURED_WITH_LABEL
    if found.parts < _LEAST_PARTS or found.textured < max(_LEAST_TEXTURED, share * found.parts):
        return UNTOLD
    return Likeness(
        bound=_bound(found),
        parts=found.parts,
        differing=found.differing,
        colours_turned=found.colour_correlation < _COLOURS_TURNED,
        colours_compared=issued.chroma is not None,
    )


def _bound(found: Agreement) -> bool | None:
    share = found.differing / found.parts
    if found.correlation >= SAME and share <= ALTERED:
        return True
    return False if found.correlation < OTHER and share > MOSTLY_OTHER else None


def _reference(issued: Kept) -> tuple[Floats, Floats]:
    """What was issued, H x W x 3 (luma, Cb, Cr), and where it may be compared: not under the visible label."""
    small = issued.thumbnail
    light = np.frombuffer(small.pixels, np.uint8).reshape(small.height, small.width).astype(np.float64)
    planes = [light, np.zeros_like(light), np.zeros_like(light)]
    if issued.chroma is not None:
        shape = 2, issued.chroma.height, issued.chroma.width
        for number, plane in enumerate(np.frombuffer(issued.chroma.pixels, np.uint8).reshape(shape), 1):
            shades = plane.astype(np.float64) - 128
            wide = cv2.resize(shades, (small.width, small.height), interpolation=cv2.INTER_LINEAR)
            planes[number] = np.asarray(wide, np.float64)
    known = np.ones_like(light)
    if issued.label is not None:
        left, top, width, height = (side * small.width / issued.width for side in issued.label)
        rows = slice(max(0, int(top) - 1), int(np.ceil(top + height)) + 1)
        known[rows, max(0, int(left) - 1) : int(np.ceil(left + width)) + 1] = 0
    return np.dstack(planes), known


def _aligned(issued: Kept, rgb: Bytes, geometry: tuple[float, ...] | None) -> Laid | None:
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


def _warped(rgb: Bytes, matrix: Floats, size: tuple[int, int]) -> Laid:
    """The picture after ``matrix``, averaged first so that reducing it leaves no false structure."""
    height, width = rgb.shape[:2]
    reduce = max(1.0, float(np.sqrt(width * height / (size[0] * size[1]))) / 2)
    inner = max(8, round(width / reduce)), max(8, round(height / reduce))
    small = np.asarray(cv2.resize(rgb, inner, interpolation=cv2.INTER_AREA), np.uint8)
    blurred = cv2.GaussianBlur(np.dstack((luma(small), colours(small))), (0, 0), 0.8)
    matrix = matrix @ np.diag([width / inner[0], height / inner[1], 1.0])
    planes = cv2.warpPerspective(blurred, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    full = np.ones(blurred.shape[:2], np.float32)
    known = cv2.warpPerspective(full, matrix, size, flags=cv2.INTER_LINEAR)
    return Laid(planes=planes.astype(np.float64), known=(known > 0.99).astype(np.float64))


def _strength(values: Floats, known: Floats) -> float:
    return float(np.sqrt((values**2).sum() / max(known.sum(), 1.0)))


def _best_shift(reference: Floats, ours: Floats, examined: Floats, theirs: Floats) -> tuple[int, int]:
    """Where the correlation is best over all shifts with enough overlap, known pixels only (Padfield 2012, by FFT).

    The shift is where the examined plane's first pixel lies in the reference (down, across).
    """
    tall, wide = (a + b for a, b in zip(reference.shape, examined.shape, strict=True))
    shape = cv2.getOptimalDFTSize(tall), cv2.getOptimalDFTSize(wide)

    def spectrum(plane: Floats) -> npt.NDArray[np.complex128]:
        return np.fft.rfft2(plane, shape)

    def correlated(one: npt.NDArray[np.complex128], other: npt.NDArray[np.complex128]) -> Floats:
        return np.fft.irfft2(one * np.conj(other), shape)

    r, r2, rm = (spectrum(p) for p in (reference, reference**2, ours))
    e, e2, em = (spectrum(p) for p in (examined, examined**2, theirs))
    count = np.maximum(correlated(rm, em), 1e-9)
    sum_r, sum_e = correlated(r, em), correlated(rm, e)
    joint = correlated(r, e) - sum_r * sum_e / count
    spread_r = np.maximum(correlated(r2, em) - sum_r**2 / count, 0.0)
    spread_e = np.maximum(correlated(rm, e2) - sum_e**2 / count, 0.0)
    enough = count >= _LEAST_OVERLAP * min(ours.sum(), theirs.sum())
    floor = (_LEAST_STRUCTURE / 2) ** 2 * count
    enough &= (spread_r > floor) & (spread_e > floor)
    score = np.where(enough, joint / np.sqrt(np.maximum(spread_r * spread_e, 1e-9)), -1.0)
    down, across = np.unravel_index(int(score.argmax()), score.shape)
    shift = tuple(
        int(at - size if at >= limit else at)
        for at, size, limit in zip((down, across), shape, reference.shape, strict=True)
    )
    return shift[0], shift[1]


def _placed(moved: Laid, shift: tuple[int, int], ours: Floats) -> Laid:
    """The examined picture in the frame of the reference; known where both are."""
    planes, known = np.zeros((*ours.shape, 3)), np.zeros_like(ours)
    rows, columns = (
        slice(max(0, at), max(0, min(limit, at + size)))
        for at, size, limit in zip(shift, moved.known.shape, ours.shape, strict=True)
    )
    inner = slice(rows.start - shift[0], rows.stop - shift[0]), slice(columns.start - shift[1], columns.stop - shift[1])
    planes[rows, columns], known[rows, columns] = moved.planes[inner], moved.known[inner]
    return Laid(planes=planes, known=known * ours)


def _straightened(laid: Laid, reference: Floats, ours: Floats) -> Laid:
    """The same after a fine alignment (Evangelidis and Psarakis 2008), which may bend it a little and no more."""
    start, size = np.eye(2, 3, dtype=np.float32), laid.known.shape[::-1]
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _STEPS, 1e-4)
    examined = structured(laid.planes[:, :, 0], laid.known).astype(np.float32)
    mask = laid.known.astype(np.uint8)
    try:
        _, bend = cv2.findTransformECC(
            reference.astype(np.float32), examined, start, cv2.MOTION_AFFINE, criteria, mask, 3
        )
    except cv2.error:  # it does not converge: nothing to be gained
        return laid
    if not np.isfinite(bend).all() or np.abs(bend[:, :2] - np.eye(2)).max() > _LARGEST_BEND:
        return laid
    if np.abs(bend[:, 2]).max() > _LARGEST_SHIFT:
        return laid
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    planes = cv2.warpAffine(laid.planes, bend, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    known = cv2.warpAffine(laid.known, bend, size, flags=flags)
    return Laid(planes=np.asarray(planes, np.float64), known=(known > 0.99) * ours)
