# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL on a Unix socket, where its programs are; ``server.fresh()`` addresses an empty database."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

_WANTED = ("initdb", "postgres", "pg_ctl")


class Server:
    """A database server of this test run alone. It listens on no network."""

    def __init__(self, folder: Path, user: str | None) -> None:
        self.folder, self.user = folder, user
        self.data = folder / "data"

    def start(self) -> None:
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "waarmerk", "--no-sync", "-E", "UTF8", "--locale=C")
        self.resume()

    def resume(self) -> None:
        """Start it, or start it again."""
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        self._run("pg_ctl", "-D", self.data, "-w", "-o", options, "-l", self.folder / "log", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def fresh(self) -> str:
        name = f"r{uuid.uuid4().hex[:12]}"
        engine = sa.create_engine(sa.make_url(self.address("postgres")).set(drivername="postgresql+psycopg"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.address(name)

    def address(self, name: str) -> str:
        return f"postgresql://waarmerk@/{name}?host={self.folder}"

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(
            [str(each) for each in command],
            user=self.user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode("utf-8", "replace"))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running server; tests that need it are skipped where there is none, or no user who may run it."""
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    missing = [name for name in _WANTED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no PostgreSQL on this machine: {', '.join(missing)} missing")
    user = None
    if os.geteuid() == 0:  # the server refuses to run as root
        known = {each.pw_name for each in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in known), None)
        if user is None:
            pytest.skip("PostgreSQL does not run as root, and there is no other user")
    folder = Path(tempfile.mkdtemp(prefix="wm-pg-", dir="/tmp"))  # a socket has a short name, or none
    try:
        if user is not None:
            shutil.chown(folder, user)
        running = Server(folder, user)
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
