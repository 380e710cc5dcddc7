# SPDX-License-Identifier: Apache-2.0
"""Every sentence a person reads, by language: one file a language, equal keys in all of them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from waarmerk.provenance.report.escape import Shown, plain

LANGUAGES = ("en", "nl")
_BILLIONTH = 1e-9
_ROUNDING = 1e-12  # the reciprocal of 1e-9 is 1 less than a billion in floating point


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one language. ``sections`` maps a section to its keys and texts."""

    language: str
    sections: dict[str, dict[str, str]]

    def say(self, section: str, key: str, /, **parts: object) -> str:
        """The sentence for ``key`` with its parts filled in, each part made safe to show.

        A code without a sentence of its own is shown as it is: a standard's code is better than silence.
        """
        text = self.sections[section].get(key)
        if text is None:
            about = str(parts.get("about") or "")
            return f"{plain(key)}: {plain(about)}" if about else plain(key)
        shown = {name: part if isinstance(part, Shown) else plain(str(part)) for name, part in parts.items()}
        return text.format_map(shown)

    def concern(self, code: str, about: str) -> str:
        """The sentence for a concern. Where it lists reasons of ours, separated by semicolons, each is worded too."""
        if self.has("concern", code) and "{reasons}" in self.sections["concern"][code]:
            reasons = (self.say("reason", reason.strip()) for reason in about.split(";"))
            return self.say("concern", code, reasons=", ".join(reasons))
        return self.say("concern", code, about=about)

    def keyless_mark(self, scheme: str, p_value: float) -> str:
        """The sentence for a mark of others: an open one, or one that a closed detector read."""
        key = "closed" if scheme.startswith("closed:") else "open"
        return self.say("mark", key, scheme=scheme, p=self.chance(p_value, "stated" if key == "closed" else "bound"))

    def chance(self, p_value: float, kind: str = "bound") -> str:
        """A chance of a false alarm for people: ``bound`` is computed here, ``stated`` is the word of another program.

        Whole numbers to two digits, never a smaller chance than ``p_value``; below one in a billion no number, for
        nothing that was ever counted stands behind one.
        """
        if p_value < _BILLIONTH:
            return self.say("chance", f"{kind}-small")
        one_in = int((1 + _ROUNDING) / p_value)
        step = 10 ** max(0, len(str(one_in)) - 2)
        shown = f"{one_in // step * step:,}".replace(",", self.sections["chance"]["thousands"])
        return self.say("chance", kind, count=shown)

    def loss(self, code: str, about: str) -> str:
        """The sentence for what a rewrite drops, without empty brackets where nothing tells which one."""
        if self.has(code, about):  # personal details, colours and parts of a container by their kind
            about = self.say(code, about)
        return self.say("loss", code, about=about).removesuffix(" ()")

    def has(self, section: str, key: str) -> bool:
        """Whether there is a sentence for ``key``."""
        return key in self.sections.get(section, {})


@cache
def wording(language: str) -> Wording:
    """The wording of ``en`` or ``nl``. Raises KeyError for another language."""
    if language not in LANGUAGES:
        raise KeyError(language)
    data: dict[str, Any] = tomllib.loads((files(__name__) / f"{language}.toml").read_text("utf-8"))
    return Wording(language, data)
