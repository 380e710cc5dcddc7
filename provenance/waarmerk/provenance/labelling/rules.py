# SPDX-License-Identifier: Apache-2.0
"""A rule, a pack of rules, and the set of packs in force."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from waarmerk.provenance.labelling.elections import Election
from waarmerk.provenance.labelling.expressions import Condition
from waarmerk.provenance.labelling.fields import Field, Value
from waarmerk.provenance.model.evidence import Evidence
from waarmerk.provenance.model.labelling import Citation, DutyStatus
from waarmerk.provenance.model.report import Edition
from waarmerk.provenance.model.verdict import Verdict

Texts = tuple[tuple[str, str], ...]
"""(language, text) pairs, sorted."""

Weigh = Callable[[Iterable[Evidence]], Verdict]
"""``verdict.weigh``, handed in by the caller: the step from evidence to finding lives outside this package."""

AI_FINDING = frozenset(
    {
        *("ai", "tier", "origin", "machine_marked", "signed_marked"),
        *("c2pa_dst", "xmp_dst", "aigc", "wm", "wm_bound", "fp", "decl", "forensic"),
    }
)
"""The finding and the channels it is made of. A rule that looks at one of them publishes nothing automatically unless
the tier allows it: a condition on the raw TC260 label is as easily provoked by a stranger as one on the finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One dated duty, practice or line of evidence, with its citation.

    ``wording`` maps ``any`` or ``generated`` and ``modified`` to texts; ``placement`` maps a medium or ``any`` to
    texts. ``starts`` and ``ends`` are inclusive days in ``zone``. ``read_on`` is the day on which the source was
    last looked at, with the outcome that ``confidence`` states; ``also`` are ids of further sources;
    ``uses_ai_finding`` says whether the condition looks at the AI finding or at a channel it is made of.
    """

    id: str
    law: str
    zone: str
    who: str
    basis: str
    starts: str | None
    ends: str | None
    dates: str
    condition: Condition
    status: DutyStatus
    status_if_confirmed: str | None
    automatic: bool
    label: str
    shown_to: str
    wording: tuple[tuple[str, Texts], ...]
    ui_string: str | None
    placement: tuple[tuple[str, Texts], ...]
    exceptions: tuple[str, ...]
    report_fields: tuple[str, ...]
    notes: str | None
    source: Citation
    source_ref: str
    also: tuple[str, ...]
    confidence: str
    read_on: str
    pack: str
    file: str
    uses_ai_finding: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "uses_ai_finding", not AI_FINDING.isdisjoint(self.condition.names))

    def holds_on(self, day: str) -> bool:
        """Whether the rule is in force on a day."""
        return (self.starts is None or self.starts <= day) and (self.ends is None or day <= self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Texts that fill the placeholders of wordings: who makes a claim, and what stands where nothing was given.

    ``signatures`` say of each state of the credentials whether there is a signature.
    """

    claims: tuple[tuple[str, Texts], ...] = ()
    placeholders: tuple[tuple[str, Texts], ...] = ()
    signatures: tuple[tuple[str, Texts], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A rule that a later pack took out of force: the rule as it was, which pack did so and why."""

    rule: Rule
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePack:
    """One folder of rules with one identity: id, version and a digest over its files.

    ``overrides`` are (rule id, reason) pairs: rules of another pack that this one replaces.
    """

    id: str
    version: str
    sha256: str
    languages: tuple[str, ...]
    public_languages: tuple[str, ...]
    review: str
    fields: tuple[Field, ...]
    defines: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, Citation], ...]
    phrases: Phrases
    rules: tuple[Rule, ...]
    overrides: tuple[tuple[str, str], ...] = ()
    elections: tuple[Election, ...] = ()

    @property
    def edition(self) -> Edition:
        """The pack as a report names it."""
        return Edition(id=self.id, issued=self.version, sha256=self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The packs in force, merged by rule id. Made by ``loader.merge``.

    ``replaced`` are the rules that overrides took out of force, in the order in which they went. ``by_name`` is the
    dictionary of fields by name in its own order, ``defaults`` what holds if nobody says. ``zones`` are the time zones
    whose calendar days count.
    """

    packs: tuple[RulePack, ...]
    rules: tuple[Rule, ...]
    fields: tuple[Field, ...]
    phrases: Phrases
    elections: tuple[Election, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)
    defaults: Mapping[str, Value] = field(init=False, repr=False, compare=False)
    zones: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {known.name: known for known in self.fields})
        object.__setattr__(self, "defaults", {known.name: known.absent for known in self.fields})
        zones = {rule.zone for rule in (*self.rules, *(gone.rule for gone in self.replaced))}
        object.__setattr__(self, "zones", tuple(sorted(zones)))

    @property
    def editions(self) -> tuple[Edition, ...]:
        """The packs as a report names them, in order of merging."""
        return tuple(pack.edition for pack in self.packs)

    def naming(self, platform: str) -> tuple[str, ...]:
        """The ids of the rules that can hold on a platform because their conditions name it."""
        alone: dict[str, Value] = {**dict.fromkeys(self.by_name), "platform": platform}
        named = (rule for rule in self.rules if "platform" in rule.condition.names)
        return tuple(rule.id for rule in named if rule.condition.evaluate(alone) is not False)

    def field(self, name: str) -> Field:
        """A field of the dictionary. Raises KeyError."""
        return self.by_name[name]
