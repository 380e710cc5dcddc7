# SPDX-License-Identifier: Apache-2.0
"""A campaign's profile: what is the same for every file, written down once in TOML."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from waarmerk.provenance.errors import ConfigurationError

_LISTS = ("label_languages", "label_words", "context", "platforms")
_FLAGS = ("strip_personal",)
_PATHS = ("label_font", "key_folder", "watermark_key", "ledger", "trust")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The settings of ``label`` that a profile may hold; None or empty where it is silent.

    Paths start at its folder.
    """

    organisation: str | None = None
    language: str | None = None
    label_languages: tuple[str, ...] = ()
    label_words: tuple[str, ...] = ()
    label_font: Path | None = None
    visible: str | None = None
    tool: str | None = None
    tool_version: str | None = None
    key_folder: Path | None = None
    watermark_key: Path | None = None
    ledger: Path | None = None
    trust: Path | None = None
    context: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    strip_personal: bool = False

    @classmethod
    def read(cls, path: Path) -> "Profile":
        """The profile in a TOML file. Raises ConfigurationError naming what is wrong with it."""
        try:
            stated = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigurationError("profile.unreadable", f"{path.name}: {error}") from error
        unknown = sorted(set(stated) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigurationError("profile.unknown-key", f"{path.name}: unknown setting {', '.join(unknown)}")
        return cls(**{name: _value(name, value, path) for name, value in stated.items()})


def _value(name: str, value: Any, path: Path) -> Any:
    if name in _LISTS:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise ConfigurationError("profile.wrong-kind", f"{path.name}: {name} is a list of texts")
        return tuple(value)
    if name in _FLAGS:
        if not isinstance(value, bool):
            raise ConfigurationError("profile.wrong-kind", f"{path.name}: {name} is true or false")
        return value
    if not isinstance(value, str) or not value:
        raise ConfigurationError("profile.wrong-kind", f"{path.name}: {name} is a text")
    return path.parent / Path(value).expanduser() if name in _PATHS else value
