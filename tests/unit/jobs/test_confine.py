# SPDX-License-Identifier: Apache-2.0
"""What a confined process can no longer do, tried in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ATTEMPT = """
tried = {}
def attempt(name, act):
    try:
        act()
    except BaseException as error:
        tried[name] = type(error).__name__
    else:
        tried[name] = "done"
"""
TRIAL = """
import json, os, resource, socket, sys
import urllib.request
from waarmerk.provenance.jobs import confine
agreed = confine.refuse_network_and_programs()
confine.limit_resources(address_space_bytes=512 * 2**20, open_files=32)
confine.grant_cpu_seconds(3)
tried["agreed"] = agreed
attempt("socket", lambda: socket.socket())
attempt("pair", lambda: socket.socketpair())
attempt("execute", lambda: os.execv("/bin/true", ["true"]))
attempt("memory", lambda: bytearray(2**30))
attempt("files", lambda: [open("/dev/null") for _ in range(64)])
attempt("write", lambda: open(sys.argv[1], "wb", buffering=0).write(b"x"))
attempt("raise", lambda: resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40)) if os.getuid() else 1 / 0)
print(json.dumps(tried))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="confinement by seccomp exists on Linux only")
def test_a_confined_process_has_no_network_no_programs_no_memory_and_writes_nothing(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPT + TRIAL, f"{tmp_path}/written"], capture_output=True, text=True, check=True
    )
    tried = json.loads(done.stdout)
    if not tried["agreed"]:
        pytest.skip("this kernel refuses seccomp filters")
    assert tried["socket"] == tried["pair"] == tried["execute"] == "PermissionError"
    assert tried["memory"] == "MemoryError"
    assert tried["files"] == tried["write"] == "OSError"
    assert tried["raise"] != "done"


MAPPED = """
import json, mmap, sys, threading
from waarmerk.provenance.jobs import confine
MIB = 2**20
confine.limit_resources(address_space_bytes=4096 * MIB, data_bytes=512 * MIB, open_files=32)
def index():
    with open(sys.argv[1], "rb") as stream:
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)[:1]
def thread():
    started = threading.Thread(target=bytes)
    started.start()
    started.join()
attempt("index", index)
attempt("heap", lambda: bytearray(1024 * MIB))
attempt("anonymous", lambda: mmap.mmap(-1, 1024 * MIB, flags=mmap.MAP_PRIVATE))
attempt("little", lambda: bytearray(256 * MIB))
attempt("thread", thread)
print(json.dumps(tried))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit of data does not count mapped memory")
def test_room_for_an_index_is_no_room_for_anything_else(tmp_path: Path) -> None:
    with (tmp_path / "index").open("wb") as stream:
        stream.truncate(2**30)
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPT + MAPPED, str(tmp_path / "index")], capture_output=True, text=True, check=True
    )
    tried = json.loads(done.stdout)
    assert (tried["index"], tried["little"], tried["thread"]) == ("done", "done", "done")
    assert tried["heap"] == "MemoryError"
    assert tried["anonymous"] in ("OSError", "MemoryError")
