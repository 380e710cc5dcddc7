# SPDX-License-Identifier: Apache-2.0
"""What a labelling will write, what it cannot, and what gets lost: decided before anything is written."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.marking.visible import Corner
from waarmerk.provenance.marking.wording import KINDS, public_label
from waarmerk.provenance.media.losses import Loss
from waarmerk.provenance.model import Duty, DutyStatus, Finding, Report
from waarmerk.provenance.model.labelling import is_makers
from waarmerk.provenance.model.source_types import IPTC

MAX_LABEL = 60  # characters of a label of one's own: it has to fit into a picture
SOURCE_TYPES = {
    "generated": IPTC + "trainedAlgorithmicMedia",
    "modified": IPTC + "compositeWithTrainedAlgorithmicMedia",
}


# Labels of the rules that a visible label in a picture is (labelling packs: placement of images).
_IN_THE_PICTURE = frozenset({"ai_disclosure_full", "ai_disclosure_attenuated"})
_OWED = (DutyStatus.PROHIBITED, DutyStatus.REQUIRED, DutyStatus.UNDECIDED, DutyStatus.RECOMMENDED)


def owed(duties: Iterable[Duty], *, has_label: bool) -> tuple[tuple[Duty, bool], ...]:
    """What of these duties falls to whoever made a labelled file, and whether the label in the picture meets it."""
    theirs = (duty for duty in duties if duty.status in _OWED and _is_theirs(duty) and not _is_mere_notice(duty))
    return tuple((duty, has_label and duty.label in _IN_THE_PICTURE) for duty in theirs)


def _is_theirs(duty: Duty) -> bool:
    return is_makers(who=duty.who, basis=duty.basis, shown_to=duty.shown_to)


def _is_mere_notice(duty: Duty) -> bool:
    """Whether it would only say that nothing is owed, should the facts turn out that way."""
    return duty.status is DutyStatus.UNDECIDED and duty.label == "voluntary_disclosure"


class Says(StrEnum):
    """What the person who labels declares about AI."""

    GENERATED = "generated"
    MODIFIED = "modified"
    NONE = "none"

    @property
    def is_ai(self) -> bool:
        """Whether it names AI."""
        return self is not Says.NONE


class Timing(StrEnum):
    """When the visible label of a clip stands in its frames; ``auto`` goes by the length of the clip."""

    AUTO = "auto"
    START = "start"
    REPEATED = "repeated"
    THROUGHOUT = "throughout"


class Layer(StrEnum):
    """The layers of a label, in the order of writing."""

    WATERMARK = "watermark"
    VISIBLE = "visible"
    METADATA = "metadata"
    CREDENTIALS = "credentials"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for. ``corner`` None leaves the visible label out; ``own_lines`` stand in place of our wording.
    ``alt`` says what the picture shows; ``strips_personal`` takes personal details out of the metadata.
    ``despite_traces``: the person knows that the metadata name a generator, and says "no AI" all the same.

    Raises ConfigurationError for a language without a label, and for words that are too long or not printable.
    """

    says: Says
    tool: str | None = None
    tool_version: str | None = None
    title: str | None = None
    corner: Corner | None = Corner.AUTO
    timing: Timing = Timing.AUTO
    languages: tuple[str, ...] = ("en",)
    own_lines: tuple[str, ...] = ()
    font: Path | None = None
    sidecar: bool = False
    allow_partial: bool = False
    keeps_ledger: bool = True
    despite_traces: bool = False
    strips_personal: bool = False
    alt: str | None = None

    def __post_init__(self) -> None:
        if self.tool is None and self.tool_version is not None:
            raise ConfigurationError("label.tool-version", "a version needs the name of its tool")
        if self.alt is not None and not self.says.is_ai:
            raise ConfigurationError("label.alt", "an alternative text goes with the declaration of AI in the metadata")
        if not 1 <= len(self.lines or ("",)) <= 2:
            raise ConfigurationError("label.too-many-languages", "the visible label has one language or two")
        for line in self.own_lines:
            if not line.strip() or len(line) > MAX_LABEL or not line.isprintable():
                raise ConfigurationError("label.bad-words", f"a label is one line of 1 to {MAX_LABEL} characters")

    @property
    def lines(self) -> tuple[str, ...]:
        """The words of the visible label, one line a language; empty where nothing is to be said."""
        if self.says.value not in KINDS:
            return ()
        return self.own_lines or tuple(public_label(self.says.value, language) for language in self.languages)

    @property
    def alternative(self) -> str | None:
        """The text for who cannot see the picture: it begins with the label, as the picture does for everybody else."""
        return None if self.alt is None else f"{self.lines[0]}. {self.alt.strip()}"

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What would be written if the file took all of it."""
        wanted = {
            Layer.WATERMARK: self.says.is_ai,
            Layer.VISIBLE: self.says.is_ai and self.corner is not None,
            Layer.METADATA: self.says.is_ai,
            Layer.CREDENTIALS: True,
            Layer.LEDGER: self.says.is_ai and self.keeps_ledger,
        }
        return tuple(layer for layer in Layer if wanted[layer])


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A layer that was asked for and cannot be written; ``code`` has a sentence in ``report/wording``."""

    layer: Layer
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkingPlan:
    """What a write will do and drop: no layer and no loss that is not listed here.

    ``personal`` are the kinds of personal details that stay in the metadata.
    ``words`` is what the visible label says, ``corner`` where it stands; ``on_detail``: no corner was free of letters
    or other detail, and it covers some. ``report`` is our own examination of the result with the facts of this file;
    its duties are those that hold for it.
    """

    layers: tuple[Layer, ...]
    gaps: tuple[Gap, ...]
    losses: tuple[Loss, ...]
    notes: tuple[Finding, ...]
    words: str | None
    report: Report
    corner: Corner | None = None
    on_detail: bool = False
    personal: tuple[str, ...] = ()
