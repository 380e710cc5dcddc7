# SPDX-License-Identifier: Apache-2.0
"""Pictures that are more work than picture: refused before anything walks over them a second time.

A file is walked over by several readers here, by the C2PA engine and by a decoder. One of three hundred thousand empty
chunks, or with the same scan three hundred times, kept a processor busy for 8 to 20 s and said nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from waarmerk.provenance.errors import LimitExceeded
from waarmerk.provenance.media.bmff import Steps, boxes
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.segments import TooManyParts, jpeg_scans, jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.window import Truncated, Window


def require_few_parts(window: Window, media_type: str, limits: Limits) -> None:
    """Raise LimitExceeded (``media.too-many-parts``) for a picture of more than ``Limits.picture_parts`` parts."""
    walk = _WALKS.get(media_type)
    if walk is None:
        return
    try:
        with suppress(Truncated):
            for _ in walk(window, replace(limits, parts=limits.picture_parts)):
                pass
    except LimitExceeded:
        raise _too_many(limits.picture_parts) from None


def require_few_scans(window: Window, limits: Limits) -> None:
    """Raise LimitExceeded (``media.too-many-parts``) for a JPEG of more than ``Limits.scans``."""
    try:
        jpeg_scans(window, limits)
    except TooManyParts:
        raise LimitExceeded("media.too-many-parts", f"the picture has more than {limits.scans} scans") from None


def _too_many(most: int) -> LimitExceeded:
    return LimitExceeded("media.too-many-parts", f"the picture has more than {most} parts")


def _named(walk: Callable[[Window, Limits], Iterator[object]]) -> Callable[[Window, Limits], Iterator[object]]:
    def walked(window: Window, limits: Limits) -> Iterator[object]:
        try:
            yield from walk(window, limits)
        except TooManyParts:
            raise _too_many(limits.parts) from None

    return walked


def _boxes(window: Window, limits: Limits) -> Iterator[object]:
    steps = Steps(limits.parts)
    with suppress(Truncated):
        yield from boxes(window, steps)
    if steps.left < 0:
        raise _too_many(limits.parts)


_WALKS: dict[str, Callable[[Window, Limits], Iterator[object]]] = {
    "image/jpeg": _named(jpeg_segments),
    "image/png": _named(png_chunks),
    "image/webp": _named(riff_chunks),
    "image/avif": _boxes,
    "image/heic": _boxes,
    "image/heif": _boxes,
}
