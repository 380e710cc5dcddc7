# SPDX-License-Identifier: Apache-2.0
"""Marks in clips: recovery over attacks, false alarms, fidelity in space and time, pace; JSON with commit and versions.

    python benchmarks/watermark/video.py --json benchmarks/watermark/video.json [--images DIR] [--clips DIR] [--psnr 42]

Clips are made of photographs (``--images``) or of numbers, panned, zoomed, shaken and cut, with sensor noise; files in
``--clips`` join them.  ``--suite`` names a file with VIDEO_SUITE and apply_video() (the one beside the checkout,
../shared/bench/attacks.py, where it is there).  A recovery is the exact 64-bit payload from the attacked file.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from attack_run import Tally, load_suite
from hosts import make_host
from PIL import Image
from provenance_of_run import describe_run

from waarmerk.watermark import Key, Payload
from waarmerk.watermark.carriers import build_carriers
from waarmerk.watermark.clip import ClipMarker, Levels
from waarmerk.watermark.embedding import render_pattern
from waarmerk.watermark.transforms import clip_canvas_shape
from waarmerk.watermark.video import detect_video, embed_video

Bytes = npt.NDArray[np.uint8]
Move = Callable[[float], tuple[float, float, float]]  # time in [0, 1] to scale, shift across, shift down (of the side)

# kind of host where no photographs are given, size, movement, deviation of the sensor noise, pictures
CLIPS: dict[str, tuple[str, tuple[int, int], Move, float, int]] = {
    "pan": ("texture", (1280, 720), lambda t: (1.2, 0.08 * t - 0.04, 0.0), 1.5, 1),
    "zoom": ("shapes", (1280, 720), lambda t: (1.05 + 0.3 * t, 0.0, 0.0), 1.5, 1),
    "rest": ("grain", (1280, 720), lambda _: (1.0, 0.0, 0.0), 2.0, 1),
    "shaken": ("texture", (854, 480), lambda t: (1.1, 0.01 * math.sin(40 * t), 0.012 * math.cos(31 * t)), 2.0, 1),
    "cuts": ("texture", (854, 480), lambda t: (1.1, 0.02 * math.sin(6 * t), 0.0), 1.0, 5),
    "screen": ("strokes", (1280, 720), lambda t: (1.0, 0.0, 0.05 * math.floor(4 * t)), 0.0, 1),
    "dusk": ("gradient", (854, 480), lambda t: (1.1, 0.03 * t, 0.02 * t), 1.0, 1),
}
SECONDS, RATE = 5, 25


def pictures(name: str, images: Path | None, count: int) -> list[Bytes]:
    """The pictures a clip shows."""
    if images is None:
        return [make_host(CLIPS[name][0], 768, 1364, seed=n) for n in range(count)]
    files = sorted(f for f in images.iterdir() if f.suffix.lower() in {".png", ".jpg"})
    first = zlib.crc32(name.encode()) % len(files)
    return [np.asarray(Image.open(files[(first + 7 * n) % len(files)]).convert("RGB")) for n in range(count)]


def frames_of(name: str, images: Path | None) -> Iterator[Bytes]:
    """The frames of a made clip."""
    _, (width, height), move, noise, count = CLIPS[name]
    shown = pictures(name, images, count)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    total = SECONDS * RATE
    for i in range(total):
        picture = shown[i * count // total]
        scale, across, down = move(i / total)
        scale *= max(width / picture.shape[1], height / picture.shape[0])
        matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
        matrix[0, 2] = width / 2 - scale * picture.shape[1] * (0.5 + across)
        matrix[1, 2] = height / 2 - scale * picture.shape[0] * (0.5 + down)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        frame = cv2.warpAffine(picture, matrix, (width, height), flags=how, borderMode=cv2.BORDER_REFLECT)
        grain = rng.normal(0.0, noise, frame.shape[:2])[:, :, None] if noise else 0.0
        yield np.clip(np.rint(frame + grain), 0, 255).astype(np.uint8)


def write(path: Path, frames: Iterator[Bytes]) -> Path:
    """Encode a made clip finely."""
    with av.open(str(path), "w") as out:
        stream: Any = None
        for frame in frames:
            if stream is None:
                stream = out.add_stream("libx264", rate=RATE, options={"crf": "14", "preset": "veryfast"})
                stream.width, stream.height, stream.pix_fmt = frame.shape[1], frame.shape[0], "yuv420p"
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        out.mux(stream.encode(None))
    return path


def lumas(path: Path, limit: int) -> list[Bytes]:
    """Luma planes of the first frames."""
    with av.open(str(path)) as clip:
        planes = []
        for frame in clip.decode(video=0):
            rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(frame.height, -1)
            planes.append(np.ascontiguousarray(rows[:, : frame.width]))
            if len(planes) == limit:
                break
        return planes


def decibel(error: float) -> float:
    return round(10 * math.log10(255.0**2 / max(error, 1e-6)), 2)


def fidelity(path: Path, key: Key, psnr: float | None) -> dict[str, float]:
    """The mark alone, before any encoder: distance in space, distance of its changes in time, CPU a frame."""
    planes = lumas(path, 75)
    shape = (planes[0].shape[0], planes[0].shape[1])
    pattern = render_pattern(build_carriers(key), bytes(8), 0, clip_canvas_shape(*shape))
    levels = Levels.of(bits=8, full_range=False)
    marker = ClipMarker(pattern=pattern, shape=shape, levels=levels, strength=1.0, psnr=psnr)
    before: npt.NDArray[np.float32] | None = None
    space, change, took = [], [], 0.0
    for plane in planes:
        marked = plane.copy()
        start = time.process_time()
        marker.mark(marked)
        took += time.process_time() - start
        added = (marked.astype(np.float32) - plane) / np.float32(levels.per_level)
        space.append(float(np.mean(added * added)))
        if before is not None:
            change.append(float(np.mean(np.square(added - before))))
        before = added
    return {
        "psnr": decibel(float(np.mean(space))),
        "temporal_psnr": decibel(float(np.mean(change))),
        "worst_temporal_psnr": decibel(max(change)),
        "mark_ms_a_frame": round(1e3 * took / len(planes), 2),
    }


def searched(path: Path, key: Key) -> tuple[Any, float]:
    """A search and its processor seconds, decoding included."""
    start = time.process_time()
    return detect_video(path, key), time.process_time() - start


def decoding_of(path: Path) -> float:
    """Processor seconds for decoding what a search of this clip decodes."""
    start = time.process_time()
    with av.open(str(path)) as clip:
        clip.streams.video[0].thread_count = 1
        for count, frame in enumerate(clip.decode(video=0)):
            frame.to_ndarray(format="gray")
            if count == 299:
                break
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--only", action="append")
    parser.add_argument("--suite", type=Path, default=Path(__file__).resolve().parents[3] / "shared/bench/attacks.py")
    parser.add_argument("--psnr", type=float, help="dB of the mark; the default strength if not given")
    parser.add_argument("--wrong-keys", type=int, default=3)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    key = Key.generate(random_bytes=lambda n: bytes(range(n)))
    wrong = [Key.generate(random_bytes=lambda n, k=k: bytes([k]) * n) for k in range(1, arguments.wrong_keys + 1)]
    suite = load_suite(arguments.suite)
    tally, lost, alarms, searches, wrong_payloads = Tally(), [], [], 0, 0
    clips: dict[str, dict[str, Any]] = {}
    run = describe_run() | {"av": av.__version__}  # now: the code may change while it runs
    real = sorted(arguments.clips.iterdir()) if arguments.clips else []
    names = [*(f.name for f in real if f.suffix in (".mp4", ".mov", ".mkv", ".webm")), *CLIPS]
    for name in names:
        if arguments.only and name not in arguments.only:
            continue
        payload = Payload(zlib.crc32(name.encode()).to_bytes(8, "big"))
        with tempfile.TemporaryDirectory() as folder:
            room = Path(folder)
            made = name in CLIPS
            source = write(room / "in.mp4", frames_of(name, arguments.images)) if made else arguments.clips / name
            marked = room / "marked.mp4"
            start = time.perf_counter()
            written = embed_video(source, marked, key, payload, psnr=arguments.psnr, best_effort=True)
            took = time.perf_counter() - start
            plain = room / "plain.mp4"  # the same encoder with next to no mark: what the mark itself costs
            embed_video(source, plain, key, payload, strength=0.05, best_effort=True)
            clips[name] = {
                "seconds": written.seconds,
                "times_real_time": round(written.seconds / took, 2),
                "bytes_with_mark_per_without": round(marked.stat().st_size / plain.stat().st_size, 3),
                "bytes_per_source": round(marked.stat().st_size / source.stat().st_size, 3),
                "read_back": written.detection.payload == payload,
                **fidelity(source, key, arguments.psnr),
            }
            found, cpu = searched(marked, key)
            clips[name]["marked_core_seconds"] = round(cpu, 2)
            clips[name]["marked_frames"] = found.frames
            found, cpu = searched(source, key)
            clips[name]["unmarked_core_seconds_beyond_decoding"] = round(cpu - decoding_of(source), 2)
            for path, others in ((source, (key, *wrong)), (marked, wrong)):
                for other in others:
                    searches += 1
                    seen = detect_video(path, other)
                    if seen.detected:
                        alarms.append([name, path.name, seen.p_value])
            for attack in suite.VIDEO_SUITE if suite else ():
                attacked = room / ("a.mkv" if attack.startswith("vp9") else "a.mp4")
                suite.apply_video(attack, str(marked), str(attacked), 0)
                seen = detect_video(attacked, key)
                wrong_payloads += seen.payload not in (None, payload)
                tally.add((attack, f"clip {name}", "all"), found=seen.payload == payload)
                if seen.payload != payload:
                    lost.append([name, attack, seen.p_value])
                with contextlib.suppress(FileNotFoundError):
                    attacked.unlink()
        print(name, clips[name], [entry[1] for entry in lost if entry[0] == name], flush=True)
        report = {
            "run": run,
            "asked_psnr": arguments.psnr,
            "clips": clips,
            "recovery": tally.rates(),
            "lost": lost,
            "wrong_payloads": wrong_payloads,
            "false_alarms": alarms,
            "searches_without_mark": searches,
        }
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
