# SPDX-License-Identifier: Apache-2.0
"""Who may use this service: tenants, what their files are examined with, and their keys.

A key is ``wm_PREFIX_SECRET`` with 32 random bytes of secret, shown once. What is kept is its prefix, by which people
speak of it, and a hash under a secret of the service that is not in the database: a stolen copy of the database opens
nothing, and cannot even be searched for a key.
"""

import base64
import hashlib
import hmac
import os
import re
import stat
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from waarmerk.api.deeds import Noted, unnoted
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.database import Database, Taken
from waarmerk.provenance.model.moment import rfc3339
from waarmerk.provenance.settings import Settings

SIGNING = "signing"  # beside the settings of ``Settings``: no worker that examines files is told of it
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_REVOKED = re.compile(r"(?:wm_)?([0-9a-f]{12})(?:_.*)?", re.DOTALL)
_KEY = re.compile(r"wm_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_KEPT_SECONDS = 5.0  # how long a revoked key may go on working on another host
SECRET_BYTES = 32

TABLES = sa.MetaData()
TENANT = sa.Table(
    "tenant",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("per_minute", sa.Integer, nullable=False),
    sa.Column("keep_days", sa.Integer, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
)
KEY = sa.Table(
    "api_key",
    TABLES,
    sa.Column("prefix", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, sa.ForeignKey("tenant.name"), nullable=False, index=True),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
)


class Scope(StrEnum):
    """What a key may do. None includes another."""

    VERIFY = "verify"
    LABEL = "label"
    REGISTRY = "registry"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One organisation. ``settings`` are those of ``Settings.to_json`` that differ from the service's own."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    per_minute: int = 1200
    keep_days: int = 30

    @property
    def signing(self) -> Path | None:
        """The folder with the keys that this tenant's labels are signed with (``keys init``), None without."""
        named = self.settings.get(SIGNING)
        return None if named is None else Path(str(named))

    def profile(self, base: Settings) -> Settings:
        """What this tenant's files are examined with. Raises ConfigurationError.

        Marks and ledgers are never inherited: the service's own keys are not this tenant's to search with.
        """
        own = {**base.to_json(), "keys": [], "ledger": None, **without_signing(self.settings)}
        return Settings.from_json(own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a key stands for."""

    tenant: Tenant
    scopes: frozenset[Scope]
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key as people see it; its secret is kept nowhere."""

    prefix: str
    tenant: str
    scopes: tuple[Scope, ...]
    added_at: str
    revoked_at: str | None


def without_signing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What of a tenant's settings is for examining files."""
    return {name: value for name, value in settings.items() if name != SIGNING}


def service_secret(path: Path, *, entropy: Callable[[int], bytes] = os.urandom) -> bytes:
    """The secret of the service in the file at ``path``, made if absent; 32 bytes, for its owner alone.

    Raises ConfigurationError for a file that others can read, or that is none of ours.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "wb") as file:
            file.write(entropy(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
    mode, secret = path.stat().st_mode, path.read_bytes()
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigurationError("serve.secret", f"{path.name}: readable by others; chmod 600 it")
    if len(secret) != SECRET_BYTES:
        raise ConfigurationError("serve.secret", f"{path.name}: not a secret of this service")
    return secret


class Keyring:
    """Tenants and keys in a database. Safe to use from several threads; ``repr`` shows no secret.

    ``monotonic`` counts seconds, for how long a key that was found is remembered.
    """

    def __init__(
        self,
        database: Database,
        secret: bytes,
        *,
        monotonic: Callable[[], float],
        entropy: Callable[[int], bytes] = os.urandom,
        noted: Noted = unnoted,
    ) -> None:
        """``noted`` enters what is done to tenants and keys in an audit log (``deeds.py``)."""
        self._noted = noted
        self._database = database
        self._secret = secret
        self._entropy = entropy
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, bytes, Known | None]] = {}

    def create(self) -> None:
        """Make the tables where they are missing. Raises StoreError."""
        self._database.create(TABLES)

    def probe(self) -> str | None:
        """None where the database answers, else a code."""
        return self._database.probe()

    def add_tenant(self, tenant: Tenant, *, at: datetime) -> None:
        """Add a tenant. Raises ConfigurationError for a name that is taken or is none; StoreError."""
        if not NAME.fullmatch(tenant.name):
            raise ConfigurationError("tenant.name", "a tenant is named with a-z, 0-9 and -, at most 63")
        Settings.from_json({**Settings().to_json(), **without_signing(tenant.settings)})
        row: dict[str, Any] = {"name": tenant.name, "settings": dict(tenant.settings), "added_at": rfc3339(at)}
        row |= {"per_minute": tenant.per_minute, "keep_days": tenant.keep_days}
        try:
            with self._noted("tenant.added", tenant.name, row), self._database.writing() as connection:
                connection.execute(sa.insert(TENANT).values(row))
        except Taken:
            raise ConfigurationError("tenant.taken", f"there is a tenant {tenant.name} already") from None

    def change_tenant(self, name: str, change: Callable[[Tenant], Tenant], *, at: datetime) -> Tenant:
        """Make another of a tenant, under its name and with its keys; elsewhere it counts within five seconds.

        Raises ConfigurationError for one that is unknown, and for settings that are none; StoreError.
        """
        held = self.tenant(name)
        if held is None:
            raise ConfigurationError("tenant.unknown", f"there is no tenant {name}")
        made = replace(change(held), name=name)
        Settings.from_json({**Settings().to_json(), **without_signing(made.settings)})
        row = {"settings": dict(made.settings), "per_minute": made.per_minute, "keep_days": made.keep_days}
        note = self._noted("tenant.changed", name, {**row, "at": rfc3339(at)})
        with note, self._database.writing() as connection:
            if connection.execute(sa.update(TENANT).where(TENANT.c.name == name).values(row)).rowcount != 1:
                raise ConfigurationError("tenant.unknown", f"there is no tenant {name}")
        with self._lock:
            self._seen.clear()
        return made

    def tenants(self) -> list[Tenant]:
        """All tenants by name. Raises StoreError."""
        with self._database.reading() as connection:
            return [_tenant(row) for row in connection.execute(sa.select(TENANT).order_by(TENANT.c.name)).mappings()]

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of this name. Raises StoreError."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(TENANT).where(TENANT.c.name == name)).mappings().first()
        return None if row is None else _tenant(row)

    def add_key(self, tenant: str, scopes: Iterable[Scope], *, at: datetime) -> str:
        """A new key of ``tenant``: the only time it can be seen. Raises ConfigurationError, StoreError."""
        named = sorted(set(scopes))
        if not named:
            raise ConfigurationError("tenant.no-scope", "a key without a scope opens nothing")
        prefix = self._entropy(6).hex()
        secret = base64.urlsafe_b64encode(self._entropy(SECRET_BYTES)).decode("ascii").rstrip("=")
        row = {"prefix": prefix, "tenant": tenant, "hash": self._hash(prefix, secret), "scopes": named}
        note = self._noted("key.added", tenant, {"prefix": prefix, "scopes": named})
        with note, self._database.writing() as connection:
            if connection.execute(sa.select(TENANT.c.name).where(TENANT.c.name == tenant)).first() is None:
                raise ConfigurationError("tenant.unknown", f"there is no tenant {tenant}")
            connection.execute(sa.insert(KEY).values(**row, added_at=rfc3339(at)))
        return f"wm_{prefix}_{secret}"

    def keys(self) -> list[KeyRecord]:
        """All keys, the oldest first. Raises StoreError."""
        columns = [column for column in KEY.c if column.name != "hash"]
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(*columns).order_by(KEY.c.added_at, KEY.c.prefix)).mappings().all()
        return [KeyRecord(**{**row, "scopes": tuple(Scope(each) for each in row["scopes"])}) for row in rows]

    def revoke(self, prefix: str, *, at: datetime) -> None:
        """End a key; elsewhere it works for five seconds more. Raises ConfigurationError for one that is unknown.

        ``prefix`` may be the whole key, as it leaked: nothing but its prefix is said again, or entered anywhere.
        """
        form = _REVOKED.fullmatch(prefix.strip())
        if form is None:
            raise ConfigurationError("tenant.unknown-key", "a key is ended by its 12 digits, as tenant list has them")
        prefix = form[1]
        change = sa.update(KEY).where(KEY.c.prefix == prefix, KEY.c.revoked_at.is_(None)).values(revoked_at=rfc3339(at))
        with self._database.reading() as connection:
            tenant = connection.execute(sa.select(KEY.c.tenant).where(KEY.c.prefix == prefix)).scalar()
        note = self._noted("key.revoked", tenant or "", {"prefix": prefix})
        with note, self._database.writing() as connection:
            if connection.execute(change).rowcount != 1:
                raise ConfigurationError("tenant.unknown-key", f"there is no key {prefix} in use")
        with self._lock:
            self._seen.clear()

    def find(self, key: str) -> Known | None:
        """What ``key`` stands for, None for a key that is unknown or revoked. Raises StoreError.

        The comparison takes as long for a wrong secret as for a right one, and as long for an unknown prefix.
        """
        form = _KEY.fullmatch(key)
        if form is None:
            return None
        prefix, given = form[1], self._hash(form[1], form[2])
        kept, known = self._kept(prefix)
        return known if hmac.compare_digest(kept, given) else None

    def in_use(self, prefix: str) -> Known | None:
        """What the key with this prefix stands for while it is not revoked; for whoever showed it before.

        Raises StoreError.
        """
        return self._kept(prefix)[1]

    def seal(self, purpose: str, data: bytes) -> bytes:
        """32 bytes that only this service can make of ``data``, other ones for each purpose (HMAC-SHA-256).

        A purpose is a word with a letter beyond f: nothing that is sealed is ever the hash of a key.
        """
        return hmac.digest(self._secret, purpose.encode("ascii") + b"\0" + data, hashlib.sha256)

    def _kept(self, prefix: str) -> tuple[bytes, Known | None]:
        now = self._monotonic()
        with self._lock:
            seen = self._seen.get(prefix)
        if seen is not None and now - seen[0] < _KEPT_SECONDS:
            return seen[1], seen[2]
        wanted = sa.select(KEY.c.hash, KEY.c.scopes, TENANT).join(TENANT, TENANT.c.name == KEY.c.tenant)
        wanted = wanted.where(KEY.c.prefix == prefix, KEY.c.revoked_at.is_(None))
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            return bytes(32), None  # not remembered: prefixes that nobody has would fill the memory
        scopes = frozenset(Scope(each) for each in row["scopes"])
        found = bytes(row["hash"]), Known(tenant=_tenant(row), scopes=scopes, prefix=prefix)
        with self._lock:
            self._seen[prefix] = (now, *found)
        return found

    def _hash(self, prefix: str, secret: str) -> bytes:
        return hmac.digest(self._secret, f"{prefix}:{secret}".encode("ascii"), hashlib.sha256)


def _tenant(row: sa.RowMapping) -> Tenant:
    return Tenant(name=row["name"], settings=row["settings"], per_minute=row["per_minute"], keep_days=row["keep_days"])
