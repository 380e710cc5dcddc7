# SPDX-License-Identifier: Apache-2.0
"""The verification API. Everything it needs is handed in; it fetches no address for anybody."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from fastapi import FastAPI

from waarmerk.api import problems
from waarmerk.api.limits import MAX_BODY_BYTES, LimitBody
from waarmerk.api.routes import health, verify


class Verify(Protocol):
    """Anything that gives the report document of a file, as ``jobs.Pool.verify`` does."""

    def __call__(self, path: Path, *, at: datetime, named: bool) -> dict[str, Any]:
        """The report document of the file at ``path``."""
        ...


def create_app(
    verifier: Verify,
    *,
    version: str,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    max_body_bytes: int = MAX_BODY_BYTES,
) -> FastAPI:
    """The application. ``clock`` is the time of decisions."""
    app = FastAPI(
        title="waarmerk",
        version=version,
        summary="Where a picture or a clip comes from, and which label it owes.",
        docs_url=None,  # the bundled pages load scripts from a third party
        redoc_url=None,
    )
    app.state.verify = verifier
    app.state.clock = clock
    problems.install(app)
    app.add_middleware(LimitBody, max_bytes=max_body_bytes)
    app.include_router(verify.router)
    app.include_router(health.router)
    return app
