# SPDX-License-Identifier: Apache-2.0
"""The manifest store as a tree: the active manifest on top, what it was made from below it; no markup yet.

Every manifest stands in it once; a second mention refers to the first. Whom to believe about a manifest is our own
verdict on its signer, never the engine's code under the one list of a pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from waarmerk.provenance.report.rows import LISTED, Row, signer_line, source_words
from waarmerk.provenance.report.wording import Wording

MAX_DEPTH = 32  # as credentials/jumbf.py reads
MAX_ALIKE = 60  # actions, assertions or failures of one manifest; a store may hold thousands
MAX_NODES = 200  # manifests drawn in one tree; a store may hold a thousand

Manifest = Mapping[str, Any]


@dataclass(slots=True)
class Branch:
    """One node of the tree. ``facts`` are rows; ``note`` says why nothing stands below it."""

    title: str
    relation: str = ""
    state: str = ""
    tone: str = ""
    facts: list[Row] = field(default_factory=list)
    below: list["Branch"] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree, and the labels of the manifests that nothing refers to."""

    top: Branch
    strays: tuple[str, ...]


def tree_of(manifests: Sequence[Manifest], words: Wording, *, is_detailed: bool = False) -> Tree | None:
    """The tree of ``manifests`` (plain data of ``model.Manifest``, the active one first); None where there is none.

    ``is_detailed`` names the assertions too, and writes source types with their addresses.
    """
    if not manifests:
        return None
    growing = _Growing(words, {manifest["label"]: manifest for manifest in manifests}, is_detailed)
    top = growing.branch(manifests[0], 0)
    return Tree(top, tuple(each["label"] for each in manifests if each["label"] not in growing.seen))


@dataclass(slots=True)
class _Growing:
    words: Wording
    by_label: Mapping[str, Manifest]
    is_detailed: bool
    seen: set[str] = field(default_factory=set)

    def branch(self, manifest: Manifest, depth: int) -> Branch:
        self.seen.add(manifest["label"])
        found = Branch(title=manifest["title"] or self.words.say("tree", "untitled"))
        found.facts = [*self._signer(manifest), *self._facts(manifest)]
        found.below = [self._ingredient(ingredient, depth + 1) for ingredient in manifest["ingredients"]]
        return found

    def _signer(self, manifest: Manifest) -> list[Row]:
        if manifest["signer"] is None:
            return []
        holds = manifest["signer"] in LISTED and not manifest["failures"]
        text, tone = signer_line(self.words, manifest["signer_name"], manifest["signer"], verified=holds)
        return [Row(self.words.say("axis", "signer"), text, tone)]

    def _facts(self, manifest: Manifest) -> list[Row]:
        say = self.words.say
        facts = [Row(say("tree", key), manifest[key]) for key in ("generator", "signed_at") if manifest[key]]
        facts += self._first("action", [action_words(self.words, each) for each in manifest["actions"]])
        if self.is_detailed:
            facts += self._first("assertion", manifest["assertions"])
        facts += [Row(say("tree", key), manifest[key]) for key in ("label", "claim_sha256") if manifest[key]]
        failures = [f"{failure['code']} {failure['about']}".strip() for failure in manifest["failures"]]
        return facts + self._first("failure", failures, "bad")

    def _first(self, key: str, texts: Sequence[str], tone: str = "") -> list[Row]:
        """As many as anybody reads, and how many more there are."""
        head, rest = self.words.say("tree", key), len(texts) - MAX_ALIKE
        more = [Row(head, self.words.say("axis", "more", count=rest), tone)] if rest > 0 else []
        return [*(Row(head, text, tone) for text in texts[:MAX_ALIKE]), *more]

    def _ingredient(self, ingredient: Manifest, depth: int) -> Branch:
        below = self.by_label.get(ingredient["manifest"] or "")
        repeated = below is not None and below["label"] in self.seen
        too_many = depth >= MAX_DEPTH or len(self.seen) >= MAX_NODES
        if below is None or repeated or too_many:
            found = Branch(title="")
            if below is not None:
                found.note = f"{self.words.say('tree', 'above')} {below['label']}" if repeated else "…"
        else:
            found = self.branch(below, depth)
        found.title = ingredient["title"] or found.title or self.words.say("tree", "untitled")
        relation = ingredient["relationship"]
        said = self.words.say("relation", relation) if self.words.has("relation", relation) else ""
        found.relation = f"{said} ({relation})" if said else relation
        found.state = self.words.say("ingredient", ingredient["state"])
        found.tone = "bad" if ingredient["state"] in ("broken", "missing") else ""
        return found


def action_words(words: Wording, action: Mapping[str, Any]) -> str:
    """One recorded action: what was done, with the standard's own name for it, the source, the tool and the time."""
    code = action["action"]
    name = f"{words.say('action', code)} ({code})" if words.has("action", code) else code
    source = source_words(words, action["source_type"], address=True) if action["source_type"] else ""
    return ", ".join(part for part in (name, source, action["tool"], action["when"]) if part)
