# SPDX-License-Identifier: Apache-2.0
"""An upload on its way to a worker: a file without a name, gone on every path, a killed service included."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from waarmerk.api.problems import BodyProblem, Problem
from waarmerk.provenance.jobs.spool import nameless_file, path_of_nameless

MAX_PARTS = 4
_PIECE_BYTES = 2**20

# What a route that takes a file says of its body: ``openapi_extra={"requestBody": BODY}``.
BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
            }
        },
        "application/octet-stream": {"schema": {}},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What was sent: the file under a path that workers can open, and the other fields of the form."""

    path: Path
    bytes: int
    fields: dict[str, str] = field(default_factory=dict)


class _Direct(UploadFile):
    """Handles its file at once: a piece is in the page cache before a thread is found that could put it there."""

    async def write(self, data: bytes) -> None:
        self.size = (self.size or 0) + len(data)
        self.file.write(data)

    async def seek(self, offset: int) -> None:
        self.file.seek(offset)

    async def close(self) -> None:
        self.file.close()


class _Parser(MultiPartParser):
    spool_max_size = 1  # bytes: to disk at once, for a thousand slow uploads of 1 MiB in memory would be 1 GiB

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        made = self._current_part.file
        if made is not None:
            self._current_part.file = _Direct(made.file, size=0, filename=made.filename, headers=made.headers)


@asynccontextmanager
async def received(request: Request, *, max_parts: int = MAX_PARTS) -> AsyncIterator[Upload]:
    """The uploaded file: the field ``file`` of a multipart body, or the body itself.

    Raises Problem where the form has no file, more than ``max_parts`` parts, or cannot be read, or the disk is full.
    """
    async with AsyncExitStack() as held:
        try:
            if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
                upload = await _from_form(request, held, max_parts)
            else:
                upload = await _from_body(request, held)
        except OSError:
            raise BodyProblem("service.full", "there is no room for this upload now") from None
        yield upload


async def _from_body(request: Request, held: AsyncExitStack) -> Upload:
    copy, path = held.enter_context(nameless_file())
    async for piece in request.stream():
        copy.write(piece)
    copy.flush()
    if not copy.tell():
        raise Problem("request.no-file", "the body is empty")
    return Upload(path=path, bytes=copy.tell())


async def _from_form(request: Request, held: AsyncExitStack, max_parts: int) -> Upload:
    try:
        parser = _Parser(request.headers, request.stream(), max_files=1, max_fields=max_parts - 1)
        form = await parser.parse()
    except Problem:
        raise
    except (HTTPException, MultiPartException, KeyError, ValueError):
        raise Problem("request.form") from None
    held.push_async_callback(form.close)
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise Problem("request.no-file", "the form has no file in its field `file`")
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    path = path_of_nameless(upload.file)
    if path is None:
        copy, path = held.enter_context(nameless_file())
        while piece := await upload.read(_PIECE_BYTES):
            copy.write(piece)
        copy.flush()
    return Upload(path=path, bytes=upload.size or 0, fields=fields)
