# SPDX-License-Identifier: Apache-2.0
"""An upload on its way to a worker: a file without a name, gone on every path, a killed service included."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from waarmerk.api.problems import Problem
from waarmerk.provenance.jobs.spool import nameless_file

RECEIVE_SECONDS = 120.0  # the whole body; 512 MiB at 35 Mbit/s
MAX_PARTS = 4
_PIECE_BYTES = 2**20


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Path]:
    """The uploaded file under a path that workers can open: the field ``file`` of a multipart body, or the body.

    Raises Problem where the form has no file, or the body does not arrive in time.
    """
    with nameless_file() as (copy, path):
        try:
            async with asyncio.timeout(RECEIVE_SECONDS):
                await _fill(request, copy)
        except TimeoutError:
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "request.too-slow", "the body did not arrive in time") from None
        copy.flush()
        yield path


async def _fill(request: Request, copy: IO[bytes]) -> None:
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        await _fill_from_form(request, copy)
    else:
        async for piece in request.stream():
            copy.write(piece)


async def _fill_from_form(request: Request, copy: IO[bytes]) -> None:
    try:
        async with request.form(max_files=1, max_fields=MAX_PARTS) as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise Problem(HTTPStatus.BAD_REQUEST, "request.no-file", "the form has no file in its field `file`")
            while piece := await upload.read(_PIECE_BYTES):
                copy.write(piece)
    except Problem:
        raise
    except (HTTPException, MultiPartException, KeyError, ValueError):
        raise Problem(HTTPStatus.BAD_REQUEST, "request.form", "the multipart body cannot be read") from None
