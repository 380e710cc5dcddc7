# SPDX-License-Identifier: Apache-2.0
"""What outlives a request: files that are examined later, and where their reports can be fetched.

Jobs of a tenant are kept as long as the tenant says and known by file, policy and clock. A stranger's job is known by
its id alone, which nobody can guess, and its report is gone an hour after it was asked for: nothing ties it to another.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from waarmerk.api.caller import Caller
from waarmerk.api.examinable import require_examinable
from waarmerk.api.problems import Problem
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.job import Job, NewJob
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.policy import policy_digest
from waarmerk.provenance.jobs.queue import Queue, queued
from waarmerk.provenance.model.moment import rfc3339
from waarmerk.provenance.settings import Settings

STRANGERS_KEEP = timedelta(hours=1)
STRANGERS_WAITING, TENANT_WAITING = 20, 20_000


class Worklist:
    """The jobs of a service. Every call may wait for the disk: make it from a thread."""

    def __init__(
        self,
        queue: Queue,
        keep: Keep,
        *,
        settings: Settings,
        version: str,
        secret: bytes,
        notify: Callable[[], object] = lambda: None,
    ) -> None:
        """``notify`` is called when there is something new to do; ``secret`` makes cursors unforgeable."""
        self.queue = queue
        self.keep = keep
        self._settings = settings
        self._version = version
        self._secret = secret
        self._notify = notify

    def submit(
        self, caller: Caller, source: Path, *, at: datetime | None, now: datetime, facts: Sequence[str] | None = None
    ) -> Job:
        """The job for the file at ``source``; the same one for the same file. Raises Problem, StoreError.

        One that is larger than any of its kind may be is no job, which could only fail (``request.too-large``).
        ``facts`` (``field=value``) are what somebody answered on the page: such a job is like no other, and its result
        holds what a dossier shows as well.
        """
        self.require_room(caller)
        require_examinable(source, self._settings.limits)
        page = {} if facts is None else {"facts": list(facts), "dossier": True}

        def made(name: str, size: int, digest: bytes) -> NewJob:
            return NewJob(
                tenant=caller.name,
                identity=self.identity(caller, digest, at) if facts is None else secrets.token_bytes(32),
                file=name,
                bytes=size,
                wishes={"at": rfc3339(at or now), **page},
                keep=STRANGERS_KEEP if caller.tenant is None else timedelta(days=caller.tenant.keep_days),
            )

        job, is_new = queued(self.queue, self.keep, source, made)
        if is_new:
            self._notify()
        return job

    def identity(self, caller: Caller, digest: bytes, at: datetime | None) -> bytes:
        """What makes two jobs the same; for strangers none are. Raises Problem where the policy cannot be read."""
        if caller.tenant is None:
            return secrets.token_bytes(32)
        try:
            policy = policy_digest(caller.tenant.profile(self._settings), version=self._version)
        except (OSError, ConfigurationError):
            raise Problem("service.not-ready", "this tenant's settings cannot be read") from None
        clock = "" if at is None else rfc3339(at)
        parts = (b"waarmerk.job/1", caller.tenant.name.encode("ascii"), digest, policy, clock.encode("ascii"))
        return hashlib.sha256(b"".join(len(part).to_bytes(4) + part for part in parts)).digest()

    def require_room(self, caller: Caller) -> None:
        """Raise Problem where this caller has enough waiting already."""
        most = STRANGERS_WAITING if caller.tenant is None else TENANT_WAITING
        if self.queue.open_count(caller.name) >= most:
            raise Problem("service.busy", "enough jobs wait already", retry_after=30)

    def cursor(self, number: int) -> str:
        """A place in a list, to be given back as it is."""
        return f"{number:x}.{self._sign(number)}"

    def place(self, cursor: str) -> int:
        """The place that a cursor of ours names. Raises Problem."""
        number, _, mark = cursor.partition(".")
        is_number = 1 <= len(number) <= 16 and set(number) <= set("0123456789abcdef")
        if is_number and hmac.compare_digest(mark.encode(), self._sign(int(number, 16)).encode()):
            return int(number, 16)
        raise Problem("request.invalid", errors=[{"pointer": "/query/cursor", "detail": "not a cursor of this list"}])

    def _sign(self, number: int) -> str:
        return hmac.digest(self._secret, f"cursor:{number}".encode("ascii"), hashlib.sha256)[:8].hex()
