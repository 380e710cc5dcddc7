# SPDX-License-Identifier: Apache-2.0
"""What differs between two pictures that lie on each other, and whether a copy may differ so.

A sticker, a logo or a bar hides what was there and is mostly of one tone; another person, another sky or another text
is not. Text laid over a picture leaves what is beside its letters.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.bars import LARGEST_BAR, bars, is_bar, is_same_strip
from waarmerk.provenance.registry.groups import box, filled_in, groups, pixels
from waarmerk.provenance.registry.structure import BLOCK, Parts, block_mean, centres, lit_otherwise
from waarmerk.provenance.registry.written import UNCLEAR, Strokes

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

_INK_BLOCK, _INK_OTHER = 8, 0.12  # pixels; share of a part where one has ink and the other has none near
_STRONG_INK, _WEAK_INK = 0.5, 0.2  # of the contrast between paper and the darkest or lightest on it
_SHARE, _LARGEST_OTHER, _LARGEST_ADDED = 0.75, 0.08, 0.08  # photographs
_LIT_OTHERWISE = 0.15  # smooth parts for each with structure: where that says little, light has to say more
_SHARE_ON_PAPER, _OTHER_ON_PAPER, _AGREEING_ON_PAPER, _LEAST_AGREEING = 0.97, 1, 0.6, 8  # parts
_LETTERED = 0.75  # of a strip: where both have something, it is letters and no cover
_TONE, _ONE_TONE = 5, 0.42  # of a cover: grey levels, and what it takes of the place that differs
_SMALLEST_COVER, _LARGEST_COVER = 0.01, 0.05  # of the picture: a sticker, and less than a coat
_BEFORE = 0.5  # of a patch that had its tone before
_LEAST_COVER, _MOST_COVERED = 4, 0.35  # parts; of what is known
_SOLID, _AROUND = 9, 6  # pixels: thicker than letters of a text, and the soft edge of a cover
_SOFT_EDGE = np.ones((2 * _AROUND + 1, 2 * _AROUND + 1), np.uint8)
_PAPER_TONE = 6  # grey levels
_TOUCHES = 0.2  # of a place that differs: with less structure of the reference in it, it was put where nothing is
_MOST_ANEW = 0.01  # of all parts: a date or a number may be another one, a caption may not
_MOST_ADDED = 0.15  # of all parts: ink that was written over a drawing or form


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """``share`` of ``parts`` agree. ``apart`` are those under bars and covers (h x w)."""

    verified: bool
    share: float
    parts: int
    apart: Truths


def on_photograph(reference: Bytes, values: Floats, known: Truths, parts: Parts) -> Judged:
    """Most parts agree, and no single large part shows something else. Covers and bars are left out, to a limit.

    What lies where the reference has no structure takes nothing away from it: only how large it is counts.
    """
    agrees, counted, hidden = parts.agrees, parts.counted, np.zeros_like(parts.had)
    told = np.zeros_like(parts.had)  # by a bar or a cover, its even inside too
    covered, largest, added, bar, anew = 0, 0, 0, 0, 0
    strokes = Strokes(reference, values, known)
    for rows, columns in groups(counted & ~agrees):
        group = np.zeros_like(hidden)
        group[rows, columns] = True
        place = strokes.at(pixels(filled_in(group), reference.shape)) if rows.size >= _LEAST_COVER else UNCLEAR
        under = under_cover(reference, values, group)
        along = is_bar(rows, columns, counted.shape)
        letters = int((parts.had & parts.shows & group).sum()) >= _LETTERED * rows.size
        is_anew = (letters and place.lettered_anew) or is_same_strip(reference, values, rows, columns)
        if (place.written_anew and not under.any()) or (along and is_anew):
            anew += rows.size
        elif along:
            bar, hidden, told = max(bar, rows.size), hidden | group, told | box(rows, columns, told.shape)
        else:
            told |= (filled_in(group) > 0) & (under.any() or place.written_over)
            covered, hidden, group = covered + int(under.sum()), hidden | under, group & ~under
            size = int(filled_in(group).sum())  # what is smooth within another outline is another thing too
            if place.written_over and not under.any():
                added, hidden = max(added, size), hidden | group
            elif int((parts.had & group).sum()) > _TOUCHES * size:
                largest = max(largest, size)
            else:
                added = max(added, size)
    lit = lit_otherwise(reference, values, known, apart=told) & ~told & ~counted
    total, whole = int(counted.sum()), float(known.mean()) * counted.size
    seen = parts.had & ~hidden
    share = float((agrees & seen).sum() / max(1, int(seen.sum())))
    small = largest <= max(1.0, _LARGEST_OTHER * total) and added <= _LARGEST_ADDED * whole
    small &= bar <= LARGEST_BAR * whole and anew <= _MOST_ANEW * whole
    small &= int(lit.sum()) <= _LIT_OTHERWISE * total
    few = bar + covered <= _MOST_COVERED * max(whole, 1.0)
    return Judged(
        verified=share >= _SHARE and small and few,
        share=share,
        parts=int(seen.sum()),
        apart=told | hidden,
    )


def on_paper(reference: Bytes, values: Floats, known: Truths, parts: Parts) -> Judged:
    """All ink of the reference is there; solid covers may hide some, and what was written over it may add some.

    Ink is ink of whatever tone, so shapes that lie on other shapes would pass: most parts must agree as well.
    """
    one, tone, scale = _paper(reference.astype(np.float32), known)
    strong = (one > _STRONG_INK) & known
    other = np.abs(values - _paper_tone(values, known))
    here = float(np.median(other[strong])) if strong.any() else 0.0
    before = float(np.median(np.abs(reference[strong] - tone))) if strong.any() else 1.0
    other = np.asarray(other / max(scale * here / max(before, 1.0), 16.0), np.float32)
    near = np.ones((3, 3), np.uint8)
    cover = _solid(other > _STRONG_INK) & ~_solid(one > _STRONG_INK)
    hidden = cv2.dilate(cover.astype(np.uint8), _SOFT_EDGE) > 0
    open_to_see = known & ~hidden
    lost = strong & open_to_see & (cv2.dilate((other > _WEAK_INK).astype(np.uint8), near) == 0)
    added = (other > _STRONG_INK) & open_to_see & (cv2.dilate((one > _WEAK_INK).astype(np.uint8), near) == 0)
    grid = centres(_INK_BLOCK)
    inside = block_mean(known.astype(np.float32), _INK_BLOCK)[grid] > 0.99
    written = ((np.maximum(one, other) > _STRONG_INK) & open_to_see).astype(np.float32)
    counted = inside & (block_mean(written, _INK_BLOCK)[grid] > 0)
    gone = strong & open_to_see & (other <= _WEAK_INK)  # no pixel may be off here: other letters cross where these were
    is_lost = counted & (block_mean(gone.astype(np.float32), _INK_BLOCK)[grid] >= _INK_OTHER)
    is_added = counted & (block_mean(added.astype(np.float32), _INK_BLOCK)[grid] >= _INK_OTHER)
    differs = counted & (block_mean((lost | added).astype(np.float32), _INK_BLOCK)[grid] >= _INK_OTHER)
    total = int(counted.sum())
    share = 1 - int(differs.sum()) / max(1, total)
    largest = max((rows.size for rows, _ in groups(differs)), default=0)
    same = share >= _SHARE_ON_PAPER and largest <= _OTHER_ON_PAPER
    written_over = not is_lost.any() and int(is_added.sum()) <= _MOST_ADDED * int(inside.sum())
    few = float(hidden[known].mean()) <= _MOST_COVERED if known.any() else False
    covers = block_mean(hidden.astype(np.float32), BLOCK)[centres(BLOCK)] > 0
    few &= _lit_alike(reference, values, known, parts, covers)
    seen = parts.had & ~covers
    few &= _other_thing(reference, values, parts) <= max(_LEAST_COVER, _LARGEST_OTHER * int(parts.counted.sum()))
    few &= int((parts.agrees & seen).sum()) >= max(_LEAST_AGREEING, _AGREEING_ON_PAPER * int(seen.sum()))
    kept = int((counted & ~is_added).sum())  # parts where the ink of the reference was seen
    return Judged(
        verified=(same or written_over) and few,
        share=share,
        parts=kept,
        apart=covers | _drawn_over(is_added, covers.shape),
    )


def _drawn_over(added: Truths, shape: tuple[int, ...]) -> Truths:
    """The parts (of that shape) under what was added, the even inside of stickers too, as far as these are small."""
    size = BLOCK // _INK_BLOCK
    reduced = np.zeros((shape[0] * size, shape[1] * size), np.bool_)
    height, width = min(added.shape[0], reduced.shape[0]), min(added.shape[1], reduced.shape[1])
    reduced[:height, :width] = added[:height, :width]
    parts = np.asarray(reduced.reshape(shape[0], size, shape[1], size).any(axis=(1, 3)), np.bool_)
    found, room = np.zeros_like(parts), _LARGEST_OTHER * parts.size  # thin frames could surround all of a map
    for rows, columns in groups(parts):
        group = np.zeros_like(parts)
        group[rows, columns] = True
        filled = filled_in(group) > 0
        within = int((filled & ~group).sum())
        found |= filled if within <= room else group
        room -= within if within <= room else 0
    return found


def _other_thing(reference: Bytes, values: Floats, parts: Parts) -> int:
    """The parts of the largest place where both have something and it differs; bars and covers are no other thing."""
    largest = 0
    for rows, columns in groups(parts.had & parts.shows & ~parts.agrees):
        group = np.zeros_like(parts.had)
        group[rows, columns] = True
        if not is_bar(rows, columns, group.shape):
            largest = max(largest, int((group & ~under_cover(reference, values, group)).sum()))
    return largest


def _lit_alike(reference: Bytes, values: Floats, known: Truths, parts: Parts, covers: Truths) -> bool:
    """Whether what is smooth has the light that is to be expected there, bars and covers aside."""
    lit = lit_otherwise(reference, values, known, apart=covers) & ~covers & ~parts.counted
    along = bars(lit, reference.astype(np.float32), values)
    few = int((lit & ~along).sum()) <= _LIT_OTHERWISE * int(parts.counted.sum())
    return few and int(along.sum()) <= LARGEST_BAR * max(1.0, float(known.mean()) * lit.size)


def _solid(ink: Truths) -> Truths:
    """Ink that is thicker than the strokes of a text."""
    square = np.ones((_SOLID, _SOLID), np.uint8)
    return np.asarray(cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, square) > 0, np.bool_)


def _paper_tone(plane: Floats, known: Truths) -> float:
    tones = np.bincount(np.clip(np.rint(plane[known]), 0, 255).astype(np.int64), minlength=256)
    return float(np.convolve(tones, np.ones(2 * _PAPER_TONE + 1, np.int64), "same").argmax())


def _paper(plane: Floats, known: Truths) -> tuple[Floats, float, float]:
    """How far each pixel is from the tone of the paper, 0 to about 1 for the clearest ink; that tone; that distance."""
    tone = _paper_tone(plane, known)
    away = np.abs(plane - tone)
    scale = max(float(np.percentile(away[known], 98)), 16.0)
    return np.asarray(away / scale, np.float32), tone, scale


def under_cover(reference: Bytes, values: Floats, group: Truths) -> Truths:
    """The parts of a group that lie under a cover: solid, of one tone, not there before.

    None where that is too little of the place that differs: in another picture some patch has one tone by chance.
    """
    nothing = np.zeros_like(group)
    if group.sum() < _LEAST_COVER:
        return nothing
    mask = pixels(filled_in(group), reference.shape)
    tones = np.bincount(np.clip(np.rint(values[mask]), 0, 255).astype(np.int64), minlength=256)
    around = int(np.convolve(tones, np.ones(2 * _TONE + 1, np.int64), "same").argmax())
    low = max(0, around - _TONE)
    tone = low + int(tones[low : around + _TONE + 1].argmax())  # all of a cover has it: the range may end there
    before = np.abs(reference.astype(np.float32) - tone) <= 2 * _TONE
    cover, largest = np.zeros_like(mask), 0
    solid = _solid(mask & (np.abs(values - tone) <= _TONE))
    count, patches, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8))
    for patch in range(1, count):
        inside = patches == patch
        # What had that tone already is no cover, nor are the bricks of a wall.
        if stats[patch][cv2.CC_STAT_AREA] >= _SMALLEST_COVER * reference.size and before[inside].mean() <= _BEFORE:
            cover |= inside
            largest = max(largest, int(stats[patch][cv2.CC_STAT_AREA]))
    if cover.sum() < _ONE_TONE * mask.sum() or largest > _LARGEST_COVER * reference.size:
        return nothing
    edged = np.asarray(cv2.dilate(cover.astype(np.uint8), _SOFT_EDGE), np.float32)
    under = block_mean(edged, BLOCK)[centres(BLOCK)] > 0
    return np.asarray(group & under, np.bool_)
