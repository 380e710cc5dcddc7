# SPDX-License-Identifier: Apache-2.0
"""Mark one clip: everything but the pixels of the video is copied, the result is searched before it takes its place."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import exits, options
from waarmerk.cli.console import Console
from waarmerk.provenance.credentials.container import remote_address, shows_store
from waarmerk.provenance.errors import ConfigurationError, StoreError, UnsupportedAsset
from waarmerk.provenance.media import Limits, Window, extension_differs
from waarmerk.provenance.media.write import require_target, sweep
from waarmerk.provenance.report.wording import Wording
from waarmerk.watermark import CannotCarry, Key, Payload

if TYPE_CHECKING:
    from waarmerk.watermark.video import MarkedVideo

EVERY_SECONDS = 0.5  # between two lines of progress
SETTLED_SECONDS = 3.0  # before that nobody can say how long it takes


@dataclass(slots=True, kw_only=True)
class ClipEmbedding:
    """One clip on its way from ``source`` to ``target``."""

    source: Path
    target: Path
    media_type: str
    key: Key
    payload: Payload
    words: Wording
    console: Console
    _started: float = field(init=False, default=0.0)
    _shown: float = field(init=False, default=0.0)

    def through(self, strength: dict[str, Any], *, force: bool, allow_breaking: bool) -> int:
        """Mark and write; returns the exit code.

        ``strength`` are the keywords of ``embed_video``. Raises ConfigurationError and StoreError for the target,
        UnsupportedAsset for a clip that is not read.
        """
        try:
            from waarmerk.watermark.video import UnreadableVideo, embed_video  # noqa: PLC0415 - an extra
        except ImportError:
            raise ConfigurationError("watermark.no-video", self.words.say("fault", "watermark.no-video")) from None
        refusal = self._refusal(allow_breaking=allow_breaking)
        if refusal is not None:
            return self._refuse(refusal[0], **refusal[1])
        require_target(self.target, source=self.source, force=force)
        sweep(self.target.parent)
        self._started = self._shown = options.ticks()
        try:
            done = embed_video(
                self.source, self.target, self.key, self.payload, force=force, progress=self._progress, **strength
            )
        except CannotCarry:
            return self._refuse("clip-cannot-carry")
        except UnreadableVideo as error:
            raise UnsupportedAsset(
                "media.no-video", self.words.say("watermark", "clip-unreadable", path=self.source, reason=error)
            ) from error
        except FileExistsError as error:
            raise ConfigurationError("write.exists", str(error)) from error
        except OSError as error:
            raise StoreError("write.failed", f"{self.target.name}: {error.strerror or error}") from error
        self.console.clear()
        self._tell(done)
        return exits.OK

    def _refusal(self, *, allow_breaking: bool) -> tuple[str, dict[str, object]] | None:
        """Why the clip is not marked: the code of the sentence that says it, and its parts."""
        if extension_differs(self.target.name, self.media_type):
            return "other-format", {"path": self.target, "format": self.media_type}
        if allow_breaking:
            return None
        with self.source.open("rb") as stream:
            window = Window(stream, self.source.stat().st_size)
            if shows_store(window, self.media_type, Limits()):
                return "breaks-credentials", {}
            url = remote_address(window)
            return None if url is None else ("breaks-remote", {"url": url})

    def _refuse(self, code: str, **parts: object) -> int:
        self.console.warn(self.words.say("watermark", code, **{"path": self.source, **parts}))
        return exits.FAILED

    def _progress(self, done: float, of: float | None) -> None:
        """A line now and then; how long it will still take is told when the pace is known, and a pace is all it is."""
        now = options.ticks()
        if now - self._shown < EVERY_SECONDS:
            return
        self._shown = now
        took = now - self._started
        if of is None or done <= 0.0 or took < SETTLED_SECONDS:
            self.console.show(self.words.say("watermark", "clip-progress-open", done=f"{done:.0f}"))
            return
        left = max(0.0, took * (of - done) / done)
        clock = f"{int(left) // 60}:{int(left) % 60:02d}"
        self.console.show(self.words.say("watermark", "clip-progress", done=f"{done:.0f}", of=f"{of:.0f}", left=clock))

    def _tell(self, done: "MarkedVideo") -> None:
        for code, about in done.losses:
            loss = self.words.say("loss", f"clip-{code}", about=about)
            self.console.warn(self.words.say("watermark", "lost", loss=loss))
        if done.detection.payload is None:
            self.console.warn(self.words.say("watermark", "unread-back", path=self.target))
        found = ", ".join(f"{second:.1f}" for second in done.detection.seconds[:3]) or "-"
        parts = {
            "payload": bytes(self.payload).hex(),
            "key": self.key.key_id,
            "decibel": f"{done.psnr:.1f}",
            "seconds": f"{done.seconds:.1f}",
            "found": found,
        }
        click.echo(self.words.say("watermark", "clip-marked", path=self.target, **parts))
