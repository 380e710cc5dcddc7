# SPDX-License-Identifier: Apache-2.0
"""Pages and files on their way to a browser, with the headers that keep what stands in them from acting."""

from collections.abc import Iterator, Mapping

from fastapi import Response
from fastapi.responses import StreamingResponse

from waarmerk.api.page_view import POLICY

SAFE = {"content-security-policy": POLICY, "x-frame-options": "DENY", "vary": "accept-language"}


def html(text: str, language: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A page."""
    told = {**SAFE, "content-language": language, **(headers or {})}
    return Response(text, status_code=status, headers=told, media_type="text/html")


def download(content: bytes, name: str, media_type: str) -> Response:
    """A file to be kept; ``name`` is one of ours."""
    return Response(content, headers=_kept_as(name), media_type=media_type)


def streamed(pieces: Iterator[bytes], size: int, name: str, media_type: str) -> Response:
    """The same of ``size`` bytes that are read as they leave."""
    told = {**_kept_as(name), "content-length": str(size)}
    return StreamingResponse(pieces, headers=told, media_type=media_type)


def _kept_as(name: str) -> dict[str, str]:
    return {**SAFE, "content-disposition": f'attachment; filename="{name}"'}
