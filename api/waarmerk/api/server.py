# SPDX-License-Identifier: Apache-2.0
"""Put a service together from its options, and run it on a socket."""

import asyncio
import ctypes
import gc
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import uvicorn

from waarmerk.api.app import create_app
from waarmerk.api.clip_places import ClipPlaces
from waarmerk.api.connection import BoundedConnection
from waarmerk.api.deeds import Deeds, Noted, unnoted
from waarmerk.api.disputes import Disputes
from waarmerk.api.erasure import forget_tenant
from waarmerk.api.examining import examine_job
from waarmerk.api.gate import SPOOL_BYTES, Gate
from waarmerk.api.journal import LOGGING, Journal
from waarmerk.api.label_jobs import label_job
from waarmerk.api.label_work import MAY_PASS, LabelWork
from waarmerk.api.metrics import Metrics
from waarmerk.api.migrate import prepare
from waarmerk.api.postbox import Postbox
from waarmerk.api.quota import STRANGER_PER_MINUTE, Quota
from waarmerk.api.readiness import DiskProbe, Probe, Readiness, keys_probe, lists_probe, registry_probe
from waarmerk.api.services import Services, monotonic, now
from waarmerk.api.sessions import Sessions
from waarmerk.api.shelf import Shelf
from waarmerk.api.tenants import Keyring, service_secret
from waarmerk.api.webhooks import Postman, Webhooks
from waarmerk.api.worklist import Worklist
from waarmerk.provenance.build import require_registry, tool_version
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.jobs.audit import Audit
from waarmerk.provenance.jobs.confine import keep_to_itself
from waarmerk.provenance.jobs.database import Database
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.pages import gather
from waarmerk.provenance.jobs.queue import Queue
from waarmerk.provenance.jobs.runner import Runner
from waarmerk.provenance.settings import Settings

_MALLOPT = {-3: 4 * 2**20, -1: 32 * 2**20, -2: 2**20}  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD (malloc.h)
_CANNOT_START = 3  # uvicorn.main.STARTUP_FAILURE
GRACE_SECONDS = 20
_SECONDS_TO_ANSWER = 2  # for those who are told that the service ends


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """What an operator chooses. ``folder`` holds what this service keeps; ``database`` may be on a server instead.

    ``proxy`` is the address of a reverse proxy: only what comes from there is believed about who calls.
    """

    settings: Settings
    folder: Path
    database: str | None = None
    workers: int = 2
    host: str = "127.0.0.1"
    port: int = 8000
    max_list_age: timedelta | None = None
    per_minute: int = STRANGER_PER_MINUTE
    proxy: str | None = None


@contextmanager
def keyring(folder: Path, database: str | None = None) -> Iterator[Keyring]:
    """The tenants and keys of the service in ``folder``. Raises ConfigurationError, StoreError."""
    with _store(folder, database) as opened:
        yield _keys(opened, folder, _deeds(opened, folder).noted)


@contextmanager
def _store(folder: Path, database: str | None) -> Iterator[Database]:
    opened = Database(database or str(folder / "service.sqlite"))
    try:
        prepare(opened)
        yield opened
    finally:
        opened.close()


def _keys(database: Database, folder: Path, noted: Noted = unnoted) -> Keyring:
    return Keyring(database, service_secret(folder / "secret"), monotonic=monotonic, noted=noted)


def _deeds(database: Database, folder: Path) -> Deeds:
    return Deeds(folder / "audit" / "administration", database, clock=now, monotonic=monotonic)


def forget(name: str, folder: Path, database: str | None = None) -> int:
    """Forget a tenant of the service in ``folder``; how many reports are gone. Raises as the rest does."""
    with _store(folder, database) as opened, _deeds(opened, folder).noted("tenant.forgotten", name, {}):
        return forget_tenant(opened, name)


@contextmanager
def webhooks(folder: Path, database: str | None = None) -> Iterator[Webhooks]:
    """The webhooks of the service in ``folder``. Raises ConfigurationError, StoreError."""
    with _store(folder, database) as opened:
        yield Webhooks(opened, service_secret(folder / "secret"), clock=now, noted=_deeds(opened, folder).noted)


def run(options: ServiceOptions) -> None:
    """Serve until told to stop (SIGINT, SIGTERM); requests under way are finished first.

    Raises ConfigurationError where the address cannot be listened on or the settings cannot be used; StoreError, for a
    registry that cannot be read too.
    """
    require_registry(options.settings)
    keep_to_itself()  # what a file took over finds keys here, and nobody else of this user has to
    _prepare_for_many()
    journal = Journal()
    with (
        Pool(options.settings.to_json(), size=options.workers, gone=partial(journal.worker_gone, now)) as pool,
        _store(options.folder, options.database) as database,
    ):
        pool.warm()
        secret = service_secret(options.folder / "secret")
        keys, keep = _keys(database, options.folder), Keep(options.folder / "spool", clock=now)
        hooks = Webhooks(database, secret, clock=now)
        queue = Queue(database, spool=keep.id, clock=now, over=hooks.note)
        films = Keep(options.folder / "labels", clock=now)
        to_label = Queue(database, spool=films.id, clock=now, over=hooks.note, passing=MAY_PASS, in_turn=True)
        with Audit(options.folder / "audit", database, clock=now) as audit:
            runner = Runner(
                queue,
                keep,
                lambda job: examine_job(services, keep, job),
                threads=max(1, options.workers // 2),
                also=audit.forget,
            )
            worklist = Worklist(
                queue, keep, settings=options.settings, version=tool_version(), secret=secret, notify=runner.notify
            )
            labeller = Runner(to_label, films, lambda job: label_job(services, label_work, job))
            label_work = LabelWork(to_label, films, version=tool_version(), notify=labeller.notify)
            services = _services(options, pool, keys, (worklist, label_work), audit)
            services = replace(services, journal=journal)
            with runner, labeller, Postman(hooks, Postbox()):
                app = create_app(services)
                gc.collect()
                gc.freeze()  # what is here now stays; looking through it again and again finds nothing
                gather()
                _listen(app, options)


def _services(
    options: ServiceOptions, pool: Pool, keys: Keyring, later: tuple[Worklist, LabelWork], audit: Audit
) -> Services:
    worklist, label_work = later
    room = shutil.disk_usage(gettempdir()).free * 3 // 4
    gate = Gate(working=options.workers, ahead=options.workers, monotonic=monotonic, spool_bytes=min(SPOOL_BYTES, room))
    metrics = Metrics()
    metrics.gauge("jobs_open", "Jobs that wait or run", worklist.queue.open_count)
    metrics.gauge("places_taken", "Files under examination or waiting", lambda: gate.taken)
    shelf = Shelf(clock=now)
    metrics.gauge("shelf_bytes", "Bytes of labelled files that wait for their owners now", lambda: shelf.held)
    metrics.gauge("upload_bytes", "Bytes of uploads held now", lambda: gate.held)
    probes: dict[str, Probe] = {
        "store": keys.probe,
        "disk": DiskProbe(Path(gettempdir()), worklist.keep.folder, label_work.keep.folder),
        "keys": keys_probe(options.settings.keys),
        "lists": lists_probe(options.settings, clock=now, max_age=options.max_list_age),
        "registry": registry_probe(options.settings),
    }
    disputes = Disputes(worklist.queue.database, clock=now)
    return Services(
        disputes=disputes,
        bench=pool,
        settings=options.settings,
        gate=gate,
        clip_places=ClipPlaces(working=options.workers, monotonic=monotonic),
        metrics=metrics,
        quota=Quota(clock=now, stranger_per_minute=options.per_minute),
        keyring=keys,
        sessions=Sessions(keys, clock=now),
        shelf=shelf,
        worklist=worklist,
        label_work=label_work,
        audit=audit,
        readiness=Readiness(probes, clock=now),
    )


class Listener(uvicorn.Server):
    """Says where it listens, once it does; a port of 0 is known only then.

    Told to end, it lets requests under way be finished for ``grace_seconds``; whoever has no answer by then is told to
    come again (``trail.Trailing`` answers what is cancelled), and connections that are left are closed.
    """

    def __init__(self, config: uvicorn.Config, *, grace_seconds: float = GRACE_SECONDS) -> None:
        super().__init__(config)
        self._grace_seconds = grace_seconds

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Listen, and say where."""
        await super().startup(sockets=sockets)
        for server in self.servers:
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                sys.stderr.write(f"waarmerk: listening on http://{f'[{host}]' if ':' in host else host}:{port}\n")
                sys.stderr.flush()

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        """End, with an answer for everybody."""
        loop = asyncio.get_running_loop()
        timers = (
            loop.call_later(self._grace_seconds, self._cancel_requests),
            loop.call_later(self._grace_seconds + _SECONDS_TO_ANSWER, self._close_connections),
        )
        try:
            await super().shutdown(sockets=sockets)
        finally:
            for timer in timers:
                timer.cancel()

    def _cancel_requests(self) -> None:
        for task in self.server_state.tasks:
            task.cancel()

    def _close_connections(self) -> None:
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()


def _listen(app: object, options: ServiceOptions) -> None:
    try:
        config = uvicorn.Config(
            app,  # type: ignore[arg-type]
            host=options.host,
            port=options.port,
            loop="auto",
            http=BoundedConnection,
            ws="none",
            log_config=LOGGING,
            access_log=False,
            server_header=False,
            proxy_headers=options.proxy is not None,
            forwarded_allow_ips=options.proxy,
            timeout_graceful_shutdown=GRACE_SECONDS + 2 * _SECONDS_TO_ANSWER,  # nothing is left by then, or it hangs
        )
        Listener(config).run()
    except SystemExit as end:
        if end.code == _CANNOT_START:
            raise ConfigurationError(
                "serve.cannot-listen", f"cannot listen on {options.host}, port {options.port}"
            ) from None
        raise


def _prepare_for_many() -> None:
    """Each upload holds two files and a socket; the usual 1,024 would be the first limit anybody meets.

    And no picture of this memory, with its secrets, on any disk. What is freed stays for the next upload, as in workers
    (``jobs.child``): the pages of its pieces, fetched anew for each, were a twentieth of the work.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, AttributeError):  # AttributeError: a C library that has no such thing
        for parameter, size in _MALLOPT.items():
            ctypes.CDLL(None).mallopt(parameter, size)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16384 if hard == resource.RLIM_INFINITY else min(16384, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
