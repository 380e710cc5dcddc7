# SPDX-License-Identifier: Apache-2.0
"""Pictures drawn for the tests: dark, bright, busy, tall, wide, tiny, and one of 12 megapixels."""

from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Bytes = npt.NDArray[np.uint8]

NAMES = [
    "dark",
    "bright",
    "busy",
    "noise",
    "portrait",
    "panorama",
    "tall",
    "tiny",
    "large",
    "square",
    "grey",
    "white",
    "black",
    "checker",
    "red",
    "sky",
    "story",
    "thumb",
    "hd",
    "split",
]


def clouds(height: int, width: int, seed: int, low: int = 0, high: int = 255) -> Bytes:
    few = np.random.default_rng(seed).integers(low, high + 1, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(few).resize((width, height), Image.Resampling.BICUBIC))


def scene(height: int, width: int, seed: int, shapes: int = 60) -> Bytes:
    """Clouds with discs and boxes before them, slightly grainy as a photograph is."""
    image = Image.fromarray(clouds(height, width, seed))
    draw, random = ImageDraw.Draw(image), np.random.default_rng(seed)
    for _ in range(shapes):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        half = int(random.integers(4, max(5, min(width, height) // 4)))
        colour = tuple(int(v) for v in random.integers(0, 256, 3))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x - half, y - half, x + half, y + half), fill=colour)
    grain = random.normal(0, 2.0, (height, width, 1)).astype(np.float32)
    return np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)


def plain(height: int, width: int, *colour: int) -> Bytes:
    return np.full((height, width, 3), colour, np.uint8)


@cache
def drawn(name: str) -> Bytes:
    down, across = np.mgrid[:600, :800]
    makers = {
        "dark": lambda: clouds(600, 800, 1, 0, 25),
        "bright": lambda: clouds(600, 800, 2, 230, 255),
        "busy": lambda: scene(600, 800, 3),
        "noise": lambda: np.random.default_rng(4).integers(0, 256, (600, 800, 3), np.uint8),
        "portrait": lambda: scene(1200, 675, 5),
        "panorama": lambda: scene(300, 1600, 6),
        "tall": lambda: scene(1600, 400, 16),
        "tiny": lambda: scene(128, 128, 7),
        "large": lambda: scene(3000, 4000, 8),
        "square": lambda: scene(700, 700, 9),
        "grey": lambda: plain(480, 640, 128, 128, 128),
        "white": lambda: plain(480, 640, 255, 255, 255),
        "black": lambda: plain(480, 640, 0, 0, 0),
        "checker": lambda: np.repeat((((across // 7 + down // 7) % 2) * 255).astype(np.uint8)[:, :, None], 3, 2),
        "red": lambda: plain(480, 640, 220, 20, 20),
        "sky": lambda: np.asarray(Image.linear_gradient("L").resize((640, 480)).convert("RGB")),
        "story": lambda: scene(1080, 608, 12),
        "thumb": lambda: scene(160, 240, 13),
        "hd": lambda: scene(1080, 1920, 14),
        "split": lambda: np.concatenate([plain(600, 460, 0, 0, 0), plain(600, 340, 255, 255, 255)], 1),
    }
    return makers[name]()
