# SPDX-License-Identifier: Apache-2.0
"""Tell a tenant that a job is over (Standard Webhooks 1.0.0): signed, tried again for three days, then given up.

The message says which job and how it ended; the report is fetched with the tenant's key. It is written down in the
transaction that ends the job, so that neither happens without the other, and sent at least once: the receiver knows a
message by its ``webhook-id``. The secret of a target is derived from the service's own and stands nowhere.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import sqlalchemy as sa

from waarmerk.api.deeds import Noted, unnoted
from waarmerk.api.postbox import is_public
from waarmerk.api.tenants import TABLES, TENANT
from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.jobs.database import Database, milliseconds, moment
from waarmerk.provenance.model.moment import rfc3339

# Seconds after which a message is tried again; the eighth failure gives it up.
RETRIES = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
_LEASE = timedelta(seconds=60)
_POLL_SECONDS = 2.0
_GONE = 410

TARGET = sa.Table(
    "webhook",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, sa.ForeignKey("tenant.name"), nullable=False, index=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
)
MESSAGE = sa.Table(
    "webhook_message",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, sa.ForeignKey("webhook.id"), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.BigInteger, nullable=False, index=True),
)

Send = Callable[[str, bytes, dict[str, str]], int]  # url, body, headers -> status; raises OSError


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a tenant wants to be told."""

    id: str
    tenant: str
    url: str
    ended_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one target, and how often it was tried."""

    id: str
    target: str
    url: str
    body: str
    attempts: int


class Webhooks:
    """Targets and messages in a database. Safe to use from several threads; ``repr`` shows no secret."""

    def __init__(
        self, database: Database, secret: bytes, *, clock: Callable[[], datetime], noted: Noted = unnoted
    ) -> None:
        """``noted`` enters what is registered and ended in an audit log (``deeds.py``)."""
        self._noted = noted
        self._database = database
        self._secret = secret
        self._clock = clock

    def register(self, tenant: str, url: str) -> tuple[Target, str]:
        """A new target and its secret (``whsec_…``), shown this once. Raises ConfigurationError, StoreError.

        Registered by an operator, never by a caller; the address must be https with a name and no user in it.
        """
        require_address(url)
        target = Target(id=f"wh_{secrets.token_hex(8)}", tenant=tenant, url=url, ended_at=None)
        row = {"id": target.id, "tenant": tenant, "url": url, "added_at": rfc3339(self._clock())}
        note = self._noted("webhook.added", tenant, {"id": target.id, "url": url})
        with note, self._database.writing() as connection:
            if connection.execute(sa.select(TENANT.c.name).where(TENANT.c.name == tenant)).first() is None:
                raise ConfigurationError("tenant.unknown", f"there is no tenant {tenant}")
            connection.execute(sa.insert(TARGET).values(row))
        return target, "whsec_" + base64.b64encode(self._secret_of(target.id)).decode("ascii")

    def targets(self) -> list[Target]:
        """All targets, by tenant. Raises StoreError."""
        wanted = sa.select(TARGET.c.id, TARGET.c.tenant, TARGET.c.url, TARGET.c.ended_at).order_by(TARGET.c.tenant)
        with self._database.reading() as connection:
            return [Target(**row) for row in connection.execute(wanted).mappings()]

    def end(self, id: str) -> None:
        """Tell this target nothing more. Raises ConfigurationError for one that is unknown."""
        change = sa.update(TARGET).where(TARGET.c.id == id).values(ended_at=rfc3339(self._clock()))
        with self._database.reading() as connection:
            tenant = connection.execute(sa.select(TARGET.c.tenant).where(TARGET.c.id == id)).scalar()
        note = self._noted("webhook.ended", tenant or "", {"id": id})
        with note, self._database.writing() as connection:
            connection.execute(sa.delete(MESSAGE).where(MESSAGE.c.target == id))
            if connection.execute(change).rowcount != 1:
                raise ConfigurationError("tenant.unknown-webhook", f"there is no webhook {id}")

    def note(self, connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> None:
        """Write down that these jobs are over, in the transaction in which they end (``Queue(over=…)``)."""
        now = self._clock()
        for row in rows:
            if not row["tenant"]:
                continue
            wanted = sa.select(TARGET.c.id).where(TARGET.c.tenant == row["tenant"], TARGET.c.ended_at.is_(None))
            told = {"id": row["id"], "state": str(row["state"]), "code": row["code"]}
            body = json.dumps({"type": "job.over", "timestamp": rfc3339(now), "data": told}, ensure_ascii=True)
            for target in connection.scalars(wanted).all():
                message = {"id": f"msg_{secrets.token_hex(12)}", "target": target, "body": body}
                connection.execute(sa.insert(MESSAGE).values(**message, attempts=0, next_at=milliseconds(now)))

    def due(self, *, most: int = 10) -> list[Message]:
        """Messages to be sent now; nobody else gets them for a minute. Raises StoreError."""
        now = self._clock()
        oldest = sa.select(MESSAGE.c.id).where(MESSAGE.c.next_at <= milliseconds(now))
        oldest = oldest.order_by(MESSAGE.c.next_at).limit(most)
        with self._database.writing() as connection:
            if not self._database.is_sqlite:
                oldest = oldest.with_for_update(skip_locked=True)
            mine = MESSAGE.c.id.in_(list(connection.scalars(oldest)))
            connection.execute(sa.update(MESSAGE).where(mine).values(next_at=milliseconds(now + _LEASE)))
            columns = (MESSAGE.c.id, MESSAGE.c.target, TARGET.c.url, MESSAGE.c.body, MESSAGE.c.attempts)
            found = sa.select(*columns).join(TARGET, TARGET.c.id == MESSAGE.c.target).where(mine)
            return [Message(**row) for row in connection.execute(found).mappings()]

    def deliver(self, message: Message, send: Send) -> bool:
        """Send one message; whether it arrived. What did not is tried again later, or given up. Raises StoreError."""
        seconds = int(self._clock().timestamp())
        body = message.body.encode("ascii")
        mark = signature(self._secret_of(message.target), message.id, seconds, body)
        headers = {"webhook-id": message.id, "webhook-timestamp": str(seconds), "webhook-signature": mark}
        try:
            status = send(message.url, body, {**headers, "content-type": "application/json"})
        except OSError:
            status = 0
        if status == _GONE:
            self.end(message.target)
        elif 200 <= status < 300 or message.attempts >= len(RETRIES):
            with self._database.writing() as connection:
                connection.execute(sa.delete(MESSAGE).where(MESSAGE.c.id == message.id))
        else:
            later = milliseconds(self._clock() + timedelta(seconds=RETRIES[message.attempts]))
            change = sa.update(MESSAGE).where(MESSAGE.c.id == message.id)
            with self._database.writing() as connection:
                connection.execute(change.values(attempts=message.attempts + 1, next_at=later))
        return 200 <= status < 300

    def waiting(self) -> list[tuple[str, int, datetime]]:
        """Id, attempts and next time of all messages that are not delivered. Raises StoreError."""
        wanted = sa.select(MESSAGE.c.id, MESSAGE.c.attempts, MESSAGE.c.next_at).order_by(MESSAGE.c.id)
        with self._database.reading() as connection:
            return [(str(row[0]), int(row[1]), moment(row[2])) for row in connection.execute(wanted)]

    def _secret_of(self, target: str) -> bytes:
        return hmac.digest(self._secret, f"webhook:{target}".encode("ascii"), hashlib.sha256)


class Postman:
    """A thread that sends what is due; a context manager."""

    def __init__(self, webhooks: Webhooks, send: Send) -> None:
        self._webhooks = webhooks
        self._send = send
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="waarmerk-webhooks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(1)

    def _run(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            try:
                for message in self._webhooks.due():
                    if not self._stop.is_set():
                        self._webhooks.deliver(message, self._send)
            except StoreError:
                continue  # what was taken is due again in a minute


def signature(secret: bytes, id: str, seconds: int, body: bytes) -> str:
    """``webhook-signature`` of a message: HMAC-SHA256 over id, time and body (Standard Webhooks)."""
    mark = hmac.digest(secret, f"{id}.{seconds}.".encode("ascii") + body, hashlib.sha256)
    return "v1," + base64.b64encode(mark).decode("ascii")


def require_address(url: str) -> None:
    """Raise ConfigurationError unless ``url`` is https with a host, any port, and no user name or fragment."""
    try:
        parts: Any = urlsplit(url)
        right = parts.scheme == "https" and parts.hostname and parts.username is None and not parts.fragment
        _ = parts.port
    except ValueError:
        right = False
    if not right or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError("tenant.webhook", "a webhook is an https address without a user name or fragment")
    if _is_number(parts.hostname) and not is_public(parts.hostname):  # a name is looked up when it is told
        raise ConfigurationError("tenant.webhook", "a webhook is told at public addresses alone")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
