# SPDX-License-Identifier: Apache-2.0
"""Screenshots drawn by ourselves: a textured picture in the interfaces in which people meet pictures."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # left, top, width, height


@dataclass(frozen=True)
class Screen:
    """A screenshot and where its picture stands; ``box`` is None where there is none."""

    name: str
    rgb: Pixels
    box: Box | None


def scene(width: int, height: int, seed: int) -> Pixels:
    """A landscape with grain: sky in a gradient, clouds, hills of noise, a few things with hard edges."""
    rng = np.random.default_rng(seed)
    sky = np.linspace(0, 1, height)[:, None, None]
    top, low = rng.integers(20, 240, 3), rng.integers(20, 240, 3)
    out = np.broadcast_to(top * (1 - sky) + low * sky, (height, width, 3)).copy()
    for size, strength in ((4, 26.0), (12, 14.0), (48, 7.0)):
        grid = rng.normal(0, strength, (size, int(size * width / height) + 2, 1)) * rng.uniform(0.6, 1.4, 3)
        out += cv2.resize(grid.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    ground = int(height * rng.uniform(0.45, 0.7))
    out[ground:] = out[ground:] * 0.7 + rng.normal(0, 28, (height - ground, width, 1))
    for _ in range(9):
        x, y = rng.integers(0, width), rng.integers(ground // 2, height)
        colour = [int(c) for c in rng.integers(0, 255, 3)]
        wide, high = rng.integers(width // 30, width // 6), rng.integers(height // 20, height // 4)
        cv2.rectangle(out, (int(x), int(y)), (int(x + wide), int(y + high)), colour, -1)
    out += rng.normal(0, 4, out.shape)
    return np.clip(cv2.GaussianBlur(out, (3, 3), 0.8) + rng.normal(0, 1.5, out.shape), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Look:
    """Colours of one interface."""

    page: str
    bar: str
    card: str
    ink: str
    faint: str
    accent: str


LIGHT = Look("#efe7de", "#075e54", "#ffffff", "#111111", "#8a8f94", "#1d9bf0")
DARK = Look("#0b141a", "#1f2c33", "#202c33", "#e9edef", "#8696a0", "#00a884")
PAPER = Look("#ffffff", "#f7f7f7", "#f2f2f2", "#0f1419", "#536471", "#1d9bf0")
NIGHT = Look("#000000", "#16181c", "#16181c", "#e7e9ea", "#71767b", "#1d9bf0")

Draw = ImageDraw.ImageDraw


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def words(draw: Draw, x: int, y: int, width: int, lines: int, look: Look, size: int) -> int:  # noqa: PLR0917
    """Lines of text; where the next thing may stand."""
    text = "Did you see this? They say it was taken yesterday at the bridge, near the station and the old mill. "
    for number in range(lines):
        shown = (text * 4)[number * 23 :]
        while draw.textlength(shown, font=font(size)) > width:
            shown = shown[:-6]
        draw.text((x, y), shown, fill=look.ink, font=font(size))
        y += int(size * 1.45)
    return y


def status_bar(draw: Draw, width: int, look: Look) -> int:
    high = width // 16
    draw.rectangle((0, 0, width, high), fill=look.bar)
    draw.text(
        (width // 20, high // 4), "14:07", fill="#ffffff" if look.bar == "#075e54" else look.ink, font=font(width // 28)
    )
    for i in range(4):
        draw.rectangle(
            (width * 3 // 4 + i * 11, high - 14 - i * 4, width * 3 // 4 + 7 + i * 11, high - 10), fill=look.faint
        )
    draw.rounded_rectangle((width - 60, high // 3, width - 25, high // 3 + 15), 4, outline=look.faint, width=2)
    return high


def canvas(width: int, height: int, colour: str) -> tuple[Image.Image, Draw]:
    image = Image.new("RGB", (width, height), colour)
    return image, ImageDraw.Draw(image)


def done(name: str, image: Image.Image, box: Box | None, quality: int | None = None) -> Screen:
    if quality is not None:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        image = Image.open(out).convert("RGB")
    return Screen(name, np.asarray(image.convert("RGB")), box)


def put(image: Image.Image, picture: Pixels, left: int, top: int) -> Box:
    image.paste(Image.fromarray(picture), (left, top))
    return left, top, picture.shape[1], picture.shape[0]


def chat(
    name: str, look: Look, seed: int, *, size: tuple[int, int], bars: bool = True, quality: int | None = None
) -> Screen:
    width, height = size
    image, draw = canvas(width, height, look.page)
    y = 0
    if bars:
        y = status_bar(draw, width, look)
        draw.rectangle((0, y, width, y + width // 7), fill=look.bar)
        draw.ellipse((width // 9, y + 20, width // 9 + width // 11, y + 20 + width // 11), fill="#c9a24b")
        draw.text((width // 4, y + width // 22), "Buurtapp", fill="#ffffff", font=font(width // 22))
        y += width // 7
    y += width // 14
    wide, high = int(width * 0.72), int(width * 0.54)
    left, pad = width // 22, width // 90
    caption = int(width * 0.19)
    draw.rounded_rectangle((left, y, left + wide + 2 * pad, y + high + 2 * pad + caption), width // 40, fill=look.card)
    box = put(image, scene(wide, high, seed), left + pad, y + pad)
    words(draw, left + 3 * pad, y + high + 3 * pad, wide - 6 * pad, 2, look, width // 26)
    y += high + caption + width // 9
    for side in (0.35, 0.12, 0.5):
        x, bubble = int(width * side), int(width * 0.45)
        if y + width // 6 > height - (width // 6 if bars else 0):
            break
        draw.rounded_rectangle(
            (x, y, x + bubble, y + width // 7), width // 40, fill="#d9fdd3" if look is LIGHT else "#005c4b"
        )
        words(draw, x + 20, y + 20, bubble - 40, 1, look, width // 27)
        y += width // 5
    if bars:
        draw.rounded_rectangle((20, height - width // 8, int(width * 0.83), height - 20), 50, fill=look.card)
        draw.ellipse((width - width // 8, height - width // 8, width - 20, height - 20), fill=look.accent)
    return done(name, image, box, quality)


def post(
    name: str, look: Look, seed: int, *, size: tuple[int, int], edge_to_edge: bool, quality: int | None = None
) -> Screen:
    width, height = size
    image, draw = canvas(width, height, look.page)
    y = status_bar(draw, width, look) + width // 20
    draw.ellipse((20, y, 20 + width // 10, y + width // 10), fill=look.accent)
    draw.text((30 + width // 10, y), "Nieuws uit de buurt", fill=look.ink, font=font(width // 26))
    draw.text((30 + width // 10, y + width // 20), "@buurt - 3 h", fill=look.faint, font=font(width // 30))
    y = words(draw, 20, y + width // 8, width - 40, 3, look, width // 25) + 15
    left = 0 if edge_to_edge else width // 16
    box = put(image, scene(width - 2 * left, int(width * 0.8), seed), left, y)
    y += int(width * 0.8) + 15
    for i in range(4):
        x = 30 + i * width // 4
        draw.ellipse((x, y, x + 25, y + 25), outline=look.faint, width=3)
        draw.text((x + 33, y), str(137 * (i + 1)), fill=look.faint, font=font(width // 30))
    words(draw, 20, y + 55, width - 40, 4, look, width // 27)
    draw.rectangle((0, height - width // 8, width, height), fill=look.bar)
    return done(name, image, box, quality)


def viewer(name: str, seed: int, *, size: tuple[int, int], ratio: float, bars: bool, colour: str = "#000000") -> Screen:
    width, height = size
    image, draw = canvas(width, height, colour)
    high = int(width * ratio)
    box = put(image, scene(width, high, seed), 0, (height - high) // 2)
    if bars:
        draw.text((60, 40), "14:07", fill="#888888", font=font(width // 28))
        draw.text((width // 5, 140), "Vandaag 13:58", fill="#999999", font=font(width // 26))
        for i in range(3):
            draw.ellipse(
                (width // 6 + i * width // 3, height - 160, width // 6 + i * width // 3 + 60, height - 100),
                outline="#999999",
                width=6,
            )
    return done(name, image, box)


def story(
    name: str, seed: int, *, size: tuple[int, int], ground: str, text: bool, quality: int | None = None
) -> Screen:
    """A story: the picture in the middle, above and below a blurred copy, a gradient or one colour."""
    width, height = size
    left, wide = (0, width) if ground != "gradient" else (width // 16, width - width // 8)
    high = int(wide * 0.75)
    picture = scene(wide, high, seed)
    if ground == "blur":
        image = Image.fromarray(cv2.resize(picture, (width, height))).filter(ImageFilter.GaussianBlur(40))
    elif ground == "gradient":
        ramp = np.linspace(0, 1, height)[:, None, None]
        colours = np.array([200, 60, 120]) * (1 - ramp) + np.array([40, 50, 160]) * ramp
        image = Image.fromarray(np.broadcast_to(colours, (height, width, 3)).astype(np.uint8))
    else:
        image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image)
    box = put(image, picture, left, int(height * 0.36) - high // 3)
    draw.rectangle((20, 24, width - 20, 30), fill="#dddddd")
    if text:
        draw.text((width // 8, int(height * 0.8)), "Kijk dit nou!!", fill="#ffffff", font=font(width // 12))
    return done(name, image, box, quality)


def desktop(
    name: str, look: Look, seed: int, *, size: tuple[int, int], kind: str, quality: int | None = None
) -> Screen:
    width, height = size
    image, draw = canvas(width, height, look.page)
    draw.rectangle((0, 0, width, 74), fill=look.bar)
    draw.rounded_rectangle((180, 40, width - 300, 68), 12, fill=look.card)
    draw.text((200, 44), "https://example.org/nieuws/2026/foto", fill=look.faint, font=font(18))
    for i in range(3):
        draw.rounded_rectangle((60 + i * 210, 6, 250 + i * 210, 36), 8, fill=look.card)
        draw.text((75 + i * 210, 10), "Nieuws uit de buurt", fill=look.ink, font=font(16))
    side = 0
    if kind == "chat":
        side = width // 4
        draw.rectangle((0, 74, side, height), fill=look.card)
        for i in range(8):
            y = 120 + i * 90
            draw.ellipse((20, y, 70, y + 50), fill="#7f8fa6")
            words(draw, 90, y, side - 110, 2, look, 17)
    wide = int((width - side) * (0.62 if kind != "viewer" else 0.8))
    high = int(wide * 0.52)
    left = side + (width - side - wide) // (2 if kind != "article" else 5)
    y = 110 if kind == "viewer" else words(draw, left, 110, wide, 2, look, 34) + 10
    high = min(high, height - y - 60)
    box = put(image, scene(wide, high, seed), left, y)
    words(draw, left, y + high + 12, wide, 3, look, 19)
    if kind == "article":
        words(draw, left + wide + 40, 130, width - left - wide - 80, 14, look, 20)
    return done(name, image, box, quality)


def screens() -> Iterator[Callable[[], Screen]]:
    """Twenty screenshots, drawn when called."""
    tall, wide, small, big = (540, 1170), (1366, 768), (375, 667), (720, 1544)
    yield lambda: chat("chat-light", LIGHT, 1, size=tall)
    yield lambda: chat("chat-dark", DARK, 2, size=tall)
    yield lambda: chat("chat-light-no-bars", LIGHT, 3, size=(540, 750), bars=False)
    yield lambda: chat("chat-dark-jpeg", DARK, 4, size=(585, 1266), quality=80)
    yield lambda: chat("chat-light-small-jpeg", LIGHT, 5, size=small, quality=70)
    yield lambda: post("post-light", PAPER, 6, size=tall, edge_to_edge=False)
    yield lambda: post("post-dark", NIGHT, 7, size=(645, 1398), edge_to_edge=False)
    yield lambda: post("post-light-wide-jpeg", PAPER, 8, size=tall, edge_to_edge=True, quality=75)
    yield lambda: post("post-dark-wide", NIGHT, 9, size=big, edge_to_edge=True)
    yield lambda: viewer("viewer-bars", 10, size=tall, ratio=0.75, bars=True)
    yield lambda: viewer("viewer-plain", 11, size=(590, 1278), ratio=1.2, bars=False)
    yield lambda: viewer("viewer-white", 12, size=small, ratio=0.66, bars=True, colour="#ffffff")
    yield lambda: story("story-blur", 13, size=(720, 1280), ground="blur", text=True)
    yield lambda: story("story-gradient", 14, size=(720, 1280), ground="gradient", text=True)
    yield lambda: story("story-black-jpeg", 15, size=(540, 960), ground="#000000", text=True, quality=80)
    yield lambda: story("story-blur-jpeg", 16, size=(720, 1280), ground="blur", text=False, quality=85)
    yield lambda: desktop("desktop-article-light", PAPER, 17, size=wide, kind="article")
    yield lambda: desktop("desktop-chat-dark", DARK, 18, size=wide, kind="chat")
    yield lambda: desktop("desktop-viewer-dark", NIGHT, 19, size=(1600, 900), kind="viewer")
    yield lambda: desktop("desktop-article-jpeg", PAPER, 20, size=(1366, 768), kind="article", quality=80)
