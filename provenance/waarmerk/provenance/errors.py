# SPDX-License-Identifier: Apache-2.0
"""What can go wrong that is not a fact about the content.

A broken, hostile or unsigned file is never an exception: it is a value in the report. Exceptions are for misuse,
configuration and machine faults::

    Error
    |- ConfigurationError        the caller's settings: exit 2, HTTP 400
    |  |- TrustListError         a trust store that cannot be believed
    |  `- RulePackError          a rule pack that was refused
    |- UnsupportedAsset          the content is of no kind that can be examined: exit 3, HTTP 415
    |- LimitExceeded             the content is larger than a limit allows: exit 3, HTTP 413
    |- StoreError                a store of ours failed
    `- SigningError              a credential could not be written
"""

import errno
from collections.abc import Iterator

NO_ROOM = "write.no-room"  # the code of a StoreError that goes by when there is room again
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SQLITE_FULL = 13  # sqlite.org/rescode.html


class Error(Exception):
    """Base of all our errors.

    ``code`` is one of our own ``source.what`` codes; the text is meant for the person who caused the error and
    holds no bytes of an examined file.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type["Error"], tuple[str, str]]:
        return type(self), (self.code, self.message)


class ConfigurationError(Error):
    """The caller asked for something that cannot be done as asked."""


class TrustListError(ConfigurationError):
    """A trust store or list is damaged, unknown or older than the one held."""


class RulePackError(ConfigurationError):
    """A rule pack is refused; the pack in force stays."""


class UnsupportedAsset(Error):
    """The bytes are of no supported kind, or there are none."""


class LimitExceeded(Error):
    """A limit of ``media/limits.py`` acts before any decoder sees the bytes."""


class StoreError(Error):
    """A registry, ledger or folder of ours cannot be read or written."""


class SigningError(Error):
    """A credential could not be signed, or the result did not verify."""


def lacks_room(error: BaseException) -> bool:
    """Whether a full disk is at the bottom of it, a quota used up, or a file as large as the machine lets it be."""
    return any(
        getattr(each, "errno", None) in _FULL or getattr(each, "sqlite_errorcode", None) == _SQLITE_FULL
        for each in _behind(error)
    )


def _behind(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that led to it, those that are not told included."""
    left, seen = [error], set[int]()
    while left:
        each = left.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            left += [step for step in (each.__cause__, each.__context__) if step is not None]


def places(error: BaseException) -> str:
    """Where an exception passed, innermost last: module and line only, for its text may hold bytes of a file."""
    found = []
    step = error.__traceback__
    while step is not None:
        found.append(f"{step.tb_frame.f_globals.get('__name__', '?')}:{step.tb_lineno}")
        step = step.tb_next
    return " > ".join(found[-4:])
