# SPDX-License-Identifier: Apache-2.0
"""The process that parses files: confined first, then given its settings, then one file after the other.

Files are parsed by children of it, each of which takes over what is loaded, gives up what only the process itself needs
(``solitude``) and serves one line.

They answer every task with one frame: ``{"answer": …}``, ``{"fault": code}`` where there is none, or
``{"refused": {"code", "message"}}`` where what is asked cannot be done. Where the settings themselves cannot be used
the process says that, in the same words over its standard input, and ends: it is believed, for it sees no file. The
pool runs it as ``python -m waarmerk.provenance.jobs.worker``; never by hand.
"""

import contextlib
import gc
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from waarmerk.provenance.errors import ConfigurationError, Error, places
from waarmerk.provenance.jobs import confine
from waarmerk.provenance.jobs.frames import receive, send
from waarmerk.provenance.jobs.line import Line, next_line
from waarmerk.provenance.jobs.pages import gather
from waarmerk.provenance.jobs.renewal import can_be_renewed, in_children
from waarmerk.provenance.jobs.solitude import withdraw
from waarmerk.provenance.jobs.turns import take_long_turns
from waarmerk.provenance.media.limits import Limits

if TYPE_CHECKING:
    from waarmerk.provenance.jobs.workbench import Workbench

LIMITS = Limits()
_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)  # each task turns what is loaded to its own


def main() -> None:
    """Confine this process, then answer tasks from standard input until it closes."""
    confine.keep_to_itself()
    take_long_turns()
    mapped = int(sys.argv[1]) if len(sys.argv) > 1 else 0  # of an index of a registry, in files: that is no memory
    confine.limit_resources(
        address_space_bytes=LIMITS.worker_bytes + mapped,
        data_bytes=LIMITS.worker_bytes,  # what a file costs does not grow with the index beside it
        open_files=LIMITS.worker_files,
    )
    confine.refuse_network_and_programs()
    settings = receive(0)
    if settings is None:
        return
    bench = _workbench(settings)  # before the first task comes: the caller is still busy
    may_start = bool(settings.get("detectors"))  # each is a process that a child starts (jobs/detectors.py)

    def serve(line: Line) -> None:
        withdraw(may_start=may_start)
        _draw_anew()
        gather()
        gc.enable()
        while (task := line.task()) is not None:
            confine.grant_cpu_seconds(LIMITS.worker_seconds)
            send(line.fileno(), _answer(bench, task))

    _get_ready(bench)
    if can_be_renewed():
        in_children(lambda: _get_ready(bench), serve)
    line = next_line()
    os.dup2(2, 0)  # there is no other: this process ends, and whoever has a task for it starts another
    if line is not None:
        serve(line)


def _draw_anew() -> None:
    """The global state of numpy is the same in all children; a detector may draw from it. Python's own is not."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _get_ready(bench: "Workbench") -> None:
    """Read the lists and load the engine, here and not in each child."""
    gc.disable()
    try:
        bench.warm(_ANY_MOMENT)
    except ConfigurationError as error:
        _end(error)
    gc.freeze()  # a child that looks through what is here, again and again, would copy it page by page


def _workbench(settings: dict[str, Any]) -> "Workbench":
    from waarmerk.provenance.jobs.workbench import Workbench  # noqa: PLC0415 - only after confinement
    from waarmerk.provenance.settings import Settings  # noqa: PLC0415

    try:
        return Workbench(Settings.from_json(settings))
    except ConfigurationError as error:
        _end(error)


def _end(error: ConfigurationError) -> NoReturn:
    """With these settings no file can be examined; children have no way to say this."""
    with contextlib.suppress(ConnectionError):
        send(0, _refusal(error))
    sys.exit(1)


def _refusal(error: ConfigurationError) -> dict[str, Any]:
    return {"refused": {"code": error.code, "message": error.message}}


def _answer(bench: "Workbench", task: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": bench.perform(**_arguments(task), written=True)}
    except ConfigurationError as error:  # of this kind of file (an extra that it needs), or of what is asked
        return {"fault": error.code} if error.code.startswith("media.") else _refusal(error)
    except Error as error:
        return {"fault": error.code}
    except FileNotFoundError:
        return {"fault": "media.missing"}
    except OSError:
        return {"fault": "media.unreadable"}
    except MemoryError:
        return {"fault": "worker.memory"}
    except Exception as error:  # a fault of ours must not end the run, and must not pass for a finding
        return {"fault": "internal.fault", "where": f"{type(error).__name__} at {places(error)}"}


def _arguments(task: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``Workbench.perform``, from plain data."""
    file, at = task.pop("path"), datetime.fromisoformat(task["at"]).astimezone(UTC)
    return {**task, "file": file if isinstance(file, bytes) else Path(file), "at": at}


if __name__ == "__main__":
    main()
