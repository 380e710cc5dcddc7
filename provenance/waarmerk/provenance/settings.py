# SPDX-License-Identifier: Apache-2.0
"""What a verifier rests on, in a form that can be written down, hashed and told to another process."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.media.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a verifier rests on. Every field has a plain JSON form.

    ``trust`` names a trust store folder; without it the store in ``data_folder`` is used, list by list, completed by
    the snapshot that ships. ``limits`` may lower the limits of ``media/limits.py``, never raise them.
    ``context`` holds the facts a file cannot tell, each ``field=value`` or a mapping of fields to values;
    ``platforms`` those the content goes to; ``rule_packs`` folders with rules of the operator's own.
    ``keys`` are watermark key files; their secrets are read where the search runs and stand nowhere else.
    ``ledger`` is the file that remembers what was issued under them; it is read only.
    ``registry`` is a registry of known pictures, a path or ``sqlite:///PATH``; it is read only.
    ``second_opinion`` asks an independent engine about every credential as well (the extra of that name).
    ``pixels`` looks at the pixels for hints of a screenshot too, which costs a decoding.
    ``open_marks`` searches them for marks of generators whose constants are published; it is done too wherever keys, a
    registry or ``pixels`` have the picture decoded anyway.
    ``detectors`` are closed detectors to ask, each ``NAME`` (a classifier) or ``NAME=mark``: installed entry points of
    the group ``waarmerk.detectors``. They run in the confined workers of ``jobs.Pool`` and nowhere else.
    ``labels`` false leaves the rules unasked: no duties in the report, and no rule packs among what it rests on.
    """

    trust: Path | None = None
    data_folder: Path | None = None
    limits: Limits = field(default_factory=Limits)
    context: tuple[str | Mapping[str, Any], ...] = ()
    platforms: tuple[str, ...] = ()
    rule_packs: tuple[Path, ...] = ()
    keys: tuple[Path, ...] = ()
    ledger: Path | None = None
    registry: str | None = None
    second_opinion: bool = False
    pixels: bool = False
    open_marks: bool = False
    detectors: tuple[str, ...] = ()
    labels: bool = True

    def __post_init__(self) -> None:
        names = [name for name, _ in self.declared_detectors]
        if len(set(names)) != len(names):
            raise ConfigurationError("settings.detector", "a detector is named once")

    @property
    def declared_detectors(self) -> tuple[tuple[str, str], ...]:
        """Name and kind (``mark``, ``classifier``) of each detector. Raises ConfigurationError."""
        return tuple(_detector(text) for text in self.detectors)

    @property
    def searches_open_marks(self) -> bool:
        """Whether pictures are searched for open marks: asked for, or decoded anyway."""
        return self.open_marks or self.pixels or bool(self.keys) or self.registry is not None

    def to_json(self) -> dict[str, Any]:
        """The settings as plain data."""
        return {
            "trust": None if self.trust is None else str(self.trust.absolute()),
            "data_folder": None if self.data_folder is None else str(self.data_folder.absolute()),
            "limits": asdict(self.limits),
            "context": list(self.context),
            "platforms": list(self.platforms),
            "rule_packs": [str(folder.absolute()) for folder in self.rule_packs],
            "ledger": None if self.ledger is None else str(self.ledger.absolute()),
            "registry": None if self.registry is None else _absolute(self.registry),
            "keys": [str(key_file.absolute()) for key_file in self.keys],
            "second_opinion": self.second_opinion,
            "pixels": self.pixels,
            "open_marks": self.open_marks,
            "detectors": list(self.detectors),
            "labels": self.labels,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Settings from plain data. Raises ConfigurationError for an unknown key or a limit that is raised."""
        unknown = sorted(set(data) - {f.name for f in fields(cls)})
        if unknown:
            raise ConfigurationError("settings.unknown-key", f"unknown setting: {', '.join(unknown)}")
        return cls(
            trust=_path(data.get("trust")),
            data_folder=_path(data.get("data_folder")),
            limits=Limits().lowered(data.get("limits") or {}),
            context=tuple(data.get("context") or ()),
            platforms=tuple(data.get("platforms") or ()),
            rule_packs=tuple(Path(folder) for folder in data.get("rule_packs") or ()),
            ledger=_path(data.get("ledger")),
            registry=None if data.get("registry") is None else str(data["registry"]),
            keys=tuple(Path(key_file) for key_file in data.get("keys") or ()),
            second_opinion=_flag(data.get("second_opinion", False), "second_opinion"),
            pixels=_flag(data.get("pixels", False), "pixels"),
            open_marks=_flag(data.get("open_marks", False), "open_marks"),
            detectors=tuple(str(text) for text in data.get("detectors") or ()),
            labels=_flag(data.get("labels", True), "labels"),
        )

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Settings from a TOML file. Raises ConfigurationError naming what is wrong with it."""
        try:
            return cls.from_json(tomllib.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise ConfigurationError("settings.unreadable", f"{path.name}: {error}") from error


_DETECTOR = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,39})(?:=(mark|classifier))?")


def _detector(text: str) -> tuple[str, str]:
    found = _DETECTOR.fullmatch(text)
    if found is None:
        raise ConfigurationError("settings.detector", "a detector is NAME, NAME=classifier or NAME=mark")
    return found[1], found[2] or "classifier"


def _absolute(address: str) -> str:
    """A registry named by a path keeps its meaning in another working folder."""
    return address if "://" in address else str(Path(address).absolute())


def _path(value: object) -> Path | None:
    return None if value is None else Path(str(value))


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError("settings.not-a-flag", f"{name} is either true or false")
    return value
