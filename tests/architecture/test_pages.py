# SPDX-License-Identifier: Apache-2.0
"""The pages of the project lead where they say: links, headings, named files, and every decision in its room."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

_TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
FILES = frozenset(_TRACKED)
PAGES = sorted(path for path in FILES if path.endswith(".md"))
DECISIONS = sorted(path for path in PAGES if re.match(r"docs/adr/\d{4}-", path))
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_NAMED = re.compile(r"`((?:docs|tests|benchmarks|samples|provenance|watermark|api|cli)/[\w./-]+\.\w+)`")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def prose(page: str) -> str:
    """A page without its blocks of code."""
    return _CODE.sub("", (ROOT / page).read_text("utf-8"))


def anchors(page: str) -> set[str]:
    """The headings of a page as links name them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent.joinpath(path).resolve() if path else ROOT / page
        assert found.exists(), f"{page} leads to {target}"
        if anchor:
            assert anchor in anchors(str(found.relative_to(ROOT))), f"{page} leads to {target}"


def is_there(path: str) -> bool:
    """Whether a file is in the project; ``api/app.py`` is short for the one in its namespace."""
    return (ROOT / path).exists() or any(file.endswith(f"/waarmerk/{path}") for file in FILES)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    assert [path for path in _NAMED.findall(prose(page)) if not is_there(path)] == []


def test_every_decision_stands_in_one_room_of_the_index_under_its_title() -> None:
    rows = re.findall(r"^- \[(\d+)\]\((\d{4}-[\w-]+\.md)\) (.+)$", prose("docs/adr/README.md"), re.MULTILINE)
    assert sorted(f"docs/adr/{file}" for _, file, _ in rows) == DECISIONS
    for number, file, told in rows:
        head, *_ = (ROOT / "docs/adr" / file).read_text("utf-8").splitlines()
        assert head == f"# {number}. {told.partition(' *')[0]}", "the index tells the title of the page"


def test_a_decision_that_another_replaced_says_so_in_the_index() -> None:
    index = prose("docs/adr/README.md")
    for page in DECISIONS:
        status = re.search(
            r"^Status: .*?\breplaced by (?:decision )?(\d+)", (ROOT / page).read_text("utf-8"), re.MULTILINE
        )
        if status is not None:
            (row,) = [line for line in index.splitlines() if f"({Path(page).name})" in line]
            assert f"replaced by {status[1]}" in row
