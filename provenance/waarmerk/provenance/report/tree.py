# SPDX-License-Identifier: Apache-2.0
"""The manifest store as a tree on a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

from waarmerk.provenance.report.branches import Branch, tree_of
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import wording

_MAX_TEXT = 1_000  # characters of a line; each field of a file in it is cut before


def render(manifests: Sequence[dict[str, Any]], *, language: str) -> str:
    """The tree of ``manifests`` (plain data of ``model.Manifest``, the active one first), without a final newline."""
    words = wording(language)
    tree = tree_of(manifests, words, is_detailed=True)
    if tree is None:
        return words.say("tree", "empty")
    lines = [f"{words.say('tree', 'title')}: {plain(tree.top.title)}", *_inside(tree.top, "  ")]
    if tree.strays:
        lines.append(words.say("tree", "strays"))
        lines += [f"  {plain(label)}" for label in tree.strays]
    return "\n".join(lines)


def _inside(branch: Branch, indent: str) -> Iterator[str]:
    for fact in branch.facts:
        yield f"{indent}{fact.head}: {plain(fact.text, limit=_MAX_TEXT)}"
    for below in branch.below:
        yield f"{indent}+- {plain(below.relation)}: {plain(below.title)} ({below.state})"
        if below.note:
            yield f"{indent}   {plain(below.note)}"
        yield from _inside(below, indent + "     ")
