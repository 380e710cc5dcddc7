# SPDX-License-Identifier: Apache-2.0
"""People who showed a key on the page: for an hour a cookie stands for it, and the key itself is nowhere.

A cookie says whose session it is, what it may do and until when, sealed by the service. It is worth what the key is
worth: with every request the key is looked up by its prefix, so a session ends when its key is revoked. A session may
never do more than examine and label, whatever else its key may do. Before anybody showed a key a session belongs to
nobody; it exists so that the form of the key, too, has a token of its own (CSRF). A visit belongs to the process in
which it began: what was ended early is known there alone, and after a restart to nobody.
"""

import base64
import binascii
import hmac
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from waarmerk.api.caller import Caller
from waarmerk.api.tenants import Keyring, Known, Scope

LIFE = timedelta(hours=1)
SCOPES = frozenset({Scope.VERIFY, Scope.LABEL})
_MAX_COOKIE = 1024  # characters
_ID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A visit: ``known`` is what the key that was shown stands for, None before one was."""

    id: str
    ends: datetime
    known: Known | None = None

    @property
    def caller(self) -> Caller:
        """Who this is to the rest of the service."""
        return Caller() if self.known is None else Caller(tenant=self.known.tenant, scopes=self.known.scopes)


class Sessions:
    """Makes, reads and ends sessions; safe to use from several threads. Nothing is held but what was ended early."""

    def __init__(
        self, keyring: Keyring, *, clock: Callable[[], datetime], entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._keyring = keyring
        self._clock = clock
        self._entropy = entropy
        self._lock = threading.Lock()
        self._ended: dict[str, datetime] = {}
        self._start = entropy(_ID_BYTES).hex()  # of this process; sealed into every cookie

    def begin(self, known: Known | None = None) -> tuple[str, Session]:
        """A new session and its cookie. Raises ValueError for a key without a scope that sessions have."""
        session = Session(id=self._entropy(_ID_BYTES).hex(), ends=self._clock() + LIFE, known=_bounded(known, SCOPES))
        told = {"id": session.id, "ends": int(session.ends.timestamp()), "start": self._start}
        if session.known is not None:
            held = session.known
            told |= {"tenant": held.tenant.name, "key": held.prefix, "scopes": sorted(held.scopes)}
        data = json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii")
        return f"{_text(data)}.{_text(self._keyring.seal('session', data))}", session

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie of this process that has not ended, nor its key. Raises StoreError."""
        told = self._unsealed(cookie)
        if told is None or told.get("start") != self._start:
            return None
        ends = datetime.fromtimestamp(told["ends"], UTC)
        with self._lock:
            is_over = told["id"] in self._ended
        if is_over or ends <= self._clock():
            return None
        if "key" not in told:
            return Session(id=told["id"], ends=ends)
        known = self._keyring.in_use(told["key"])
        if known is None or known.tenant.name != told["tenant"]:
            return None
        scopes = frozenset(map(Scope, told["scopes"])) & SCOPES
        if not known.scopes & scopes:
            return None
        return Session(id=told["id"], ends=ends, known=_bounded(known, scopes))

    def end(self, session: Session) -> None:
        """End a session before its hour; its cookie is worth nothing from now on, here and elsewhere."""
        now = self._clock()
        with self._lock:
            self._ended = {each: ends for each, ends in self._ended.items() if ends > now}
            self._ended[session.id] = session.ends

    def token(self, session: Session) -> str:
        """What a form of this session has to send along, and no other page can know."""
        return _text(self._keyring.seal("token", session.id.encode("ascii")))

    def holds(self, session: Session, given: str) -> bool:
        """Whether ``given`` is the token of this session; as fast for a wrong one as for the right one."""
        return hmac.compare_digest(self.token(session).encode("ascii"), given.encode("utf-8", "replace"))

    def _unsealed(self, cookie: str) -> dict[str, Any] | None:
        text, _, seal = cookie.partition(".")
        data = _data(text) if len(cookie) <= _MAX_COOKIE else b""
        if not hmac.compare_digest(_data(seal), self._keyring.seal("session", data)):
            return None
        told: dict[str, Any] = json.loads(data)  # ours: nobody else can seal
        return told


def _bounded(known: Known | None, scopes: frozenset[Scope]) -> Known | None:
    if known is None:
        return None
    if not known.scopes & scopes:
        raise ValueError("a session examines or labels")
    return Known(tenant=known.tenant, scopes=known.scopes & scopes, prefix=known.prefix)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _data(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
