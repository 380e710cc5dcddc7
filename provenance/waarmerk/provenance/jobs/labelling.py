# SPDX-License-Identifier: Apache-2.0
"""Label one file for somebody in a process that does not outlive it, and that never holds the key it signs with.

The process decodes a file that anybody may have made; whoever takes it over can have it ask for a few signatures while
it lasts, and never has the key. It may write, for the ledger and the registry are its to write; it has no network.
"""

import base64
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from waarmerk.provenance.credentials.signing_keys import Signer, pem_of
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.child import Worker, WorkerGone
from waarmerk.provenance.jobs.spool import private_folder
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.settings import Settings

COMMAND = (sys.executable, "-P", "-m", "waarmerk.provenance.jobs.label_worker")
SECONDS = 90.0
TARGET, SIDECAR = "labelled", "labelled.c2pa"
_MOST_SIGNATURES = 4  # one is asked for; an engine may try once more
_KEYS = ("layers", "gaps", "losses", "notes", "personal", "words", "payload", "registered", "remaining", "report")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOrder:
    """What is to be done with the file at ``source``: ``wishes`` are those of ``marking.plan.Wishes`` as plain data.

    ``settings`` name the keys, the ledger and the rules of whoever it is labelled for; ``registry`` where it is
    entered, None for nowhere. ``shows``: a small picture of the result is wanted as well (``LabelDone.preview``).
    """

    source: Path
    at: datetime
    settings: Settings
    registry: str | None
    wishes: Mapping[str, Any] = field(default_factory=dict)
    shows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDone:
    """The labelled file, its sidecar where one was asked for, and what is to be said of it. Without ``data``:
    the code of why, and the layers that stopped it; ``is_refused`` where the file is read and is not labelled as asked.
    """

    data: bytes | None
    told: dict[str, Any]
    code: str | None = None
    gaps: tuple[str, ...] = ()
    is_refused: bool = False
    beside: bytes | None = None
    preview: dict[str, Any] | None = None


def label_apart(order: LabelOrder, signer: Signer) -> LabelDone:
    """Label a file. A crash, a hang and a file that cannot be read are outcomes.

    Raises ConfigurationError for wishes and keys that cannot be used, OSError without a place to work.
    """
    task = {
        "source": str(order.source.absolute()),
        "at": order.at.isoformat(),
        "registry": order.registry,
        "wishes": dict(order.wishes),
        "chain": pem_of(signer.chain),
        "algorithm": signer.algorithm.value,
        "preview": order.shows,
    }
    with private_folder() as folder:
        worker = Worker(COMMAND, order.settings.to_json(), folder)
        try:
            answer = worker.ask(task, seconds=SECONDS, reply=_signing(signer))
        except WorkerGone as gone:
            return LabelDone(data=None, told={}, code=gone.code)
        finally:
            worker.end()
        told = answer.get("answer")
        if isinstance(told, dict) and all(key in told for key in _KEYS):
            beside = _written(folder / SIDECAR) if (folder / SIDECAR).exists() else None
            told = dict(told)
            seen = told.pop("preview", None)
            preview = seen if isinstance(seen, dict) else None
            return LabelDone(data=_written(folder / TARGET), told=told, beside=beside, preview=preview)
        gaps = tuple(map(str, answer.get("gaps") or ()))
        code = str(answer.get("fault", "worker.answer"))
        return LabelDone(data=None, told={}, code=code, gaps=gaps, is_refused=answer.get("is_refused") is True)


def _written(target: Path) -> bytes:
    with target.open("rb") as stream:
        return stream.read(2 * Limits().image_bytes)


def _signing(signer: Signer) -> Callable[[dict[str, Any]], dict[str, Any]]:
    left = _MOST_SIGNATURES

    def reply(asked: dict[str, Any]) -> dict[str, Any]:
        nonlocal left
        left -= 1
        if left < 0:
            raise ConfigurationError("signing.too-often", "more signatures were asked for than a file has")
        signature = signer.sign(base64.b64decode(str(asked["asks"]), validate=True))
        return {"signature": base64.b64encode(signature).decode("ascii")}

    return reply
