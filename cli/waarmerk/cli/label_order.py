# SPDX-License-Identifier: Apache-2.0
"""What ``waarmerk label`` was told, with the profile filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from waarmerk.cli import options
from waarmerk.provenance.marking.plan import Says, Timing, Wishes
from waarmerk.provenance.marking.visible import Corner
from waarmerk.provenance.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the command was told, with the profile filled in."""

    source: Path
    target: Path
    says: str
    tool: str | None
    tool_version: str | None
    title: str | None
    alt: str | None
    strips_personal: bool
    visible: str
    timing: str
    languages: tuple[str, ...]
    own_lines: tuple[str, ...]
    font: Path | None
    sidecar: bool
    allow_partial: bool
    despite_traces: bool
    dry_run: bool
    key_folder: Path
    watermark_key: Path
    ledger: Path | None
    registry: str | None
    platforms: tuple[str, ...]
    context: tuple[str | Mapping[str, Any], ...]
    recursive: bool
    force: bool
    yes: bool
    organisation: str | None
    timestamps: str | None
    passphrase_fd: int | None
    trust: Path | None
    at: datetime
    language: str
    quiet: bool

    @property
    def wishes(self) -> Wishes:
        """The same in the words of the library. Raises ConfigurationError."""
        corner = None if self.visible == "none" else Corner(self.visible)
        return Wishes(
            says=Says(self.says),
            tool=self.tool,
            tool_version=self.tool_version,
            title=self.title,
            alt=self.alt,
            strips_personal=self.strips_personal,
            corner=corner,
            timing=Timing(self.timing),
            languages=self.languages,
            own_lines=self.own_lines,
            font=self.font,
            sidecar=self.sidecar,
            allow_partial=self.allow_partial,
            despite_traces=self.despite_traces,
            keeps_ledger=self.ledger is not None,
        )

    @property
    def settings(self) -> Settings:
        """What the verifier of the result rests on."""
        data = options.trust_folder()
        own = options.own_marks(self.watermark_key, self.ledger)
        return Settings(trust=self.trust, data_folder=data, context=self.context, platforms=self.platforms, **own)
