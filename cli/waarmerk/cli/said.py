# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, in the language that was asked for.

The library says it in English, and so does click. ``said_nl.toml`` has those texts, and ours, with their Dutch. What
is not in it stays as it is: an English sentence is better than none. What is filled in stays too, a file called
"interrupted" among it, but for the places where a text of ours stands within another.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import click

from waarmerk.provenance.errors import Error
from waarmerk.provenance.report.wording import wording

_DEPTH = 4  # a text within a text: an option, what was given, why not
_LONGEST = 1000  # what is filled in may be anybody's
_LANGUAGE = "--lang"
_TRANSLATED = ("nl",)
_ERROR = "Error: {}"
_FRAME = "frame"  # the section of texts that stand within no other
_HOLE = re.compile(r"\{(\.\.\.)?\}")


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


def told(error: Error, language: str) -> str:
    """What an error says, in this language: its own text, or where that is known in English alone that of its code."""
    text, words = said(error.message, language), wording(language)
    if language in _TRANSLATED and text == error.message and words.has("fault", error.code):
        return words.say("fault", error.code)
    return text


def usage(error: click.ClickException, language: str) -> str:
    """What click would show of wrong use, in this language."""
    lines = []
    context = getattr(error, "ctx", None)
    if context is not None:
        lines.append(said(context.get_usage(), language))
        if context.command.get_help_option(context) is not None:
            called = f"{context.command_path} {context.help_option_names[-1]}"
            lines += [said(f"Try '{called}' for help.", language), ""]
    message = error.format_message()
    if language in _TRANSLATED and len(message) <= _LONGEST:  # a text that begins with what is filled in takes no frame
        return "\n".join([*lines, _filled(templates()[_ERROR], [message], _DEPTH)])
    return "\n".join([*lines, _ERROR.replace("{}", message)])


def _said(text: str, depth: int) -> str:
    if depth:
        for pattern, other, is_frame in _texts():
            found = None if is_frame and depth < _DEPTH else pattern.fullmatch(text)
            if found is not None:
                return _filled(other, found.groups(), depth)
    return text


def _filled(other: str, parts: Sequence[str], depth: int) -> str:
    left = iter(parts)
    return _HOLE.sub(lambda hole: _said(next(left), depth - 1) if hole[1] else next(left), other)


@cache
def templates() -> Mapping[str, str]:
    """Each text with {} for what is filled in, and its Dutch, with {...} for what is said in Dutch as well."""
    return {text: other for section in _sections().values() for text, other in section.items()}


def _sections() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("waarmerk.cli") / "said_nl.toml").read_text("utf-8"))


@cache
def _texts() -> tuple[tuple[re.Pattern[str], str, bool], ...]:
    """The one with the most words of its own first: it says the most of what was meant. Whether it is a frame."""
    frames = _sections()[_FRAME]
    ordered = sorted(templates().items(), key=lambda pair: (-len(pair[0].replace("{}", "")), pair[0]))
    return tuple((_pattern(text), other, text in frames) for text, other in ordered)


def _pattern(text: str) -> re.Pattern[str]:
    """Non-greedy, so that what is filled in ends where the text goes on."""
    return re.compile("(.*?)".join(map(re.escape, text.split("{}"))), re.DOTALL)
