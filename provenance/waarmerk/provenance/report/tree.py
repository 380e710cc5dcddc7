# SPDX-License-Identifier: Apache-2.0
"""The manifest store as a tree: the active manifest on top, what it was made from below it."""

from collections.abc import Iterator
from typing import Any

from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import Wording, wording

MAX_DEPTH = 32  # media/limits.py: manifest_nesting

Manifest = dict[str, Any]


def render(manifests: list[Manifest], *, language: str) -> str:
    """The tree of ``manifests`` (plain data of ``model.Manifest``, the active one first), without a final newline."""
    words = wording(language)
    if not manifests:
        return words.say("tree", "empty")
    tree = _Tree(words, {manifest["label"]: manifest for manifest in manifests})
    lines = list(tree.node(manifests[0], "", 0))
    strays = [m for m in manifests if m["label"] not in tree.seen]
    if strays:
        lines.append(words.say("tree", "strays"))
        lines += [f"  {plain(manifest['label'])}" for manifest in strays]
    return "\n".join(lines)


class _Tree:
    def __init__(self, words: Wording, by_label: dict[str, Manifest]) -> None:
        self._words = words
        self._by_label = by_label
        self.seen: set[str] = set()

    def node(self, manifest: Manifest, indent: str, depth: int) -> Iterator[str]:
        self.seen.add(manifest["label"])
        yield indent + self._line("title", manifest["title"] or manifest["label"])
        inner = indent + "  "
        yield from (inner + line for line in self._facts(manifest))
        for ingredient in manifest["ingredients"]:
            yield from self._ingredient(ingredient, inner, depth + 1)

    def _facts(self, manifest: Manifest) -> Iterator[str]:
        yield self._line("label", manifest["label"])
        for key in ("generator", "signer_name", "signed_at", "claim_sha256"):
            if manifest[key]:
                yield self._line(key, manifest[key])
        for action in manifest["actions"]:
            parts = [action["action"], action["source_type"], action["tool"], action["when"]]
            yield self._line("action", ", ".join(plain(part) for part in parts if part))
        for assertion in manifest["assertions"]:
            yield self._line("assertion", assertion)
        for failure in manifest["failures"]:
            yield self._line("failure", f"{failure['code']} {failure['about']}".strip())

    def _ingredient(self, ingredient: dict[str, Any], indent: str, depth: int) -> Iterator[str]:
        title = ingredient["title"] or self._words.say("tree", "untitled")
        state = self._words.say("ingredient", ingredient["state"])
        yield f"{indent}+- {plain(ingredient['relationship'])}: {plain(title)} ({state})"
        below = self._by_label.get(ingredient["manifest"] or "")
        if below is None:
            return
        if below["label"] in self.seen or depth >= MAX_DEPTH:
            yield f"{indent}   {self._words.say('tree', 'above')} {plain(below['label'])}"
            return
        yield from self.node(below, indent + "   ", depth)

    def _line(self, key: str, value: str) -> str:
        return f"{self._words.say('tree', key)}: {plain(value)}"
