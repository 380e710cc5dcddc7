# SPDX-License-Identifier: Apache-2.0
"""The public label in every official language of the European Union, and texts of an organisation's own."""

import tomllib
from functools import cache
from importlib.resources import files

from waarmerk.provenance.errors import ConfigurationError

LANGUAGES = (
    "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv".split()  # noqa: SIM905 - as read aloud
)
KINDS = ("generated", "modified")


@cache
def _labels() -> dict[str, dict[str, str]]:
    text = files(__name__).joinpath("labels.toml").read_text("utf-8")
    return tomllib.loads(text)


def public_label(kind: str, language: str) -> str:
    """The words of the label for ``kind`` (``generated`` or ``modified``). Raises ConfigurationError."""
    if kind not in KINDS:
        raise ConfigurationError("label.unknown-kind", f"a label says generated or modified, not {kind!r}")
    words = _labels().get(language)
    if words is None:
        known = ", ".join(LANGUAGES)
        raise ConfigurationError("label.unknown-language", f"there is no label in {language!r}; choose from {known}")
    return words[kind]
