# SPDX-License-Identifier: Apache-2.0
"""What someone who knows the algorithm but not the key can do with marked files.

    python benchmarks/watermark/security.py --images DIR --json benchmarks/watermark/security.json

fold      one file: estimate the residual, fold it over the tile, subtract the average tile from every tile
average   n files: average their residuals; how much of the payload carriers of a file that is not among them the
          average shows (coherence, 1 = all of it), and whether subtracting twice the average erases its payload
copy      add the residual of a marked file to an unmarked one
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from hosts import make_host
from PIL import Image
from provenance_of_run import describe_run

from waarmerk.watermark import Key, Payload, detect, embed
from waarmerk.watermark.carriers import TILE, build_carriers
from waarmerk.watermark.coding import encode
from waarmerk.watermark.embedding import host_plane, pick_variant
from waarmerk.watermark.transforms import render_tiles, tile_grid

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
GAINS = (0.5, 1.0, 1.5, 2.0)


def residual(image: Bytes) -> Floats:
    """The attacker's best guess of the mark: luma less an edge-preserving prediction, outliers clipped."""
    plane = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    rest = plane - cv2.bilateralFilter(plane, 9, 18.0, 4.0)
    return np.clip(rest, -6.0, 6.0)


def fold_average(rest: Floats) -> Floats:
    """The average tile, repeated over the picture."""
    height, width = rest.shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((rows * TILE, columns * TILE), np.float32)
    count = np.zeros_like(padded)
    padded[:height, :width], count[:height, :width] = rest, 1.0
    fold = padded.reshape(rows, TILE, columns, TILE).sum((0, 2)) / count.reshape(rows, TILE, columns, TILE).sum((0, 2))
    return np.tile(fold, (rows, columns))[:height, :width]


def subtract(image: Bytes, estimate: Floats, gain: float) -> Bytes:
    return np.clip(np.rint(image.astype(np.float32) - gain * estimate[:, :, None]), 0, 255).astype(np.uint8)


def survives(image: Bytes, key: Key, payload: Payload) -> bool:
    return detect(image, key).payload == payload


def fold_and_subtract(hosts: list[Bytes], key: Key) -> dict[str, object]:
    kept, turned, distance = dict.fromkeys(GAINS, 0), dict.fromkeys(GAINS, 0), {g: [] for g in GAINS}
    for number, host in enumerate(hosts):
        payload = Payload(number.to_bytes(8, "big"))
        marked = embed(host, key, payload, best_effort=True)
        estimate = fold_average(residual(marked))
        for gain in GAINS:
            attacked = subtract(marked, estimate, gain)
            kept[gain] += survives(attacked, key, payload)
            turned[gain] += survives(np.ascontiguousarray(np.rot90(attacked)), key, payload)
            distance[gain].append(float(cv2.PSNR(attacked, marked)))
    return {
        "files": len(hosts),
        "payload_kept": {str(g): n for g, n in kept.items()},
        "payload_kept_then_turned_by_90": {str(g): n for g, n in turned.items()},
        "psnr_to_marked": {str(g): round(float(np.mean(d)), 1) for g, d in distance.items()},
    }


def payload_pattern(key: Key, payload: Payload, host: Bytes) -> Floats:
    """The payload carriers alone of the mark this host gets."""
    carriers, shape = build_carriers(key), host_plane(host).shape
    rows, columns = tile_grid((shape[0], shape[1]))
    variant = pick_variant(key.sub_key("variant"), host)
    bits = 1.0 - 2.0 * encode(bytes(payload)).astype(np.float32)
    signs = carriers.payload_signs(variant, np.arange(rows), np.arange(columns))
    return render_tiles([(carriers.payload, signs * bits * carriers.payload.carrier)], rows, columns)[
        : shape[0], : shape[1]
    ]


def correlation(estimate: Floats, pattern: Floats) -> float:
    return float((estimate * pattern).sum() / np.sqrt((estimate**2).sum() * (pattern**2).sum()))


def averaging(hosts: list[Bytes], key: Key, *, equal: bool, targets: int = 6) -> list[dict[str, object]]:
    """Average n files, then look at files that are not among them: what shows of their payload, what is left after."""
    payloads = [Payload(b"identity") if equal else Payload(n.to_bytes(8, "big")) for n in range(len(hosts))]
    marked = [embed(h, key, p, best_effort=True) for h, p in zip(hosts, payloads, strict=True)]
    rests = [residual(m) for m in marked]
    variants = [pick_variant(key.sub_key("variant"), h) for h in hosts]
    rows: list[dict[str, object]] = []
    for count in (1, 4, 10, 20):
        if count >= len(hosts):
            continue
        seen, kept, distance, sharing = [], 0, [], 0
        for target in range(targets):
            others = [n for n in range(len(hosts)) if n != target][-count:]
            estimate = np.mean([rests[n] for n in others], axis=0, dtype=np.float32)
            seen.append(correlation(estimate, payload_pattern(key, payloads[target], hosts[target])))
            sharing += sum(variants[n] == variants[target] for n in others)
            attacked = subtract(marked[target], estimate, 2.0)
            distance.append(float(cv2.PSNR(attacked, marked[target])))
            kept += survives(attacked, key, payloads[target])
        rows.append(
            {
                "files": count,
                "payload_coherence_mean": round(float(np.mean(seen)), 4),
                "payload_coherence_max": round(float(np.max(seen)), 4),
                "pairs_sharing_a_variant": sharing,
                "payload_kept_after_subtracting_twice_the_average": f"{kept}/{targets}",
                "psnr_to_marked": round(float(np.mean(distance)), 1),
            }
        )
    return rows


def copying(hosts: list[Bytes], key: Key) -> dict[str, int]:
    payload, copied = Payload(b"original"), 0
    for source, target in pairwise(hosts):
        marked = embed(source, key, payload, best_effort=True)
        true_residual = marked.astype(np.int16) - source
        forged = np.clip(target.astype(np.int16) + true_residual, 0, 255).astype(np.uint8)
        copied += survives(forged, key, payload)
    return {"tried": len(hosts) - 1, "decoded_on_the_other_picture": copied}


def load(folder: Path | None, count: int) -> list[Bytes]:
    """Pictures of one size (768 x 512, cut or made)."""
    hosts: list[Bytes] = []
    for file in sorted(folder.glob("*.png")) if folder else []:
        image = np.asarray(Image.open(file).convert("RGB"))
        image = image if image.shape[1] >= image.shape[0] else np.rot90(image)
        if image.shape[0] >= 512 and image.shape[1] >= 768:
            hosts.append(np.ascontiguousarray(image[:512, :768]))
    made = ("texture", "gradient", "shapes", "grain")
    hosts += [make_host(made[n % 4], 512, 768, seed=n) for n in range(max(0, count - len(hosts)))]
    return hosts[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--files", type=int, default=21)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    key = Key.generate(random_bytes=lambda n: bytes(range(n)))
    hosts = load(arguments.images, arguments.files)
    report = {
        "run": describe_run(),
        "fold_and_subtract": fold_and_subtract(hosts[:10], key),
        "averaging_equal_payloads": averaging(hosts, key, equal=True),
        "averaging_different_payloads": averaging(hosts, key, equal=False),
        "copying": copying(hosts[:9], key),
    }
    arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
