# SPDX-License-Identifier: Apache-2.0
"""Run the application on a socket."""

from importlib.metadata import version

import uvicorn

from waarmerk.api.app import create_app
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs import Pool

_CANNOT_START = 3  # uvicorn.main.STARTUP_FAILURE


def run(pool: Pool, *, host: str, port: int) -> None:
    """Serve until told to stop (SIGINT, SIGTERM); requests under way are finished first.

    Raises ConfigurationError where the address cannot be listened on.
    """
    pool.warm()
    app = create_app(pool.verify, version=version("waarmerk"))
    try:
        uvicorn.run(app, host=host, port=port, server_header=False, date_header=True, timeout_graceful_shutdown=20)
    except SystemExit as end:
        if end.code == _CANNOT_START:
            raise ConfigurationError("serve.cannot-listen", f"cannot listen on {host}, port {port}") from None
        raise
