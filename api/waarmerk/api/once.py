# SPDX-License-Identifier: Apache-2.0
"""``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header-07): a request that is sent twice is done once.

The second gets the answer of the first; 422 where its body is another, 409 while the first is still under way. Keys are
a tenant's own, kept for a day as a digest. A request that failed leaves nothing, and may be sent again.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from anyio.to_thread import run_sync
from fastapi import Request

from waarmerk.api.caller import Caller
from waarmerk.api.problems import Problem
from waarmerk.api.services import services_of
from waarmerk.api.wire import Json
from waarmerk.provenance.jobs.database import Database, milliseconds
from waarmerk.provenance.jobs.tables import ONCE, insert_new

_UNDER_WAY = timedelta(minutes=10)  # then whoever began it has died
_MAX_KEY = 255
HEADER = "Idempotency-Key"


@dataclass(slots=True)
class Claim:
    """One request under a key; ``earlier`` is what the first was answered, with the digest of its body."""

    earlier: tuple[bytes, dict[str, Any]] | None = None
    answer: tuple[bytes, dict[str, Any]] | None = field(default=None)

    def replay(self, body: bytes) -> Json | None:
        """The answer given before, None for the first. Raises Problem where ``body`` (a digest) is another."""
        if self.earlier is None:
            return None
        if self.earlier[0] != body:
            raise Problem("idempotency.other-body")
        told = self.earlier[1]
        return Json(told["body"], told["status"], {**told["headers"], "Idempotency-Replayed": "true"})

    def keep(self, body: bytes, response: Json, *headers: str) -> Json:
        """Remember the answer with these of its headers; it is written when the request ends well."""
        named = {name: response.headers[name] for name in headers if name in response.headers}
        self.answer = body, {"status": response.status_code, "headers": named, "body": json.loads(bytes(response.body))}
        return response


@asynccontextmanager
async def once(request: Request, caller: Caller) -> AsyncIterator[Claim]:
    """Claim the key of a request, if it has one. Raises Problem: 409 while the first is under way, 422 for no key."""
    given = request.headers.get(HEADER)
    services = services_of(request)
    if given is None or services.worklist is None or caller.is_stranger:
        yield Claim()
        return
    if not 1 <= len(given) <= _MAX_KEY or not given.isprintable():
        place = [{"pointer": f"/header/{HEADER}", "detail": f"1 to {_MAX_KEY} printable characters"}]
        raise Problem("request.invalid", errors=place)
    ledger, route = services.worklist.queue.database, request.scope["route"].path
    key = hashlib.sha256(f"{route}\n{given}".encode()).digest()
    claim = await run_sync(_begin, ledger, caller.name, key, services.clock())
    try:
        yield claim
    except BaseException:
        if claim.earlier is None:
            await run_sync(_forget, ledger, caller.name, key, abandon_on_cancel=False)
        raise
    if claim.answer is not None:
        await run_sync(_end, ledger, caller.name, key, claim.answer)
    elif claim.earlier is None:
        await run_sync(_forget, ledger, caller.name, key)


def _begin(ledger: Database, tenant: str, key: bytes, now: datetime) -> Claim:
    mine = sa.and_(ONCE.c.tenant == tenant, ONCE.c.key == key)
    with ledger.writing() as connection:
        row = {"tenant": tenant, "key": key, "started_at": milliseconds(now)}
        if insert_new(connection, ONCE, row):
            return Claim()
        found = connection.execute(sa.select(ONCE).where(mine)).mappings().one()
        if found["answer"] is not None:
            return Claim(earlier=(bytes(found["body"]), json.loads(found["answer"])))
        left = ONCE.c.started_at < milliseconds(now - _UNDER_WAY)
        if connection.execute(sa.update(ONCE).where(mine, left).values(row)).rowcount == 1:
            return Claim()
    raise Problem("idempotency.in-flight", retry_after=2)


def _end(ledger: Database, tenant: str, key: bytes, answer: tuple[bytes, dict[str, Any]]) -> None:
    change = sa.update(ONCE).where(ONCE.c.tenant == tenant, ONCE.c.key == key)
    with ledger.writing() as connection:
        connection.execute(change.values(body=answer[0], answer=json.dumps(answer[1], ensure_ascii=True)))


def _forget(ledger: Database, tenant: str, key: bytes) -> None:
    with ledger.writing() as connection:
        connection.execute(sa.delete(ONCE).where(ONCE.c.tenant == tenant, ONCE.c.key == key))
