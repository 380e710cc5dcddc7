# SPDX-License-Identifier: Apache-2.0
"""Programs by which the kernel refuses system calls: by their number, and by one of their arguments (``seccomp(2)``).

Classic BPF reads the lower half of an argument here; all that are looked at are 32 bits wide to the kernel, but the
flags of ``clone``, whose bits are all in the lower half.
"""

import ctypes
import errno
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_IF_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_ARGUMENTS = 0, 4, 16
_X32_NUMBERS = 0x40000000  # the second table of system calls on x86-64 would be a way around the first

Instruction = tuple[int, int, int, int]


class Rule(NamedTuple):
    """A refusal of the system call ``number``; always, or by its ``argument`` (0 is the first).

    With ``among`` it is refused where the argument is one of them, with ``unless`` where it is none of them, with
    ``bits`` where any of these is set, with ``without`` where none of these is.
    """

    number: int
    argument: int = 0
    among: tuple[int, ...] = ()
    unless: tuple[int, ...] = ()
    bits: int = 0
    without: int = 0
    error: int = errno.EPERM


def program(architecture: int, rules: Iterable[Rule]) -> list[Instruction]:
    """What refuses by ``rules``, at most one for a number, and every call by another table of numbers."""
    refused = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    blocks = [each for rule in rules for each in _block(rule)]
    return [
        (_LOAD, 0, 0, _OFFSET_ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        refused,
        (_LOAD, 0, 0, _OFFSET_NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _X32_NUMBERS),
        refused,
        *blocks,
        (_RETURN, 0, 0, _ALLOW),
    ]


def _block(rule: Rule) -> list[Instruction]:
    refuse, allow = (_RETURN, 0, 0, _ERRNO | rule.error), (_RETURN, 0, 0, _ALLOW)
    load = (_LOAD, 0, 0, _OFFSET_ARGUMENTS + 8 * rule.argument)
    if rule.among or rule.unless:
        values = rule.among or rule.unless
        tests = [(_JUMP_EQUAL, len(values) - i, 0, value) for i, value in enumerate(values)]  # to the second end
        body = [load, *tests, *((allow, refuse) if rule.among else (refuse, allow))]
    elif rule.bits or rule.without:
        test = (_JUMP_IF_SET, 1, 0, rule.bits or rule.without)
        body = [load, test, *((allow, refuse) if rule.bits else (refuse, allow))]
    else:
        body = [refuse]
    return [(_JUMP_EQUAL, 0, len(body), rule.number), *body]


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def install(instructions: Sequence[Instruction]) -> bool:
    """For this thread and all it starts, for good; whether the kernel agreed. Needs ``PR_SET_NO_NEW_PRIVS``."""
    made = (_Instruction * len(instructions))(*(_Instruction(*each) for each in instructions))
    whole = _Program(len(instructions), made)
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(whole), 0, 0) == 0)
