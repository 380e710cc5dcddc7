# SPDX-License-Identifier: Apache-2.0
"""Marks under the operator's own keys as evidence.

A mark is an identifier, not a proof: it can be cut out of one picture and pasted onto another. Whether it was issued
for these very pixels only the key owner's ledger can tell; without it a mark that says AI is a claim.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from waarmerk.provenance.errors import ConfigurationError, LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import (
    Asset,
    Assurance,
    Channel,
    ChannelState,
    Claimant,
    Evidence,
    Finding,
    MarkFinding,
    Origin,
)
from waarmerk.provenance.sources import Examination
from waarmerk.watermark import Detection, Key, detect_each

# How often a picture without the mark may be said to carry it, over everything one search tries. A detection accuses
# somebody of having used AI, and a newsroom examines thousands of pictures a day: one in 10^9 is none in a lifetime.
MAX_FALSE_POSITIVE = 1e-9


def load_keys(paths: Iterable[Path]) -> tuple[Key, ...]:
    """The keys in these key files, each key once, in order.

    Raises ConfigurationError (``watermark.key``) naming the file and what is wrong with it, never what it holds.
    """
    keys: dict[str, Key] = {}
    for path in paths:
        try:
            key = Key.load(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ConfigurationError("watermark.key", f"{path.name}: {reason}") from None
        keys.setdefault(key.key_id, key)
    return tuple(keys.values())


class WatermarkSource:
    """The marks of some keys in the pixels of a picture; of an animation only the first frame is searched."""

    def __init__(self, keys: Sequence[Key], limits: Limits, *, max_false_positive: float) -> None:
        """``max_false_positive`` has no default on purpose. Raises ValueError without a key."""
        if not keys:
            raise ValueError("a search needs a key")
        self._keys = tuple(keys)
        self._limits = limits
        self._max_false_positive = max_false_positive

    def examine(self, asset: Asset) -> Examination:
        """Search ``asset`` for all keys in one pass; what cannot be searched is unread, for every key."""
        if not asset.media_type.startswith("image/"):
            return self._unread("watermark.not-pixels")
        try:
            picture = decode_rgb(asset, self._limits)
            seen = detect_each(picture.rgb, self._keys, max_false_positive=self._max_false_positive)
        except (UnsupportedAsset, LimitExceeded) as error:
            return self._unread("watermark.unreadable", Finding(error.code))
        except Exception:  # the file chose these pixels: what fails on them must not lose the rest of the report
            return self._unread("watermark.unreadable", Finding("watermark.search-failed"))
        found = tuple(zip(self._keys, seen, strict=True))
        return Examination(
            evidence=tuple(evidence_of(key, detection) for key, detection in found),
            channels=tuple(_channel(detection) for detection in seen),
            marks=tuple(_mark(key, detection) for key, detection in found),
        )

    def _unread(self, why: str, *findings: Finding) -> Examination:
        evidence = Evidence(
            channel="watermark", claimant=Claimant.MARK, assurance=Assurance.UNREADABLE, findings=findings
        )
        return Examination(
            evidence=(evidence,),
            channels=tuple(
                Channel(name=f"watermark:{key.key_id}", state=ChannelState.UNREAD, why=why) for key in self._keys
            ),
            marks=tuple(_unread_mark(key) for key in self._keys),
        )


def evidence_of(key: Key, detection: Detection) -> Evidence:
    """One search as evidence: with its payload a mark states what its key means, without it only points there.

    A key for the origin of content says nothing of AI, whatever it finds.
    """
    channel = f"watermark:{key.key_id}"
    if not detection.detected:
        return Evidence(channel=channel, claimant=Claimant.MARK, assurance=Assurance.ABSENT)
    return Evidence(
        channel=channel,
        claimant=Claimant.MARK,
        assurance=Assurance.INDIRECT if detection.payload is None else Assurance.DECLARED,
        origin=Origin.AI_GENERATED if key.purpose == "ai" else Origin.UNKNOWN,
        findings=(Finding("watermark.not-bound", key.key_id),),
    )


def _channel(detection: Detection) -> Channel:
    state = ChannelState.FOUND if detection.detected else ChannelState.NONE
    return Channel(name=f"watermark:{detection.key_id}", state=state)


def _mark(key: Key, detection: Detection) -> MarkFinding:
    return MarkFinding(
        scheme=detection.scheme,
        key_id=detection.key_id,
        detected=detection.detected,
        payload=None if detection.payload is None else bytes(detection.payload).hex(),
        p_value=detection.p_value,
        means=key.purpose,
    )


def _unread_mark(key: Key) -> MarkFinding:
    return MarkFinding(
        scheme=key.scheme, key_id=key.key_id, detected=False, payload=None, p_value=None, means=key.purpose
    )
