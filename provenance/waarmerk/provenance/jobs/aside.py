# SPDX-License-Identifier: Apache-2.0
"""What an event loop does not wait for itself: work in a thread, and a frame that is to come."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, TypeVar

from waarmerk.provenance.jobs.child import WorkerGone
from waarmerk.provenance.jobs.frames import Frame, FrameError

T = TypeVar("T")


async def aside(threads: Executor, task: Callable[[], T]) -> T:
    """Do ``task`` in one of ``threads``.

    Who is cancelled meanwhile waits for a task that has begun: it works on what the caller holds.
    """
    work = threads.submit(task)
    try:
        return await asyncio.wrap_future(work)
    except asyncio.CancelledError:
        await _ended(work)
        raise


async def _ended(work: Future[Any]) -> None:
    while not work.cancel() and not work.done():
        with suppress(
            asyncio.CancelledError, Exception
        ):  # cancelled again, or what the task raised: nobody asks any more
            await asyncio.shield(asyncio.wrap_future(work))


async def arrival(frame: Frame, *, seconds: float) -> None:
    """Wait until nothing more of the frame will come. Raises WorkerGone where that takes longer, or is no frame."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def read() -> None:
        if over.done():
            return
        try:
            if frame.reads():
                over.set_result(None)
        except (FrameError, OSError) as fault:
            over.set_exception(fault)

    loop.add_reader(frame.descriptor, read)
    try:
        async with asyncio.timeout(seconds):
            await over
    except TimeoutError:
        raise WorkerGone("worker.timeout") from None
    except ConnectionError:  # it went with something unread; what it left behind says how
        pass
    except (FrameError, OSError):
        raise WorkerGone("worker.answer") from None
    finally:
        loop.remove_reader(frame.descriptor)
