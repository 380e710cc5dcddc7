# SPDX-License-Identifier: Apache-2.0
"""What a new credential says, held to its rules before the engine sees it (C2PA 2.2, section 18.14).

The engine signs anything: an unknown action, an invented source type, a second beginning. So the words are closed
here, and a statement that breaks a rule cannot be built.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from waarmerk.provenance.errors import SigningError
from waarmerk.provenance.model.source_types import C2PA, IPTC, SourceClass, canonical, class_of
from waarmerk.provenance.trust.lists import rfc3339

SPEC_VERSION = "2.2.0"  # of C2PA, for claim_generator_info
PARENT = "parent"
CREATED, OPENED, MARKED = "c2pa.created", "c2pa.opened", "c2pa.watermarked.bound"
# The actions that are written here; each one means to every reader what it means to ours (credentials/signals.py).
ACTIONS = frozenset(
    {CREATED, OPENED, MARKED}
    | {
        f"c2pa.{name}"
        for name in (
            "addedText",
            "adjustedColor",
            "converted",
            "cropped",
            "deleted",
            "drawing",
            "dubbed",
            "edited",
            "edited.metadata",
            "enhanced",
            "filtered",
            "orientation",
            "placed",
            "published",
            "redacted",
            "repackaged",
            "resized",
            "resized.proportional",
            "transcoded",
            "translated",
        )
    }
)
GENERATED = IPTC + "trainedAlgorithmicMedia"
MODIFIED = IPTC + "compositeWithTrainedAlgorithmicMedia"
_OWN_NAME = re.compile(r"org\.waarmerk\.[a-z0-9]+(?:[.-][a-z0-9]+)*")
_OVERSIGHT = frozenset({"fully_autonomous", "prompt_guided", "human_validated"})
_MAX_TEXT = 256


def _require(holds: bool, rule: str, message: str) -> None:
    if not holds:
        raise SigningError(f"signing.{rule}", message)


def _is_text(value: str | None) -> bool:
    return value is None or (0 < len(value) <= _MAX_TEXT and value.isprintable())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """The program that did something, as its maker calls it."""

    name: str
    version: str | None = None

    def __post_init__(self) -> None:
        _require(_is_text(self.name) and _is_text(self.version), "text", "the name of a tool is one printable line")

    def to_json(self) -> dict[str, str]:
        """As ``softwareAgent`` and in ``claim_generator_info``."""
        return {"name": self.name} if self.version is None else {"name": self.name, "version": self.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action. ``when`` only where it is known; ``description`` for people, in one line."""

    action: str
    source_type: str | None = None
    tool: Tool | None = None
    when: datetime | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        _require(self.action in ACTIONS, "unknown-action", f"no action that is written here: {self.action[:64]!r}")
        _require(_is_text(self.description), "text", "the description of an action is one printable line")
        if self.source_type is None:
            return
        is_listed = class_of(self.source_type) is not SourceClass.UNKNOWN and self.source_type.startswith((IPTC, C2PA))
        _require(
            is_listed and canonical(self.source_type) == self.source_type,
            "unknown-source-type",
            f"no published digital source type: {self.source_type[:128]!r}",
        )

    def to_json(self) -> dict[str, Any]:
        """As an action of ``c2pa.actions.v2``."""
        found: dict[str, Any] = {"action": self.action}
        if self.source_type is not None:
            found["digitalSourceType"] = self.source_type
        if self.tool is not None:
            found["softwareAgent"] = self.tool.to_json()
        if self.when is not None:
            found["when"] = rfc3339(self.when)
        if self.description is not None:
            found["description"] = self.description
        if self.action == OPENED:
            found["parameters"] = {"ingredientIds": [PARENT]}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftBinding:
    """The watermark in the pixels (C2PA 2.2, section 18.10). ``scheme`` is a name of ours: nobody's listed one."""

    scheme: str
    payload: bytes

    def __post_init__(self) -> None:
        _require(
            _OWN_NAME.fullmatch(self.scheme) is not None, "binding-name", "a scheme of ours is called org.waarmerk.…"
        )
        _require(0 < len(self.payload) <= 64, "binding-payload", "the payload of a mark has 1 to 64 bytes")

    def to_json(self) -> dict[str, Any]:
        """As the assertion's data: the payload in hexadecimal, for the whole of the asset."""
        return {"alg": self.scheme, "blocks": [{"scope": {}, "value": self.payload.hex()}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Which labels the rules owed on the day of signing. Nothing about persons, and no context."""

    rules: tuple[tuple[str, str], ...]  # rule id, status
    packs: tuple[tuple[str, str], ...]  # pack id, sha256
    date: str

    def to_json(self) -> dict[str, Any]:
        """As the data of ``org.waarmerk.labelling``."""
        return {
            "format": "waarmerk.labelling/1",
            "rules": [{"rule": rule, "status": status} for rule, status in self.rules],
            "packs": [{"id": pack, "sha256": digest} for pack, digest in self.packs],
            "date": self.date,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """``c2pa.ai-disclosure`` (C2PA 2.4): stands beside the source type and never replaces it."""

    model_type: str = "c2pa.types.model"
    model_name: str | None = None
    oversight: str | None = None

    def __post_init__(self) -> None:
        _require(_is_text(self.model_type) and _is_text(self.model_name), "text", "a model's name is one line")
        _require(
            self.oversight is None or self.oversight in _OVERSIGHT,
            "oversight",
            f"human oversight is one of {', '.join(sorted(_OVERSIGHT))}",
        )

    def to_json(self) -> dict[str, Any]:
        """As the assertion's data."""
        found: dict[str, Any] = {"modelType": self.model_type}
        if self.model_name is not None:
            found["modelName"] = self.model_name
        if self.oversight is not None:
            found["contentProfile"] = {"humanOversightLevel": self.oversight}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Everything one new credential says.

    ``steps`` begin with ``c2pa.created`` (with a source type; there was nothing before) or with ``c2pa.opened`` (with
    a parent, and no source type), and begin only once. ``is_complete`` says that no other action was done: true only
    for whoever did all of them. ``denies_ai`` says that no AI was used, which is refused where the parent says AI.
    Raises SigningError for a statement that breaks a rule.
    """

    steps: tuple[Step, ...]
    is_complete: bool = False
    title: str | None = None
    mark: SoftBinding | None = None
    decision: Decision | None = None
    disclosure: Disclosure | None = None
    denies_ai: bool = False

    def __post_init__(self) -> None:
        names = [step.action for step in self.steps]
        _require(bool(names) and names[0] in (CREATED, OPENED), "no-beginning", "a history begins: created or opened")
        _require(sum(name in (CREATED, OPENED) for name in names) == 1, "two-beginnings", "a history begins once")
        first = self.steps[0]
        _require(first.action != CREATED or first.source_type is not None, "no-source-type", "created from what?")
        _require(first.action != OPENED or first.source_type is None, "opened-source-type", "opening makes nothing new")
        _require(
            names.count(MARKED) == (self.mark is not None), "mark", "a mark is stated by its action and its binding"
        )
        _require(_is_text(self.title), "text", "a title is one printable line")
        _require(not (self.denies_ai and self.says_ai), "ai-denied", "the statement says AI and no AI")

    @property
    def opens(self) -> bool:
        """Whether there was something before."""
        return self.steps[0].action == OPENED

    @property
    def says_ai(self) -> bool:
        """Whether any of its actions names generative AI."""
        kinds = {class_of(step.source_type) for step in self.steps if step.source_type is not None}
        return bool(kinds & {SourceClass.AI_GENERATED, SourceClass.AI_MODIFIED})

    def to_manifest(self, media_type: str, generator: Tool) -> dict[str, Any]:
        """The manifest definition for the engine; every assertion is our own (``created``), none gathered."""
        actions = {"actions": [step.to_json() for step in self.steps], "allActionsIncluded": self.is_complete}
        stated: Sequence[tuple[str, Any]] = (
            ("c2pa.actions.v2", actions),
            ("c2pa.soft-binding", self.mark and self.mark.to_json()),
            ("org.waarmerk.labelling", self.decision and self.decision.to_json()),
            ("c2pa.ai-disclosure", self.disclosure and self.disclosure.to_json()),
        )
        manifest: dict[str, Any] = {
            "format": media_type,
            "claim_generator_info": [{**generator.to_json(), "specVersion": SPEC_VERSION}],
            "assertions": [
                {
                    "label": label,
                    "data": data,
                    "created": True,
                    **({"kind": "Json"} if label.startswith("org.") else {}),
                }
                for label, data in stated
                if data is not None
            ],
        }
        return manifest if self.title is None else {**manifest, "title": self.title}


def history(
    ai: str | None,
    *,
    at: datetime,
    has_parent: bool,
    parent_says_it: bool = False,
    tool: Tool | None = None,
    own: Sequence[Step] = (),
) -> tuple[Step, ...]:
    """The steps of a file that its maker labels: ``ai`` is generated, modified, none, or unknown (None).

    Without earlier credentials (``has_parent``), AI content was created that way. With them it is opened, and what AI
    did is an edit, unless the parent says so itself for everybody to rely on (``parent_says_it``): nothing is stated
    as done twice. Content without AI is always opened, for nobody here knows how it came to be. ``own`` is what we did.
    """
    source = {"generated": GENERATED, "modified": MODIFIED}.get(ai or "")
    if source is not None and not has_parent:
        return (Step(action=CREATED, source_type=source, tool=tool), *own)
    opened = Step(action=OPENED, when=at)
    if source is None or parent_says_it:
        return (opened, *own)
    return (opened, Step(action="c2pa.edited", source_type=source, tool=tool), *own)
