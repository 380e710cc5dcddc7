# SPDX-License-Identifier: Apache-2.0
"""What another process told, as JSON in ASCII without a space: read with care, and what all reports share only once.

Most of a report are its labels, and the same few lists of them stand in all (``report.document.Writer`` writes each
label once, too), as does what it rests on. Reading them anew was a sixth of what the service itself did for a picture.
"""

import json
from functools import lru_cache
from typing import Any, NoReturn

from waarmerk.provenance.report.shape import is_part

_LABELS, _BASIS = ',"labels":', ',"basis":'  # the end of a report: ``…,"labels":[…],"basis":{…}}``
_MOST_KEPT, _LONGEST_KEPT = 128, 64 * 2**10  # characters


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def read(text: bytes) -> Any:
    """The value in JSON: only ASCII, no space around it, and only what JSON knows (Python would read NaN too).

    Raises ValueError, RecursionError.
    """
    return _value(text.decode("ascii"))


def _value(text: str) -> Any:
    value, end = _DECODER.raw_decode(text)
    if end != len(text):
        raise ValueError("more than a value")
    return value


def _unchangeable(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("what was told is changed in a copy")


class _Fixed(dict[str, Any]):
    """An object that is the same one in many answers."""

    __setitem__ = __delitem__ = __ior__ = _unchangeable
    pop = popitem = update = setdefault = clear = _unchangeable


class _FixedList(list[Any]):
    """A list that is the same one in many answers."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _unchangeable
    append = extend = insert = remove = pop = clear = sort = reverse = _unchangeable


class Told(_Fixed):
    """An object as it was read, and ``text``, the JSON it was read from; a copy has none, and may be changed.

    ``sound`` are the keys whose values are known to be what a report has under them (``report.shape.is_report``).
    """

    __slots__ = ("sound", "text")

    def __init__(self, text: bytes) -> None:
        """Raises ValueError for what is not the JSON of an object, RecursionError."""
        whole = text.decode("ascii")
        told = _report(whole)
        self.sound = () if told is None else ("labels", "basis")
        if told is None:
            told = _value(whole)
        if not isinstance(told, dict):
            raise ValueError("no object")
        super().__init__(told)
        self.text = text


def _report(text: str) -> dict[str, Any] | None:
    """The report in ``text``, None for what does not look like one.

    What stands before its labels is an object of its own once a brace is added, and so is what stands behind them: then
    the labels stand in the report itself, neither in a text nor in an object within it.
    """
    head, _, rest = text.rpartition(_LABELS)
    labels, _, basis = rest.rpartition(_BASIS)
    if not labels or len(rest) > _LONGEST_KEPT:
        return None
    try:
        before = _value(head + "}")
        return {**before, "labels": _labels(labels), "basis": _basis(basis)} if before else None
    except (ValueError, TypeError):  # TypeError: no object
        return None


@lru_cache(_MOST_KEPT)
def _labels(text: str) -> Any:
    return _sound("labels", _value(text))


@lru_cache(_MOST_KEPT)
def _basis(text: str) -> Any:
    """``text`` ends with the brace that ends the report."""
    behind = _value('{"basis":' + text)
    if len(behind) != 1:
        raise ValueError("more behind it")
    return _sound("basis", behind["basis"])


def _sound(key: str, value: Any) -> Any:
    if not is_part(key, value):
        raise ValueError("not what a report has there")
    return _fixed(value)


def _fixed(value: Any) -> Any:
    if isinstance(value, dict):
        return _Fixed({key: _fixed(each) for key, each in value.items()})
    return _FixedList(map(_fixed, value)) if isinstance(value, list) else value
