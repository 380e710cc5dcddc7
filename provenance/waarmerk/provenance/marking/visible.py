# SPDX-License-Identifier: Apache-2.0
"""The label people see: the letters AI in a rounded frame with the words beside it, on a ground of its own.

Code of Practice on marking AI content: the letters are the main element, the words the second layer. The label stands
where a centre crop to 1:1, 4:5, 9:16 or 16:9 leaves it whole, and is at least 3 % of the short side high.
Everything here is a pure function of uint8 arrays and texts.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from waarmerk.provenance.marking.corners import calmest, is_busy
from waarmerk.provenance.marking.lettering import Lettering, lettering, runs_right_to_left

Bytes = npt.NDArray[np.uint8]

LETTERS = "AI"
SMALLEST_SHARE = 0.03  # of the short side, for one line: rule packs, placement of images
USUAL_SHARE = 0.05
LONG_SHARE = 0.025  # of the long side: a panorama is shown as wide as the screen, and its short side becomes a strip
LARGEST_SHARE = 0.25  # of the short side, however long the other one is
HIGHEST_SHARE = 0.40  # of the short side, for the whole label where it is larger than usual
SMALLEST_PIXELS = 13  # a line lower than this cannot be read at any size of picture
MIN_TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
MIN_EDGE_CONTRAST = 3.0  # WCAG 2.2, 1.4.11
_CROPS = (1 / 1, 4 / 5, 9 / 16, 16 / 9)  # width by height
_STEPS = 12  # sizes between the usual one and that of a panorama
_SMOOTH = 4  # the frame is drawn this much larger and reduced, for clean corners
_GAP = 0.018  # of the short side, between the label and the edge of the safe area
_DARK, _LIGHT = (20, 20, 20), (250, 250, 250)


class Corner(StrEnum):
    """Where in the safe area the label stands; ``AUTO`` is where it covers least, top right where that is as good."""

    AUTO = "auto"
    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


_PREFERRED = (Corner.TOP_RIGHT, Corner.TOP_LEFT, Corner.BOTTOM_RIGHT, Corner.BOTTOM_LEFT)


class CannotShow(ValueError):
    """The picture is too small for any label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of a picture in pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def rows_columns(self) -> tuple[slice, slice]:
        """The part as an index of an array."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """A picture with its label, and the measurements that say whether the label can be seen.

    ``pixels`` H x W x 3; ``coverage`` is the label's opacity inside ``box``; ``words`` is what can be read,
    ``corner`` where it stands, never ``AUTO``; ``on_detail``: it was chosen, and even there it hides something.
    ``text_contrast`` and ``edge_contrast`` are WCAG ratios, measured in the result.
    """

    pixels: Bytes
    box: Box
    coverage: Bytes
    words: str
    corner: Corner
    on_detail: bool
    dark: bool
    line_share: float
    text_contrast: float
    edge_contrast: float


def safe_area(width: int, height: int) -> Box:
    """What every centre crop to one of the usual shapes leaves over."""
    wide = min(min(width, round(height * shape)) for shape in _CROPS)
    high = min(min(height, round(width / shape)) for shape in _CROPS)
    return Box(left=(width - wide) // 2, top=(height - high) // 2, width=wide, height=high)


def luminance(rgb: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Relative luminance of sRGB bytes, ... x 3 to ... (WCAG 2.2, definition)."""
    share = np.asarray(rgb, dtype=np.float64) / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    weighed: npt.NDArray[np.float64] = linear @ np.array([0.2126, 0.7152, 0.0722])
    return weighed


def contrast(one: float, other: float) -> float:
    """The WCAG contrast ratio of two relative luminances, 1 to 21."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def show(
    pixels: Bytes, lines: tuple[str, ...], *, corner: Corner = Corner.AUTO, letters: Lettering | None = None
) -> Shown:
    """Draw the label with ``lines`` (one a language) into a copy of ``pixels``, H x W x 3 RGB as people see it.

    Raises CannotShow where not even the letters fit, ConfigurationError where a letter is missing from the font.
    """
    height, width = pixels.shape[:2]
    area = safe_area(width, height)
    sign = _fitting(lines, area, (min(width, height), max(width, height)), letters or lettering())
    is_chosen = corner is Corner.AUTO
    corner = _least_covered(pixels, sign, area) if is_chosen else corner
    box = _placed(sign.coverage.shape, area, corner, min(width, height))
    under = pixels[box.rows_columns]
    dark = _is_dark_better(under)
    ground, ink = (_DARK, _LIGHT) if dark else (_LIGHT, _DARK)
    drawn = _mixed(_mixed(under, ground, sign.coverage), ink, sign.ink)
    result = pixels.copy()
    result[box.rows_columns] = drawn
    return Shown(
        pixels=result,
        box=box,
        coverage=sign.coverage,
        words=sign.words,
        corner=corner,
        on_detail=is_chosen and is_busy(under),
        dark=dark,
        line_share=sign.line / min(width, height),
        text_contrast=_text_contrast(drawn, sign),
        edge_contrast=_edge_contrast(under, ground, ink),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sign:
    """A label of its own: opacity and ink, H x W each; ``line`` is the height of a line in pixels."""

    coverage: Bytes
    ink: Bytes
    words: str
    line: int


def _fitting(lines: tuple[str, ...], area: Box, sides: tuple[int, int], letters: Lettering) -> _Sign:
    """The largest sign that fits: first smaller letters, then broken lines, then words below the frame, at last the
    letters AI alone. In a panorama size comes before shape: the frame above the words where that makes both larger.
    """
    short, long = sides
    smallest = max(SMALLEST_PIXELS, -(-short * 3 // 100))
    usual = max(smallest, round(short * USUAL_SHARE))
    wished = max(usual, round(min(long * LONG_SHARE, short * LARGEST_SHARE)))
    gap = round(short * _GAP)
    room = area.height - 2 * gap, area.width - 2 * gap
    broken, parted = (tuple(part for text in lines for part in _broken(text, at)) for at in (" ", " -"))
    ways = (lines, False), (broken, False), (parted, False), (lines, True), (broken, True), (parted, True)
    layouts: tuple[tuple[tuple[str, ...], bool], ...] = (*dict.fromkeys(ways), ((), False))
    words = " / ".join(lines)
    large = sorted({round(usual + (wished - usual) * step / _STEPS) for step in range(1, _STEPS + 1)}, reverse=True)
    small = sorted({usual, (usual + smallest) // 2, smallest}, reverse=True)
    tried = [(line, *layout) for line in large if line > usual for layout in layouts[:-1]]
    tried += [(line, *layout) for layout in layouts for line in (small if layout[0] else [*large, *small])]
    for line, parts, stacked in tried:
        sign = _drawn(parts, line, letters, words=words if parts else LETTERS, stacked=stacked)
        high = room[0] if line <= usual else min(room[0], round(sides[0] * HIGHEST_SHARE))
        if sign.coverage.shape[0] <= high and sign.coverage.shape[1] <= room[1]:
            return sign
    raise CannotShow("the picture is too small for a label that can be read")


def _broken(text: str, marks: str) -> tuple[str, ...]:
    """The text in two lines, broken after the one of ``marks`` nearest to its middle; a hyphen stays, a space goes."""
    breaks = [at + 1 for at, letter in enumerate(text[:-1]) if at and letter in marks]
    if not breaks:
        return (text,)
    middle = min(breaks, key=lambda at: abs(at - len(text) / 2))
    return text[:middle].rstrip(" "), text[middle:].lstrip(" ")


def _drawn(lines: tuple[str, ...], line: int, letters: Lettering, *, words: str, stacked: bool) -> _Sign:
    """Set frame and lines at ``line`` pixels a line, the words beside the frame or, ``stacked``, below it.

    Right-to-left words stand left of the frame.
    """
    em = max(8, round(line * 0.68))
    frame = _frame(line, letters)
    texts = [letters.coverage(text, em) for text in lines]
    pitch = max([line, *(text.shape[0] for text in texts)])
    pad = max(2, round(line * 0.16))
    between = max(3, round(line * 0.30))
    wide = max((text.shape[1] for text in texts), default=-between)
    mirrored = bool(lines) and runs_right_to_left(lines[0])
    block = pitch * len(texts)  # the height of the words
    if stacked:
        height, width = frame.shape[0] + block + 2 * pad, max(frame.shape[1], wide) + 4 * pad
        margin, first, above = 2 * pad, pad + frame.shape[0], pad
        aside = margin
    else:
        height = max(frame.shape[0], block) + 2 * pad
        width = 2 * pad + frame.shape[1] + between + wide + (pad if texts else 0)
        margin, first, above = pad, (height - block) // 2, (height - frame.shape[0]) // 2
        aside = pad + frame.shape[1] + between
    ink = np.zeros((height, width), np.uint8)
    _paste(ink, frame, above, width - margin - frame.shape[1] if mirrored else margin)
    for number, text in enumerate(texts):
        top = first + number * pitch + (pitch - text.shape[0]) // 2
        _paste(ink, text, top, width - aside - text.shape[1] if mirrored else aside)
    outline = max(1, round(line / 24))
    ground = _rounded(height, width, radius=round(line * 0.32))
    inner = _rounded(height, width, radius=round(line * 0.32), inset=outline)
    ink = np.maximum(ink, ground - np.minimum(ground, inner))
    return _Sign(coverage=ground, ink=ink, words=words, line=line)


def _frame(line: int, letters: Lettering) -> Bytes:
    """The letters AI in a rounded frame of the height of a line: an own drawing."""
    text = letters.coverage(LETTERS, max(8, round(line * 0.62)))
    stroke = max(1, round(line * 0.075))
    width = max(line, text.shape[1] + 4 * stroke)
    outer = _rounded(line, width, radius=round(line * 0.24))
    inner = _rounded(line, width, radius=round(line * 0.24), inset=stroke)
    frame: Bytes = outer - np.minimum(outer, inner)
    rows = text[max(0, (text.shape[0] - line) // 2) :][:line]
    _paste(frame, rows, (line - rows.shape[0]) // 2, (width - text.shape[1]) // 2)
    return frame


def _rounded(height: int, width: int, *, radius: int, inset: int = 0) -> Bytes:
    """The opacity of a rounded rectangle, ``inset`` pixels smaller on every side."""
    large = Image.new("L", (width * _SMOOTH, height * _SMOOTH), 0)
    corners = inset * _SMOOTH, inset * _SMOOTH, (width - inset) * _SMOOTH - 1, (height - inset) * _SMOOTH - 1
    ImageDraw.Draw(large).rounded_rectangle(corners, radius=max(0, radius - inset) * _SMOOTH, fill=255)
    return np.asarray(large.reduce(_SMOOTH)).copy()


def _paste(ink: Bytes, part: Bytes, top: int, left: int) -> None:
    place = ink[top : top + part.shape[0], left : left + part.shape[1]]
    np.maximum(place, part[: place.shape[0], : place.shape[1]], out=place)


def _least_covered(pixels: Bytes, sign: _Sign, area: Box) -> Corner:
    """The corner whose box has the least detail."""
    short = min(pixels.shape[:2])
    boxes = {corner: _placed(sign.coverage.shape, area, corner, short) for corner in _PREFERRED}
    return calmest({corner: pixels[box.rows_columns] for corner, box in boxes.items()})


def _placed(shape: tuple[int, ...], area: Box, corner: Corner, short: int) -> Box:
    gap = round(short * _GAP)
    left, top = area.left + gap, area.top + gap
    if corner in (Corner.TOP_RIGHT, Corner.BOTTOM_RIGHT):
        left = area.left + area.width - gap - shape[1]
    if corner in (Corner.BOTTOM_LEFT, Corner.BOTTOM_RIGHT):
        top = area.top + area.height - gap - shape[0]
    return Box(left=left, top=top, width=shape[1], height=shape[0])


def _is_dark_better(under: Bytes) -> bool:
    """Whether a dark ground stands out more from what is under it."""
    below = float(luminance(under).mean())
    return contrast(float(luminance(_DARK)), below) >= contrast(float(luminance(_LIGHT)), below)


def _mixed(under: Bytes, colour: tuple[int, int, int], opacity: Bytes) -> Bytes:
    share = opacity[:, :, None].astype(np.float32) / 255.0
    mixed: Bytes = np.rint(under * (1.0 - share) + np.asarray(colour, np.float32) * share).astype(np.uint8)
    return mixed


def _text_contrast(drawn: Bytes, sign: _Sign) -> float:
    """Ink against ground, measured where each is pure. Small letters may have no pure pixel: then the darkest."""
    light = luminance(drawn)
    ink = light[sign.ink >= max(128, int(sign.ink.max()) - 16)]
    ground = light[(sign.ink == 0) & (sign.coverage == 255)]
    return contrast(float(ink.mean()), float(ground.mean()))


def _edge_contrast(under: Bytes, ground: tuple[int, int, int], ink: tuple[int, int, int]) -> float:
    """How well the label's edge is seen: its ground or its outline, whichever differs more, at the worst place."""
    below = luminance(under)
    differences = [
        (np.maximum(below, edge) + 0.05) / (np.minimum(below, edge) + 0.05)
        for edge in (float(luminance(ground)), float(luminance(ink)))
    ]
    return float(np.maximum(*differences).min())
