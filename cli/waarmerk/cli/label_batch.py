# SPDX-License-Identifier: Apache-2.0
"""Which file of a folder goes where, decided for all of them before any is written."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from waarmerk.cli.inputs import gather
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.report.wording import Wording

_CONVERTED = frozenset({".heic", ".heif", ".hif"})  # become JPEG where their pixels change


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An input and where it goes."""

    source: Path
    target: Path


def pairs(start: Path, end: Path, words: Wording, *, recursive: bool, converts: bool) -> tuple[Pair, ...]:
    """The files of the folder ``start`` and their places in ``end``, each its own.

    ``converts`` says that HEIC becomes JPEG: ``x.heic`` goes to ``x.heic.jpg``, whatever stands beside it: each
    file has the same place in every run. Raises ConfigurationError (``label.same-folder``, ``label.same-target``).
    """
    if end.exists() and start.samefile(end):
        raise ConfigurationError("label.same-folder", words.say("label", "same-folder", path=start))
    within = end.resolve()  # an output folder inside the input folder holds no inputs
    sources = [
        item.path
        for item in gather([str(start)], recursive=recursive, held=ExitStack())
        if not item.path.parent.resolve().is_relative_to(within)
    ]
    found = [_pair(source, end / source.relative_to(start), converts=converts) for source in sources]
    _require_distinct(found, words)
    return tuple(found)


def _pair(source: Path, target: Path, *, converts: bool) -> Pair:
    is_heic = converts and target.suffix.lower() in _CONVERTED
    return Pair(source=source, target=target.with_name(target.name + ".jpg") if is_heic else target)


def _require_distinct(found: Sequence[Pair], words: Wording) -> None:
    seen: dict[Path, Path] = {}
    for pair in found:
        other = seen.setdefault(pair.target, pair.source)
        if other is not pair.source:
            message = words.say("label", "same-target", one=other, other=pair.source, path=pair.target)
            raise ConfigurationError("label.same-target", message)
