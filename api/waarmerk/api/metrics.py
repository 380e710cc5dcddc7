# SPDX-License-Identifier: Apache-2.0
"""Counters for Prometheus in a registry of their own. Labels are routes, methods, statuses and classes; never a file,
a caller or a key.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from waarmerk.provenance.report.wording import wording

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 45, 90)


class Metrics:
    """All counters of one application."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._requests = self._counter("requests", "Requests answered", "route", "method", "status")
        self._bytes = self._counter("received_bytes", "Bytes of bodies received", "route")
        self._seconds = Histogram(
            "waarmerk_request_seconds",
            "From the head of a request to the end of its answer",
            ["route"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._running = Gauge("waarmerk_requests_running", "Requests under way", registry=self.registry)
        self._reports = self._counter("reports", "Reports given", "origin", "tier")
        self._faults = self._counter("faults", "Files that could not be examined", "code")
        # Which counter goes with which labels is asked several times a request, and always of the same few.
        self._requests_of = lru_cache(self._requests.labels)
        self._bytes_of, self._seconds_of = lru_cache(self._bytes.labels), lru_cache(self._seconds.labels)
        self._reports_of = lru_cache(self._reports.labels)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"waarmerk_{name}", text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A number that is asked for whenever the counters are read."""
        Gauge(f"waarmerk_{name}", text, registry=self.registry).set_function(value)

    def running(self) -> AbstractContextManager[object]:
        """Counts a request as under way for the length of the block."""
        return self._running.track_inprogress()

    def answered(self, *, route: str, method: str, status: int, seconds: float, size: int) -> None:
        """Count one answer; ``route`` is the template of the path, ``-`` where there is none."""
        self._requests_of(route, method, str(status)).inc()
        self._bytes_of(route).inc(size)
        self._seconds_of(route).observe(seconds)

    def reported(self, *, origin: str, tier: str, code: str | None) -> None:
        """Count one report, by the class of its verdict, or the code of what went wrong."""
        self._reports_of(origin, tier).inc()
        if code is not None:  # a file that took a worker over writes any code; each would be kept for good
            self._faults.labels(code if wording("en").has("fault", code) else "other").inc()

    def exposition(self) -> bytes:
        """All counters in the text format."""
        return generate_latest(self.registry)
