# SPDX-License-Identifier: Apache-2.0
"""ISO base media files (ISO/IEC 14496-12): a bounded walk over boxes, before any decoder sees the file."""

import operator
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from waarmerk.provenance.errors import LimitExceeded
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.model import Finding


@dataclass(frozen=True, slots=True)
class Box:
    """A box: type, window over its payload, and where the box begins in the file."""

    name: bytes
    body: Window
    start: int


@dataclass(slots=True)
class Steps:
    """How many boxes may still be looked at, over all levels of one file: a file of empty boxes must end too."""

    left: int

    def take(self) -> None:
        """Count one box; Truncated when there are too many."""
        self.left -= 1
        if self.left < 0:
            raise Truncated


def boxes(window: Window, steps: Steps, at: int = 0) -> Iterator[Box]:
    """The boxes inside ``window`` from ``at`` on; Truncated where one reaches past the end or there are too many."""
    while at != window.size:
        steps.take()
        (size,), name, header = window.unpack(">I", at), window.at(at + 4, 4), 8
        if size == 1:
            (size,), header = window.unpack(">Q", at + 8), 16
        elif size == 0:  # to the end of the file
            size = window.size - at
        if size < header:
            raise Truncated
        yield Box(name, window.part(at + header, size - header), window.start + at)
        at += size


def intact_boxes(window: Window, steps: Steps, at: int = 0) -> Iterator[Box]:
    """The boxes as far as the walk gets."""
    with suppress(Truncated):
        yield from boxes(window, steps, at)


def child(window: Window, steps: Steps, *path: bytes) -> Window | None:
    """The payload of the first box at ``path``, None if there is none."""
    for name in path:
        inner = next((box.body for box in intact_boxes(window, steps) if box.name == name), None)
        if inner is None:
            return None
        window = inner
    return window


_UNHASHED = frozenset({b"free", b"skip", b"mfra", b"ftyp"})


def unhashed(window: Window, limits: Limits) -> tuple[tuple[str, int], ...]:
    """Top-level boxes that the C2PA hash of BMFF files leaves out, each with the bytes anyone may choose in it.

    C2PA 2.2, section 9.2.3 (mandatory exclusions). The first ``ftyp`` is how the file begins and is not counted;
    empty ``free`` boxes, which muxers leave behind, hold nothing and are not named.
    """
    found: list[tuple[str, int]] = []
    first_brands_seen = False
    for box in intact_boxes(window, Steps(limits.parts)):
        if box.name == b"ftyp" and not first_brands_seen:
            first_brands_seen = True
        elif box.name in _UNHASHED and box.body.size > 0:
            found.append((box.name.decode("ascii"), box.body.size))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What one track's header states. ``samples`` is the largest count any of its tables claims."""

    handler: bytes = b""
    width: int = 0
    height: int = 0
    timescale: int = 0
    samples: int = 0
    ticks: int = 0  # the sum of the sample durations, in units of the time scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Movie:
    """What the file states about its tracks; ``duration_seconds`` is None where it is absent or contradicted.

    ``whole`` is false where the walk was given up, so that the counts are only a part.
    """

    tracks: tuple[Track, ...] = ()
    fragment_samples: int = 0
    whole: bool = True
    duration_seconds: float | None = None
    findings: tuple[Finding, ...] = field(default=())

    @property
    def samples(self) -> int:
        """Entries a decoder would make room for when it opens the file."""
        return self.fragment_samples + sum(track.samples for track in self.tracks)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the first video track that states them."""
        return next(((t.width, t.height) for t in self.tracks if t.handler == b"vide" and t.width and t.height), None)

    def require_decodable(self, limits: Limits) -> None:
        """Raise LimitExceeded if a decoder must not open the file."""
        if not self.whole:
            raise LimitExceeded("media.too-many-parts", f"more than {limits.parts} boxes")
        if self.samples > limits.mp4_samples:
            raise LimitExceeded("media.too-many-samples", f"more than {limits.mp4_samples} samples are claimed")


def read_movie(window: Window, limits: Limits) -> Movie:
    """Tracks, sample counts and duration; never raises, what cannot be read counts as absent."""
    steps = Steps(limits.parts)
    top = [box for box in intact_boxes(window, steps) if box.name in (b"moov", b"moof")]
    movie = next((box.body for box in top if box.name == b"moov"), None)
    inside = list(intact_boxes(movie, steps)) if movie else []
    tracks = tuple(_track(box.body, steps, limits) for box in inside if box.name == b"trak")
    fragments = sum(_fragment_samples(box.body, steps) for box in top if box.name == b"moof")
    header = next((box.body for box in inside if box.name == b"mvhd"), None)
    fragmented = any(box.name == b"mvex" for box in inside)
    duration, findings = _duration(header, tracks, fragmented)
    if steps.left < 0:
        findings = (*findings, Finding("media.too-many-parts"))
    if fragments + sum(track.samples for track in tracks) > limits.mp4_samples:
        findings = (*findings, Finding("media.too-many-samples"))
    return Movie(
        tracks=tracks,
        fragment_samples=fragments,
        whole=steps.left >= 0,
        duration_seconds=duration,
        findings=findings,
    )


def _track(trak: Window, steps: Steps, limits: Limits) -> Track:
    media = child(trak, steps, b"mdia")
    if media is None:
        return Track()
    handler, header = child(media, steps, b"hdlr"), child(media, steps, b"mdhd")
    table = child(media, steps, b"minf", b"stbl")
    kind = handler.up_to(8, 4) if handler else b""
    samples, ticks = _sample_table(table, steps, limits) if table else (0, 0)
    width, height = _picture_size(trak, table, steps) if kind == b"vide" else (0, 0)
    scale = _times(header)[0] if header else 0
    return Track(handler=kind, width=width, height=height, timescale=scale, samples=samples, ticks=ticks)


def _times(header: Window) -> tuple[int, int]:
    """Time scale and duration of ``mvhd`` or ``mdhd`` (sections 8.2.2, 8.4.2); -1 for "unknown"."""
    try:
        wide = header.at(0, 1) == b"\x01"
        scale, duration = header.unpack(">IQ" if wide else ">II", 20 if wide else 12)
    except Truncated:
        return 0, 0
    return scale, -1 if duration == (1 << (64 if wide else 32)) - 1 else duration


def _picture_size(trak: Window, table: Window | None, steps: Steps) -> tuple[int, int]:
    """The coded size of the first visual sample entry (section 12.1.3), else the track header's (section 8.3.2)."""
    try:
        entries = child(table, steps, b"stsd") if table else None
        entry = next(boxes(entries, steps, 8), None) if entries else None
        if entry is not None:
            width, height = entry.body.unpack(">HH", 24)
            if width and height:
                return width, height
        header = child(trak, steps, b"tkhd")
        if header is None:
            return 0, 0
        width, height = header.unpack(">II", 88 if header.at(0, 1) == b"\x01" else 76)
    except Truncated:
        return 0, 0
    return width >> 16, height >> 16


# Where the tables of section 8.6 and 8.7 keep their entry count, and the bytes of one entry.
_COUNTED = {b"stsz": 8, b"stz2": 8, b"stsc": 4, b"stco": 4, b"co64": 4, b"stss": 4, b"stts": 4, b"ctts": 4}


def _sample_table(table: Window, steps: Steps, limits: Limits) -> tuple[int, int]:
    """The largest number of samples a table claims, and the sum of the sample durations."""
    samples = ticks = 0
    for box in intact_boxes(table, steps):
        if box.name not in _COUNTED:
            continue
        try:
            (claimed,) = box.body.unpack(">I", _COUNTED[box.name])
        except Truncated:
            continue
        samples = max(samples, claimed)
        if box.name in (b"stts", b"ctts") and claimed <= limits.mp4_samples:
            count, sum_of_times = _run_lengths(box.body, claimed)
            samples = max(samples, count)
            ticks = sum_of_times if box.name == b"stts" else ticks
    return samples, ticks


def _run_lengths(body: Window, entries: int) -> tuple[int, int]:
    """Sum of the counts, and of counts times values, of a table of (count, value) pairs; what is there of it."""
    pairs = min(entries, (body.size - 8) // 8)
    numbers = body.unpack(f">{2 * pairs}I", 8)
    counts, values = numbers[0::2], numbers[1::2]
    return sum(counts), sum(map(operator.mul, counts, values))


def _fragment_samples(moof: Window, steps: Steps) -> int:
    """Samples of a movie fragment: ``trun`` states them (section 8.8.8)."""
    total = 0
    for traf in intact_boxes(moof, steps):
        if traf.name != b"traf":
            continue
        for run in intact_boxes(traf.body, steps):
            if run.name == b"trun" and run.body.size >= 8:
                total += run.body.unpack(">I", 4)[0]
    return total


_LONGEST_WITHOUT_SAMPLES = 48 * 3600  # seconds believed where no table of samples can confirm them


def _duration(
    header: Window | None, tracks: tuple[Track, ...], fragmented: bool
) -> tuple[float | None, tuple[Finding, ...]]:
    """The stated duration in seconds if the samples bear it out.

    An edit list may shorten a track or begin with a pause, so the statement need not equal the samples' sum; a
    statement of more than twice that sum and ten seconds is none.
    """
    scale, duration = _times(header) if header else (0, 0)
    if duration in (0, -1):  # unknown, as in fragmented files
        return None, ()
    lie = (Finding("media.duration-contradicted"),)
    if scale == 0:
        return None, lie
    seconds = duration / scale
    held = max((track.ticks / track.timescale for track in tracks if track.timescale), default=0.0)
    longest = _LONGEST_WITHOUT_SAMPLES if fragmented and held == 0 else 2 * held + 10
    return (round(seconds, 3), ()) if seconds <= longest else (None, lie)
