# SPDX-License-Identifier: Apache-2.0
"""Values out of a file's JSON, whatever type they turn out to have, and no longer than they are of use."""

from collections.abc import Iterable, Mapping
from typing import Any

from waarmerk.provenance.model import Finding

MAX_SHORT = 256  # as much as a person is shown of any text of a file
_MAX_ABOUT = 512
_MAX_FINDINGS = 64  # of one code


def short(value: Any) -> str | None:
    """A text of the file, cut to what is shown; None for anything else and for an empty one."""
    return value[:MAX_SHORT] if isinstance(value, str) and value else None


def mapping(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def bounded(found: Iterable[Finding]) -> tuple[tuple[Finding, ...], bool]:
    """The findings sorted, a number of each code, their texts cut; and whether any were left out."""
    kept: list[Finding] = []
    count: dict[str, int] = {}
    is_cut = False
    for finding in sorted({Finding(each.code, each.about[:_MAX_ABOUT]) for each in found}):
        count[finding.code] = count.get(finding.code, 0) + 1
        if count[finding.code] <= _MAX_FINDINGS:
            kept.append(finding)
        else:
            is_cut = True
    return tuple(kept), is_cut
