# SPDX-License-Identifier: Apache-2.0
"""Filling the placeholders of a label line with texts that may come from a file."""

import re
import unicodedata
from collections.abc import Mapping

PLACEHOLDERS = ("signer", "source", "link", "publisher", "date", "channels", "system", "present")
MAX_FILLED = 120
"""Longest text that a file can put into a label line; a link may be longer."""
MAX_LINK = 300

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""Unicode categories that steer a display instead of showing: controls, formats (direction marks are among them)."""


def placeholders(text: str) -> frozenset[str]:
    """The names in braces in a wording."""
    return frozenset(_PLACEHOLDER.findall(text))


def unpaired(text: str) -> bool:
    """Whether a brace opens or closes nothing, as in ``{link``: no reader is to see that."""
    rest = _PLACEHOLDER.sub("", text)
    return "{" in rest or "}" in rest


def one_line(text: str, longest: int = MAX_FILLED) -> str:
    """A text without controls, direction marks and line breaks, shortened with an ellipsis."""
    clean = text
    if not text.isprintable():
        shown = (c for c in text if c.isspace() or unicodedata.category(c) not in _HIDDEN)
        clean = "".join(" " if c.isspace() else c for c in shown)
    clean = " ".join(clean.split()).replace("{", "(").replace("}", ")")
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled, each once: braces in a filled text are not looked at again."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return one_line(values[name], MAX_LINK if name == "link" else MAX_FILLED) if name in values else match[0]

    return _PLACEHOLDER.sub(value, text)
