# SPDX-License-Identifier: Apache-2.0
"""Where the ``type`` of a problem points: what its code means."""

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from waarmerk.api.auth import ANYONE, open_to
from waarmerk.api.problems import EXPLAINED, KINDS
from waarmerk.api.services import Services, services_of
from waarmerk.api.trail import MAX_HEAD_BYTES

_MIB = 2**20
router = APIRouter(tags=["health"])


class Kind(BaseModel):
    """A kind of problem."""

    model_config = ConfigDict(extra="forbid")

    code: str
    status: int
    title: str
    detail: str | None = Field(
        description="What to do about it, and which limits hold here, where the title is not all"
    )


@router.get(
    "/problems/{code}",
    summary="What a problem code means",
    dependencies=[Depends(open_to(ANYONE, counted=False))],
)
async def explain(code: str, request: Request) -> Kind:
    """The status and the title of one code, and more where there is more to say."""
    if code not in KINDS:
        raise HTTPException(404)
    status, title = KINDS[code]
    return Kind(code=code, status=int(status), title=title, detail=_detail(code, services_of(request)))


def _detail(code: str, services: Services) -> str | None:
    body, media = services.body, services.settings.limits
    places = {
        "body": _size(body.max_bytes),
        "seconds": int(body.seconds),
        "pace": _size(body.bytes_per_second),
        "image": _size(media.image_bytes),
        "video": _size(media.video_bytes),
        "head": MAX_HEAD_BYTES // 1024,
    }
    text = EXPLAINED.get(code)
    return None if text is None else text.format_map(places)


def _size(count: int) -> str:
    return f"{count // _MIB} MiB" if count >= _MIB else f"{count:,} bytes"
