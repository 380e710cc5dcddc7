# SPDX-License-Identifier: Apache-2.0
"""Large pages are asked for where there is memory of one's own, and nowhere else."""

import sys
from pathlib import Path

import pytest

from waarmerk.provenance.jobs import pages

MAPS = """\
55d000000000-55d000200000 r-xp 00000000 fe:00 1234 /usr/bin/python
55d0001ff000-55d000801000 rw-p 00000000 00:00 0    [heap]
7f0000000000-7f0000100000 rw-p 00000000 00:00 0
7f0010000000-7f0010400000 rw-p 00000000 00:00 0
7f0020000000-7f0020400000 rw-p 00000000 fe:00 77 /a file.npy
7f0030000000-7f0030400000 rw-s 00000000 00:01 5 /dev/zero
7f0040000000-7f0040400000 ---p 00000000 00:00 0
7ffd00000000-7ffd00400000 rw-p 00000000 00:00 0    [stack]
"""


def test_whole_large_pages_of_its_own_memory_are_found() -> None:
    found = list(pages._private(MAPS))
    assert found == [(0x55D000200000, 0x55D000800000), (0x7F0010000000, 0x7F0010400000)]


@pytest.mark.skipif(sys.platform != "linux", reason="pages are gathered on Linux")
def test_what_is_there_stays_what_it_is() -> None:
    held = [bytes([number % 251]) * 3_000_000 for number in range(4)]
    assert pages.gather() >= 0
    assert held == [bytes([number % 251]) * 3_000_000 for number in range(4)]


def test_elsewhere_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages.sys, "platform", "darwin")
    assert pages.gather() == 0


def test_where_nothing_is_told_of_memory_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_MAPS", Path("/nowhere/maps"))
    assert pages.gather() == 0
