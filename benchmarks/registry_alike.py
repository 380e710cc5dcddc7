# SPDX-License-Identifier: Apache-2.0
"""Pictures made alike that are not copies, laid on each other: ``benchmarks/registry_alike.py FOLDER [MINUTES]``.

Families: one stage with other people, a form with other names, a template with other text, a screen of one program with
other messages, one frame with other photographs, skies, gradients. FOLDER holds photographs for people and frames.
Every pair is compared, whether or not an index would point at it. Prints JSON.
"""

import io
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from waarmerk.provenance.registry.resemblance import compare, reference_of

Bytes = npt.NDArray[np.uint8]
Random = np.random.Generator
WORDS = [
    "de",
    "kiezer",
    "stemt",
    "morgen",
    "voor",
    "meer",
    "huizen",
    "minder",
    "regels",
    "schone",
    "lucht",
    "betere",
    "zorg",
    "veilige",
    "straten",
    "nieuwe",
    "school",
    "open",
    "brug",
    "hoge",
    "dijk",
    "oude",
    "markt",
    "snelle",
    "trein",
    "groene",
    "stad",
    "eerlijke",
    "prijs",
    "warme",
    "winter",
    "koude",
    "zomer",
    "lange",
    "rij",
    "kort",
    "geding",
]
NAMES = [
    "Bakker",
    "Visser",
    "Mulder",
    "Jansen",
    "Yilmaz",
    "Haddad",
    "Peeters",
    "Hendriks",
    "Vermeulen",
    "Dijkstra",
    "Kuipers",
    "Osman",
    "Claes",
    "Willems",
]


def photographs(folder: Path) -> list[Bytes]:
    found = []
    for path in sorted(folder.iterdir()):
        try:
            with Image.open(path) as image:
                found.append(np.asarray(image.convert("RGB").resize((640, 480))))
        except OSError:
            continue
    return found


def said(random: Random, count: int) -> str:
    return " ".join(random.choice(WORDS, count))


def patch(photos: list[Bytes], random: Random, height: int, width: int) -> Bytes:
    photo = photos[int(random.integers(len(photos)))]
    top, left = int(random.integers(0, 480 - height + 1)), int(random.integers(0, 640 - width + 1))
    return photo[top : top + height, left : left + width]


def stage(photos: list[Bytes], family: int, random: Random) -> Bytes:
    picture = photos[family % len(photos)].copy()
    mask = np.zeros((300, 220), np.uint8)
    cv2.ellipse(mask, (110, 70), (52, 66), 0, 0, 360, 255, -1)
    cv2.ellipse(mask, (110, 270), (105, 150), 0, 0, 360, 255, -1)
    picture[150:450, 210:430][mask > 0] = patch(photos, random, 300, 220)[mask > 0]
    picture[420:480, 180:460] = (120, 80, 40)
    return picture


def form(_photos: list[Bytes], family: int, random: Random) -> Bytes:
    image = Image.new("RGB", (600, 800), "white")
    draw, shown = ImageDraw.Draw(image), random.choice(NAMES, 7)
    draw.text((40, 20), f"Stembiljet {family}", font_size=38, fill="black")
    for row, name in enumerate(shown):
        draw.rectangle((40, 90 + 98 * row, 560, 160 + 98 * row), outline="black", width=3)
        draw.ellipse((52, 102 + 98 * row, 98, 148 + 98 * row), outline="red", width=3)
        draw.text((120, 104 + 98 * row), name, font_size=36, fill="black")
    return np.asarray(image)


def template(photos: list[Bytes], family: int, random: Random) -> Bytes:
    image = Image.fromarray(photos[family % len(photos)].copy())
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 90, 580, 420), fill=(250, 250, 250))
    for line in range(5):
        draw.text((84, 110 + 58 * line), said(random, 4), font_size=32, fill="black")
    return np.asarray(image)


def screen(_photos: list[Bytes], family: int, random: Random) -> Bytes:
    dark = family % 2
    image = Image.new("RGB", (480, 800), (18, 27, 34) if dark else (236, 229, 221))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 480, 70), fill=(32, 44, 51) if dark else (7, 94, 84))
    draw.text((70, 20), str(random.choice(NAMES)), font_size=28, fill="white")
    for row in range(6):
        left = 20 if random.random() < 0.5 else 110
        fill = ((32, 44, 51), (0, 92, 75)) if dark else ((255, 255, 255), (220, 248, 198))
        draw.rounded_rectangle((left, 90 + 110 * row, left + 350, 180 + 110 * row), 14, fill=fill[left > 20])
        for line in range(2):
            text = said(random, 4)
            draw.text((left + 14, 98 + 110 * row + 36 * line), text, font_size=24, fill="white" if dark else "black")
    return np.asarray(image)


def frame(photos: list[Bytes], family: int, random: Random) -> Bytes:
    picture = np.full((520, 680, 3), (20 + 30 * (family % 7), 60, 140), np.uint8)
    picture[20:440, 20:660] = cv2.resize(patch(photos, random, 315, 480), (640, 420))
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    draw.ellipse((30, 450, 90, 510), fill="white")
    draw.text((110, 456), f"PARTIJ {family}", font_size=44, fill="white")
    return np.asarray(image)


def sky(_photos: list[Bytes], _family: int, random: Random) -> Bytes:
    clouds = cv2.GaussianBlur(random.normal(0, 1, (480, 640)).astype(np.float32), (0, 0), float(random.uniform(8, 40)))
    light = np.linspace(230, 120, 480)[:, None] + np.clip(clouds / clouds.std() * 14, 0, 70)
    return np.clip(light[:, :, None] + np.array([-40, -10, 20]), 0, 255).astype(np.uint8)


def gradient(_photos: list[Bytes], _family: int, random: Random) -> Bytes:
    few = random.integers(0, 256, (2, 2, 3), np.uint8)
    return np.asarray(Image.fromarray(few).resize((640, 480), Image.Resampling.BICUBIC))


FAMILIES: dict[str, Callable[[list[Bytes], int, Random], Bytes]] = {
    "same stage, other person": stage,
    "same form, other names": form,
    "same template, other text": template,
    "same program, other messages": screen,
    "same frame, other photograph": frame,
    "skies": sky,
    "gradients": gradient,
}


def jpeg(picture: Bytes, quality: int) -> Bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def main() -> None:
    photos, limit = photographs(Path(sys.argv[1])), float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    cv2.setNumThreads(1)
    end, tried, wrong = time.monotonic() + 60 * limit, Counter[str](), Counter[str]()
    family = 0
    while time.monotonic() < end:
        for name, make in FAMILIES.items():
            random = np.random.default_rng([family, len(name)])
            pictures = [make(photos, family, random) for _ in range(3)]
            kept = [reference_of(picture) for picture in pictures]
            for one, other in ((0, 1), (1, 2), (2, 0)):
                tried[name] += 1
                wrong[name] += compare(kept[one], jpeg(pictures[other], 75)).verified
        family += 1
        print(family, sum(tried.values()), {k: v for k, v in wrong.items() if v}, file=sys.stderr, flush=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    report = {
        "command": "python benchmarks/registry_alike.py " + " ".join(["FOLDER", *sys.argv[2:]]),
        "commit": commit.strip(),
        "pairs": sum(tried.values()),
        "confirmed": sum(wrong.values()),
        "families": {name: {"pairs": tried[name], "confirmed": wrong[name]} for name in FAMILIES},
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
