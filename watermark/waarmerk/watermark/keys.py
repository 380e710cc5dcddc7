# SPDX-License-Identifier: Apache-2.0
"""Keys of the mark: 32 secret bytes, what they mean, and the file that holds them.

Sub-keys come from HKDF-SHA256 (RFC 5869) with the scheme, its version, the purpose and a name as context, so that no
two uses share a stream.  The secret shows neither in ``repr`` nor in tracebacks, not even in those that print local
variables, and a key is neither copied nor pickled.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NoReturn, get_args

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_FORMAT = "waarmerk.key/1"
SCHEME = "ring/1"
SECRET_BYTES = 32
MAX_KEY_FILE_BYTES = 4096

Purpose = Literal["ai", "origin"]
_FIELDS = {"format", "key_id", "scheme", "purpose", "created", "secret"}


def _now() -> datetime:
    return datetime.now(UTC)


def _is_secret(value: object) -> bool:
    """Callers without a type checker pass text."""
    return isinstance(value, bytes) and len(value) == SECRET_BYTES


class Key:
    """A watermark key; equal by value, compared in constant time nowhere because it is never compared with guesses.

    Immutable.  No dataclass: ``dataclasses.asdict`` and its like would hand out the secret with the rest.
    """

    __slots__ = ("_secret", "created", "purpose", "scheme")

    _secret: bytes
    purpose: Purpose
    created: datetime
    scheme: str

    def __init__(self, *, secret: bytes, purpose: Purpose, created: datetime, scheme: str = SCHEME) -> None:
        set_once = object.__setattr__
        set_once(self, "_secret", secret)
        del secret  # from here on no local shows it in a traceback
        set_once(self, "purpose", purpose)
        set_once(self, "created", created)
        set_once(self, "scheme", scheme)
        if not _is_secret(self._secret):
            raise ValueError(f"a key has exactly {SECRET_BYTES} secret bytes")
        if purpose not in get_args(Purpose):
            raise ValueError(f"purpose is one of {', '.join(get_args(Purpose))}, got {purpose!r}")
        if scheme != SCHEME:
            raise ValueError(f"unknown scheme {scheme!r}; this version knows {SCHEME!r}")
        if created.tzinfo is None:
            raise ValueError("created needs a time zone")

    @classmethod
    def generate(
        cls,
        purpose: Purpose = "ai",
        *,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        clock: Callable[[], datetime] = _now,
    ) -> Key:
        """Draw a new key; ``purpose`` says what a mark under it means."""
        return cls(secret=random_bytes(SECRET_BYTES), purpose=purpose, created=clock().replace(microsecond=0))

    @property
    def secret(self) -> bytes:
        """The 32 bytes themselves: whoever asks for them keeps them out of logs and messages."""
        return self._secret

    @property
    def key_id(self) -> str:
        """16 hex digits that name the key and reveal nothing of it."""
        return self.sub_key("key-id")[:8].hex()

    def sub_key(self, name: str) -> bytes:
        """32 bytes for the use called ``name``."""
        context = f"waarmerk watermark/{self.scheme}/{self.purpose}/{name}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=context).derive(self._secret)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a new key file with mode 0600; an existing file is never replaced (FileExistsError)."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)  # a umask may have taken bits, never added any
            file.write(self._as_text())  # into no local: a full disk raises here
            file.flush()
            os.fsync(file.fileno())

    def _as_text(self) -> str:
        return (
            f'format = "{KEY_FORMAT}"\nkey_id = "{self.key_id}"\nscheme = "{self.scheme}"\npurpose = "{self.purpose}"\n'
            f'created = "{self.created.isoformat()}"\nsecret = "{self._secret.hex()}"\n'
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Key:
        """Read a key file.

        Raises PermissionError where group or others may read it, ValueError where it is not a key file of ours.
        """
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise ValueError(f"{path}: a key file is a regular file")
            if mode & 0o077:
                raise PermissionError(f"{path}: readable by group or others; make it mode 0600")
            raw = file.read(MAX_KEY_FILE_BYTES + 1)
        try:
            return cls._parse(raw)
        except (ValueError, RecursionError) as error:
            reason = str(error) if type(error) is ValueError else "it is not a TOML key file"
        del raw
        # raised outside the handler and without the text: the parser's exception and its frames may quote the secret
        raise ValueError(f"{path}: {reason}")

    @classmethod
    def _parse(cls, raw: bytes) -> Key:
        if len(raw) > MAX_KEY_FILE_BYTES:
            raise ValueError("too long for a key file")
        entry = tomllib.loads(raw.decode("ascii"))
        if set(entry) != _FIELDS or not all(isinstance(value, str) for value in entry.values()):
            raise ValueError(f"a key file holds exactly the texts {', '.join(sorted(_FIELDS))}")
        if entry["format"] != KEY_FORMAT:
            raise ValueError("unknown key format")
        if not re.fullmatch(r"[0-9a-f]{64}", entry["secret"]):
            raise ValueError("the secret is not 64 lower-case hex digits")
        try:
            created = datetime.fromisoformat(entry["created"])
        except ValueError:
            created = None
        if created is None:
            raise ValueError("created is not an RFC 3339 time")
        key = cls(
            secret=bytes.fromhex(entry["secret"]), purpose=entry["purpose"], created=created, scheme=entry["scheme"]
        )
        if key.key_id != entry["key_id"]:
            raise ValueError("the key id does not belong to the secret")
        return key

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a key does not change: {name} is set once")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a key does not change: {name} stays")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is neither copied nor pickled: pass the same object on, or save it to a key file")

    def __getstate__(self) -> NoReturn:
        self.__reduce__()

    def __repr__(self) -> str:
        return f"Key(purpose={self.purpose!r}, created={self.created!r}, scheme={self.scheme!r})"

    def __str__(self) -> str:
        return f"Key({self.key_id}, {self.purpose})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Key):
            return NotImplemented
        mine, theirs = ((k.purpose, k.created, k.scheme) for k in (self, other))
        return mine == theirs and self._secret == other._secret

    def __hash__(self) -> int:
        return int.from_bytes(hashlib.sha256(self._secret).digest()[:8], "little")
