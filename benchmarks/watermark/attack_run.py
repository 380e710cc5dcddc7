# SPDX-License-Identifier: Apache-2.0
"""Recovery over attacks and along the six curves that matter; JSON with commit and versions.

    python benchmarks/watermark/attack_run.py --images DIR --json benchmarks/watermark/attacks.json [--suite attacks.py]

``--suite`` names a file with SUITE and apply() (the one beside the checkout, ../shared/bench/attacks.py, where it is
there); the curves are this script's own.  A recovery is the exact 64-bit payload.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import numpy.typing as npt
from hosts import make_host
from PIL import Image
from provenance_of_run import describe_run

from waarmerk.watermark import CannotCarry, Key, Payload, detect, embed
from waarmerk.watermark.quality import psnr

Bytes = npt.NDArray[np.uint8]


def jpeg(image: Bytes, quality: float) -> Bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(quality))
    return np.asarray(Image.open(buffer))


def scale(image: Bytes, factor: float) -> Bytes:
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)


def crop(image: Bytes, percent: float) -> Bytes:
    """Keep this share of the area, off centre."""
    height, width = (round(n * (percent / 100) ** 0.5) for n in image.shape[:2])
    top, left = (image.shape[0] - height) // 3, (image.shape[1] - width) * 2 // 3
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def rotate(image: Bytes, degrees: float) -> Bytes:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC)


def bend(image: Bytes, peak: float) -> Bytes:
    """Smooth random displacement of this peak, pixels per 512."""
    height, width = image.shape[:2]
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    fields = [
        cv2.resize(rng.normal(size=(5, 5)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    ] * 2
    fields = [f * (peak * max(height, width) / 512 / np.abs(f).max()) for f in fields]
    return cv2.remap(image, x + fields[0], y + fields[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


CURVES: dict[str, tuple[Callable[[Bytes, float], Bytes], tuple[float, ...]]] = {
    "JPEG quality": (jpeg, (5, 8, 10, 15, 20, 30, 50)),
    "scale": (scale, (0.2, 0.25, 0.3, 0.4, 0.5, 1.5, 2.0)),
    "area kept by a crop, %": (crop, (3, 5, 10, 15, 25, 50)),
    "rotation, degrees": (rotate, (1, 3, 7, 20, 45, 80)),
    "bending, pixels per 512": (bend, (1, 2, 3, 4, 6)),
}
STRENGTHS = (42, 44, 46, 48, 50, 52)


def load_suite(path: Path) -> ModuleType | None:
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("attack_suite", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def hosts_of(folder: Path | None, limit: int) -> dict[str, Bytes]:
    if folder is None:
        return {f"{k} {n}": make_host(k, 512, 768, seed=n) for n in range(2) for k in ("texture", "gradient", "shapes")}
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in {".png", ".jpg"})
    step = max(1, len(files) // limit) if limit else 1
    return {f.name: np.asarray(Image.open(f).convert("RGB")) for f in files[::step]}


class Tally:
    """Rates by name."""

    def __init__(self) -> None:
        self.hit: dict[str, int] = defaultdict(int)
        self.tried: dict[str, int] = defaultdict(int)

    def add(self, names: tuple[str, ...], *, found: bool) -> None:
        for name in names:
            self.hit[name] += found
            self.tried[name] += 1

    def rates(self) -> dict[str, list[int]]:
        return {name: [self.hit[name], self.tried[name]] for name in self.tried}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--suite", type=Path, default=Path(__file__).resolve().parents[3] / "shared/bench/attacks.py")
    parser.add_argument("--psnr", type=float, default=44.0)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--curves-only", action="store_true")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    key = Key.generate(random_bytes=lambda n: bytes(range(n)))
    suite = None if arguments.curves_only else load_suite(arguments.suite)
    attacks, curves, wrong, lost, reached = Tally(), Tally(), 0, [], []
    start = time.monotonic()
    for name, host in hosts_of(arguments.images, arguments.limit).items():
        payload = Payload(zlib.crc32(name.encode()).to_bytes(8, "big"))

        def recovered(image: Bytes, payload: Payload = payload) -> bool:
            nonlocal wrong
            found = detect(image, key).payload
            wrong += found not in (None, payload)
            return found == payload

        marked = embed(host, key, payload, psnr=arguments.psnr, best_effort=True)
        reached.append(psnr(host, marked))
        for label, (change, values) in CURVES.items():
            for value in values:
                curves.add((f"{label}={value:g}",), found=recovered(np.ascontiguousarray(change(marked, value))))
        for wanted in STRENGTHS:
            try:
                weaker = embed(host, key, payload, psnr=float(wanted))
                curves.add((f"PSNR, then JPEG 50={wanted}",), found=recovered(jpeg(weaker, 50)))
            except CannotCarry:
                curves.add((f"PSNR, then JPEG 50={wanted}",), found=False)
        for attack in suite.names() if suite else ():
            image = suite.apply(attack, marked, 1 ^ zlib.crc32(name.encode()))
            found = recovered(image)
            attacks.add((attack, f"group {suite.SUITE[attack].group}", "all"), found=found)
            if not found:
                lost.append([name, attack])
        print(f"{name} {time.monotonic() - start:.0f} s", flush=True)
        report = {
            "run": describe_run(),
            "images": len(reached),
            "psnr": [round(min(reached), 2), round(max(reached), 2)],
            "wrong_payloads": wrong,
            "attacks": attacks.rates(),
            "curves": curves.rates(),
            "lost": lost,
        }
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
