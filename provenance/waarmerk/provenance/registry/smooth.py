# SPDX-License-Identifier: Apache-2.0
"""Whether two pictures without structure are the same: a clear sky, a gradient behind a text.

There is nothing to see in them but light and colour. A copy has both as they were, to within what codecs do; no other
light is allowed for, or any two gradients would be copies of each other. A picture in one colour is like any other. The
structure of a pattern says no more than none.
"""

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.covers import Judged, bars
from waarmerk.provenance.registry.structure import Parts, part_means, whole_parts

Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

_SAME, _ALIKE = 6.0, 3.5  # grey levels a part may be off; the median of all
_OTHER = 24.0  # grey levels a bar is off at least
_SHARE = 0.97  # of the parts that are smooth in both
_LEAST_OVERLAP = 0.9  # of the reference: a piece of a gradient is a piece of many
_LEAST_RANGE = 24.0  # grey levels from its darkest to its lightest parts, or from colour to colour
_MOST_APART = 0.40  # of the parts


def as_it_was(reference: Floats, values: Floats, known: Truths, apart: Truths) -> bool:
    """Whether most of what is known of two pictures (H x W x C) has the same light and colour."""
    away, seen = np.abs(part_means(reference) - part_means(values)).max(axis=2), whole_parts(known) & ~apart
    return bool(seen.any()) and float(np.median(away[seen])) <= _SAME


def on_smooth(reference: Floats, values: Floats, known: Truths, parts: Parts) -> Judged:
    """Two pictures (H x W x 3: luma, Cb, Cr) that lie on each other, of which the first has hardly any structure."""
    one, inside = part_means(reference), whole_parts(known)
    away = np.abs(one - part_means(values)).max(axis=2)
    differs = inside & (away > _SAME)
    bar = bars(inside & (away > _OTHER))  # what is off by a little at one end is another gradient
    apart = inside & (parts.shows | parts.had | bar)
    seen, total = inside & ~apart, int(inside.sum())
    if not seen.any():
        return Judged(verified=False, share=0.0, parts=total, largest_other=total, apart=apart)
    share = 1 - int((differs & seen).sum()) / int(seen.sum())
    is_same = share >= _SHARE and float(np.median(away[seen])) <= _ALIKE
    has_range = float(np.ptp(np.percentile(one[seen], (2, 98), axis=0), axis=0).max()) >= _LEAST_RANGE
    is_there = float(known.mean()) >= _LEAST_OVERLAP and int(apart.sum()) <= _MOST_APART * total
    return Judged(
        verified=is_same and has_range and is_there,
        share=share,
        parts=total,
        largest_other=int((differs | apart).sum()),
        apart=apart,
    )
