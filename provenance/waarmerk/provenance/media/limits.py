# SPDX-License-Identifier: Apache-2.0
"""Every limit that stands between a file and a decoder, with its reason.

The figures were measured on files made to break decoders (docs/adr/0006). Settings may lower a limit with
``Limits.lowered``; to raise one, build ``Limits`` by hand, so that nobody raises one by accident.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from waarmerk.provenance.errors import ConfigurationError

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one examination, each a plain number in the unit of its name."""

    # Files. Pictures and documents are read whole into memory; a 50 Mpx JPEG is about 25 MiB.
    image_bytes: int = 32 * MIB
    # Video and audio are streamed; 512 MiB keeps the engine's read (about 1.3 x size) inside the worker.
    video_bytes: int = 512 * MIB
    # Enough for the first box, a TIFF directory behind it, and an SVG after a long licence comment.
    sniff_bytes: int = 64 * 1024

    # Pixels. 34 bytes of WebP or 2 KB of AVIF may state 256 Mpx; a decoder would take gigabytes.
    frame_pixels: int = 50_000_000
    # What a decoder and the copies on the way to us may hold at once, by what its format takes of a pixel at most
    # (media/image.py): that is fewer pixels of WebP (26.1 million), HEIC (24.7) and AVIF (16.4). The rest of 512 MiB is
    # the process itself.
    decoding_bytes: int = 424 * MIB
    # 161 KB of GIF held 7,000 frames of 100 Mpx: a minute and 870 MiB for nothing.
    frames: int = 300

    # MP4. 3.4 KB may state 5 x 10^7 samples, for which FFmpeg allocates 3.5 GiB on opening.
    mp4_samples: int = 2_000_000

    # Structure walked by our own readers: boxes, chunks, segments, directories, over a whole file. A fragmented
    # film of an hour has some 50,000 boxes.
    parts: int = 200_000
    # A picture has far fewer: 32 MiB of PNG in libpng's pieces of 8 KiB are 4,100. 300,000 empty chunks, which the C2PA
    # engine walks over as well, kept a processor busy for 8 s, a million empty boxes for longer than a worker is given.
    picture_parts: int = 20_000
    # A decoder walks over the whole picture once a scan: encoders write a dozen, 300 of 49 Mpx took 10 s.
    scans: int = 50
    ifds: int = 64
    ifd_entries: int = 2_000

    # Manifest stores: larger ones are not made by any known tool.
    manifest_bytes: int = 32 * MIB

    # Text of a file: what a person reads, and what is kept at all.
    text_shown: int = 256
    text_kept: int = 64 * 1024
    # 180 KB of zTXt unpacked to 180 MiB: the bound is on what comes out, over all chunks together.
    metadata_blocks: int = 1_000  # blocks of EXIF, XMP and text that are looked into; a photograph has a handful
    xmp_bytes: int = MIB
    png_text_bytes: int = MIB

    # The worker process (jobs/worker.py).
    # Address space, not memory in use: the C2PA engine alone maps 0.3 GiB. A 300 MiB MP4 is read in 0.4 GiB.
    worker_bytes: int = 2048 * MIB
    # Processor time a file: pictures of this corpus need 0.05 s, the largest video allowed about 10 s.
    worker_seconds: int = 40
    worker_files: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ConfigurationError("limits.not-positive", f"limit {field.name} must be at least 1")

    def lowered(self, values: Mapping[str, int]) -> "Limits":
        """These limits with some lowered; ConfigurationError for an unknown name or a higher value."""
        known = {field.name for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ConfigurationError("limits.unknown", f"there is no limit called {name!r}")
            if value > getattr(self, name):
                raise ConfigurationError("limits.raised", f"settings may lower {name}, not raise it")
        return replace(self, **values)
