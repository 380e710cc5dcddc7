# SPDX-License-Identifier: Apache-2.0
"""How workers take turns: as programs that compute do, their children too, and at no cost to who cannot have it."""

import os
import subprocess
import sys

import pytest

from waarmerk.provenance.jobs import turns

PROGRAM = """
import os
from waarmerk.provenance.jobs.turns import take_long_turns
granted = take_long_turns()
child = os.fork()
if child == 0:
    print(granted, os.sched_getscheduler(0) == os.SCHED_BATCH, os.nice(0), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="schedulers elsewhere know no such turns")
def test_children_of_a_process_with_long_turns_have_them_too_and_their_niceness_stays() -> None:
    done = subprocess.run(
        ["nice", "-n", "3", sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[1:] == ["True", str(os.nice(0) + 3)]


def test_where_turns_cannot_be_asked_for_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns.sys, "platform", "darwin")
    assert not turns.take_long_turns()
