# SPDX-License-Identifier: Apache-2.0
"""Give signals to others and take theirs: with provenance, in quarantine, and never older than what is held.

What a stranger sends is kept apart and finds nothing until somebody here accepts the key it was signed with. Accepted,
it proposes: an exact digest brings its labels as a claim by that issuer, a near hash a hint; neither is automatic.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.model.moment import moment_of, rfc3339
from waarmerk.provenance.registry.database import reading, writing
from waarmerk.provenance.registry.entry_rows import insert_entry
from waarmerk.provenance.registry.model import BY_ISSUER, Binding, Entry, State
from waarmerk.provenance.registry.package import FORMAT, MAX_ITEMS, Item, Package, fits, item_of, written
from waarmerk.provenance.registry.schema import BINDING, ENTRY, EXPORT, HISTORY, ISSUER
from waarmerk.provenance.registry.store import Store

_AHEAD = timedelta(
    days=1
)  # a package from further in the future has a wrong clock, or hopes to shut out all later ones
_MOST_NAMED = 20  # entries in one message


class Standing(StrEnum):
    """What an issuer is here."""

    QUARANTINED = "quarantined"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who sent packages. ``name`` is what they call themselves; only ``key_id`` is proven."""

    number: int
    key_id: str
    name: str
    standing: Standing
    sequence: int
    issued_at: str
    received_at: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a package changed: items that are new, told otherwise than before, told as before, and told no more."""

    issuer: Issuer
    added: int
    changed: int
    same: int
    withdrawn: int


def export(
    store: Store, *, name: str, public_key: bytes, algorithm: str, sign: Callable[[bytes], bytes], at: datetime
) -> tuple[bytes, int, int]:
    """A package of everything of ours that is published; its file, its items, and how many entries stayed here.

    What others sent is never passed on: they may withdraw it. What was withdrawn here is told as withdrawn. Raises
    StoreError, ``exchange.unfit`` where no package can carry what is said of an entry.
    """
    own = [entry for entry in store.entries() if entry.issuer is None]
    told = [entry for entry in own if entry.published]
    if len(told) > MAX_ITEMS:
        raise StoreError("exchange.too-large", f"a package has at most {MAX_ITEMS} items")
    tied = list(_tied(store, [entry for entry in told if entry.state is not State.WITHDRAWN]))
    unfit = [entry.registry_id for entry, ties in tied if not fits(entry, ties)]
    if unfit:  # an earlier version entered it: nobody could read the package, and nobody would know why
        named = ", ".join(unfit[:_MOST_NAMED])
        raise StoreError(
            "exchange.unfit", f"no package can carry what is said of {named}: remove it, and add it with other labels"
        )
    items = [item_of(entry, ties) for entry, ties in tied]
    with reading(store.engine) as connection:
        sequence = int(connection.scalar(sa.select(sa.func.coalesce(sa.func.max(EXPORT.c.sequence), 0))) or 0) + 1
    body = {
        "format": FORMAT,
        "issuer": {"name": name, "public_key": base64.b64encode(public_key).decode()},
        "sequence": sequence,
        "issued_at": rfc3339(at),
        "items": items,
        "withdrawn": [entry.registry_id for entry in told if entry.state is State.WITHDRAWN],
    }
    data = written(body, algorithm=algorithm, sign=sign)
    return data, len(items), len(own) - len(told)


def _tied(store: Store, entries: list[Entry]) -> Iterator[tuple[Entry, tuple[Binding, ...]]]:
    """Each of our entries with its bindings, read a thousand at a time."""
    for at in range(0, len(entries), 1000):
        some = entries[at : at + 1000]
        tied = store.bindings_of(*(entry.number for entry in some))
        yield from ((entry, tied.get(entry.number, ())) for entry in some)


def exported(store: Store, package: Package, *, at: datetime) -> None:
    """Note that a package left, so that the next one has a higher number. Raises StoreError."""
    with writing(store.engine) as connection:
        row = {"sequence": package.sequence, "sha256": package.sha256, "at": rfc3339(at)}
        connection.execute(sa.insert(EXPORT).values(row))


def take(store: Store, package: Package, *, at: datetime, accept: bool = False) -> Taken:
    """Take a package in, all or nothing. ``accept`` is that somebody here vouches for its key.

    Raises StoreError: ``exchange.refused`` (the issuer is), ``exchange.replayed`` (it is held already),
    ``exchange.rolled-back`` (a later one is held), ``exchange.forked`` (another one has its number),
    ``exchange.future``, ``exchange.own`` (it was written from this very registry).
    """
    if moment_of(package.issued_at) > at + _AHEAD:
        raise StoreError("exchange.future", "this package says that it was made in the future")
    with writing(store.engine) as connection:
        if connection.scalar(sa.select(EXPORT.c.sequence).where(EXPORT.c.sha256 == package.sha256)) is not None:
            raise StoreError("exchange.own", "this package was written from this registry")
        held = connection.execute(sa.select(ISSUER).where(ISSUER.c.key_id == package.key_id)).first()
        if held is not None:
            _require_newer(held, package, is_held=_is_anything_held(connection, int(held.number)))
        number = _issuer(connection, held, package, at=at, accept=accept)
        counts = _items(connection, number, package, at=at)
    (issuer,) = (each for each in issuers(store) if each.number == number)
    return Taken(issuer=issuer, **counts)


def issuers(store: Store) -> tuple[Issuer, ...]:
    """Who sent packages, the first one first. Raises StoreError."""
    live = sa.and_(ENTRY.c.issuer == ISSUER.c.number, ENTRY.c.state != State.WITHDRAWN.value)
    count = sa.select(sa.func.count()).where(live).scalar_subquery()
    with reading(store.engine) as connection:
        rows = connection.execute(sa.select(ISSUER, count.label("items")).order_by(ISSUER.c.number)).all()
    return tuple(
        Issuer(
            number=row.number,
            key_id=row.key_id,
            name=row.name,
            standing=Standing(row.state),
            sequence=row.sequence,
            issued_at=row.issued_at,
            received_at=row.received_at,
            items=row.items,
        )
        for row in rows
    )


def judge(store: Store, key_id: str, standing: Standing) -> tuple[int, ...] | None:
    """Accept an issuer, put it back into quarantine, or refuse it; the entries that it leaves to be erased.

    None where there is no such issuer. What a refused issuer sent is for the caller to remove. Raises StoreError.
    """
    with writing(store.engine) as connection:
        number = connection.scalar(sa.select(ISSUER.c.number).where(ISSUER.c.key_id == key_id))
        if number is None:
            return None
        connection.execute(sa.update(ISSUER).where(ISSUER.c.number == number).values(state=standing.value))
        if standing is not Standing.REFUSED:
            return ()
        return tuple(connection.scalars(sa.select(ENTRY.c.number).where(ENTRY.c.issuer == number)).all())


def _is_anything_held(connection: sa.Connection, issuer: int) -> bool:
    return connection.scalar(sa.select(ENTRY.c.number).where(_of(issuer)).limit(1)) is not None


def _require_newer(held: Any, package: Package, *, is_held: bool) -> None:
    """Raise StoreError for what is not newer; the same again is taken where a refusal has erased all of it."""
    if held.state == Standing.REFUSED.value:
        raise StoreError("exchange.refused", "packages signed with this key are refused here")
    if package.sequence == held.sequence:
        if package.sha256 == bytes(held.sha256):
            if not is_held:
                return
            raise StoreError("exchange.replayed", "this package is held already")
        raise StoreError("exchange.forked", "another package with the same number is held: its issuer says two things")
    if package.sequence < held.sequence or moment_of(package.issued_at) < moment_of(held.issued_at):
        raise StoreError("exchange.rolled-back", "a later package of this issuer is held")


def _issuer(connection: sa.Connection, held: Any, package: Package, *, at: datetime, accept: bool) -> int:
    row: dict[str, Any] = {
        "key_id": package.key_id,
        "public_key": package.public_key,
        "name": package.name,
        "sequence": package.sequence,
        "sha256": package.sha256,
        "issued_at": package.issued_at,
        "received_at": rfc3339(at),
    }
    if accept or held is None:
        row["state"] = (Standing.ACCEPTED if accept else Standing.QUARANTINED).value
    if held is None:
        return int(connection.execute(sa.insert(ISSUER).values(row).returning(ISSUER.c.number)).scalar_one())
    connection.execute(sa.update(ISSUER).where(ISSUER.c.number == held.number).values(row))
    return int(held.number)


def _items(connection: sa.Connection, issuer: int, package: Package, *, at: datetime) -> dict[str, int]:
    """Make the entries of an issuer what its package tells; what it tells no more is withdrawn, not erased."""
    rows = connection.execute(sa.select(ENTRY.c.number, ENTRY.c.foreign_id, ENTRY.c.state).where(_of(issuer))).all()
    held = {row.foreign_id: row for row in rows}
    mine = _decided_here(connection, issuer)
    counts = {"added": 0, "changed": 0, "same": 0, "withdrawn": 0}
    for item in package.items:
        entry = replace(item.entry, issuer=issuer, source=f"{package.name} ({item.stated_basis})")
        before = held.pop(entry.foreign_id, None)
        if before is None:
            insert_entry(connection, replace(entry, added_at=rfc3339(at)), item.bindings)
            counts["added"] += 1
        elif before.number in mine:
            counts["same"] += 1  # somebody here disputed or withdrew it, and that stands
        else:
            changed = _renew(connection, int(before.number), item, source=entry.source, at=at)
            counts["changed" if changed else "same"] += 1
    for row in held.values():
        if row.state != State.WITHDRAWN.value:
            _set(connection, int(row.number), State.WITHDRAWN, at)
            counts["withdrawn"] += 1
    return counts


def _renew(connection: sa.Connection, number: int, item: Item, *, source: str, at: datetime) -> bool:
    """Make an entry what is told of it now; whether that is anything else than before."""
    entry = item.entry
    told = {
        "sha256": entry.sha256,
        "media_type": entry.media_type,
        "width": entry.width,
        "height": entry.height,
        "origin": entry.origin.value,
        "labels": list(entry.labels),
        "fact_checks": list(entry.fact_checks),
        "role": entry.role.value,
        "source": source,
        "state": entry.state.value,
    }
    before = connection.execute(sa.select(*(ENTRY.c[name] for name in told)).where(ENTRY.c.number == number)).one()
    held = connection.execute(
        sa.select(BINDING.c.kind, BINDING.c.value, BINDING.c.key_id).where(BINDING.c.entry == number)
    ).all()
    ties = {(tie.kind.value, tie.value, tie.key_id) for tie in item.bindings}
    is_tied = {(row.kind, bytes(row.value), row.key_id) for row in held} == ties
    if is_tied and all(_plain(value) == told[name] for name, value in before._mapping.items()):
        return False
    connection.execute(sa.update(ENTRY).where(ENTRY.c.number == number).values(told))
    if not is_tied:
        connection.execute(sa.delete(BINDING).where(BINDING.c.entry == number))
        rows = [
            {"entry": number, "kind": kind, "value": value, "key_id": key_id}
            for kind, value, key_id in sorted(ties, key=str)
        ]
        if rows:
            connection.execute(sa.insert(BINDING), rows)
    _note(connection, number, entry.state if before.state != entry.state.value else None, at)
    return True


def _decided_here(connection: sa.Connection, issuer: int) -> frozenset[int]:
    """The entries of an issuer whose state somebody here set last, and set to something else than active."""
    states = (State.ACTIVE.value, State.DISPUTED.value, State.WITHDRAWN.value)
    wanted = sa.select(HISTORY.c.entry, HISTORY.c.what, HISTORY.c.why).where(
        HISTORY.c.what.in_(states), HISTORY.c.entry.in_(sa.select(ENTRY.c.number).where(_of(issuer)))
    )
    last = {row.entry: (row.what, row.why) for row in connection.execute(wanted.order_by(HISTORY.c.id))}
    return frozenset(number for number, (what, why) in last.items() if why != BY_ISSUER and what != State.ACTIVE.value)


def _set(connection: sa.Connection, number: int, state: State, at: datetime) -> None:
    connection.execute(sa.update(ENTRY).where(ENTRY.c.number == number).values(state=state.value))
    _note(connection, number, state, at)


def _note(connection: sa.Connection, number: int, state: State | None, at: datetime) -> None:
    what = "changed" if state is None else state.value
    connection.execute(sa.insert(HISTORY).values(entry=number, what=what, at=rfc3339(at), why=BY_ISSUER))


def _of(issuer: int) -> sa.ColumnElement[bool]:
    return ENTRY.c.issuer == issuer


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value
