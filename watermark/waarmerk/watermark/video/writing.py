# SPDX-License-Identifier: Apache-2.0
"""Mark a clip: the new file grows under a temporary name, is searched for the mark, and takes its place in one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from waarmerk.watermark.keys import Key
from waarmerk.watermark.model import CannotCarry, Payload
from waarmerk.watermark.overlay import Caption, Overlay
from waarmerk.watermark.pooling import ClipDetection
from waarmerk.watermark.schemes import check_strength, scheme_of
from waarmerk.watermark.video.draft import place, temporary
from waarmerk.watermark.video.reading import detect_video
from waarmerk.watermark.video.transcoding import Progress, Watcher, Wish, Writer

DEFAULT_STRENGTH = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedVideo:
    """What was written.

    ``losses``: what the source holds and the result does not, (code, about) each; ``psnr``: of the mark alone, in dB
    over RGB, before the encoder; ``detection``: of the finished file.
    """

    frames: int
    seconds: float
    encoder: str
    psnr: float
    losses: tuple[tuple[str, str], ...]
    detection: ClipDetection


def embed_video(
    src: str | Path | BinaryIO,
    dst: str | Path,
    key: Key,
    payload: Payload,
    *,
    strength: float | None = None,
    psnr: float | None = None,
    best_effort: bool = False,
    preset: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
    overlays: Sequence[Overlay] = (),
    captions: Sequence[Caption] = (),
    language: str = "und",
    watcher: Watcher | None = None,
) -> MarkedVideo:
    """Mark the clip ``src``, a path or a seekable stream, and write it to ``dst``, in the same container.

    ``strength`` and ``psnr`` as in ``embed``; ``preset`` is the encoder's own word for its pace.  ``progress`` is
    called with the seconds of the clip that are done and those there are, None where the file does not say.
    ``overlays`` are painted over the marked frames, ``captions`` become a track of their own in ``language`` (ISO
    639-2).  ``watcher`` is shown frames on their way to the encoder, anew where it is tried again.  Raises
    UnreadableVideo where ``src`` is no clip, broken or cut off; CannotCarry where the result would not be read back,
    unless ``best_effort``; FileExistsError where ``dst`` is there, unless ``force``; ValueError and TypeError for
    arguments that make no sense; OSError.  Whatever happens, ``dst`` is the old file or the complete new one.
    """
    if not isinstance(payload, Payload):
        raise TypeError(f"payload is a Payload, got {type(payload).__name__}")
    check_strength(strength, psnr)
    scheme_of(key)
    source, target = Path(src) if isinstance(src, str) else src, Path(dst)
    if target.exists():
        if isinstance(source, Path) and target.samefile(source):
            raise ValueError("the output is the input itself")
        if not force:
            raise FileExistsError(f"{target.name} is there already")
    wish = Wish(
        key=key,
        payload=payload,
        strength=strength or DEFAULT_STRENGTH,
        psnr=psnr,
        preset=preset,
        overlays=overlays,
        captions=captions,
        language=language,
        watcher=watcher,
    )
    with temporary(target) as draft:
        for finer, coarse in ((False, True), (True, True), (True, False)):
            written = Writer(wish=wish, finer=finer, coarse=coarse, progress=progress).write(source, draft)
            found = detect_video(draft, key)
            if found.payload == payload or best_effort:
                break
        else:
            raise CannotCarry("the clip cannot hold the payload at this strength: too small, too short or too flat")
        place(draft, target, force=force)
    return MarkedVideo(**written, detection=found)
