# SPDX-License-Identifier: Apache-2.0
"""Declarations of one file that cannot all be true. Which of them is wrong, nobody can tell from the file."""

from waarmerk.provenance.model import Declarations, Finding
from waarmerk.provenance.model.source_types import SourceClass, class_of, term_of

SOURCES, LABEL, CAMERA = "metadata.contradiction", "metadata.label-contradicts", "metadata.camera-and-generator"
CODES = frozenset({SOURCES, LABEL, CAMERA})

_CAPTURES = frozenset({SourceClass.CAPTURE, SourceClass.CAPTURE_INDIRECT, SourceClass.CAPTURE_COMPOSITE})
# A capture changed with AI states both, so a composite beside a capture is no contradiction.
_WHOLLY_MADE = frozenset({SourceClass.AI_GENERATED, SourceClass.NON_AI_SYNTHETIC})
_CONFIRMED = "1"  # TC260: generated, beyond "possible" and "suspected"


def contradictions(declared: Declarations) -> tuple[Finding, ...]:
    """What contradicts what; the texts in ``about`` are the file's own."""
    by_class = {class_of(value): term_of(value) for value in declared.source_types}
    captured = [term for kind, term in by_class.items() if kind in _CAPTURES]
    made = [term for kind, term in by_class.items() if kind in _WHOLLY_MADE]
    states_ai = bool({SourceClass.AI_GENERATED, SourceClass.AI_MODIFIED} & by_class.keys())
    found = []
    if len(captured + made) > 1 and made:
        found.append(Finding(SOURCES, ", ".join(sorted(captured + made))))
    if declared.aigc_label == _CONFIRMED and by_class and not states_ai:
        found.append(Finding(LABEL, ", ".join(sorted(by_class.values()))))
    tools = sorted({hint.tool for hint in declared.hints})
    is_composite = SourceClass.AI_MODIFIED in by_class
    if declared.camera is not None and (tools or declared.ai_system is not None) and not is_composite:
        named = ", ".join(tools or [declared.ai_system or ""])
        found.append(Finding(CAMERA, f"{declared.camera} / {named}"))
    return tuple(found)
