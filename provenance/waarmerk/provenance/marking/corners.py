# SPDX-License-Identifier: Apache-2.0
"""Which corner a label covers least in: where there are the fewest and weakest edges, for text is nothing but edges."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]
Name = TypeVar("Name")

_ROWS = 48  # of what is looked at: noise and grain are averaged away, letters of half the label's size are not
_ALIKE, _UNSEEN = 1.25, 2.0  # a share, and grey levels: within these a corner is no worse than the best

# In the box of the label on pictures of 1,200 pixels: the calmest corner of 19 of 24 photographs has at most 12.7;
# leaves, houses and lines of letters 16 and more, letters 60 grey levels from their ground 12, not told from grain.
_BUSY = 14.0


def is_busy(part: Bytes) -> bool:
    """Whether there are letters, edges or leaves in h x w x 3 RGB: whatever covers it hides something."""
    return detail(part) > _BUSY


def detail(part: Bytes) -> float:
    """How much there is to see in h x w x 3 RGB: the root mean square step from one place to the next, 0 to 255.

    Squared, because letters have few and strong edges, and leaves or grass many and weak ones.
    """
    height, width = part.shape[:2]
    grey = Image.fromarray(part).convert("L")
    if height > _ROWS:
        grey = grey.resize((max(2, round(width * _ROWS / height)), _ROWS), Image.Resampling.BOX)
    plane = np.asarray(grey, np.float64)
    steps = [np.diff(plane, axis=axis).ravel() for axis in (0, 1)]
    both = np.concatenate(steps)
    return float(np.sqrt(np.mean(both**2))) if both.size else 0.0


def calmest(parts: Mapping[Name, Bytes]) -> Name:
    """The first of ``parts``, in their order, that has hardly more detail than the one with the least."""
    found = {name: detail(part) for name, part in parts.items()}
    limit = _ALIKE * min(found.values()) + _UNSEEN
    return next(name for name, value in found.items() if value <= limit)
