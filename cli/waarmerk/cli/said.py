# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, in the language that was asked for.

The library says it in English, and so does click. ``said_nl.toml`` has those texts, and ours, with their Dutch. What
is not in it stays as it is: an English sentence is better than none.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import click

_DEPTH = 4  # a text within a text: an option, what was given, why not
_LONGEST = 1000  # what is filled in may be anybody's
_LANGUAGE = "--lang"
_TRANSLATED = ("nl",)


def language_of(arguments: Sequence[str]) -> str:
    """The language of messages before any option is read: the last ``--lang``, English without one that there is."""
    found = "en"
    for at, argument in enumerate(arguments):
        if argument == "--":
            break
        name, _, value = argument.partition("=")
        if name == _LANGUAGE:
            given = value or next(iter(arguments[at + 1 : at + 2]), "")
            found = given if given in _TRANSLATED else "en"
    return found


def said(text: str, language: str) -> str:
    """``text`` in this language, with what is filled in; as it is where nothing is known for it."""
    return _said(text, _DEPTH) if language in _TRANSLATED and len(text) <= _LONGEST else text


def usage(error: click.ClickException, language: str) -> str:
    """What click would show of wrong use, in this language."""
    lines = []
    context = getattr(error, "ctx", None)
    if context is not None:
        lines.append(said(context.get_usage(), language))
        if context.command.get_help_option(context) is not None:
            called = f"{context.command_path} {context.help_option_names[-1]}"
            lines += [said(f"Try '{called}' for help.", language), ""]
    return "\n".join([*lines, said(f"Error: {error.format_message()}", language)])


def _said(text: str, depth: int) -> str:
    if depth:
        for pattern, other in _texts():
            found = pattern.fullmatch(text)
            if found is not None:
                return other.format(*(_said(part, depth - 1) for part in found.groups()))
    return text


@cache
def templates() -> Mapping[str, str]:
    """Each text with {} for what is filled in, and its Dutch."""
    data = tomllib.loads((files("waarmerk.cli") / "said_nl.toml").read_text("utf-8"))
    return {text: other for section in data.values() for text, other in section.items()}


@cache
def _texts() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The one with the most words of its own first: it says the most of what was meant."""
    ordered = sorted(templates().items(), key=lambda pair: (-len(pair[0].replace("{}", "")), pair[0]))
    return tuple((_pattern(text), other) for text, other in ordered)


def _pattern(text: str) -> re.Pattern[str]:
    """Non-greedy, so that what is filled in ends where the text goes on."""
    return re.compile("(.*?)".join(map(re.escape, text.split("{}"))), re.DOTALL)
