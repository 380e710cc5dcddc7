# SPDX-License-Identifier: Apache-2.0
"""Pictures for the benchmarks of the registry: families made alike (one template, other content), drawn by code.

A maker takes photographs, the number of the family and a generator: the same arguments, the same picture. Two pictures
of one family share what the family shares and nothing else.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

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


class Photos(NamedTuple):
    """480 x 640 x 3 each: ``grounds`` are shared by a family, ``shown`` are cut into people and contents."""

    grounds: list[Bytes]
    shown: list[Bytes]


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


def patch(photos: Photos, random: Random, height: int, width: int) -> Bytes:
    photo = photos.shown[int(random.integers(len(photos.shown)))]
    top, left = int(random.integers(0, 480 - height + 1)), int(random.integers(0, 640 - width + 1))
    return photo[top : top + height, left : left + width]


def stage(photos: Photos, family: int, random: Random) -> Bytes:
    picture = photos.grounds[family % len(photos.grounds)].copy()
    mask = np.zeros((300, 220), np.uint8)
    cv2.ellipse(mask, (110, 70), (52, 66), 0, 0, 360, 255, -1)
    cv2.ellipse(mask, (110, 270), (105, 150), 0, 0, 360, 255, -1)
    picture[150:450, 210:430][mask > 0] = patch(photos, random, 300, 220)[mask > 0]
    picture[420:480, 180:460] = (120, 80, 40)
    return picture


def form(_photos: Photos, family: int, random: Random) -> Bytes:
    image = Image.new("RGB", (600, 800), "white")
    draw, shown = ImageDraw.Draw(image), random.choice(NAMES, 7)
    draw.text((40, 20), f"Stembiljet {family}", font_size=38, fill="black")
    for row, name in enumerate(shown):
        draw.rectangle((40, 90 + 98 * row, 560, 160 + 98 * row), outline="black", width=3)
        draw.ellipse((52, 102 + 98 * row, 98, 148 + 98 * row), outline="red", width=3)
        draw.text((120, 104 + 98 * row), name, font_size=36, fill="black")
    return np.asarray(image)


def template(photos: Photos, family: int, random: Random) -> Bytes:
    image = Image.fromarray(photos.grounds[family % len(photos.grounds)].copy())
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 90, 580, 420), fill=(250, 250, 250))
    for line in range(5):
        draw.text((84, 110 + 58 * line), said(random, 4), font_size=32, fill="black")
    return np.asarray(image)


def screen(_photos: Photos, family: int, random: Random) -> Bytes:
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


def frame(photos: Photos, family: int, random: Random) -> Bytes:
    picture = np.full((520, 680, 3), (20 + 30 * (family % 7), 60, 140), np.uint8)
    picture[20:440, 20:660] = cv2.resize(patch(photos, random, 315, 480), (640, 420))
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    draw.ellipse((30, 450, 90, 510), fill="white")
    draw.text((110, 456), f"PARTIJ {family}", font_size=44, fill="white")
    return np.asarray(image)


def sky(_photos: Photos, _family: int, random: Random) -> Bytes:
    clouds = cv2.GaussianBlur(random.normal(0, 1, (480, 640)).astype(np.float32), (0, 0), float(random.uniform(8, 40)))
    light = np.linspace(230, 120, 480)[:, None] + np.clip(clouds / clouds.std() * 14, 0, 70)
    return np.clip(light[:, :, None] + np.array([-40, -10, 20]), 0, 255).astype(np.uint8)


def gradient(_photos: Photos, _family: int, random: Random) -> Bytes:
    few = random.integers(0, 256, (2, 2, 3), np.uint8)
    return np.asarray(Image.fromarray(few).resize((640, 480), Image.Resampling.BICUBIC))


def meme(photos: Photos, family: int, random: Random) -> Bytes:
    """One picture under other captions, above and below, a third of the whole."""
    picture = cv2.resize(photos.grounds[family % len(photos.grounds)], (640, 400))
    image = Image.fromarray(np.pad(picture, ((110, 110), (0, 0), (0, 0)), constant_values=0))
    draw = ImageDraw.Draw(image)
    for top in (16, 526):
        draw.text((20, top), said(random, 4).upper(), font_size=34, fill="white")
        draw.text((20, top + 42), said(random, 4).upper(), font_size=34, fill="white")
    return np.asarray(image)


def poster(photos: Photos, family: int, random: Random) -> Bytes:
    """One poster with another number in large letters on its picture."""
    image = Image.fromarray(photos.grounds[family % len(photos.grounds)].copy())
    draw, below = ImageDraw.Draw(image), np.random.default_rng([family, 79])
    dark = bool(np.asarray(image.convert("L")).mean() > 128)
    for line, (text, size) in enumerate((("KORTING", 60), (f"{random.integers(10, 100)}%", 96), (said(below, 2), 48))):
        draw.text((50, 70 + 105 * line), text, font_size=size, fill=(20, 20, 30) if dark else (250, 250, 245))
    return np.asarray(image)


def country(_photos: Photos, family: int, random: Random) -> Bytes:
    """One map with other data: the same borders, other colours and numbers."""
    borders = np.random.default_rng([family, 77])
    seeds = borders.uniform((0, 0), (640, 480), (28, 2))
    y, x = np.mgrid[0:480, 0:640]
    nearest = np.argmin((x[..., None] - seeds[:, 0]) ** 2 + (y[..., None] - seeds[:, 1]) ** 2, axis=-1)
    shades = np.array([(240, 249, 232), (186, 228, 188), (123, 204, 196), (67, 162, 202), (8, 104, 172)], np.uint8)
    picture = shades[random.integers(0, len(shades), len(seeds))][nearest]
    edge = (nearest != np.roll(nearest, 1, 0)) | (nearest != np.roll(nearest, 1, 1))
    picture[edge] = 60
    image = Image.fromarray(picture)
    for across, down in seeds:
        ImageDraw.Draw(image).text((across - 14, down - 9), f"{random.uniform(1, 60):.1f}", font_size=17, fill="black")
    return np.asarray(image)


def parties(_photos: Photos, family: int, random: Random) -> Bytes:
    """One map of who won where: the same borders and names, other colours of about the same light."""
    borders = np.random.default_rng([family, 78])
    seeds = borders.uniform((0, 0), (640, 480), (28, 2))
    y, x = np.mgrid[0:480, 0:640]
    nearest = np.argmin((x[..., None] - seeds[:, 0]) ** 2 + (y[..., None] - seeds[:, 1]) ** 2, axis=-1)
    colours = np.array([(214, 96, 96), (64, 148, 220), (60, 164, 88), (176, 112, 190), (190, 128, 30)], np.uint8)
    picture = colours[random.integers(0, len(colours), len(seeds))][nearest]
    edge = (nearest != np.roll(nearest, 1, 0)) | (nearest != np.roll(nearest, 1, 1))
    picture[edge] = 250
    image = Image.fromarray(picture)
    for (across, down), name in zip(seeds, borders.choice(NAMES, len(seeds)), strict=True):
        ImageDraw.Draw(image).text((across - 24, down - 9), str(name), font_size=15, fill="black")
    return np.asarray(image)


def poll(_photos: Photos, family: int, random: Random) -> Bytes:
    """One chart with other numbers."""
    image = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(image)
    draw.text((30, 16), f"Peiling week {family}", font_size=32, fill="black")
    for column in range(8):
        left, height = 50 + 72 * column, int(random.integers(30, 330))
        fill = tuple(int(v) for v in np.random.default_rng([family, column]).integers(20, 230, 3))
        draw.rectangle((left, 430 - height, left + 46, 430), fill=fill)
        draw.text((left + 4, 400 - height), str(height // 10), font_size=24, fill="black")
        draw.text((left + 6, 436), NAMES[column][:4], font_size=20, fill="black")
    return np.asarray(image)


def page(_photos: Photos, family: int, random: Random) -> Bytes:
    """A printed page: one head, other text."""
    image = Image.new("RGB", (600, 800), (252, 251, 247))
    draw = ImageDraw.Draw(image)
    draw.text((40, 24), f"De Courant {family}", font_size=44, fill="black")
    draw.line((40, 86, 560, 86), fill="black", width=3)
    draw.text((40, 100), said(random, 4), font_size=30, fill="black")
    for column in (40, 310):
        for line in range(26):
            draw.text((column, 150 + 24 * line), said(random, 4)[:28], font_size=17, fill=(30, 30, 30))
    return np.asarray(image)


def scene(_photos: Photos, _family: int, random: Random) -> Bytes:
    """Clouds of colour with discs and boxes before them, a little grain."""
    few = random.integers(0, 256, (6, 6, 3), np.uint8)
    image = Image.fromarray(few).resize((640, 480), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(8, 60))):
        x, y, half = int(random.integers(0, 640)), int(random.integers(0, 480)), int(random.integers(4, 110))
        colour = tuple(int(v) for v in random.integers(0, 256, 3))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x - half, y - half, x + half, y + half), fill=colour)
    grain = random.normal(0, 2.0, (480, 640, 1))
    return np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)


FAMILIES: dict[str, Callable[[Photos, int, Random], Bytes]] = {
    "same stage, other person": stage,
    "same form, other names": form,
    "same template, other text": template,
    "same program, other messages": screen,
    "same frame, other photograph": frame,
    "same picture of a meme, other captions": meme,
    "same poster, another number": poster,
    "same map, other data": country,
    "same map, other parties": parties,
    "same chart, other numbers": poll,
    "same head of a page, other text": page,
    "skies": sky,
    "gradients": gradient,
}
