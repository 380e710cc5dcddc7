# SPDX-License-Identifier: Apache-2.0
"""Whether a file may be labelled as its maker asks: what it says of itself is not contradicted in our name.

"Made without AI" is refused wherever the file says otherwise: in credentials, in metadata, by a mark of the key at
hand. Traces of a generator are no statement: they stop the work until the person says that they are known. And what
carries our label already gets no second one beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from waarmerk.provenance.credentials.signing import Survey
from waarmerk.provenance.model import AISignal, Asset, Declarations, Integrity, MarkFinding
from waarmerk.provenance.model.source_types import SourceClass, class_of

# Each has a sentence in section ``label`` of ``report/wording``.
DENIED, MARKED, TRACES = "label.ai-denied", "label.ai-marked", "label.ai-traces"
AGAIN, OTHERWISE = "label.labelled-already", "label.says-generated"
CODES = frozenset({DENIED, MARKED, TRACES, AGAIN, OTHERWISE})

_AI = frozenset({SourceClass.AI_GENERATED, SourceClass.AI_MODIFIED})
_STATES_AI = "1"  # the AIGC label of TC260; 2 and 3 are a possibility and a suspicion


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """``declarations`` reads what a file says unsigned; ``marks`` are those of the keys at hand, none without keys."""

    declarations: Callable[[Asset], Declarations]
    marks: Callable[[Asset], tuple[MarkFinding, ...]]

    def against_none(self, asset: Asset, survey: Survey, *, despite_traces: bool = False) -> str | None:
        """Why the file is not labelled or signed as made without AI; None where nothing speaks against it."""
        declared = self.declarations(asset)
        types = (*survey.credential.source_types, *declared.source_types)
        if survey.says_ai or any(class_of(each) in _AI for each in types) or declared.aigc_label == _STATES_AI:
            return DENIED
        marks = [mark for mark in self.marks(asset) if mark.detected and mark.means == "ai"]
        if any(mark.bound is not False for mark in marks):  # one that belongs to another picture was carried here
            return MARKED
        traces = bool(declared.hints) or declared.ai_system is not None or declared.aigc_label is not None
        return TRACES if traces and not despite_traces else None

    def against_label(self, asset: Asset, survey: Survey, *, says: str) -> str | None:
        """Why the file gets no label that says ``says`` (generated, modified); None where nothing speaks against it."""
        if any(mark.bound for mark in self.marks(asset) if mark.means == "ai"):
            return AGAIN
        found = survey.credential
        if says == "modified" and found.signal is AISignal.GENERATED and found.integrity is Integrity.INTACT:
            return OTHERWISE
        return None
