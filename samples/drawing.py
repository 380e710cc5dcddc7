# SPDX-License-Identifier: Apache-2.0
"""The pictures of the samples, drawn by code from fixed seeds: a canal, a mill in tulips, a telephone's screen."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH, HEIGHT = 640, 480
SCALE = 2  # drawn at twice the size and shrunk, so that edges look as a lens draws them
Colour = tuple[int, int, int]


def _noise(shape: tuple[int, int], cells: int, seed: int) -> np.ndarray:
    """Soft noise in 0..1 of the given size: a small random grid, enlarged."""
    grid = np.random.default_rng(seed).random((cells, cells)).astype(np.float32)
    large: np.ndarray = np.asarray(Image.fromarray(grid).resize(shape[::-1], Image.Resampling.BICUBIC)).clip(0, 1)
    return large


def _clouds(shape: tuple[int, int], seed: int) -> np.ndarray:
    layers = [_noise(shape, 4 << octave, seed + octave) / 2**octave for octave in range(5)]
    total = np.sum(layers, axis=0) / sum(1 / 2**octave for octave in range(5))
    return ((total - 0.48) * 4).clip(0, 1)


def _sky(shape: tuple[int, int], top: Colour, low: Colour, cloud: Colour, seed: int) -> np.ndarray:
    down = np.linspace(0, 1, shape[0])[:, None, None]
    clear = np.array(top) * (1 - down) + np.array(low) * down
    cover = _clouds(shape, seed)[:, :, None] * (1 - 0.5 * down)
    return clear * (1 - cover) + np.array(cloud) * cover


def _finish(pixels: np.ndarray, *, grain: float, seed: int) -> Image.Image:
    """Shrink, soften the corners' light and add the grain of a sensor."""
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    values = np.asarray(image).astype(np.float32)
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    values *= (1 - 0.16 * (x * x + y * y))[:, :, None]
    values += np.random.default_rng(seed).normal(0, grain, values.shape)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _house(draw: ImageDraw.ImageDraw, left: int, right: int, base: int, rng: np.random.Generator) -> None:
    """One house: brick front, gable, rows of windows, a door."""
    brick = tuple(int(v) for v in np.array(((118, 62, 48), (92, 70, 58), (140, 92, 70), (74, 56, 54))[rng.integers(4)]))
    roof = base - int(rng.integers(330, 430))
    middle, wide = (left + right) // 2, right - left
    draw.rectangle((left, roof, right, base), fill=brick)
    gable = int(rng.integers(40, 80))
    steps = (
        [(left, roof), (middle, roof - gable), (right, roof)]
        if rng.random() < 0.5
        else [
            (left, roof),
            (left + wide // 4, roof),
            (left + wide // 4, roof - gable),
            (right - wide // 4, roof - gable),
            (right - wide // 4, roof),
            (right, roof),
        ]
    )
    draw.polygon(steps, fill=brick)
    draw.line(steps, fill=(226, 220, 206), width=5)
    draw.line(((left, roof), (left, base)), fill=(52, 40, 36), width=2)
    columns = 2 if wide < 150 else 3
    for row in range(4):
        for column in range(columns):
            x = left + wide * (column + 1) // (columns + 1)
            y = roof + 40 + row * 78
            if y + 60 > base - 70:
                continue
            lit = rng.random() < 0.25
            draw.rectangle((x - 20, y - 2, x + 20, y + 54), fill=(232, 228, 216))
            draw.rectangle((x - 16, y + 2, x + 16, y + 50), fill=(238, 206, 130) if lit else (58, 70, 84))
            draw.line(((x, y), (x, y + 52)), fill=(232, 228, 216), width=3)
            draw.line(((x - 16, y + 24), (x + 16, y + 24)), fill=(232, 228, 216), width=3)
    door = left + wide // 3
    green = (36, 66, 54) if rng.random() < 0.5 else (110, 30, 34)
    draw.rectangle((door - 18, base - 66, door + 18, base), fill=green, outline=(226, 220, 206), width=4)


def _tree(image: Image.Image, x: int, base: int, rng: np.random.Generator) -> None:
    draw = ImageDraw.Draw(image)
    draw.polygon(((x - 8, base), (x + 8, base), (x + 4, base - 150), (x - 4, base - 150)), fill=(58, 46, 38))
    for _ in range(260):
        angle, away = rng.random() * 6.283, abs(rng.normal(0, 48))
        cx, cy, size = x + away * np.cos(angle), base - 190 + 0.8 * away * np.sin(angle), rng.integers(6, 15)
        tint = int(rng.integers(-18, 26))
        draw.ellipse((cx - size, cy - size, cx + size, cy + size), fill=(70 + tint, 92 + tint, 44 + tint // 2))


def canal(seed: int = 7, *, boat_at: int = 760) -> Image.Image:
    """A row of houses on a canal, with their reflection and a boat that passes."""
    rng = np.random.default_rng(seed)
    wide, high, quay = WIDTH * SCALE, HEIGHT * SCALE, 600
    image = Image.fromarray(
        _sky((high, wide), (120, 146, 178), (206, 212, 214), (238, 238, 236), seed).astype(np.uint8)
    )
    draw = ImageDraw.Draw(image)
    left = -30
    while left < wide:
        right = left + int(rng.integers(120, 190))
        _house(draw, left, right, quay - 40, rng)
        left = right
    draw.rectangle((0, quay - 40, wide, quay - 24), fill=(150, 142, 130))
    draw.rectangle((0, quay - 24, wide, quay + 6), fill=(84, 76, 70))
    for x in (180, 620, 1060):
        _tree(image, x, quay - 30, rng)
    pixels = np.asarray(image).astype(np.float32).copy()
    pixels[quay + 6 :] = _reflection(pixels, quay + 6, high, seed)
    boat = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(boat)
    x = boat_at
    draw.polygon(((x, 742), (x + 360, 742), (x + 320, 800), (x + 40, 800)), fill=(34, 48, 66))
    draw.polygon(((x + 80, 742), (x + 270, 742), (x + 252, 702), (x + 96, 702)), fill=(226, 222, 210))
    for window in range(x + 106, x + 240, 36):
        draw.rectangle((window, 710, window + 24, 730), fill=(60, 76, 92))
    draw.line(((x, 742), (x + 360, 742)), fill=(206, 176, 90), width=5)
    return _finish(np.asarray(boat).astype(np.float32), grain=3.2, seed=seed)


def _reflection(pixels: np.ndarray, line: int, high: int, seed: int) -> np.ndarray:
    """The picture above the water line turned over, moved sideways by ripples, darker and greener."""
    depth = high - line
    source = pixels[line - depth : line][::-1]
    rows = np.arange(depth)
    shift = (3 + rows / 26) * np.sin(rows / 3.1 + 5 * _noise((depth, 1), 9, seed)[:, 0])
    columns = (np.arange(pixels.shape[1])[None, :] + shift[:, None].astype(int)) % pixels.shape[1]
    mirrored = source[rows[:, None], columns]
    blurred = Image.fromarray(mirrored.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2.4))
    water: np.ndarray = np.asarray(blurred).astype(np.float32) * 0.62 + np.array((14, 26, 24))
    return water


def balloon(picture: Image.Image) -> Image.Image:
    """The same picture with a balloon in the sky that was not there."""
    wide = picture.resize((WIDTH * SCALE, HEIGHT * SCALE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(wide)
    x, y, r = 300, 112, 76
    for stripe in range(6):
        turn = 1 - stripe / 6
        tone = (206, 60, 44) if stripe % 2 else (240, 206, 84)
        draw.ellipse((x - r * turn, y - r, x + r * turn, y + r), fill=tone)
    draw.polygon(((x - 40, y + 62), (x + 40, y + 62), (x + 12, y + 112), (x - 12, y + 112)), fill=(182, 46, 36))
    draw.rectangle((x - 12, y + 122, x + 12, y + 142), fill=(108, 76, 44))
    for side in (-10, 10):
        draw.line(((x + side, y + 108), (x + side, y + 126)), fill=(60, 48, 40), width=2)
    return wide.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def without_boat(picture: Image.Image) -> Image.Image:
    """The canal with the boat painted out: water from beside it, turned over, with soft edges."""
    left, top, right, bottom = 372, 344, 568, 404
    water = picture.crop((left - 200, top, right - 200, bottom)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mask = Image.new("L", water.size, 0)
    ImageDraw.Draw(mask).rectangle((8, 6, water.width - 8, water.height - 6), fill=255)
    changed = picture.copy()
    changed.paste(water, (left, top), mask.filter(ImageFilter.GaussianBlur(4)))
    return changed


def mill(seed: int = 21) -> Image.Image:
    """A mill behind rows of tulips at an impossible sunset: what a generator likes to make."""
    rng = np.random.default_rng(seed)
    wide, high, horizon = WIDTH * SCALE, HEIGHT * SCALE, 520
    image = Image.fromarray(
        _sky((high, wide), (58, 40, 110), (255, 150, 84), (255, 196, 150), seed).clip(0, 255).astype(np.uint8)
    )
    draw = ImageDraw.Draw(image)
    draw.ellipse((150, 380, 350, 580), fill=(255, 226, 150))
    draw.rectangle((0, horizon, wide, high), fill=(44, 70, 40))
    for row in range(24):
        y = horizon + 6 + row * row * 3 // 4
        tone = ((214, 40, 60), (250, 190, 40), (180, 60, 160), (250, 120, 60))[row % 4]
        size = 2 + row // 2
        for x in range(-size, wide + size, 3 + size):
            dx, dy = rng.integers(-size, size + 1, 2) // 2
            shade = tuple(int(c + rng.integers(-24, 24)) for c in tone)
            draw.ellipse((x + dx - size, y + dy - size, x + dx + size, y + dy + size * 2), fill=shade)
    draw.polygon(((820, 540), (960, 540), (930, 290), (850, 290)), fill=(60, 42, 44))
    draw.pieslice((840, 250, 940, 340), 180, 360, fill=(40, 28, 34))
    for turn in (0.35, 1.92, 3.49, 5.06):
        dx, dy = np.cos(turn), np.sin(turn)
        tip = (890 + 230 * dx, 290 + 230 * dy)
        draw.line(((890, 290), tip), fill=(36, 24, 28), width=8)
        side = (-dy * 34, dx * 34)
        start = (890 + 60 * dx, 290 + 60 * dy)
        sail = (start, tip, (tip[0] + side[0], tip[1] + side[1]), (start[0] + side[0], start[1] + side[1]))
        draw.polygon(sail, fill=(226, 196, 170), outline=(60, 40, 40))
    glow = image.filter(ImageFilter.GaussianBlur(14))
    return _finish(np.asarray(Image.blend(image, glow, 0.28)).astype(np.float32), grain=0.6, seed=seed)


def phone_screen(picture: Image.Image) -> Image.Image:
    """A telephone's screen with the picture in a message: status bar, bubble, caption, field to write in."""
    screen = Image.new("RGB", (540, 960), (229, 221, 213))
    draw = ImageDraw.Draw(screen)
    small, plain = ImageFont.load_default(17), ImageFont.load_default(20)
    draw.rectangle((0, 0, 540, 104), fill=(18, 94, 84))
    draw.text((20, 8), "14:07", font=small, fill=(240, 246, 244))
    for step in range(4):
        draw.rectangle((404 + step * 9, 24 - step * 4, 409 + step * 9, 26), fill=(240, 246, 244))
    draw.rounded_rectangle((458, 11, 500, 27), 4, outline=(240, 246, 244), width=2)
    draw.rectangle((461, 14, 488, 24), fill=(240, 246, 244))
    draw.line(((34, 70), (22, 60), (34, 50)), fill=(255, 255, 255), width=3)
    draw.ellipse((52, 40, 92, 80), fill=(206, 176, 90))
    draw.text((106, 48), "Buurtapp", font=plain, fill=(255, 255, 255))
    draw.rounded_rectangle((26, 168, 470, 596), 16, fill=(255, 255, 255))
    draw.text((44, 178), "Joris", font=small, fill=(160, 70, 30))
    screen.paste(picture.resize((420, 315), Image.Resampling.BICUBIC), (38, 206))
    draw.text((44, 530), "Kijk wat een lucht, gisteravond bij ons!", font=plain, fill=(30, 30, 30))
    draw.text((408, 568), "14:02", font=small, fill=(130, 130, 130))
    draw.rounded_rectangle((250, 622, 516, 686), 16, fill=(220, 248, 198))
    draw.text((268, 634), "Wauw, is dit echt?", font=plain, fill=(30, 30, 30))
    draw.text((446, 660), "14:06", font=small, fill=(110, 130, 100))
    draw.rounded_rectangle((18, 892, 456, 942), 24, fill=(255, 255, 255))
    draw.text((44, 906), "Bericht", font=plain, fill=(150, 150, 150))
    draw.ellipse((470, 890, 522, 942), fill=(18, 140, 126))
    return screen
