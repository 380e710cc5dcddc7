# SPDX-License-Identifier: Apache-2.0
"""``waarmerk serve``: the verification API on this machine."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import exits, options
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.settings import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 for any free one."
)
@options.trust
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Worker processes; one a processor if not given.")
def serve(host: str, port: int, trust: Path | None, jobs: int | None) -> int:
    """Start the verification API: POST a file to /v1/verify, get its report.

    Nothing of an upload is kept. The service fetches no address, whatever a file or a caller names.
    """
    api: Any = _door("waarmerk.api.server")
    settings = Settings(trust=trust, data_folder=options.trust_folder())
    size = jobs or len(os.sched_getaffinity(0))
    with Pool(settings.to_json(), size=size) as pool:
        api.run(pool, host=host, port=port)
    return exits.OK


def _door(module: str) -> Any:
    """The other door, loaded by name: the two doors never import each other, and this one works without FastAPI."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise click.UsageError(f"the API needs the extra `api` (pip install 'waarmerk[api]'): {error.name}") from error
