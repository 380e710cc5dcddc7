# SPDX-License-Identifier: Apache-2.0
"""How a run is repeated: a command for a shell, the same from every folder."""

import os
import re
import shlex
from pathlib import Path

HOME = "~/"
_PLAIN_IN_HOME = re.compile(r"[\w@%+=:,./-]*", re.ASCII)


def word(text: str) -> str:
    """``text`` as one word of a POSIX shell; what cannot be shown is written as its bytes (``$'\\x1b'``, bash, zsh)."""
    if text.isprintable() and not any("\ud800" <= c <= "\udfff" for c in text):
        return shlex.quote(text)
    written = "".join(chr(byte) if _is_shown(byte) else f"\\x{byte:02x}" for byte in os.fsencode(text))
    return f"$'{written}'"


def _is_shown(byte: int) -> bool:
    return 0x20 <= byte < 0x7F and byte not in b"\\'"


def place(path: Path, *, home: Path) -> str:
    """A path as a word that means the same in every folder; one below ``home`` without the name of its owner."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - the shell follows links itself
    if whole.is_relative_to(home):
        below = str(whole.relative_to(home))
        return HOME + (below if _PLAIN_IN_HOME.fullmatch(below) else word(below))
    return word(str(whole))
