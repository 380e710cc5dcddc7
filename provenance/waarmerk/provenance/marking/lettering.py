# SPDX-License-Identifier: Apache-2.0
"""Letters for the visible label: the font, the order of writing, and whether the font has the letters at all."""

import unicodedata
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont, features

from waarmerk.provenance.errors import ConfigurationError

_FONT_PACKAGE, _FONT_FILE = "font_source_sans_pro", "files/SourceSansPro-Semibold.ttf"  # SIL Open Font License 1.1
_JOINED = ("ARABIC", "SYRIAC", "MANDAIC", "N'KO", "THAANA")  # scripts whose letters change shape beside each other
_NO_LETTER = "\U0010fffe"  # a noncharacter: every font shows its sign for "missing"


def default_font() -> Path:
    """The font that comes with the distribution. Raises ConfigurationError where it was taken away."""
    package = find_spec(_FONT_PACKAGE)  # found without running it
    folder = Path(package.origin).parent if package is not None and package.origin else None
    if folder is None or not (folder / _FONT_FILE).is_file():
        raise ConfigurationError("label.no-font", "the font package font-source-sans-pro is not installed")
    return folder / _FONT_FILE


def runs_right_to_left(text: str) -> bool:
    """Whether the first strong character of ``text`` is written from right to left (Unicode UAX 9, P2)."""
    strong = (unicodedata.bidirectional(c) for c in text)
    return next((kind in ("R", "AL") for kind in strong if kind in ("L", "R", "AL")), False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """Sets lines of text in one font. ``shaping`` is Pillow's raqm layout, which orders and joins letters."""

    font: Path
    shaping: bool

    def coverage(self, text: str, size: int) -> npt.NDArray[np.uint8]:
        """How much of each pixel the letters of one line cover: H x W uint8, cut to the line's height.

        ``size`` is the height of the em in pixels. Raises ConfigurationError where the font lacks a letter, or where
        joined letters were asked for and nothing here can join them.
        """
        font = self._open(size)
        self._require_letters(font, text)
        ascent, descent = font.getmetrics()
        ordered = self._ordered(text)
        left, _, right, _ = font.getbbox(ordered)
        canvas = Image.new("L", (max(1, round(right - left) + 2), ascent + descent), 0)
        ImageDraw.Draw(canvas).text((1 - left, 0), ordered, fill=255, font=font)
        return np.asarray(canvas)

    def _open(self, size: int) -> ImageFont.FreeTypeFont:
        engine = ImageFont.Layout.RAQM if self.shaping else ImageFont.Layout.BASIC
        try:
            return ImageFont.truetype(str(self.font), size, layout_engine=engine)
        except OSError as error:
            raise ConfigurationError("label.no-font", f"{self.font.name} is not a font that can be read") from error

    def _require_letters(self, font: ImageFont.FreeTypeFont, text: str) -> None:
        missing = bytes(font.getmask(_NO_LETTER))
        for letter in sorted(set(text)):
            printable = not letter.isspace() and unicodedata.category(letter) not in ("Cf", "Mn")
            if printable and bytes(font.getmask(letter)) == missing:
                name = unicodedata.name(letter, "an unnamed character")
                raise ConfigurationError("label.no-letter", f"{self.font.name} has no letter for {name}; name a font")

    def _ordered(self, text: str) -> str:
        """The text in the order it is drawn: as it stands with shaping, else turned round for one script."""
        if self.shaping or not any(unicodedata.bidirectional(c) in ("R", "AL") for c in text):
            return text
        if any(unicodedata.name(c, "").startswith(_JOINED) for c in text):
            raise ConfigurationError("label.no-shaping", "this Pillow cannot join Arabic letters; install it with raqm")
        if any(unicodedata.bidirectional(c) in ("L", "EN", "AN") for c in text):
            raise ConfigurationError("label.no-shaping", "this Pillow cannot mix writing directions; install raqm")
        return text[::-1]


def lettering(font: Path | None = None) -> Lettering:
    """The lettering with ``font``, or with the one that comes along."""
    return Lettering(font=font or default_font(), shaping=features.check("raqm") is True)
