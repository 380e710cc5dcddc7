# SPDX-License-Identifier: Apache-2.0
"""Search where nothing is to be found: unmarked, attacked unmarked and foreign-marked images under random keys.

    python benchmarks/watermark/false_positives.py --searches 20000 --json benchmarks/watermark/false_positives.json

    python benchmarks/watermark/false_positives.py --merge A.json B.json --json OUT.json

Each search is a full one (upright, any affine pose, windows, bending) and adds its best pilot z, best index z and
p-value.  Hosts are made by hosts.py, with pieces of the pictures in --images besides where given.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from hosts import KINDS, make_host
from PIL import Image
from provenance_of_run import describe_run

from waarmerk.watermark import Key, Payload, embed
from waarmerk.watermark.carriers import build_carriers
from waarmerk.watermark.hunt import Hunt
from waarmerk.watermark.view import prepare

Bytes = npt.NDArray[np.uint8]
KEYS_PER_IMAGE = 20
LIMIT = 1e-9


def attack(image: Bytes, name: str, rng: np.random.Generator) -> Bytes:
    """One ordinary alteration."""
    height, width = image.shape[:2]
    if name == "jpeg":
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(15, 90)))
        return np.asarray(Image.open(buffer))
    if name == "scale":
        factor = rng.uniform(0.6, 1.6)
        return cv2.resize(image, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)
    if name == "rotate":
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(0, 360), 1.0)
        return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC)
    return image


def make_image(number: int, pieces: list[Bytes], rng: np.random.Generator) -> tuple[Bytes, str]:
    """A host and its kind: unmarked, attacked or marked under another key."""
    least, most = (300, 420) if number % 12 == 0 else (128, 224)  # the larger ones meet windows and bending as well
    side = (int(rng.integers(least, most)), int(rng.integers(least, most)))
    if pieces and number % 2:
        source = pieces[number // 2 % len(pieces)]
        y, x = (int(rng.integers(0, n - s + 1)) for n, s in zip(source.shape[:2], side, strict=True))
        host = np.ascontiguousarray(source[y : y + side[0], x : x + side[1]])
    else:
        host = make_host(KINDS[number // 2 % len(KINDS)], *side, seed=number)
    kind = ("unmarked", "attacked", "foreign mark")[number % 3]
    if kind == "attacked":
        host = attack(host, ("jpeg", "scale", "rotate")[number // 3 % 3], rng)
    if kind == "foreign mark":
        host = embed(host, random_key(rng), Payload(rng.bytes(8)), best_effort=True)
    return np.ascontiguousarray(host), kind


def random_key(rng: np.random.Generator) -> Key:
    return Key.generate(random_bytes=rng.bytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=20_000)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--merge", type=Path, nargs="+", help="add up runs of different seeds instead of searching")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.merge:
        runs = [json.loads(path.read_text()) for path in arguments.merge]
        arguments.json.write_text(json.dumps(merged(runs), indent=1) + "\n")
        return
    cv2.setNumThreads(1)
    rng = np.random.default_rng(arguments.seed)
    files = sorted(arguments.images.glob("*.png")) if arguments.images else []
    pieces = [p for p in (np.asarray(Image.open(f).convert("RGB")) for f in files) if min(p.shape[:2]) >= 420]
    pilot, index, log_p, kinds = [], [], [], Counter()
    poses = readings = detected = payloads = 0
    start, number = time.monotonic(), 0
    while len(pilot) < arguments.searches and time.monotonic() - start < arguments.seconds:
        image, kind = make_image(number, pieces, rng)
        view, number = prepare(image), number + 1
        for _ in range(KEYS_PER_IMAGE):
            key = random_key(rng)
            hunt = Hunt(view=view, carriers=build_carriers(key), keys=1)
            found = hunt.run(key, LIMIT)
            pilot.append(max((lock.z for lock in hunt.locks), default=0.0))
            index.append(hunt.best_index)
            log_p.append(math.log10(found.p_value))
            poses, readings = poses + hunt.poses, readings + hunt.readings
            detected, payloads = detected + found.detected, payloads + (found.payload is not None)
            kinds[kind] += 1
        if number % 20 == 0:
            write(arguments.json, pilot, index, log_p, kinds, poses, readings, detected, payloads, number)
            print(len(pilot), f"{time.monotonic() - start:.0f} s, best p {10 ** min(log_p):.1e}", flush=True)
    write(arguments.json, pilot, index, log_p, kinds, poses, readings, detected, payloads, number)


def merged(runs: list[dict]) -> dict:
    """Runs under different seeds as one: counts add up, extremes stand, means weigh by their searches."""
    searches = [run["searches"] for run in runs]

    def mean(values: list[float]) -> float:
        return float(np.average(values, weights=searches))

    def total(name: str) -> dict:
        return dict(sum((Counter(run[name]) for run in runs), Counter(dict.fromkeys(runs[0][name], 0))))

    return {
        "run": runs[0]["run"],
        "commits": sorted({run["run"]["commit"] for run in runs}),
        "runs": len(runs),
        "searches": sum(searches),
        "images": sum(run["images"] for run in runs),
        "kinds": total("kinds"),
        "detected_at_1e-9": sum(run["detected_at_1e-9"] for run in runs),
        "payloads": sum(run["payloads"] for run in runs),
        "smallest_p": min(run["smallest_p"] for run in runs),
        "mean_poses": mean([run["mean_poses"] for run in runs]),
        "readings": sum(run["readings"] for run in runs),
        "p_at_most": {key: sum(run["p_at_most"][key] for run in runs) for key in runs[0]["p_at_most"]},
        "pilot_z": {
            "mean": mean([run["pilot_z"]["mean"] for run in runs]),
            "max": max(run["pilot_z"]["max"] for run in runs),
        },
        "index_z": {"max": max(run["index_z"]["max"] for run in runs)},
        "pilot_tail": [
            [step[0][0], mean([rate for _, rate in step])]
            for step in zip(*(run["pilot_tail"] for run in runs), strict=True)
        ],
    }


def write(path, pilot, index, log_p, kinds, poses, readings, detected, payloads, images) -> None:  # noqa: PLR0917
    z = np.asarray(pilot)
    steps = np.arange(3.0, 7.01, 0.1)
    report = {
        "run": describe_run(),
        "searches": len(pilot),
        "images": images,
        "kinds": dict(kinds),
        "detected_at_1e-9": detected,
        "payloads": payloads,
        "smallest_p": float(10 ** min(log_p)),
        "mean_poses": poses / len(pilot),
        "readings": readings,
        "p_at_most": {f"1e-{k}": int(np.sum(np.asarray(log_p) <= -k)) for k in range(7)},
        "pilot_z": {"mean": float(z.mean()), "max": float(z.max())},
        "index_z": {"max": float(np.max(index))},
        "pilot_tail": [[round(float(t), 1), float(np.mean(z > t))] for t in steps],
    }
    path.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
