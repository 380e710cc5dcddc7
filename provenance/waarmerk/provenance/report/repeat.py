# SPDX-License-Identifier: Apache-2.0
"""How a run is repeated: a command for a shell, which names files and never the folders of the computer they lay on."""

import os
import shlex
from pathlib import Path


def word(text: str) -> str:
    """``text`` as one word of a POSIX shell; what cannot be shown is written as its bytes (``$'\\x1b'``, bash, zsh)."""
    if text.isprintable() and not any("\ud800" <= c <= "\udfff" for c in text):
        return shlex.quote(text)
    written = "".join(chr(byte) if _is_shown(byte) else f"\\x{byte:02x}" for byte in os.fsencode(text))
    return f"$'{written}'"


def _is_shown(byte: int) -> bool:
    return 0x20 <= byte < 0x7F and byte not in b"\\'"


def name_of(path: Path) -> str:
    """The last part of a path as a word that no program takes for an option: where it lies is its owner's business."""
    name = os.path.basename(os.path.abspath(path))  # noqa: PTH100, PTH119 - of a link its own name, not where it leads
    return word(f"./{name}" if name.startswith("-") else name)
