# SPDX-License-Identifier: Apache-2.0
"""Channels that could speak and were not listened to, so that "nothing found" is never read as "nothing there"."""

from collections.abc import Collection
from dataclasses import replace

from waarmerk.provenance.model import Asset, Assurance, Channel, ChannelState, Claimant, Evidence, Finding
from waarmerk.provenance.sources import EvidenceSource, Examination

# Closed marks: only their owners hold the detector. Where each can be asked stands in the wording of its code.
_CLOSED = (("SynthID", "synthid"), ("Amazon", "titan"), ("Meta", "meta"), ("TikTok", "tiktok"))
_VISUAL = ("image/", "video/")


class UnreadChannels:
    """Names what nobody here looked at: other sources' channels that are not configured, and closed marks."""

    def __init__(
        self,
        *,
        watermark: bool,
        registry: bool,
        open_marks: bool,
        asked: Collection[str] = (),
        withheld: Collection[str] = (),
    ) -> None:
        """Which channels are listened to; ``asked`` names the closed marks that a detector is asked about.

        ``withheld`` are channels of which this caller is not to learn what they find: ``watermark``, ``closed:NAME``.
        """
        self._watermark = watermark
        self._is_withheld = "watermark" in withheld
        self._withheld = [each for each in withheld if each != "watermark"]
        self._registry = registry
        self._open_marks = open_marks
        self._asked = frozenset(asked)

    def examine(self, asset: Asset) -> Examination:
        """Name the unread channels for this kind of asset."""
        channels = []
        why = "clip-withheld" if asset.media_type.startswith("video/") else "asked-too-often"
        if not self._watermark:
            channels.append(_unread("watermark", f"watermark.{why if self._is_withheld else 'no-key'}"))
        if not self._registry:
            channels.append(_unread("registry", "registry.not-configured"))
        if asset.media_type.startswith(_VISUAL):
            if not self._open_marks:
                channels.append(_unread("open-marks", "open-marks.not-searched"))
            channels.extend(_unread(name, f"detector.{why}") for name in self._withheld)
            channels.extend(
                _unread(f"closed:{name}", f"closed.{code}") for name, code in _CLOSED if name not in self._asked
            )
        return Examination(channels=tuple(channels))


class UnusableRegistry:
    """A registry that was named and cannot be used: every file is told so, and what else is said of it stands."""

    def __init__(self, code: str, *, marks: EvidenceSource | None) -> None:
        """``code`` says why; ``marks`` is the search for watermarks that goes before a registry, where there is one."""
        self._code = code
        self._marks = marks

    def examine(self, asset: Asset) -> Examination:
        """Name the registry as unread."""
        seen = Examination() if self._marks is None else self._marks.examine(asset)
        told = Evidence(
            channel="registry",
            claimant=Claimant.REGISTRY,
            assurance=Assurance.UNREADABLE,
            findings=(Finding(self._code),),
        )
        channels = (*seen.channels, _unread("registry", "registry.unreadable"))
        return replace(seen, evidence=(*seen.evidence, told), channels=channels)


def _unread(name: str, why: str) -> Channel:
    return Channel(name=name, state=ChannelState.UNREAD, why=why)
