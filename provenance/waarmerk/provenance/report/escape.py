# SPDX-License-Identifier: Apache-2.0
"""The only way in which text of a file leaves: one function a medium.

A title, a signer name or a tag may hold control codes that move a cursor, marks that turn the reading direction,
formulas, or markup. Nothing of that may act outside the file it came from.
"""

import html
import unicodedata

MAX_SHOWN = 256  # characters of one field that a person is shown; the rest is cut with an ellipsis
_HIDDEN = frozenset("\u200b\u200c\u200d\u2060\ufeff\u2028\u2029\u00ad\u061c\u180e")


class Shown(str):
    """Text made safe already, part by part; it is not cut again as one field of a file."""

    __slots__ = ()


def _is_unsafe(character: str) -> bool:
    # Cc and Cf hold C0, C1, bidirectional controls and zero-width characters; Cs and Co have no meaning of their own.
    return character in _HIDDEN or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def plain(text: str, *, limit: int = MAX_SHOWN) -> str:
    """Text for a terminal, a log or a sentence: unsafe characters shown as ``<U+202E>``, cut at ``limit``."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(f"<U+{ord(c):04X}>" if _is_unsafe(c) else c for c in shown)


def markup(text: str, *, limit: int = MAX_SHOWN) -> str:
    """Text for HTML and XML, attribute values included."""
    return html.escape(plain(text, limit=limit), quote=True)


def cell(text: str, *, limit: int = MAX_SHOWN) -> str:
    """Text for a spreadsheet cell: what would start a formula is prefixed with an apostrophe (OWASP CSV injection)."""
    shown = plain(text, limit=limit)
    return "'" + shown if shown[:1] in ("=", "+", "-", "@") else shown
