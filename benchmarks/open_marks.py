# SPDX-License-Identifier: Apache-2.0
"""How often the search for open marks sees one where there is none, what it finds of marks that are, and what it costs.

    python benchmarks/open_marks.py PICTURES --searches 2000 --keys 20000 --json benchmarks/open_marks.json

Clean: whole pictures and random crops of PICTURES, re-encoded and resized at random, each searched as ``verify`` does.
Keys: the blocks of such crops against random messages of the lengths that are searched; many more tries than pictures
give, and the assumption the chance rests on.  Marked: the marks, written into the middle 512 x 512 pixels by
tests/unit/marks/writing.py, after some ordinary treatments; no true output of a generator was at hand.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.unit.marks.writing import jpeg, mark, resized  # noqa: E402
from waarmerk.provenance.marks.dwtdct import readings  # noqa: E402
from waarmerk.provenance.marks.published import published_marks  # noqa: E402
from waarmerk.provenance.marks.search import agreement, random_agreement, search  # noqa: E402

Bytes = npt.NDArray[np.uint8]
LIMITS = [10.0**-power for power in range(10)]
MARKS = published_marks()


def treated(rgb: Bytes, rng: np.random.Generator) -> Bytes:
    """A random crop of a picture after one ordinary treatment."""
    height, width = rgb.shape[:2]
    tall, wide = (int(rng.integers(min(side, 128), min(side, 1024) + 1)) for side in (height, width))
    top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    crop = np.ascontiguousarray(rgb[top : top + tall, left : left + wide])
    match rng.integers(0, 5):
        case 0:
            return crop
        case 1:
            return jpeg(crop, int(rng.integers(20, 99)))
        case 2:
            return jpeg(crop, int(rng.integers(60, 99)), full_chroma=True)
        case 3:
            how = list(Image.Resampling)[rng.integers(0, 6)]
            return resized(crop, float(rng.uniform(max(0.4, 128.5 / min(tall, wide)), 2)), how)
    target = io.BytesIO()
    Image.fromarray(crop).save(target, "WEBP", quality=int(rng.integers(30, 95)))
    return np.asarray(Image.open(target).convert("RGB"))


def clean(pictures: list[Bytes], searches: int, rng: np.random.Generator) -> dict[str, Any]:
    """Searches of pictures that carry no mark."""
    tried, least, raw = 0, 1.0, Counter[float]()
    hypotheses = 0
    for number in range(searches):
        picture = pictures[number % len(pictures)]
        image = picture if number < len(pictures) else treated(picture, rng)
        found = search(image, MARKS)
        if found is None:
            continue
        tried += 1
        least = min(least, found.p_value)
        for reading in readings(image):
            for each in MARKS:
                hypotheses += 1
                chance = agreement(reading.scores, each)
                raw.update(limit for limit in LIMITS if chance <= limit)
    return {
        "searches": tried,
        "agreements": hypotheses,
        "smallest_p_of_a_search": least,
        "agreements_with_p_at_most": {f"{limit:.0e}": raw[limit] for limit in LIMITS[4:]},
    }


def keys(pictures: list[Bytes], messages: int, rng: np.random.Generator) -> dict[str, Any]:
    """The statistic of clean crops over random messages: how often it reaches what its chance says, or should."""
    lengths = sorted({len(each.bits) for each in MARKS})
    reached = Counter[float]()
    tried = 0
    for picture in pictures:
        scores = [reading.scores for reading in readings(treated(picture, rng))]
        for length in lengths:
            flat = scores[int(rng.integers(0, len(scores)))].ravel()
            turns = flat.size // length
            if turns == 0:
                continue
            means = flat[: turns * length].reshape(turns, length).mean(axis=0, dtype=np.float64)
            means -= means.mean()
            norm = float(np.linalg.norm(means))
            if norm < 1e-4:
                continue
            weights = means / norm
            agreed = rng.choice([-1.0, 1.0], (messages, length)) @ weights
            tried += messages
            steps = np.arange(0.5, 7, 0.02)
            bounds = np.array([random_agreement(weights, float(step)) for step in steps])
            for limit in LIMITS[1:7]:
                met = steps[bounds <= limit]
                if met.size:
                    reached[limit] += int((agreed >= met[0]).sum())
    return {
        "messages_tried": tried,
        "share_reaching_p": {f"{limit:.0e}": reached[limit] / tried for limit in LIMITS[1:7]},
    }


TREATMENTS: dict[str, Callable[[Bytes], Bytes]] = {
    "PNG": lambda rgb: rgb,
    "JPEG 98": lambda rgb: jpeg(rgb, 98),
    "JPEG 95": lambda rgb: jpeg(rgb, 95),
    "JPEG 90": lambda rgb: jpeg(rgb, 90),
    "JPEG 75": lambda rgb: jpeg(rgb, 75),
    "JPEG 90, full chroma": lambda rgb: jpeg(rgb, 90, full_chroma=True),
    "JPEG 75, full chroma": lambda rgb: jpeg(rgb, 75, full_chroma=True),
    "halved": lambda rgb: resized(rgb, 0.5, Image.Resampling.LANCZOS),
    "doubled": lambda rgb: resized(rgb, 2, Image.Resampling.LANCZOS),
    "75 % of its size": lambda rgb: resized(rgb, 0.75, Image.Resampling.LANCZOS),
    "4 pixels off the left": lambda rgb: np.ascontiguousarray(rgb[:, 4:]),
}


def marked(pictures: list[Bytes]) -> dict[str, Any]:
    """Share of claims and of suspicions or better, for each mark and treatment, written as its source does."""
    middles = []
    for picture in pictures:
        top, left = ((side - 512) // 2 for side in picture.shape[:2])
        if min(top, left) >= 0:
            middles.append(np.ascontiguousarray(picture[top : top + 512, left : left + 512]))
    table: dict[str, Any] = {}
    for each in MARKS:
        depth = "8-bit" if each.id.startswith(("stable-diffusion-1", "stable-diffusion-2")) else "float"
        rows: dict[str, list[float]] = {}
        written = [mark(middle, each, depth=depth) for middle in middles]
        for name, treat in TREATMENTS.items():
            found = [search(treat(picture), MARKS) for picture in written]
            chances = [one.p_value if one is not None and one.mark.id == each.id else 1.0 for one in found]
            rows[name] = [round(float(np.mean([p <= limit for p in chances])), 3) for limit in (1e-9, 1e-6)]
        table[each.id] = rows
    return {"pictures": len(middles), "share_with_p_at_most_1e-9_and_1e-6": table}


def cost(pictures: list[Bytes]) -> dict[str, float]:
    """Milliseconds a megapixel on one thread, the least of three, for a small and a large picture."""
    cv2.setNumThreads(1)
    result = {}
    largest = max(pictures, key=lambda each: each.size)
    for name, image in {"0.26 MP": largest[:512, :512], "1 MP": largest[:1024, :1024], "large": largest}.items():
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            search(np.ascontiguousarray(image), MARKS)
            times.append(time.perf_counter() - begun)
        megapixels = image.shape[0] * image.shape[1] / 1e6
        result[f"{name} ({megapixels:.2f} MP)"] = round(min(times) * 1e3 / megapixels, 1)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--searches", type=int, default=2000)
    parser.add_argument("--keys", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rng = np.random.default_rng(20261122)
    paths = sorted(path for path in given.pictures.iterdir() if path.suffix in (".png", ".jpg"))
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    commit = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    result = {
        "command": f"python benchmarks/open_marks.py PICTURES --searches {given.searches} --keys {given.keys}",
        "commit": subprocess.run(commit, capture_output=True, text=True, check=True).stdout.strip(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in ("numpy", "opencv-python-headless", "Pillow")},
        "pictures": len(pictures),
        "milliseconds_per_megapixel": cost(pictures),
        "marked": marked(pictures),
        "random_messages": keys(pictures * 4, given.keys, rng),
        "clean": clean(pictures, given.searches, rng),
    }
    text = re.sub(r"\[\s+([\d.]+),\s+([\d.]+)\s+\]", r"[\1, \2]", json.dumps(result, indent=1)) + "\n"
    if given.json is not None:
        given.json.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
