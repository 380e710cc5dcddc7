# SPDX-License-Identifier: Apache-2.0
"""``verify --keyframes DIR``: pictures out of a clip, for searching earlier copies of it by hand."""

import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from waarmerk.cli.console import Console
from waarmerk.cli.inputs import Input
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.media.video import VIDEO_TYPES
from waarmerk.provenance.media.write import write_file
from waarmerk.provenance.report.wording import Wording

_UNSAFE = re.compile(r"[^\w.-]+")
_MOST_SECONDS = 10**8
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFrames:
    """Where the pictures go. They are decoded and encoded anew in the worker; nothing of the file is passed on."""

    folder: Path
    words: Wording
    console: Console

    def prepare(self) -> None:
        """Make the folder. Raises ConfigurationError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError("write.no-folder", f"{self.folder}: {error.strerror}") from error

    def export(self, pool: Pool, item: Input, document: dict[str, Any], *, at: datetime) -> None:
        """Write the pictures of one examined input; a file that is no clip has none.

        Raises ConfigurationError and StoreError of ``write_file``; pictures there already are not replaced.
        """
        if document["error"] is not None or document["asset"]["media_type"] not in VIDEO_TYPES:
            return
        answer = pool.perform("keyframes", item.path, at=at, named=item.named)
        found = _frames(answer.get("answer"))
        if found is None:
            fault = self.words.say("fault", str(answer.get("fault", "worker.answer"))).rstrip(".")
            self.console.warn(self.words.say("cli", "keyframes-none", name=item.path.name, reason=fault))
            return
        stem = _UNSAFE.sub("_", item.path.stem if item.named else "stdin")[:80] or "clip"
        for seconds, data in found:
            self._write(self.folder / f"{stem}-{seconds:09.3f}s.jpg", data)
        self.console.say(self.words.say("cli", "keyframes", name=item.path.name, count=len(found), folder=self.folder))

    def _write(self, path: Path, data: bytes) -> None:
        if path.exists() and path.read_bytes() == data:  # the same run again
            return
        write_file(path, data, verify=lambda draft: _same(draft, data))


def _frames(told: Any) -> list[tuple[float, bytes]] | None:
    """Second and JPEG of each picture, None where what was told is something else: files write what they like."""
    try:
        found = [(float(each["seconds"]), b64decode(each["jpeg"], validate=True)) for each in told]
    except (TypeError, KeyError, ValueError, OverflowError):
        return None
    return found if all(0 <= seconds < _MOST_SECONDS and data.startswith(_JPEG) for seconds, data in found) else None


def _same(path: Path, data: bytes) -> None:
    if path.read_bytes() != data:
        raise OSError("the file system does not give back what was written")
