# SPDX-License-Identifier: Apache-2.0
"""What an event loop does not wait for itself: work in a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, TypeVar

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
