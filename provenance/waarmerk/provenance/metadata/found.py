# SPDX-License-Identifier: Apache-2.0
"""What the readers of one file collect, before it becomes ``Declarations``."""

from dataclasses import dataclass, field

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import Declarations, Finding, Hint

_CONTAINERS = ("exif", "xmp", "iptc", "png-text", "tags")
_ADDRESS_CHARACTERS = 4_096  # an address cut short would be another address


@dataclass(slots=True)
class Found:
    """Facts in the order they were met; of two values for one fact the first is kept, of source types all."""

    limits: Limits
    texts: dict[str, str] = field(default_factory=dict)
    source_types: list[str] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    containers: set[str] = field(default_factory=set)

    def note(self, fact: str, text: str | None) -> None:
        """Keep ``text`` for a field of ``Declarations`` unless it is empty or one is there."""
        cut = _ADDRESS_CHARACTERS if fact == "remote_manifest" else self.limits.text_shown
        kept = (text or "").replace("\x00", " ").strip()
        if kept and (fact != "remote_manifest" or len(kept) <= cut):
            self.texts.setdefault(fact, kept[:cut])

    def note_source_type(self, text: str) -> None:
        """Keep a digital source type."""
        kept = text.strip()[: self.limits.text_shown]
        if kept and kept not in self.source_types:
            self.source_types.append(kept)

    def note_hint(self, tool: str | None, where: str) -> None:
        """Keep the trace of a generator, if there is one; never the text it was found in."""
        if tool is not None and (hint := Hint(tool=tool, where=where)) not in self.hints:
            self.hints.append(hint)

    def note_finding(self, code: str, about: str) -> None:
        """Keep what could not be read."""
        if (finding := Finding(code, about)) not in self.findings:
            self.findings.append(finding)

    def declarations(self) -> Declarations:
        """Everything that was found."""
        return Declarations(
            source_types=tuple(self.source_types),
            aigc_label=self.texts.get("aigc_label"),
            ai_system=self.texts.get("ai_system"),
            camera=self.texts.get("camera"),
            software=self.texts.get("software"),
            captured_at=self.texts.get("captured_at"),
            credit=self.texts.get("credit"),
            remote_manifest=self.texts.get("remote_manifest"),
            hints=tuple(self.hints),
            findings=tuple(self.findings),
            containers=tuple(name for name in _CONTAINERS if name in self.containers),
        )
