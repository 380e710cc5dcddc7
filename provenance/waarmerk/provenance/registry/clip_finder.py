# SPDX-License-Identifier: Apache-2.0
"""Enter a clip into a registry, and find it again: by the hashes of its frames, then by the frames themselves.

The hashes point at entries as those of pictures do; what they point at counts only where stretches of the examined clip
show frames that were kept of the entered one (``clip_match``).
"""

import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from waarmerk.provenance.errors import ConfigurationError, LimitExceeded, StoreError, UnsupportedAsset
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.stretches import WORTH_COMPARING, Looked, SmallFrame, every_second, stretches
from waarmerk.provenance.media.video import VIDEO_TYPES
from waarmerk.provenance.model import Asset
from waarmerk.provenance.registry.clip_match import ClipFrame, compare_clip
from waarmerk.provenance.registry.finder import Finder, Found, strongest_first
from waarmerk.provenance.registry.frames import frame_hashes, ties_of
from waarmerk.provenance.registry.hashes import chroma, thumbnail
from waarmerk.provenance.registry.model import Binding, BindingKind, Entry, Shown, Still
from waarmerk.provenance.registry.resemblance import Resemblance
from waarmerk.provenance.registry.stills import MOST_STILLS, packed, unpacked
from waarmerk.provenance.registry.store import Store

MOST_BYTES = 4 << 20  # of the frames kept of one clip
_MOST_ASKED = 24  # frames looked up; a search in a large registry takes time
_MOST_COMPARED = 4  # candidates
_STRETCH_SECONDS = 1.5  # one frame a second was kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What is kept of a file to find it and to compare with: hashes, bytes, and the size of what these show."""

    ties: tuple[Binding, ...] = ()
    reference: bytes | None = None
    width: int | None = None
    height: int | None = None


def traces_of(frames: Sequence[tuple[float, ClipFrame]]) -> Traces:
    """Of a clip, from its frames in the order of time, one a second, upright."""
    hashes = frame_hashes((seconds, frame.rgb) for seconds, frame in frames)
    stills = [Still(at=at, thumbnail=thumbnail(frame.rgb), chroma=chroma(frame.rgb)) for at, frame in frames]
    if not frames:
        return Traces()
    first = frames[0][1]
    return Traces(ties=ties_of(hashes), reference=packed(stills), width=first.width, height=first.height)


def clip_frames(asset: Asset, limits: Limits) -> list[tuple[float, ClipFrame]]:
    """One frame a second of a clip, none where it cannot be decoded."""
    try:
        found = list(every_second(asset, limits, most=MOST_STILLS))
    except (UnsupportedAsset, LimitExceeded, ConfigurationError):
        return []
    return [(each.seconds, ClipFrame(rgb=each.rgb, width=each.width, height=each.height)) for each in found]


class ClipSight:
    """A clip as it is looked up: a little of it to ask for, all of it only where there is something to compare with."""

    def __init__(self, asset: Asset, limits: Limits) -> None:
        self._asset = asset
        self._limits = limits

    @cached_property
    def little(self) -> Looked:
        """Frames to look it up by."""
        return self._looked(1)

    @cached_property
    def much(self) -> Looked:
        """Frames to compare with what was entered."""
        return self.little if self.little.complete else self._looked(WORTH_COMPARING)

    def _looked(self, worth: int) -> Looked:
        """None of it where it cannot be decoded."""
        try:
            return stretches(self._asset, self._limits, seconds=_STRETCH_SECONDS, worth=worth)
        except (UnsupportedAsset, LimitExceeded, ConfigurationError):
            return Looked(stretches=(), seconds=0.0, complete=False)


def clip_stretches(asset: Asset, limits: Limits) -> ClipSight:
    """A clip to look up."""
    return ClipSight(asset, limits)


class ClipFinder:
    """Finds clips in one registry; ``finder`` keeps its index."""

    def __init__(self, store: Store, finder: Finder) -> None:
        self._store = store
        self._finder = finder

    def find(self, sha256: bytes, clip: ClipSight, marks: Sequence[tuple[str, bytes]]) -> tuple[Found, ...]:
        """What is known of a clip with this digest, these frames and these marks. Raises StoreError."""
        found = {each.entry.number: each for each in self._finder.find(sha256, None, marks)}
        for number, each in found.items():
            if each.kind == "watermark":
                found[number] = self._compared(each, clip)
        if not any(each.verified for each in found.values()):
            for entry, distance in self._near(clip):
                if entry.number not in found:
                    pointed = Found(entry=entry, kind="fingerprint", distance=distance)
                    found[entry.number] = self._compared(pointed, clip)
        return strongest_first(found.values())

    def _near(self, clip: ClipSight) -> list[tuple[Entry, int]]:
        """Entered clips that most frames point at, and the least distance of a hash."""
        votes: Counter[int] = Counter()
        nearest: dict[int, int] = {}
        for hashed in frame_hashes((float(at), frame.rgb) for at, frame in enumerate(_asked(clip.little))):
            pointed: set[int] = set()
            for kind, value in ((BindingKind.PHASH, hashed.phash), (BindingKind.PDQ, hashed.pdq)):
                for number, distance in () if value is None else self._finder.near(kind, value):
                    pointed.add(number)
                    nearest[number] = min(distance, nearest.get(number, 256))
            votes.update(pointed)
        ranked = sorted(votes, key=lambda number: (-votes[number], nearest[number], number))
        entries = (self._store.entry(number) for number in ranked)
        clips = (entry for entry in entries if entry is not None and entry.media_type in VIDEO_TYPES)
        return [(entry, nearest[entry.number]) for entry in islice(clips, _MOST_COMPARED)]

    def _compared(self, found: Found, clip: ClipSight) -> Found:
        entry = found.entry
        if entry.reference is None or entry.width is None or entry.height is None:
            return found
        try:
            stills = unpacked(self._store.files.get(entry.reference, max_bytes=MOST_BYTES))
        except (StoreError, ValueError, struct.error, zlib.error):
            return replace(found, is_lost=True)  # whether they are the same cannot be told
        frames = [[_seen(each) for each in held] for held in clip.much.stretches]
        first = stills[0]
        kept = Shown(
            width=entry.width, height=entry.height, thumbnail=first.thumbnail, chroma=first.chroma, stills=stills
        )
        seen = compare_clip(kept, frames, None, complete=clip.much.complete)
        share = 1.0 - seen.differing / seen.parts if seen.parts else 0.0
        bound = seen.bound is True
        whole = bound and not seen.is_altered and not seen.colours_turned
        lasts = stills[-1].at  # at least
        overlap = min(1.0, clip.much.seconds / lasts) if lasts > 0 else 1.0
        seen_of_it = Resemblance(verified=bound, whole=whole, share=share, overlap=overlap if bound else 0.0)
        return replace(found, resemblance=seen_of_it)


def _seen(frame: SmallFrame) -> ClipFrame:
    """A frame as it is meant to be seen."""
    turned = frame.upright
    return ClipFrame(rgb=turned.rgb, width=turned.width, height=turned.height)


def _asked(looked: Looked) -> list[ClipFrame]:
    """Frames spread over what was seen."""
    held = looked.stretches
    frames = [_seen(frame) for stretch in held for frame in (stretch[0], stretch[len(stretch) // 2])]
    step = max(1, -(-len(frames) // _MOST_ASKED))
    return frames[::step]
