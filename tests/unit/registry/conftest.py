# SPDX-License-Identifier: Apache-2.0
"""Registries on both engines: SQLite in a file, and a private PostgreSQL on a Unix socket where its programs are.

The places of a picture are found once for all comparisons with it: they follow from its pixels and from nothing else.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from tests.nursery import FRESH
from tests.postgres import Server
from waarmerk.provenance.registry.database import opened_server, server_address
from waarmerk.provenance.registry.registration import Bytes, Places, places_of
from waarmerk.provenance.registry.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty registry may be made, once for each engine."""
    if request.param == "sqlite":
        return str(tmp_path / "own" / "registry.sqlite")
    server: Server = request.getfixturevalue("server")
    return server.fresh()


@pytest.fixture
def store(address: str, tmp_path: Path) -> Iterator[Store]:
    """An empty registry, to be written into."""
    made = Store(address, folder=None if "://" not in address else tmp_path / "index", writing=True)
    made.create()
    yield made
    made.close()


@pytest.fixture
def on_disk(request: pytest.FixtureRequest, address: str, tmp_path: Path) -> Callable[[], bytes]:
    """All bytes that the registry of this test has on the disk now; a server's log of changes is not among them."""

    def read() -> bytes:
        folders = [tmp_path]
        if "://" in address:
            server: Server = request.getfixturevalue("server")
            with opened_server(server_address(address)[0]).connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("CHECKPOINT")
                number = connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()")
                folders.append(server.data / "base" / str(number.scalar_one()))
        return b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())

    return read


@lru_cache(maxsize=64)
def _places(grey: bytes, shape: tuple[int, int], *, spread: bool) -> Places:
    found = places_of(np.frombuffer(grey, np.uint8).reshape(shape), spread=spread)
    for each in (found.at, found.described):
        each.setflags(write=False)
    return found


def remembered(grey: Bytes, *, spread: bool = False) -> Places:
    """As ``places_of``: the same numbers, found once for each picture."""
    return _places(grey.tobytes(), (grey.shape[0], grey.shape[1]), spread=spread)


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thirds of a comparison are spent on finding places, mostly those of a picture that was compared before."""
    if not FRESH:
        monkeypatch.setattr("waarmerk.provenance.registry.resemblance.places_of", remembered)
