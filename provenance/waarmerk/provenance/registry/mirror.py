# SPDX-License-Identifier: Apache-2.0
"""A copy in a file of a registry on a server, for processes that may connect to nothing.

Files of strangers are examined without a network. So whoever starts that brings a copy up to date first: rows with the
same numbers, in steps that each are whole, following the history. What was erased there is erased here.
"""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.registry.database import reading, writing
from waarmerk.provenance.registry.schema import BINDING, ENTRY, HISTORY, ISSUER
from waarmerk.provenance.registry.store import Store

_STEP = 1000  # notes of the history
_MAX_BYTES = 64 * 2**20


def refresh(source: Store, copy: Store, *, forget: Callable[[], None]) -> int:
    """Bring ``copy`` up to date with ``source``; how many notes of the history were followed.

    ``forget`` takes the index of the copy away where something was erased. Raises StoreError; ``registry.not-a-copy``
    where the copy is ahead of what it should be a copy of.
    """
    source.require()
    copy.create()
    followed = 0
    while count := _step(source, copy, forget):
        followed += count
    _issuers(source, copy)
    return followed


def _step(source: Store, copy: Store, forget: Callable[[], None]) -> int:
    with reading(source.engine) as theirs, writing(copy.engine) as ours:
        last = int(ours.scalar(sa.select(sa.func.coalesce(sa.func.max(HISTORY.c.id), 0))) or 0)
        if int(theirs.scalar(sa.select(sa.func.coalesce(sa.func.max(HISTORY.c.id), 0))) or 0) < last:
            raise StoreError(
                "registry.not-a-copy", "this copy knows more than the registry; remove it, it is made anew"
            )
        notes = theirs.execute(sa.select(HISTORY).where(HISTORY.c.id > last).order_by(HISTORY.c.id).limit(_STEP)).all()
        if not notes:
            return 0
        changed = sorted({int(note.entry) for note in notes})
        entries = [dict(row) for row in theirs.execute(_of(ENTRY, ENTRY.c.number, changed)).mappings()]
        ties = [dict(row) for row in theirs.execute(_of(BINDING, BINDING.c.entry, changed)).mappings()]
        for digest in _digests(entries):
            copy.files.put(source.files.get(digest, max_bytes=_MAX_BYTES))
        held = [dict(row) for row in ours.execute(_of(ENTRY, ENTRY.c.number, changed)).mappings()]
        ours.execute(sa.delete(BINDING).where(BINDING.c.entry.in_(changed)))
        ours.execute(sa.delete(ENTRY).where(ENTRY.c.number.in_(changed)))
        _issuers_within(theirs, ours, {entry["issuer"] for entry in entries if entry["issuer"] is not None})
        for table, rows in ((ENTRY, entries), (BINDING, ties), (HISTORY, [dict(note._mapping) for note in notes])):
            if rows:
                ours.execute(sa.insert(table), rows)
        for note in notes:  # what is gone there says no more why, here as well
            if note.what == "removed":
                ours.execute(sa.update(HISTORY).where(HISTORY.c.entry == note.entry).values(why=None))
    there = {entry["number"] for entry in entries}
    gone = [entry for entry in held if entry["number"] not in there]
    if gone:
        forget()
        copy.drop_bytes(_digests(gone))
    return len(notes)


def _issuers(source: Store, copy: Store) -> None:
    with reading(source.engine) as theirs, writing(copy.engine) as ours:
        _issuers_within(theirs, ours, None)


def _issuers_within(theirs: sa.Connection, ours: sa.Connection, only: Iterable[Any] | None) -> None:
    """Issuers as they stand there: whether one is accepted is no note in the history."""
    wanted = sa.select(ISSUER) if only is None else sa.select(ISSUER).where(ISSUER.c.number.in_(list(only)))
    for row in theirs.execute(wanted).mappings():
        values = dict(row)
        if not ours.execute(sa.update(ISSUER).where(ISSUER.c.number == row["number"]).values(values)).rowcount:
            ours.execute(sa.insert(ISSUER).values(values))


def _of(table: sa.Table, column: sa.Column[Any], numbers: list[int]) -> sa.Select[Any]:
    return sa.select(table).where(column.in_(numbers)).order_by(*table.primary_key.columns)


def _digests(rows: Iterable[dict[str, Any]]) -> list[bytes]:
    return [bytes(row[name]) for row in rows for name in ("manifest", "reference") if row[name] is not None]
