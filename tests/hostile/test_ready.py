# SPDX-License-Identifier: Apache-2.0
"""A running service whose dependencies fail one after another: it says so in seconds, once, and comes back (P18)."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.postgres import Server
from tests.serving import Service
from waarmerk.watermark import Key


class Watch:
    """Asks ``/readyz`` five times a second; every status with its moment."""

    def __init__(self, service: Service) -> None:
        self._service, self._over = service, threading.Event()
        self.seen: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        while not self._over.wait(0.2):
            self.seen.append((time.monotonic(), self._service.ask("GET", "/readyz").status))

    def until(self, status: int) -> float:
        """Seconds until it answers so."""
        began = time.monotonic()
        while True:
            at, last = self.seen[-1] if self.seen else (0.0, 0)
            if at > began and last == status:
                return at - began
            assert time.monotonic() - began < 60, f"still {last}"
            time.sleep(0.05)

    def end(self) -> list[int]:
        """What it answered, neighbours that are alike once."""
        self._over.set()
        self._thread.join()
        return [status for status, _ in groupby(status for _, status in self.seen)]


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    away = path.with_name(path.name + ".away")
    path.rename(away)
    yield
    away.rename(path)


@pytest.fixture
def own(server: Server) -> Iterator[Server]:
    """A database server of this test's own, which it may stop."""
    folder = Path(tempfile.mkdtemp(prefix="wm-pg-", dir="/tmp"))
    try:
        if server.user is not None:
            shutil.chown(folder, server.user)
        made = Server(folder, server.user)
        made.start()
        yield made
        made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_each_dependency_is_missed_and_found_again_within_five_seconds(
    own: Server, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    key, trust = tmp_path / "mark.key", tmp_path / "lists"
    Key.generate("ai").save(key)
    shutil.copytree(ROOT / "samples" / "trust", trust)
    options = ("--jobs", "1", "--key", str(key), "--trust", str(trust), "--database", own.fresh())

    @contextmanager
    def stopped() -> Iterator[None]:
        own.stop()
        yield
        own.resume()

    with Service(tmp_path, (*options, "--per-minute", "100000")) as service:
        watch = Watch(service)
        watch.until(200)
        for name, gone in (
            ("key", lambda: moved_away(key)),
            ("lists", lambda: moved_away(trust)),
            ("store", stopped),
        ):
            with gone():
                missed = watch.until(503)
                time.sleep(3)
            found = watch.until(200)
            record_property(f"{name} missed after s", round(missed, 1))
            record_property(f"{name} found again after s", round(found, 1))
            assert max(missed, found) <= 5
            assert service.ask("GET", "/livez").status == 200
        time.sleep(3)
        assert watch.end() == [200, 503] * 3 + [200], "one change each way and no other"
