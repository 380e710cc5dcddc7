# SPDX-License-Identifier: Apache-2.0
"""Label one file for somebody in a process that does not outlive it, and that never holds the key it signs with.

The process decodes a file that anybody may have made; whoever takes it over can have it ask for a few signatures while
it lasts, and never has the key. It may write, for the ledger and the registry are its to write; it has no network.
"""

import base64
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

from waarmerk.provenance.credentials.signing_keys import Signer, pem_of
from waarmerk.provenance.errors import NO_ROOM, ConfigurationError, StoreError, lacks_room
from waarmerk.provenance.jobs.allowance import Pace, allowance_of
from waarmerk.provenance.jobs.child import Worker, WorkerGone
from waarmerk.provenance.jobs.spool import private_folder
from waarmerk.provenance.media.sniff import Kind, kind_at
from waarmerk.provenance.settings import Settings

COMMAND = (sys.executable, "-P", "-m", "waarmerk.provenance.jobs.label_worker")
TARGET, SIDECAR = "labelled", "labelled.c2pa"
TAKES_LONG = "label.takes-long"
WANTED = "?"  # asked in place of a signature; no base64
AT_ONCE_BYTES = 64 * 2**20  # of a labelled file that fits into an answer
_PIECE_BYTES = 2**20
_MOST_SIGNATURES = 4  # one is asked for; an engine may try once more
_MOST_LOOKS = 2  # whether it is still wanted is asked once
_KEYS = (
    "layers",
    "gaps",
    "losses",
    "notes",
    "personal",
    "words",
    "corner",
    "on_detail",
    "payload",
    "registered",
    "remaining",
    "report",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOrder:
    """What is to be done with the file at ``source``: ``wishes`` are those of ``marking.plan.Wishes`` as plain data.

    ``settings`` name the keys, the ledger and the rules of whoever it is labelled for; ``registry`` where it is
    entered, None for nowhere. ``shows``: a small picture of the result is wanted as well (``LabelDone.preview``).
    ``is_later``: nobody waits for the answer, so that it may take as long as clips do. ``is_wanted`` is asked a moment
    before anything is written, in this process; it may raise.
    """

    source: Path
    at: datetime
    settings: Settings
    registry: str | None
    wishes: Mapping[str, Any] = field(default_factory=dict)
    shows: bool = False
    is_later: bool = False
    is_wanted: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """A file that no folder lists any more; gone for good with the last that has it open."""

    stream: IO[bytes]
    size: int

    def read(self) -> bytes:
        """All of it."""
        self.stream.seek(0)
        return self.stream.read(self.size)

    def sha256(self) -> str:
        """Its digest, in hex; it is not read into memory for that."""
        digest = hashlib.sha256()
        self.stream.seek(0)
        while piece := self.stream.read(_PIECE_BYTES):
            digest.update(piece)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelDone:
    """The labelled file, its sidecar where one was asked for, and what is to be said of it. Without ``file``: the code
    of why, and the layers that stopped it; ``is_refused`` where the file is read and is not labelled as asked.

    A context manager: afterwards the files are gone.
    """

    file: Held | None
    told: dict[str, Any]
    code: str | None = None
    gaps: tuple[str, ...] = ()
    is_refused: bool = False
    beside: Held | None = None
    preview: dict[str, Any] | None = None

    @property
    def takes_long(self) -> bool:
        """Whether it was left to a time when nobody waits for it."""
        return self.code == TAKES_LONG

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self.file, self.beside):
            if each is not None:
                each.stream.close()


def label_apart(order: LabelOrder, signer: Signer, *, place: Path | None = None) -> LabelDone:
    """Label a file, working in a folder of its own in ``place`` (that of temporary files).

    A crash, a hang and a file that cannot be read are outcomes, and so is a clip that takes longer than anybody waits
    (``LabelDone.takes_long``), unless ``order.is_later``.

    Raises ConfigurationError for wishes and keys that cannot be used; StoreError where something of ours cannot be
    written (``errors.NO_ROOM``: for want of room), OSError without a place to work.
    """
    task = {
        "source": str(order.source.absolute()),
        "at": order.at.isoformat(),
        "registry": order.registry,
        "wishes": dict(order.wishes),
        "chain": pem_of(signer.chain),
        "algorithm": signer.algorithm.value,
        "preview": order.shows,
        "most": None if order.is_later else AT_ONCE_BYTES,
    }
    pace = _pace(order)
    with _told_of_room(), private_folder(place) as folder:
        worker = Worker((*COMMAND, pace.value), order.settings.to_json(), folder)
        try:
            reply = _signing(signer, order.is_wanted)
            answer = worker.ask(task, seconds=allowance_of(pace).seconds, reply=reply, may_refuse=True)
        except WorkerGone as gone:
            is_slow = gone.code == "worker.timeout" and pace is Pace.CLIP
            return LabelDone(file=None, told={}, code=TAKES_LONG if is_slow else gone.code, is_refused=is_slow)
        finally:
            worker.end()
        return _done(answer, folder, is_later=order.is_later)


@contextmanager
def _told_of_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if lacks_room(error):
            raise StoreError(NO_ROOM, "there is no room to work in") from error
        raise


def _pace(order: LabelOrder) -> Pace:
    """By the first bytes; what cannot be opened is told by the process that tries."""
    if order.is_later:
        return Pace.LATER
    with suppress(OSError):
        return Pace.CLIP if kind_at(order.source) in (Kind.VIDEO, Kind.AUDIO) else Pace.PICTURE
    return Pace.PICTURE


def _done(answer: Mapping[str, Any], folder: Path, *, is_later: bool) -> LabelDone:
    if "store" in answer:
        raise StoreError(str(answer["store"]), "what is made or remembered of a file cannot be written")
    told = answer.get("answer")
    if not isinstance(told, dict) or not all(key in told for key in _KEYS):
        gaps = tuple(map(str, answer.get("gaps") or ()))
        code = str(answer.get("fault", "worker.answer"))
        return LabelDone(file=None, told={}, code=code, gaps=gaps, is_refused=answer.get("is_refused") is True)
    told = dict(told)
    seen = told.pop("preview", None)
    file, beside = _held(folder / TARGET), _held(folder / SIDECAR)
    preview = seen if isinstance(seen, dict) else None
    done = LabelDone(file=file, told=told, beside=beside, preview=preview)
    if file is not None and (is_later or file.size + (beside.size if beside else 0) <= AT_ONCE_BYTES):
        return done
    with done:
        code = "worker.answer" if file is None else TAKES_LONG
        return LabelDone(file=None, told={}, code=code, is_refused=file is not None)


def _held(path: Path) -> Held | None:
    """The file that was made at ``path``, None where none was: no link, no pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    seen = os.fstat(descriptor)
    if not stat.S_ISREG(seen.st_mode):
        os.close(descriptor)
        return None
    return Held(stream=os.fdopen(descriptor, "rb"), size=seen.st_size)


def _signing(signer: Signer, is_wanted: Callable[[], bool]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    left = {True: _MOST_LOOKS, False: _MOST_SIGNATURES}

    def reply(asked: dict[str, Any]) -> dict[str, Any]:
        looks = asked["asks"] == WANTED
        left[looks] -= 1
        if left[looks] < 0:
            raise ConfigurationError("signing.too-often", "more signatures were asked for than a file has")
        if looks:
            return {"wanted": is_wanted()}
        signature = signer.sign(base64.b64decode(str(asked["asks"]), validate=True))
        return {"signature": base64.b64encode(signature).decode("ascii")}

    return reply
