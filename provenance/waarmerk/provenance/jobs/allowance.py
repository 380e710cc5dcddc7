# SPDX-License-Identifier: Apache-2.0
"""What labelling one file may cost, by the class of what is labelled and by whether somebody waits for it.

The process that labels takes these limits upon itself before it reads anything (``label_worker``), so the class is
chosen outside, by the first bytes of the file.
"""

import os
import sys
from dataclasses import dataclass
from enum import StrEnum

from waarmerk.provenance.media.limits import MIB, Limits
from waarmerk.provenance.model import Asset

_GIVES_WAY = 10  # clips to what is examined: about a tenth of a processor that both want (sched(7))
_PROCESSORS = 4  # at most: encoders take all there are, and their threads cost memory


class Pace(StrEnum):
    """How a file is labelled: a picture or a clip while somebody waits, or anything later."""

    PICTURE = "picture"
    CLIP = "clip"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Seconds on the clock and of all processors together, bytes of memory; ``niceness`` gives way to others."""

    seconds: float
    processor_seconds: int
    memory_bytes: int
    niceness: int = 0


# Address space, not memory in use: encoders look ahead, and each of their threads reserves some.
CLIP_BYTES = 4096 * MIB
# Ten seconds of 1280 x 720: about as many of one processor with H.264, two or three times as many with VP9 or AV1.
AT_ONCE_PIXELS = 10 * 1280 * 720


def processors() -> int:
    """How many processors encoders are left."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(_PROCESSORS, usable)


def allowance_of(pace: Pace) -> Allowance:
    """What a file of this class may cost."""
    limits = Limits()
    if pace is Pace.PICTURE:
        return Allowance(seconds=90.0, processor_seconds=limits.worker_seconds, memory_bytes=limits.worker_bytes)
    seconds = 90.0 if pace is Pace.CLIP else 45 * 60.0
    whole = int(seconds) * processors()
    return Allowance(seconds=seconds, processor_seconds=whole, memory_bytes=CLIP_BYTES, niceness=_GIVES_WAY)


def takes_long(asset: Asset) -> bool:
    """Whether encoding this clip anew takes longer than a caller waits; one that does not say how long it is does."""
    if not asset.media_type.startswith("video/"):
        return False
    seconds, width, height = asset.duration_seconds, asset.width, asset.height
    return not (seconds and width and height) or seconds * width * height > AT_ONCE_PIXELS
