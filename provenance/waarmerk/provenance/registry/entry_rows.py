# SPDX-License-Identifier: Apache-2.0
"""An entry as rows of the database, and a row as an entry."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.model import Origin
from waarmerk.provenance.registry.model import Basis, Binding, Entry, Role, State
from waarmerk.provenance.registry.schema import BINDING, ENTRY, HISTORY


def insert_entry(connection: sa.Connection, entry: Entry, bindings: Iterable[Binding]) -> int:
    """Add an entry with its bindings to a transaction; its number."""
    row = {field.name: getattr(entry, field.name) for field in fields(Entry) if field.name != "number"}
    row |= {"labels": list(entry.labels), "fact_checks": list(entry.fact_checks), "origin": entry.origin.value}
    row |= {"state": entry.state.value, "role": entry.role.value, "basis": entry.basis.value}
    number = int(connection.execute(sa.insert(ENTRY).values(row).returning(ENTRY.c.number)).scalar_one())
    tied = [{"entry": number, "kind": b.kind.value, "value": b.value, "key_id": b.key_id} for b in bindings]
    if tied:
        connection.execute(sa.insert(BINDING), tied)
    connection.execute(sa.insert(HISTORY).values(entry=number, what="added", at=entry.added_at))
    return number


def entry_of(row: Any) -> Entry:
    """A row as it was added. Raises StoreError where somebody else wrote into it."""
    values = dict(row)
    try:
        words = {"origin": Origin, "state": State, "role": Role, "basis": Basis}
        values |= {name: kind(values[name]) for name, kind in words.items()}
        values["labels"], values["fact_checks"] = (tuple(map(str, values[n])) for n in ("labels", "fact_checks"))
        for name in ("sha256", "manifest", "reference"):
            values[name] = None if values[name] is None else bytes(values[name])
        return Entry(**values)
    except (ValueError, TypeError) as error:
        raise StoreError("registry.damaged", "an entry of the registry is damaged") from error
