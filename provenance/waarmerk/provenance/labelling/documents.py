# SPDX-License-Identifier: Apache-2.0
"""YAML read as plain data, with the line of every value, so that a refusal can point at it.

Built from the parser's events with an own stack: no recursion, no tags, no anchors, no merge keys, duplicate keys
refused, depth and size limited before they cost anything. Plain scalars follow YAML 1.2: only ``true`` and ``false``
are truth values, so the country code ``NO`` stays a text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from waarmerk.provenance.errors import RulePackError

MAX_CHARACTERS = 2 * 1024 * 1024
"""Size of one file; the largest shipped one has 40 KB. Room is left so that an absurd value is named by its line."""
MAX_DEPTH = 24
"""Nesting; libyaml takes two minutes for 200,000 opening brackets, so the count stops early."""

Path = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]{1,15}\Z")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]+(e[-+]?[0-9]{1,3})?\Z")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}


def refusal(path: str, line: int | None, reason: str) -> RulePackError:
    """A refusal that names file, line and reason."""
    where = path if line is None else f"{path}:{line}"
    return RulePackError("labelling.pack-refused", f"{where}: {reason}")


def place(path: Path) -> str:
    """A part of a document as a message names it, printable whatever its keys hold."""
    return ".".join(ascii(str(step))[1:-1][:60] for step in path)


@dataclass(frozen=True, slots=True)
class Document:
    """The data of one file and where each part of it stands."""

    name: str
    data: Any
    lines: dict[Path, int] = field(default_factory=dict, compare=False)

    def line(self, path: Path) -> int | None:
        """The line of a part, or of the nearest part around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def read_document(name: str, text: str) -> Document:
    """Read one YAML document. Raises RulePackError with file, line and reason."""
    if len(text) > MAX_CHARACTERS:
        raise refusal(name, 1, f"{len(text)} characters, at most {MAX_CHARACTERS}")
    import yaml  # noqa: PLC0415  # the shipped packs start from their compiled form, without YAML

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    lines: dict[Path, int] = {}
    try:
        data = _Builder(name, lines).build(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise refusal(name, line, f"not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise refusal(name, None, "not YAML: a character that YAML does not allow") from error
    return Document(name, data, lines)


class _Builder:
    """A stack of open lists and mappings, filled event by event."""

    def __init__(self, name: str, lines: dict[Path, int]) -> None:
        self._name = name
        self._lines = lines
        self._open: list[list[Any] | dict[str, Any]] = []
        self._keys: list[Any] = []
        self._root: Any = None
        self._documents = 0
        self._key_line = 0

    def build(self, events: Iterator[Any]) -> Any:
        for event in events:
            kind = type(event).__name__
            line = event.start_mark.line + 1
            if kind == "ScalarEvent":
                self._scalar(event, line)
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                self._start({} if kind == "MappingStartEvent" else [], event, line)
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self._end()
            elif kind == "AliasEvent":
                raise refusal(self._name, line, "anchors and aliases are not allowed")
            elif kind == "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1:
                    raise refusal(self._name, line, "more than one document in the file")
        return self._root

    def _start(self, container: list[Any] | dict[str, Any], event: Any, line: int) -> None:
        if event.anchor is not None or event.tag is not None:
            raise refusal(self._name, line, "anchors, aliases and tags are not allowed")
        if len(self._open) >= MAX_DEPTH:
            raise refusal(self._name, line, f"nested deeper than {MAX_DEPTH}")
        if self._expects_key():
            raise refusal(self._name, line, "a key is a text")
        self._put(container, line)
        self._open.append(container)
        self._keys.append(None)

    def _end(self) -> None:
        self._open.pop()
        self._keys.pop()
        if self._open:
            self._keys[-1] = None

    def _scalar(self, event: Any, line: int) -> None:
        if event.anchor is not None or event.tag is not None:
            raise refusal(self._name, line, "anchors, aliases and tags are not allowed")
        if self._expects_key():
            mapping = self._open[-1]
            if event.value in mapping:
                raise refusal(self._name, line, f"key {event.value[:60]!a} stands twice")
            self._keys[-1] = event.value
            self._key_line = line
            return
        self._put(_plain(event.value) if event.implicit[0] else event.value, line)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], dict) and self._keys[-1] is None

    def _put(self, value: Any, line: int) -> None:
        if not self._open:
            self._root = value
        elif isinstance(self._open[-1], list):
            self._open[-1].append(value)
        else:
            self._open[-1][self._keys[-1]] = value
            line = self._key_line  # a mapping begins a line below the key that names it
        self._lines[self._path()] = line
        if self._open and not isinstance(value, list | dict):
            self._keys[-1] = None

    def _path(self) -> Path:
        """The path of the value that was just put."""
        steps: list[str | int] = []
        for container, key in zip(self._open, self._keys, strict=True):
            steps.append(len(container) - 1 if isinstance(container, list) else str(key))
        return tuple(steps)


def _plain(text: str) -> bool | int | float | str | None:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text
