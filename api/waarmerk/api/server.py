# SPDX-License-Identifier: Apache-2.0
"""Run the application on a socket."""

from importlib.metadata import version
from pathlib import Path

import uvicorn

from waarmerk.api.app import create_app
from waarmerk.provenance.jobs import Pool


def run(pool: Pool, *, host: str, port: int, spool: Path) -> None:
    """Serve until told to stop (SIGINT, SIGTERM); requests under way are finished first."""
    pool.warm()
    app = create_app(pool.verify, spool=spool, version=version("waarmerk"))
    uvicorn.run(app, host=host, port=port, server_header=False, date_header=True, timeout_graceful_shutdown=20)
