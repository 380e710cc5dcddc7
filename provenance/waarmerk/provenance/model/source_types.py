# SPDX-License-Identifier: Apache-2.0
"""Digital source types: how a thing came to be, in the words of IPTC and C2PA.

IPTC NewsCodes ``digitalsourcetype``, release 2024-10-23 (https://cv.iptc.org/newscodes/digitalsourcetype/), and the
two values that C2PA adds. The class of a term is ours: what the term means for an origin.
"""

from collections.abc import Iterable
from enum import StrEnum

from waarmerk.provenance.model.words import Origin

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
C2PA = "http://c2pa.org/digitalsourcetype/"


class SourceClass(StrEnum):
    """What a digital source type says about the origin."""

    CAPTURE = "capture"  # sampled from real life
    CAPTURE_INDIRECT = "capture_indirect"  # the scan of a print may show anything
    CAPTURE_COMPOSITE = "capture_composite"  # only captured elements, yet not one scene
    ENHANCED = "enhanced"  # processed, main content unchanged
    HUMAN_EDIT = "human_edit"
    NON_AI_SYNTHETIC = "non_ai_synthetic"  # made with software, no trained model
    AI_GENERATED = "ai_generated"
    AI_MODIFIED = "ai_modified"
    AMBIGUOUS = "ambiguous"  # may or may not contain AI
    PROVENANCE_BREAK = "provenance_break"  # a screen capture shows other content
    EMPTY = "empty"
    UNKNOWN = "unknown"  # a term that no vocabulary lists supports no finding


_IPTC_TERMS = {
    SourceClass.CAPTURE: ("digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm"),
    SourceClass.CAPTURE_INDIRECT: ("print",),
    SourceClass.CAPTURE_COMPOSITE: ("compositeCapture",),
    SourceClass.ENHANCED: ("algorithmicallyEnhanced",),
    SourceClass.HUMAN_EDIT: ("humanEdits", "minorHumanEdits"),
    SourceClass.NON_AI_SYNTHETIC: (
        "softwareImage",
        "digitalArt",
        "digitalCreation",
        "dataDrivenMedia",
        "algorithmicMedia",
    ),
    SourceClass.AI_GENERATED: ("trainedAlgorithmicMedia",),
    SourceClass.AI_MODIFIED: ("compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"),
    SourceClass.AMBIGUOUS: ("virtualRecording", "composite"),
    SourceClass.PROVENANCE_BREAK: ("screenCapture",),
}
_CLASS_OF_TERM: dict[str, SourceClass] = {
    **{term: kind for kind, terms in _IPTC_TERMS.items() for term in terms},
    "empty": SourceClass.EMPTY,
    "trainedAlgorithmicData": SourceClass.AI_GENERATED,
}
_C2PA_TERMS = frozenset({"empty", "trainedAlgorithmicData"})
_PREFIXES = (
    IPTC,
    C2PA,
    IPTC.replace("http://", "https://"),
    C2PA.replace("http://", "https://"),
    "digsrctype:",
    "c2pa.",
)


def term_of(value: str) -> str:
    """The bare code of a source type: both URI schemes, prefixed and bare codes are one term; case counts."""
    text = value.strip()
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            return text.removeprefix(prefix)
    return text


def class_of(value: str) -> SourceClass:
    """The class of a source type; ``UNKNOWN`` for a term no vocabulary lists. Never a substring match."""
    return _CLASS_OF_TERM.get(term_of(value), SourceClass.UNKNOWN)


def canonical(value: str) -> str:
    """The published URI of a listed term, any other text as it stands."""
    term = term_of(value)
    if term not in _CLASS_OF_TERM:
        return value
    return (C2PA if term in _C2PA_TERMS else IPTC) + term


_CAPTURED = frozenset(
    {SourceClass.CAPTURE, SourceClass.CAPTURE_COMPOSITE, SourceClass.HUMAN_EDIT, SourceClass.ENHANCED}
)
_CREATED = frozenset({SourceClass.NON_AI_SYNTHETIC, SourceClass.EMPTY, SourceClass.HUMAN_EDIT})


def origin_of(values: Iterable[str]) -> Origin:
    """What a set of source types, stated together by one party, says about the origin. Order has no meaning.

    AI-generated without any capture beside it is a generated picture; AI beside a capture, or an AI edit, is a
    modified one. Without AI the set names a capture or a creation only if nothing in it speaks of something else.
    """
    classes = {class_of(value) for value in values}
    if SourceClass.AI_GENERATED in classes and SourceClass.CAPTURE not in classes:
        return Origin.AI_GENERATED
    if classes & {SourceClass.AI_GENERATED, SourceClass.AI_MODIFIED}:
        return Origin.AI_MODIFIED
    if classes <= _CAPTURED and classes & {SourceClass.CAPTURE, SourceClass.CAPTURE_COMPOSITE}:
        return Origin.CAPTURED
    if classes <= _CREATED and classes & {SourceClass.NON_AI_SYNTHETIC, SourceClass.EMPTY}:
        return Origin.CREATED
    return Origin.UNKNOWN
