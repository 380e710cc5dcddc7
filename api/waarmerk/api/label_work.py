# SPDX-License-Identifier: Apache-2.0
"""The clips that are labelled later, and how many of one tenant may wait."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from waarmerk.api.examinable import require_examinable
from waarmerk.api.problems import Problem
from waarmerk.api.tenants import Tenant
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.job import Job, NewJob
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.labelling import LabelOrder
from waarmerk.provenance.jobs.policy import policy_digest
from waarmerk.provenance.jobs.queue import Queue, queued
from waarmerk.provenance.model.moment import rfc3339

KEPT = timedelta(days=1)
MOST_WAITING = 100  # jobs of one tenant
MOST_BYTES = 4 * 2**30  # of files of one tenant, those that were sent and those that were made
# Failures that say nothing of the file: whoever sends it again has it tried again.
MAY_PASS = frozenset(
    {
        *("label.failed", "internal.fault", "service.not-ready", "service.full"),
        *("tenant.unknown", "tenant.not-configured"),
    }
)
LABEL = "label"  # where a job has the wishes
_GROWS = 3  # what is sent, what is made of it, and what is made on the way
_LEAST_FREE = 64 * 2**20
_RETRY_SECONDS = 600


class LabelWork:
    """The labelling of a service that is done later. Every call may wait for the disk: make it from a thread."""

    def __init__(
        self,
        queue: Queue,
        keep: Keep,
        *,
        version: str,
        notify: Callable[[], object] = lambda: None,
    ) -> None:
        """``notify`` is called when there is something new to do."""
        self.queue = queue
        self.keep = keep
        self._version = version
        self._notify = notify

    def submit(
        self, tenant: Tenant, order: LabelOrder, wishes: Mapping[str, Any], chain: str, *, at: datetime | None
    ) -> Job:
        """The job for the file of ``order``; the same one for the same file, wishes and certificates (``chain``, PEM).

        ``wishes`` are those of the caller, as they were stated; ``at`` is the clock that was asked for. Raises Problem,
        StoreError.
        """
        require_examinable(order.source, order.settings.limits)
        self._require_room(tenant, order.source)

        def made(name: str, size: int, digest: bytes) -> NewJob:
            return NewJob(
                tenant=tenant.name,
                identity=self._identity(tenant, order, digest, at, chain),
                file=name,
                bytes=size,
                wishes={LABEL: dict(wishes), "at": rfc3339(order.at)},
                keep=KEPT,
            )

        job, is_new = queued(self.queue, self.keep, order.source, made)
        if is_new:
            self._notify()
        return job

    def is_there(self, job: Job) -> bool:
        """Whether a job was not erased. Raises StoreError."""
        return self.queue.find(job.id, tenant=job.tenant) is not None

    def has_room(self, size: int) -> bool:
        """Whether the disk has room for what is made of a file of ``size`` bytes, and for as much again."""
        return shutil.disk_usage(self.keep.folder).free >= max(2 * _GROWS * size, _LEAST_FREE)

    def _identity(self, tenant: Tenant, order: LabelOrder, digest: bytes, at: datetime | None, chain: str) -> bytes:
        try:
            policy = policy_digest(order.settings, version=self._version)
        except (OSError, ConfigurationError):
            raise Problem("service.not-ready", "this tenant's settings cannot be read") from None
        wishes = json.dumps([order.wishes, order.registry, "" if at is None else rfc3339(at)], sort_keys=True)
        parts = (b"waarmerk.label/1", tenant.name.encode("ascii"), digest, policy, wishes.encode(), chain.encode())
        return hashlib.sha256(b"".join(len(part).to_bytes(4) + part for part in parts)).digest()

    def _require_room(self, tenant: Tenant, source: Path) -> None:
        """Raise Problem where this tenant has enough here, or the disk is too full for what would be made."""
        waiting, held = self.queue.held_by(tenant.name)
        size = source.stat().st_size
        if waiting >= MOST_WAITING:
            raise Problem("service.busy", "enough files wait already", retry_after=_RETRY_SECONDS)
        is_over = _GROWS * (held + size) > MOST_BYTES and held
        if is_over or not self.has_room(size):
            raise Problem("service.full", "no room for more labelled files now", retry_after=_RETRY_SECONDS)
