# SPDX-License-Identifier: Apache-2.0
"""When is a mark bound? True copies, altered copies and other pictures, through the whole of it: mark, visible label,
JPEG, detection, ledger entry, comparison.

    python benchmarks/binding.py --images DIR --suite attacks.py --json benchmarks/binding.json

``--suite`` names a file with SUITE and apply(name, image, seed). The altered copies are this script's own.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from waarmerk.provenance.marking.visible import show
from waarmerk.provenance.registry import Issuance, compare
from waarmerk.provenance.registry.hashes import chroma, thumbnail
from waarmerk.watermark import CannotCarry, Key, Payload, detect, embed

Bytes = npt.NDArray[np.uint8]
Made = Callable[[Bytes, Bytes, np.random.Generator], Bytes]
SIDE = 1400
# What covers parts of the picture itself is an altered copy, whatever the suite calls it; the rest are true copies.
COVERING = ("text", "logo", "emoji", "letterbox")
BEYOND = ("crop_centre_10", "crop_random_10", "rotate_45", "jpeg_10", "bend_2", "bend_3", "denoise_nlm")


def jpeg(picture: Bytes, quality: int) -> Bytes:
    target = BytesIO()
    Image.fromarray(picture).save(target, "JPEG", quality=quality)
    return np.asarray(Image.open(target))


def sent(picture: Bytes) -> Bytes:
    return jpeg(cv2.resize(picture, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), 70)


def within(picture: Bytes, other: Bytes, area: float, random: np.random.Generator) -> Bytes:
    """``other`` in a box of ``area`` (share of the whole) somewhere in ``picture``, blended in at its edges."""
    height, width = picture.shape[:2]
    high, wide = int(height * area**0.5), int(width * area**0.5)
    top, left = int(random.integers(0, height - high + 1)), int(random.integers(0, width - wide + 1))
    mask = np.zeros((height, width), np.float32)
    mask[top : top + high, left : left + wide] = 1
    mask = cv2.GaussianBlur(mask, (0, 0), 6)[:, :, None]
    return np.clip(np.rint(picture * (1 - mask) + other * mask), 0, 255).astype(np.uint8)


def inverted(picture: Bytes) -> Bytes:
    planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
    planes[:, :, 1:] = 255 - planes[:, :, 1:]
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB), np.uint8)


def written(picture: Bytes) -> Bytes:
    image, (height, width) = Image.fromarray(picture), picture.shape[:2]
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=height // 7)
    for number, words in enumerate(("VOTE ON", "THURSDAY")):
        place = (width * 0.08, height * (0.3 + 0.2 * number))
        draw.text(place, words, font=font, fill="white", stroke_width=height // 100, stroke_fill="black")
    return np.asarray(image)


def replaced(area: float) -> Made:
    return lambda own, other, random: within(own, other, area, random)


ALTERED: dict[str, Made] = {
    **{f"another picture in {area:.0%} of it": replaced(area) for area in (0.05, 0.10, 0.15, 0.22, 0.35, 0.50, 0.75)},
    "painted over, 10%": lambda own, _, r: within(own, np.full_like(own, r.integers(0, 256, 3)), 0.10, r),
    "painted over, 20%": lambda own, _, r: within(own, np.full_like(own, r.integers(0, 256, 3)), 0.20, r),
    "another part of it, 15%": lambda own, _, r: within(own, np.roll(own, own.shape[0] // 2, 0), 0.15, r),
    "blurred, 15%": lambda own, _, r: within(own, cv2.GaussianBlur(own, (0, 0), own.shape[0] / 25), 0.15, r),
    "darker, 15%": lambda own, _, r: within(own, (own * 0.35).astype(np.uint8), 0.15, r),
    "opposite colours, 15%": lambda own, _, r: within(own, inverted(own), 0.15, r),
    "opposite colours, all": lambda own, _, r: inverted(own),
    "negative": lambda own, _, r: 255 - own,
    "text across": lambda own, _, r: written(own),
}


class Told:
    """What the comparisons came to, by the name of the change."""

    def __init__(self) -> None:
        self.rows: dict[str, Counter[str]] = {}

    def add(self, name: str, entry: Issuance, seen: Bytes, key: Key) -> None:
        row = self.rows.setdefault(name, Counter())
        found = detect(np.ascontiguousarray(seen), key)
        if found.payload is None:
            row["mark not found"] += 1
            return
        self.put(row, entry, seen, None if found.geometry is None else found.geometry.matrix)

    @staticmethod
    def put(row: Counter[str], entry: Issuance, seen: Bytes, geometry: tuple[float, ...] | None) -> None:
        likeness = compare(entry, seen, geometry)
        told = {True: "bound", False: "not bound", None: "cannot be told"}[likeness.bound]
        doubted = likeness.bound is True and (likeness.is_altered or likeness.colours_turned)
        row[told + (", differences named" if doubted else "")] += 1


def issued(path: Path, key: Key) -> tuple[Bytes, Issuance] | None:
    """The picture as a reader gets it, and its entry; None where it carries no mark."""
    with Image.open(path) as image:
        small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    picture = np.asarray(small)
    payload = zlib.crc32(path.name.encode()).to_bytes(8)
    try:
        shown = show(embed(picture, key, Payload(payload)), ("AI-generated",))
    except CannotCarry:
        return None
    final = jpeg(shown.pixels, 92)
    found = detect(final, key)
    if found.payload is None or found.geometry is None:
        return None
    box = shown.box
    entry = Issuance(
        key_id=key.key_id,
        payload=payload,
        scheme=found.scheme,
        issued_at="2026-11-22T00:00:00Z",
        says="generated",
        sha256=bytes(32),
        media_type="image/jpeg",
        width=final.shape[1],
        height=final.shape[0],
        phash=bytes(8),
        pdq=None,
        thumbnail=thumbnail(final),
        geometry=found.geometry.matrix,
        manifest=None,
        chroma=chroma(final),
        label=(box.left, box.top, box.width, box.height),
    )
    return final, entry


def suite(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("attack_suite", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def commit() -> str:
    command = ["git", "-C", str(Path(__file__).resolve().parents[1]), "log", "-1", "--format=%h", "--", "provenance"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="of the pictures, for a quick look")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    attacks, key = suite(arguments.suite), Key.generate("ai")
    paths = [path for path in sorted(arguments.images.iterdir()) if path.suffix in (".png", ".jpg")]
    known = [found for path in paths[:: arguments.every] if (found := issued(path, key)) is not None]
    copies, altered, others = Told(), Told(), Counter[str]()
    for number, (picture, entry) in enumerate(known):
        for name in (each for each in attacks.SUITE if each not in BEYOND):
            (altered if name in COVERING else copies).add(name, entry, attacks.apply(name, picture, 0), key)
        stranger = known[(number + 1) % len(known)][0]
        stranger = cv2.resize(stranger, picture.shape[1::-1], interpolation=cv2.INTER_AREA)
        for name, change in ALTERED.items():
            seen = change(picture, np.asarray(stranger, np.uint8), np.random.default_rng([number, len(name)]))
            altered.add(name, entry, seen, key)
            altered.add(f"{name}, then sent (60 %, JPEG 70)", entry, sent(seen), key)
        for other, (seen, theirs) in enumerate(known):
            if other != number:
                Told.put(others, entry, seen, theirs.geometry)
    result = {
        "run": {"commit": commit(), "every": arguments.every, "suite": arguments.suite.name},
        "pictures": len(known),
        "true copies": {name: dict(row) for name, row in copies.rows.items()},
        "altered copies": {name: dict(row) for name, row in altered.rows.items()},
        "other pictures": dict(others),
    }
    text = json.dumps(result, indent=1)
    if arguments.json is not None:
        arguments.json.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
