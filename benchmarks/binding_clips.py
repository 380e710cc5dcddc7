# SPDX-License-Identifier: Apache-2.0
"""When is the mark of a clip bound? True copies, other clips, and other clips onto which the mark was copied.

    python benchmarks/binding_clips.py --suite attacks.py --images DIR --clips DIR --json benchmarks/binding_clips.json

Clips, images and suite as for benchmarks/watermark/video.py; the mark at its default strength, no visible label.
"""

import argparse
import json
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "watermark"))

import av
import cv2
import numpy as np
import numpy.typing as npt
from attack_run import load_suite
from provenance_of_run import describe_run
from video import CLIPS, frames_of, write

from waarmerk.provenance.media import Limits, open_asset
from waarmerk.provenance.registry import Issuance, Ledger
from waarmerk.provenance.registry.stills import Collector
from waarmerk.provenance.sources.watermark import MAX_FALSE_POSITIVE, WatermarkSource
from waarmerk.watermark import Key, Payload
from waarmerk.watermark.video import embed_video

Bytes = npt.NDArray[np.uint8]
COPIES = (
    *("h264_crf23", "h264_crf28", "h264_crf33", "h265_crf28", "vp9_crf40", "resize_480", "fps_15", "crop_70"),
    *("trim_2s", "drop_20pct", "speed_1.25", "flip_h", "brightness_1.3"),
)


def issue(source: Path, target: Path, key: Key, ledger: Ledger) -> Issuance:
    """Mark a clip and enter it."""
    kept, payload = Collector(), Payload(zlib.crc32(source.name.encode()).to_bytes(8, "big"))
    written = embed_video(source, target, key, payload, watcher=kept, best_effort=True)
    found, asset = written.detection, open_asset(target, limits=Limits())
    first = kept.stills[0]
    entry = Issuance(
        key_id=key.key_id,
        payload=bytes(payload),
        scheme=found.scheme,
        issued_at="2026-11-22T00:00:00Z",
        says="generated",
        sha256=bytes.fromhex(asset.sha256),
        media_type=asset.media_type,
        width=asset.width or 0,
        height=asset.height or 0,
        phash=bytes(8),
        pdq=None,
        thumbnail=first.thumbnail,
        geometry=None if found.geometry is None else found.geometry.matrix,
        manifest=None,
        chroma=first.chroma,
        stills=kept.stills,
    )
    ledger.add(entry)
    return entry


def frames(path: Path) -> Iterator[Bytes]:
    with av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def copied(marked: Path, plain: Path, other: Path) -> Iterator[Bytes]:
    """The mark of one clip, known as nobody but its maker can know it, added to the frames of another."""
    for with_mark, without, host in zip(frames(marked), frames(plain), frames(other), strict=False):
        added = with_mark.astype(np.float32) - without
        size = host.shape[1], host.shape[0]
        added = cv2.resize(added, size, interpolation=cv2.INTER_LINEAR) if added.shape != host.shape else added
        yield np.clip(np.rint(host + added), 0, 255).astype(np.uint8)


def report(target: Path | None, run: dict[str, str], clips: list[str], told: dict[str, Counter[str]]) -> None:
    """What was told so far."""
    result: dict[str, Any] = {"run": run, "clips": clips, "told": {name: dict(row) for name, row in told.items()}}
    if target is not None:
        target.write_text(json.dumps(result, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--only", action="append")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    suite, key, run = load_suite(arguments.suite), Key.generate("ai"), describe_run()
    told: dict[str, Counter[str]] = {}

    def look(source: WatermarkSource, name: str, path: Path) -> None:
        (mark,) = source.examine(open_asset(path, limits=Limits())).marks
        says = {True: "bound", False: "not bound", None: "cannot be told"}[mark.bound]
        told.setdefault(name, Counter())[says if mark.detected else "mark not found"] += 1
        print(name, path.parent.name, says if mark.detected else "mark not found", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        ledger = Ledger(room / "ledger" / "ledger.sqlite")
        ledger.create()
        source = WatermarkSource((key,), Limits(), max_false_positive=MAX_FALSE_POSITIVE, ledger=ledger)
        real = sorted(arguments.clips.iterdir()) if arguments.clips else []
        names = [*(each.name for each in real if each.suffix == ".mp4"), *CLIPS]
        names = [name for name in names if not arguments.only or name in arguments.only]
        clips: dict[str, tuple[Path, Path]] = {}
        for name in names:
            (room / name).mkdir()
            plain = room / name / f"{name}.in.mp4"
            if name in CLIPS:
                write(plain, frames_of(name, arguments.images))
            else:
                plain.write_bytes((arguments.clips / name).read_bytes())
            marked = room / name / "marked.mp4"
            issue(plain, marked, key, ledger)
            clips[name] = plain, marked
            look(source, "as issued", marked)
            for attack in COPIES:
                path = room / name / ("a.mkv" if attack.startswith("vp9") else "a.mp4")
                suite.apply_video(attack, str(marked), str(path), 0)
                look(source, attack, path)
            report(arguments.json, run, list(clips), told)
        for number, name in enumerate(names):
            plain, marked = clips[name]
            for step in (1, 2):
                other = names[(number + step) % len(names)]
                if other != name:
                    path = write(room / name / f"copied-{step}.mp4", copied(marked, plain, clips[other][0]))
                    look(source, "mark copied onto another clip", path)
        report(arguments.json, run, names, told)


if __name__ == "__main__":
    main()
