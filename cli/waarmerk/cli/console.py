# SPDX-License-Identifier: Apache-2.0
"""What goes to the terminal beside the result: progress, counts, complaints; all of it on standard error."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TextIO

from waarmerk.provenance.report.escape import plain


@dataclass(slots=True)
class Console:
    """Standard error, silent where asked. Every text is made safe before it is shown."""

    quiet: bool = False
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _progress: int = 0

    def say(self, message: str) -> None:
        """A line, unless quiet."""
        if not self.quiet:
            self.warn(message)

    def warn(self, message: str) -> None:
        """A line, quiet or not."""
        self.clear()
        self.stream.write(plain(message, limit=2000) + "\n")

    def progress(self, done: int, total: int | None) -> None:
        """A counter that is written over, on a terminal only."""
        self.show(f"{done}" if total is None else f"{done}/{total}")

    def show(self, text: str) -> None:
        """A line that the next one is written over, on a terminal only."""
        if self.quiet or not self.stream.isatty():
            return
        text = plain(text, limit=100)
        self.stream.write("\r" + text + " " * max(0, self._progress - len(text)))
        self.stream.flush()
        self._progress = len(text)

    def clear(self) -> None:
        """Take the counter away."""
        if self._progress:
            self.stream.write("\r" + " " * self._progress + "\r")
            self._progress = 0


def wants_colour(stream: TextIO) -> bool:
    """Whether ``stream`` shows colours and nobody asked for none (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """How wide lines may be, in characters: as the terminal is, up to what can be read; 100 where there is none."""
    return max(40, min(110, shutil.get_terminal_size((100, 24)).columns))


def fitted(lines: Iterable[str], stream: TextIO) -> list[str]:
    """The lines as they fit into the terminal, what goes on standing in a little; as they are where there is none."""
    if not stream.isatty():
        return list(lines)
    return [part for line in lines for part in wrapped(line, width())]


def wrapped(line: str, most: int) -> list[str]:
    """One line in lines of at most ``most`` characters; no word is broken, so a path can still be copied."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, most, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]
