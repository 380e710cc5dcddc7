# SPDX-License-Identifier: Apache-2.0
"""The process that labels one file and ends: confined like ``jobs.worker``, but for the files that it may write.

It asks for signatures over the line it answers on. ``jobs.labelling`` runs it; never by hand.
"""

import base64
import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waarmerk.provenance.errors import NO_ROOM, ConfigurationError, Error, StoreError, lacks_room, places
from waarmerk.provenance.jobs import confine
from waarmerk.provenance.jobs.allowance import Pace, allowance_of, processors, takes_long
from waarmerk.provenance.jobs.frames import receive, send
from waarmerk.provenance.jobs.line import next_line
from waarmerk.provenance.jobs.solitude import withdraw
from waarmerk.provenance.media.limits import Limits

if TYPE_CHECKING:
    from cryptography import x509

    from waarmerk.provenance.credentials.signing_keys import Algorithm
    from waarmerk.provenance.marking.plan import Wishes
    from waarmerk.provenance.model import Asset

LIMITS = Limits()


def main() -> None:
    """Confine this process, label the one file, answer, end."""
    confine.keep_to_itself()
    pace = Pace(sys.argv[1]) if len(sys.argv) > 1 else Pace.PICTURE
    mapped = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    allowed = allowance_of(pace)
    confine.limit_resources(
        address_space_bytes=allowed.memory_bytes + mapped,
        data_bytes=allowed.memory_bytes,
        open_files=LIMITS.worker_files,
        may_write=True,
    )
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: processors()])
    os.nice(allowed.niceness)
    confine.refuse_network_and_programs()
    confine.grant_cpu_seconds(allowed.processor_seconds)
    tempfile.tempdir = os.environ["TMPDIR"] = str(Path.cwd())  # the folder that is taken away, however this ends
    settings, line = receive(0), next_line()
    withdraw(may_write=True)
    task = None if line is None else line.task()
    if settings is not None and line is not None and task is not None:
        send(line.fileno(), _answer(settings, task, line.fileno(), pace))


class AskingSigner:
    """Signs by asking whoever holds the key: bytes go out, a signature comes back."""

    def __init__(self, chain: "tuple[x509.Certificate, ...]", algorithm: "Algorithm", answers: int) -> None:
        self.chain = chain
        self.algorithm = algorithm
        self._answers = answers

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``. Raises ConfigurationError where nobody gives one."""
        send(self._answers, {"asks": base64.b64encode(message).decode("ascii")})
        reply = receive(self._answers)
        if reply is None:
            raise ConfigurationError("signing.refused", "no signature came back")
        return base64.b64decode(reply["signature"])


def _is_wanted(answers: int) -> bool:
    """Whether whoever waits for it still does: a job may have been erased meanwhile."""
    from waarmerk.provenance.jobs.labelling import WANTED  # noqa: PLC0415 - only after confinement

    send(answers, {"asks": WANTED})
    reply = receive(answers)
    return reply is not None and reply["wanted"] is True


def _answer(settings: dict[str, Any], task: dict[str, Any], answers: int, pace: Pace) -> dict[str, Any]:
    try:
        return {"answer": _labelled(settings, task, answers, pace)}
    except Exception as error:
        return {"store": NO_ROOM} if lacks_room(error) else _told(error)


def _told(error: Exception) -> dict[str, Any]:
    from waarmerk.provenance.marking.labeller import Refused  # noqa: PLC0415 - only after confinement

    match error:
        case Refused():
            return {"fault": error.code, "gaps": [gap.code for gap in error.gaps], "is_refused": True}
        case ConfigurationError():
            return {"refused": {"code": error.code, "message": error.message}}
        case StoreError():
            return {"store": error.code}
        case Error():
            return {"fault": error.code}
        case OSError():
            return {"fault": "media.unreadable"}
        case MemoryError():
            return {"fault": "worker.memory"}
    # a fault of ours must not pass for a finding
    return {"fault": "internal.fault", "where": f"{type(error).__name__} at {places(error)}"}


def wishes_from(told: Mapping[str, Any], *, keeps_ledger: bool) -> "Wishes":
    """Wishes from plain data. Raises ConfigurationError for those that no file could meet."""
    from waarmerk.provenance.marking.plan import Says, Timing, Wishes  # noqa: PLC0415 - only after confinement
    from waarmerk.provenance.marking.visible import Corner  # noqa: PLC0415

    asked = dict(told)
    says, corner = Says(asked.pop("says")), asked.pop("corner")
    timing = Timing(asked.pop("timing", Timing.AUTO))
    wishes = Wishes(
        **{**asked, "languages": tuple(asked["languages"])},
        says=says,
        corner=None if corner is None else Corner(corner),
        timing=timing,
        keeps_ledger=keeps_ledger,
    )
    _ = wishes.lines  # raises for a language without a label
    return wishes


def _labelled(given: dict[str, Any], task: dict[str, Any], answers: int, pace: Pace) -> dict[str, Any]:
    from waarmerk.provenance.build import build_labeller, tool_version  # noqa: PLC0415 - only after confinement
    from waarmerk.provenance.credentials.signing_keys import Algorithm  # noqa: PLC0415
    from waarmerk.provenance.jobs.labelling import TAKES_LONG, TARGET  # noqa: PLC0415
    from waarmerk.provenance.marking.labeller import Refused  # noqa: PLC0415
    from waarmerk.provenance.marking.plan import owed  # noqa: PLC0415
    from waarmerk.provenance.marking.watermark import Marker  # noqa: PLC0415
    from waarmerk.provenance.media.open import open_asset  # noqa: PLC0415
    from waarmerk.provenance.report.document import label, to_dict  # noqa: PLC0415
    from waarmerk.provenance.settings import Settings  # noqa: PLC0415
    from waarmerk.provenance.sources.watermark import load_keys  # noqa: PLC0415
    from waarmerk.provenance.trust.lists import parse_certificates  # noqa: PLC0415

    settings, source = Settings.from_json(given), Path(task["source"])
    wishes = wishes_from(task["wishes"], keeps_ledger=settings.ledger is not None)
    if wishes.says.is_ai and pace is not Pace.LATER and takes_long(open_asset(source, limits=settings.limits)):
        raise Refused(TAKES_LONG, "this clip takes longer than an answer may")
    marker = None
    if wishes.says.is_ai:
        ours = [key for key in load_keys(settings.keys) if key.purpose == "ai"]
        if not ours:
            raise ConfigurationError("keys.no-mark-key", "no watermark key that says AI")
        marker = Marker(key=ours[0], draw=os.urandom)
    at = datetime.fromisoformat(task["at"]).astimezone(UTC)
    chain = parse_certificates(task["chain"].encode("ascii"), "chain")
    labeller = build_labeller(
        settings,
        at=at,
        signer=AskingSigner(chain, Algorithm(task["algorithm"]), answers),
        marker=marker,
        ledger=settings.ledger,
        registry=task["registry"],
    )
    prepared = labeller.prepare(source, wishes)
    done = labeller.write(prepared, Path(TARGET).absolute(), most=task["most"], is_wanted=lambda: _is_wanted(answers))
    report = to_dict(done.report, tool_version=tool_version())
    report["asset"]["name"] = None
    plan = done.plan
    duties = owed(done.report.duties, has_label=prepared.drawn.words is not None)
    shows = _small(open_asset(Path(TARGET), limits=LIMITS)) if task.get("preview") else None
    return {
        "preview": shows,
        "layers": [layer.value for layer in plan.layers],
        "gaps": [gap.code for gap in plan.gaps],
        "losses": [{"code": loss.code, "about": loss.about} for loss in plan.losses],
        "notes": [{"code": note.code, "about": note.about} for note in done.signed.notes],
        "personal": list(plan.personal),
        "words": plan.words,
        "corner": None if plan.corner is None else plan.corner.value,
        "on_detail": plan.on_detail,
        "payload": None if done.payload is None else done.payload.hex(),
        "registered": done.registered,
        "unregistered": done.unregistered,
        "remaining": [{**label(duty), "met": met} for duty, met in duties],
        "report": report,
    }


def _small(asset: "Asset") -> dict[str, Any] | None:
    """A small re-encoding of a picture, or of the frame that stands for a clip; None where nothing is shown."""
    from waarmerk.provenance.media.video import VIDEO_TYPES, first_frame  # noqa: PLC0415 - only after confinement
    from waarmerk.provenance.report.dossier import small_frame, small_picture  # noqa: PLC0415

    if asset.media_type not in VIDEO_TYPES:
        return small_picture(asset, LIMITS)
    try:
        return small_frame(first_frame(asset, LIMITS).rgb)
    except Error:
        return None


if __name__ == "__main__":
    main()
