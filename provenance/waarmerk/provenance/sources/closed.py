# SPDX-License-Identifier: Apache-2.0
"""Closed detectors as evidence: programs of others that the operator chose, whose answers nobody here can verify.

What one may bring about is bounded by what it was declared to be, not by what it says: the score of a classifier is a
suspicion, whatever the score; a mark that only its owner's program reads is a claim where it states its chance of a
false alarm and that is small, else a suspicion. Neither ever speaks for a camera or against AI.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import (
    CLASSIFIER_THRESHOLD,
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

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_FALSE_POSITIVE = 1e-9  # as for marks that are read here
CODES = frozenset(
    {
        "detector.mark",
        "detector.mark-unsure",
        "detector.score",
        "detector.timeout",
        "detector.crashed",
        "detector.answer",
        "detector.no-opinion",
        "detector.unreadable",
    }
)
_SAYS = {"generated": Origin.AI_GENERATED, "modified": Origin.AI_MODIFIED}
_KEYS = {"mark": {"found", "says", "p_value"}, "classifier": {"score", "says"}}


class NoAnswer(Exception):
    """A detector gave none that counts; ``code`` says why: timeout, crashed or answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Detector(Protocol):
    """Something that looks at pixels and answers with plain data."""

    def ask(self, rgb: "NDArray[np.uint8]") -> Mapping[str, Any]:
        """Its answer on H x W x 3 pixels. Raises NoAnswer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that was held against the schema. ``strength``: p-value of a mark, score of a classifier, or None."""

    found: bool
    says: Origin
    strength: float | None


def read_answer(data: Mapping[str, Any], *, kind: str) -> Answer | None:
    """The answer in plain data, None where the detector has no opinion. Raises ValueError.

    A mark: ``{"found": true|false|null, "says": "generated"|"modified", "p_value": 0..1|null}``. A classifier:
    ``{"score": 0..1|null, "says": "generated"|"modified"}``. Every key is there and no other.
    """
    if set(data) != _KEYS[kind] or data["says"] not in _SAYS:
        raise ValueError("unknown or missing keys")
    number = data["p_value" if kind == "mark" else "score"]
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if number is not None and not (is_number and math.isfinite(number) and 0 <= number <= 1):
        raise ValueError("a number lies between 0 and 1")
    said = data["found"] if kind == "mark" else None if number is None else number >= CLASSIFIER_THRESHOLD
    if said is None:
        return None
    if not isinstance(said, bool):
        raise ValueError("found is true, false or null")
    return Answer(found=said, says=_SAYS[data["says"]], strength=None if number is None else float(number))


class ClosedMarkSource:
    """One closed detector; ``name`` and ``kind`` (``mark``, ``classifier``) are the operator's words for it."""

    def __init__(self, name: str, kind: str, detector: Detector, limits: Limits) -> None:
        self._name = name
        self._kind = kind
        self._detector = detector
        self._limits = limits

    def examine(self, asset: Asset) -> Examination:
        """Ask the detector; whatever goes wrong with it, the channel is unread and nothing is claimed."""
        if not asset.media_type.startswith("image/"):
            return self._unread("detector.not-pixels")
        try:
            answer = read_answer(self._detector.ask(decode_rgb(asset, self._limits).rgb), kind=self._kind)
        except (UnsupportedAsset, LimitExceeded):
            return self._unread("detector.unreadable", Finding("detector.unreadable", self._name))
        except NoAnswer as error:
            return self._unread(error.code, Finding(error.code, self._name))
        except Exception:  # neither a stranger's file nor another's program may lose the rest of the report
            return self._unread("detector.answer", Finding("detector.answer", self._name))
        if answer is None:
            return self._unread("detector.no-opinion", Finding("detector.no-opinion", self._name))
        return examination_of(answer, name=self._name, kind=self._kind)

    def _unread(self, why: str, *findings: Finding) -> Examination:
        channel = f"closed:{self._name}"
        claimant = Claimant.MARK if self._kind == "mark" else Claimant.CLASSIFIER
        evidence = Evidence(channel=channel, claimant=claimant, assurance=Assurance.UNREADABLE, findings=findings)
        return Examination(evidence=(evidence,), channels=(Channel(name=channel, state=ChannelState.UNREAD, why=why),))


def examination_of(answer: Answer, *, name: str, kind: str) -> Examination:
    """An opinion in the report's words, no stronger than its kind allows."""
    channel, is_mark, chance = f"closed:{name}", kind == "mark", answer.strength
    claimant = Claimant.MARK if is_mark else Claimant.CLASSIFIER
    if not answer.found:
        silent = Evidence(channel=channel, claimant=claimant, assurance=Assurance.ABSENT)
        return Examination(evidence=(silent,), channels=(Channel(name=channel, state=ChannelState.NONE),))
    is_claim = is_mark and chance is not None and chance <= MAX_FALSE_POSITIVE
    code = "detector.mark" if is_claim else "detector.mark-unsure" if is_mark else "detector.score"
    evidence = Evidence(
        channel=channel,
        claimant=claimant,
        assurance=Assurance.DECLARED if is_claim else Assurance.INDIRECT,
        origin=answer.says,
        findings=(Finding(code, name if is_mark else f"{name}: {chance:.2f}"),),
    )
    mark = MarkFinding(scheme=channel, key_id=None, detected=True, payload=None, p_value=chance, means="ai")
    return Examination(
        evidence=(evidence,),
        channels=(Channel(name=channel, state=ChannelState.FOUND),),
        marks=(mark,) if is_claim else (),
    )
