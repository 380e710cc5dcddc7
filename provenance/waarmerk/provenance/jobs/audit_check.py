# SPDX-License-Identifier: Apache-2.0
"""Verify an audit log: ``python audit_check.py FOLDER [CHECKPOINT …]``. This file stands alone; copy it.

FOLDER holds ``audit.log``, ``audit.checkpoints`` and ``audit.pub``; take the public key from the operator once, and
keep it: the one beside the log proves nothing to you (``--key``, as hex or as the file). Every CHECKPOINT is a file
with a note that you were given earlier: a log that was cut off, changed or begun anew since then does not agree with
it.

A service that runs signs every so many events, and when it ends: until then its last lines are not signed, and nobody
can tell them from lines that somebody else wrote.

Ends with 0 where everything holds, 1 where something does not, 2 where it cannot be read. Needs ``cryptography``.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_UNSIGNED = "lines are not signed"
_DASH = "\u2014"


def leaf(line: bytes) -> bytes:
    """RFC 6962, 2.1: a leaf."""
    return hashlib.sha256(b"\x00" + line).digest()


def head(nodes: list[bytes]) -> bytes:
    """RFC 6962, 2.1: the hash of a list of leaves, split at the largest power of two below its length."""
    if not nodes:
        return hashlib.sha256(b"").digest()
    while len(nodes) > 1:  # level by level; a node without a partner rises as it is
        paired = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(nodes[::2], nodes[1::2], strict=False)]
        nodes = paired + ([nodes[-1]] if len(nodes) % 2 else [])
    return nodes[0]


class Prefixes:
    """Heads of prefixes of one list, each whole subtree hashed once."""

    def __init__(self, leaves: list[bytes]) -> None:
        self._levels = [leaves]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            above = [hashlib.sha256(b"\x01" + below[i] + below[i + 1]).digest() for i in range(0, len(below) - 1, 2)]
            self._levels.append(above)

    def head(self, size: int) -> bytes:
        """The head of the first ``size`` leaves."""
        at, peaks = 0, []
        for level in range(size.bit_length() - 1, -1, -1):
            if size >> level & 1:
                peaks.append(self._levels[level][at >> level])
                at += 1 << level
        if not peaks:
            return head([])
        node = peaks.pop()
        while peaks:
            node = hashlib.sha256(b"\x01" + peaks.pop() + node).digest()
        return node


def parse_note(text: str, key: bytes) -> tuple[str, int, bytes]:
    """Origin, size and head of a signed note. Raises ValueError for one that was not signed with ``key``."""
    body, found, signatures = text.partition("\n\n")
    lines = body.split("\n")
    if not found or len(lines) < 3 or not lines[1].isdecimal():
        raise ValueError("not a checkpoint")
    origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
    key_id = hashlib.sha256(b"waarmerk.audit\n\x01" + key).digest()[:4]
    for line in signatures.strip("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, mark = rest.partition(" ")
        signed = base64.b64decode(mark, validate=True)
        if (dash, name) == (_DASH, origin) and signed[:4] == key_id:
            Ed25519PublicKey.from_public_bytes(key).verify(signed[4:], (body + "\n").encode())
            return origin, size, root
    raise ValueError("not signed with this key")


def faults(log: bytes, notes: list[str], key: bytes) -> list[str]:
    """Everything that is wrong with a log and its checkpoints; none where it holds."""
    wrong = []
    if log and not log.endswith(b"\n"):
        wrong.append("the last line is torn")
    lines = log.split(b"\n")[:-1]
    wrong += _faults_of_lines(lines)
    tree, origin, signed = Prefixes([leaf(line) for line in lines]), None, 0
    for number, note in enumerate(notes):
        try:
            name, size, root = parse_note(note, key)
        except (ValueError, InvalidSignature):
            wrong.append(f"checkpoint {number}: not one, or not signed with this key")
            continue
        if origin not in (None, name):
            wrong.append(f"checkpoint {number}: of another log")
        origin = name
        if size > len(lines):
            wrong.append(f"checkpoint {number}: {size} lines were signed, {len(lines)} are there")
        elif tree.head(size) != root:
            wrong.append(f"checkpoint {number}: the first {size} lines are not those that were signed")
        else:
            signed = max(signed, size)
    if signed < len(lines):
        wrong.append(f"the last {len(lines) - signed} {_UNSIGNED}")
    return wrong


def _faults_of_lines(lines: list[bytes]) -> list[str]:
    wrong, last = [], ""
    for number, line in enumerate(lines):
        try:
            told = json.loads(line)
            right = told["n"] == number and set(told) == {"n", "at", "event", "commitment"} and told["at"] >= last
            last = told["at"]
        except (ValueError, KeyError, TypeError):
            right = False
        if not right:
            wrong.append(f"line {number}: not the next event")
    return wrong


def opens(line: bytes, salt: bytes, record: str) -> bool:
    """Whether ``record`` is what the commitment in ``line`` was made for."""
    commitment = hashlib.sha256(salt + record.encode("ascii")).hexdigest()
    return bool(json.loads(line)["commitment"] == commitment)


def _public_key(named: str | Path) -> bytes:
    """The key in a file, or itself in hexadecimal. Raises ValueError, OSError."""
    try:
        return bytes.fromhex(str(named))
    except ValueError:
        text = Path(named).read_text("ascii").strip()
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{named} holds no public key (64 hexadecimal digits, as audit.pub does)") from None


def main(arguments: list[str]) -> int:
    """Verify, and say what is wrong."""
    if not arguments or {"-h", "--help"} & set(arguments):
        sys.stdout.write(f"{__doc__}")
        return 0 if arguments else 2
    try:
        named = arguments[arguments.index("--key") + 1] if "--key" in arguments else None
        rest = [each for each in arguments if each not in ("--key", named)]
        folder = Path(rest[0])
        key = _public_key(named if named is not None else folder / "audit.pub")
        notes = (folder / "audit.checkpoints").read_text("utf-8").split("\n\n\n")
        own = [note for note in notes if note.strip()]
        given = [Path(path).read_text("utf-8") for path in rest[1:]]
        log = (folder / "audit.log").read_bytes()
        Ed25519PublicKey.from_public_bytes(key)
    except (OSError, ValueError, IndexError) as error:
        sys.stderr.write(f"cannot verify: {error}\n")
        return 2
    wrong = faults(log, own + given, key)
    for each in wrong:
        sys.stdout.write(each + "\n")
    if any(each.endswith(_UNSIGNED) for each in wrong):
        sys.stdout.write("(a service that runs signs its last lines when it ends, and every so many events)\n")
    if not wrong:
        sys.stdout.write(f"{len(log.splitlines())} events, {len(own) + len(given)} checkpoints: all hold\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
