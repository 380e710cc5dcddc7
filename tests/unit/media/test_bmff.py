# SPDX-License-Identifier: Apache-2.0
import io
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waarmerk.provenance.errors import LimitExceeded
from waarmerk.provenance.media import Limits, Movie, Window, read_movie, unhashed
from waarmerk.provenance.model import Finding

LIMITS = Limits()


def box(name: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name.encode("latin-1")) + body


def full(name: str, *parts: bytes) -> bytes:
    return box(name, bytes(4), *parts)


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def track(*, samples: int = 10, delta: int = 100, size: tuple[int, int] = (320, 240), entry: bool = True) -> bytes:
    visual = box("avc1", bytes(24), struct.pack(">HH", *size), bytes(50)) if entry else b""
    table = box(
        "stbl",
        full("stsd", words(1), visual),
        full("stts", words(1, samples, delta)),
        full("stsz", words(500, samples)),
        full("stco", words(0)),
    )
    return box(
        "trak",
        full("tkhd", bytes(72), words(size[0] << 16, size[1] << 16)),
        box(
            "mdia",
            full("mdhd", words(0, 0, 1000, samples * delta)),
            full("hdlr", bytes(4), b"vide", bytes(13)),
            box("minf", table),
        ),
    )


def mvhd(duration: int, scale: int = 1000, version: int = 0) -> bytes:
    if version:
        return box("mvhd", b"\x01\0\0\0", bytes(16), struct.pack(">IQ", scale, duration), bytes(80))
    return full("mvhd", words(0, 0, scale, duration), bytes(80))


FTYP = box("ftyp", b"isom", bytes(4), b"isommp42")


def movie(*moov: bytes, after: bytes = b"") -> bytes:
    return FTYP + box("moov", *moov) + after


def window(data: bytes) -> Window:
    return Window(io.BytesIO(data), len(data))


def read(data: bytes, limits: Limits = LIMITS) -> Movie:
    return read_movie(window(data), limits)


def test_reads_size_samples_and_duration() -> None:
    found = read(movie(mvhd(1000), track()))
    assert (found.size, found.samples, found.duration_seconds, found.findings) == ((320, 240), 10, 1.0, ())
    found.require_decodable(LIMITS)


def test_track_header_gives_the_size_where_no_sample_entry_does() -> None:
    assert read(movie(mvhd(1000), track(entry=False))).size == (320, 240)


def test_long_sizes_and_wide_times() -> None:
    wide = struct.pack(">I4sQ", 1, b"free", 24) + bytes(8)
    assert read(FTYP + wide + movie(mvhd(1000, version=1), track())).duration_seconds == 1.0


@pytest.mark.parametrize("duration", [2**32 - 2, 100_000])
def test_a_duration_the_samples_contradict_is_none(duration: int) -> None:
    found = read(movie(mvhd(duration), track()))
    assert found.duration_seconds is None
    assert found.findings == (Finding("media.duration-contradicted"),)


def test_a_time_scale_of_zero_is_no_duration() -> None:
    assert read(movie(mvhd(5, scale=0), track())).findings == (Finding("media.duration-contradicted"),)


@pytest.mark.parametrize("duration", [0, 2**32 - 1])
def test_an_unknown_duration_is_no_finding(duration: int) -> None:
    found = read(movie(mvhd(duration), track()))
    assert (found.duration_seconds, found.findings) == (None, ())


def test_edit_lists_may_shorten() -> None:
    assert read(movie(mvhd(300), track())).duration_seconds == 0.3


@pytest.mark.parametrize("samples", [2_000_001, 50_000_000, 10**9])
def test_too_many_samples_are_found_before_a_decoder_sees_them(samples: int) -> None:
    found = read(movie(mvhd(1000), track(samples=samples, delta=1)))
    assert found.samples >= samples
    assert Finding("media.too-many-samples") in found.findings
    with pytest.raises(LimitExceeded) as caught:
        found.require_decodable(LIMITS)
    assert caught.value.code == "media.too-many-samples"


def test_any_table_may_claim_too_many() -> None:
    for name in ("stco", "co64", "stsc", "stss", "ctts", "stz2"):
        count = bytes(4) if name == "stz2" else b""
        table = box("stbl", full(name, count, words(3_000_000)))
        data = movie(mvhd(1), box("trak", box("mdia", box("minf", table))))
        assert read(data).samples == 3_000_000, name


def test_runs_of_fragments_count() -> None:
    run = box("moof", box("traf", full("trun", words(1_500_000)), full("trun", words(600_000))))
    found = read(movie(mvhd(0), box("mvex"), track(samples=0), after=run))
    assert found.fragment_samples == 2_100_000
    assert Finding("media.too-many-samples") in found.findings


def test_run_lengths_are_summed() -> None:
    table = box("stbl", full("stts", words(2, 1_200_000, 1, 1_200_000, 1)))
    assert read(movie(mvhd(1), box("trak", box("mdia", box("minf", table))))).samples == 2_400_000


def test_unhashed_counts_what_anyone_may_choose() -> None:
    data = FTYP + box("free") + box("free", b"PK\x03\x04zip") + movie(mvhd(1), box("free", b"inside"))[len(FTYP) :]
    data += box("skip", b"abc") + FTYP + box("mfra", bytes(16)) + box("uuid", bytes(16))
    assert unhashed(window(data), LIMITS) == (("free", 7), ("skip", 3), ("ftyp", 16), ("mfra", 16))


def test_an_ordinary_file_has_no_unhashed_bytes() -> None:
    assert unhashed(window(FTYP + box("free") + box("mdat", b"x")), LIMITS) == ()


def test_walk_stops_at_a_box_past_the_end() -> None:
    data = FTYP + box("skip", b"ab") + struct.pack(">I4s", 2**31, b"free")
    assert unhashed(window(data), LIMITS) == (("skip", 2),)


def test_a_file_of_empty_boxes_ends() -> None:
    lots = box("moov", box("trak", box("mdia", box("free") * 300_000)) * 3)
    started = time.perf_counter()
    found = read(FTYP + lots)
    assert time.perf_counter() - started < 5
    assert not found.whole
    assert Finding("media.too-many-parts") in found.findings
    with pytest.raises(LimitExceeded) as caught:
        found.require_decodable(LIMITS)
    assert caught.value.code == "media.too-many-parts"


def test_deep_nesting_is_no_recursion() -> None:
    data = b""
    for _ in range(5_000):
        data = box("moov", data)
    assert read(FTYP + data).tracks == ()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_files_never_raise(data: st.DataObject) -> None:
    good = movie(mvhd(1000), track(), after=box("free", b"x") + box("moof", box("traf", full("trun", words(4)))))
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + data.draw(st.binary(max_size=8)) + good[at + data.draw(st.integers(0, 8)) :]
    found = read(bad)
    assert found.duration_seconds is None or 0 <= found.duration_seconds < 2**33
    assert all(size > 0 for _, size in unhashed(window(bad), LIMITS))


@given(st.binary(max_size=300))
def test_random_bytes_never_raise(data: bytes) -> None:
    read(data)
    unhashed(window(data), LIMITS)
