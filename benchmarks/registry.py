# SPDX-License-Identifier: Apache-2.0
"""What the registry confirms: ``python benchmarks/registry.py FOLDER [ATTACK …]``.

FOLDER holds pictures; near copies among them are left out. Prints JSON: of each attack how many copies are confirmed;
of pairs of different pictures how many are (not where attacks are named). How fast: ``registry_search.py``.
"""

import io
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from waarmerk.provenance.registry.resemblance import compare, reference_of

Bytes = npt.NDArray[np.uint8]


def jpeg(picture: Bytes, quality: int) -> Bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def crop(picture: Bytes, share: float) -> Bytes:
    height, width = (round(side * share**0.5) for side in picture.shape[:2])
    top, left = (picture.shape[0] - height) // 3, (picture.shape[1] - width) * 2 // 3
    return jpeg(picture[top : top + height, left : left + width], 60)


def bar(picture: Bytes) -> Bytes:
    covered = picture.copy()
    covered[round(picture.shape[0] * 0.85) :] = 20
    return covered


def logo(picture: Bytes) -> Bytes:
    height, width = picture.shape[:2]
    covered = picture.copy()
    cv2.circle(covered, (round(width * 0.85), round(height * 0.15)), height // 10, (220, 30, 30), -1)
    return covered


def stickers(picture: Bytes) -> Bytes:
    """Four faces of one colour, 15 % of the picture in all."""
    height, width = picture.shape[:2]
    covered, radius = picture.copy(), round((0.15 * height * width / 4 / np.pi) ** 0.5)
    for across, down in ((0.2, 0.2), (0.45, 0.75), (0.75, 0.3), (0.8, 0.8)):
        middle = round(width * across), round(height * down)
        cv2.circle(covered, middle, radius, (255, 205, 50), -1)
        for side in (-1, 1):
            eye = middle[0] + side * radius // 3, middle[1] - radius // 4
            cv2.circle(covered, eye, radius // 8, (70, 40, 0), -1)
    return covered


ATTACKS: dict[str, Callable[[Bytes], Bytes]] = {
    "jpeg 20": lambda p: jpeg(p, 20),
    "width 400, jpeg 60": lambda p: jpeg(
        np.asarray(cv2.resize(p, (400, p.shape[0] * 400 // p.shape[1]), interpolation=cv2.INTER_AREA), np.uint8), 60
    ),
    "crop 70 %, jpeg 60": lambda p: crop(p, 0.7),
    "crop 25 %, jpeg 60": lambda p: crop(p, 0.25),
    "bar over 15 %": bar,
    "logo": logo,
    "stickers": stickers,
    "mirrored": lambda p: np.ascontiguousarray(p[:, ::-1]),
    "turn by 5 degrees": lambda p: np.asarray(Image.fromarray(p).rotate(5)),
    "brighter": lambda p: np.clip(p * 0.6 + 80, 0, 255).astype(np.uint8),
}


def pictures(folder: Path) -> list[Bytes]:
    held: list[tuple[imagehash.ImageHash, Bytes]] = []
    for path in sorted(folder.iterdir()):
        try:
            with Image.open(path) as image:
                image.thumbnail((1600, 1600))
                picture = image.convert("RGB")
        except OSError:
            continue
        mark = imagehash.phash(picture)
        if min(picture.size) >= 300 and all(mark - other > 12 for other, _ in held):
            held.append((mark, np.asarray(picture)))
    return [picture for _, picture in held]


def main() -> None:
    held = pictures(Path(sys.argv[1]))
    chosen = {name: attack for name, attack in ATTACKS.items() if name in sys.argv[2:] or len(sys.argv) == 2}
    kept = [reference_of(picture) for picture in held]
    start, confirmed = time.perf_counter(), {}
    for name, attack in chosen.items():
        confirmed[name] = sum(compare(k, attack(p)).verified for k, p in zip(kept, held, strict=True))
        print(name, confirmed[name], file=sys.stderr, flush=True)
    each = (time.perf_counter() - start) / (len(chosen) * len(held))
    pairs = [(a, b) for a in range(len(held)) for b in range(len(held)) if a != b and (a + b) % 3 == 0]
    if len(sys.argv) > 2:
        pairs = []
    wrong = sum(compare(kept[a], held[b]).verified for a, b in pairs)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    report = {
        "command": " ".join(["python benchmarks/registry.py FOLDER", *(f'"{name}"' for name in sys.argv[2:])]),
        "commit": commit.strip(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, OpenCV {cv2.__version__}",
        "pictures": len(held),
        "confirmed_of_copies": confirmed,
        "ms_a_comparison": round(each * 1000),
        "different_pairs": len(pairs),
        "confirmed_of_different_pairs": wrong,
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
