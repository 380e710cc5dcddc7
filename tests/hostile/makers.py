# SPDX-License-Identifier: Apache-2.0
"""Files made to exhaust whoever reads them, each from a few lines, none from anywhere else.

Most are small and state or unpack to something large; the others lie just within the limits, where the limits no
longer help and only the work itself is bounded.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import repeat

import numpy as np
from PIL import Image

Maker = Callable[[], bytes]
_PACKET = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def saved(picture: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def small(form: str, **options: object) -> bytes:
    return saved(Image.linear_gradient("L").convert("RGB"), form, **options)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed(rows: Iterator[bytes]) -> bytes:
    press = zlib.compressobj(9)
    return b"".join(map(press.compress, rows)) + press.flush()


def png(side: int, *, bits: int, colour: int, channels: int, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """A picture of nothing but zeros, ``side`` x ``side``."""
    passes = ((8, 8), (8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2)) if interlaced else ((1, 1),)
    rows = (
        row
        for across, down in passes
        for row in repeat(b"\0" + bytes((side // across * channels * bits + 7) // 8), side // down)
    )
    head = struct.pack(">IIBBBBB", side, side, bits, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", packed(rows)) + chunk(b"IEND", b"")


def png_with(extra: bytes) -> bytes:
    """A small sound picture with chunks between its header and its pixels."""
    made = small("PNG")
    return made[:33] + extra + made[33:]


def webp_header(side: int) -> bytes:
    size = (side - 1) | (side - 1) << 14
    body = b"WEBPVP8L" + struct.pack("<I", 6) + b"\x2f" + struct.pack("<I", size) + b"\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif_stating(side: int) -> bytes:
    made = bytearray(small("AVIF"))
    at = made.index(b"ispe") + 8
    made[at : at + 8] = struct.pack(">II", side, side)
    return bytes(made)


def gif(side: int, frames: int) -> bytes:
    screen = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\0"
    return screen + frame * frames + b"\x3b"


def whole_gif(side: int, frames: int) -> bytes:
    """Every frame is there, and the same."""
    made = saved(Image.new("L", (side, side), 128), "GIF")
    first = 13 + 3 * 2 ** ((made[10] & 7) + 1)  # behind the screen and its palette
    return made[:first] + made[first:-1] * frames + made[-1:]


def apng(side: int, frames: int) -> bytes:
    """Each frame states that it is whole, and holds one byte of it."""
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    whole = packed(repeat(b"\0" + bytes(side), side))
    parts = [chunk(b"IHDR", head), chunk(b"acTL", struct.pack(">II", frames, 0))]
    for number in range(frames):
        control = struct.pack(">IIIIIHHBB", max(0, 2 * number - 1), side, side, 0, 0, 1, 10, 0, 0)
        parts.append(chunk(b"fcTL", control))
        parts.append(
            chunk(b"IDAT", whole) if number == 0 else chunk(b"fdAT", struct.pack(">I", 2 * number) + whole[:64])
        )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def moving_webp(side: int, frames: int) -> bytes:
    first = Image.new("RGB", (side, side))
    others = [Image.new("RGB", (side, side), (number % 256, 0, 0)) for number in range(1, frames)]
    return saved(first, "WEBP", save_all=True, append_images=others, lossless=True, method=0)


def clear_webp(side: int) -> bytes:
    return saved(Image.new("RGBA", (side, side), (9, 9, 9, 99)), "WEBP", lossless=True, method=0)


def grainy_avif(side: int) -> bytes:
    """Of the forms that Pillow writes the one that takes most to decode: alpha, whole colour, and film grain."""
    whole = Image.new("RGBA", (side, side), (120, 130, 140, 77))
    return saved(whole, "AVIF", speed=10, subsampling="4:4:4", advanced={"film-grain-test": "1"})


def tiff_in_one_strip(side: int) -> bytes:
    whole = Image.new("RGBA", (side, side), (1, 2, 3, 77))
    return saved(whole, "TIFF", compression="tiff_lzw", tiffinfo={278: side})


def jpeg_with(segments: bytes) -> bytes:
    made = small("JPEG")
    return made[:2] + segments + made[2:]


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def xmp_segment(packet: str) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet.encode())


def scans(side: int, count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each costs a walk over the whole picture."""
    made = saved(Image.new("L", (side, side), 128), "JPEG", progressive=True, quality=50)
    last = made.rindex(b"\xff\xda")
    return made[:last] + made[last:-2] * count + b"\xff\xd9"


def laughs() -> str:
    """Entities that double ten at a time, before anything that is read."""
    names = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "lol">{"".join(names)}]>'


def svg(body: str) -> bytes:
    return f'{laughs()}<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{body}</svg>'.encode()


def tiff_of_directories(count: int) -> bytes:
    """Directories that lead on, the last back to the first."""
    entry = struct.pack("<HHII", 0x0100, 3, 1, 10)
    body = b"".join(
        struct.pack("<H", 1) + entry + struct.pack("<I", 8 + 18 * ((number + 1) % count)) for number in range(count)
    )
    return b"II*\0" + struct.pack("<I", 8) + body


def box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, name) + data


def jumbf(depth: int) -> bytes:
    """A store of boxes in boxes, in a JPEG."""
    made = b""
    for _ in range(depth):
        made = box(b"jumb", box(b"jumd", b"c2ma\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03x\0") + made)
    pieces = [made[at : at + 60_000] for at in range(0, len(made), 60_000)]
    return jpeg_with(
        b"".join(
            segment(0xEB, b"JP\0\1" + struct.pack(">I", number) + (made[:8] if number > 1 else b"") + piece)
            for number, piece in enumerate(pieces, 1)
        )
    )


def noise(side: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (side, side, 3)).astype(np.uint8))


# What states more than it is: refused or bounded by what the header says, before anything is decoded.
LIARS: dict[str, Maker] = {
    "webp-16383.webp": lambda: webp_header(16383),
    "avif-16000.avif": lambda: avif_stating(16000),
    "png-30000.png": lambda: png(30_000, bits=1, colour=0, channels=1),
    "gif-7000-frames.gif": lambda: gif(10_000, 7_000),
    "apng-2000-frames.png": lambda: apng(4_000, 2_000),
    "text-180-mib.png": lambda: png_with(chunk(b"zTXt", b"parameters\0\0" + packed(repeat(bytes(2**20), 180)))),
    "profile-180-mib.png": lambda: png_with(chunk(b"iCCP", b"p\0\0" + packed(repeat(bytes(2**20), 180)))),
    "chunks-300000.png": lambda: png_with(chunk(b"tEXt", b"a\0b") * 300_000),
    "texts-3000.png": lambda: png_with(chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(b"<" * 2**18)) * 3_000),
    "comments-100000.jpg": lambda: jpeg_with(segment(0xFE, b"x") * 100_000),
    "laughs.jpg": lambda: jpeg_with(xmp_segment(laughs() + _PACKET.format("&e9;"))),
    "deep.jpg": lambda: jpeg_with(xmp_segment(_PACKET.format("<rdf:Description>" * 2_000))),
    "laughs.svg": lambda: svg("<text>&e9;</text>"),
    "deep.svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg">' + b"<g>" * 500_000,
    "directories.tif": lambda: tiff_of_directories(100_000),
    "boxes-in-boxes.jpg": lambda: jumbf(5_000),
    "boxes-1000000.avif": lambda: small("AVIF") + box(b"free", b"") * 1_000_000,
    "avif-50-mpx.avif": lambda: saved(Image.new("RGB", (7_000, 7_000), "grey"), "AVIF", speed=10),
    "webp-50-mpx.webp": lambda: clear_webp(7_000),
}
# As large as the limits let through, in the forms that cost most for their size.
LARGE: dict[str, Maker] = {
    "png-50-mpx-rgba.png": lambda: png(7_000, bits=8, colour=6, channels=4),
    "png-50-mpx-sixteen-bits.png": lambda: png(7_000, bits=16, colour=6, channels=4),
    "png-50-mpx-interlaced.png": lambda: png(7_000, bits=8, colour=6, channels=4, interlaced=True),
    "jpeg-50-mpx.jpg": lambda: saved(noise(1_750).resize((7_000, 7_000)), "JPEG", quality=90),
    "jpeg-300-scans.jpg": lambda: scans(7_000, 300),
    "tiff-50-mpx-cmyk.tif": lambda: saved(Image.new("CMYK", (7_000, 7_000)), "TIFF", compression="tiff_lzw"),
    "gif-300-frames.gif": lambda: whole_gif(1_290, 300),
    "tiff-50-mpx-one-strip.tif": lambda: tiff_in_one_strip(7_000),
    "webp-19-frames.webp": lambda: moving_webp(5_100, 19),
    "webp-26-mpx.webp": lambda: clear_webp(5_100),
    "avif-16-mpx-grain.avif": lambda: grainy_avif(4_050),
}
