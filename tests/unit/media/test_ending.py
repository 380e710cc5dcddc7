# SPDX-License-Identifier: Apache-2.0
"""A file that was cut off is called that, wherever it was cut; what follows a whole one is no sign."""

import io
import json
import struct
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Run
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.media.ending import CUT_OFF

LIMITS = Limits()


def picture(form: str, **options: object) -> bytes:
    out = io.BytesIO()
    noise = Image.effect_noise((160, 120), 60).convert("RGB")
    thumbnail = io.BytesIO()
    noise.resize((40, 30)).save(thumbnail, "JPEG")
    if form == "JPEG":
        options["exif"] = b"Exif\0\0II*\0\x08\0\0\0\0\0" + bytes(4) + thumbnail.getvalue()
    noise.save(out, form, **options)
    return out.getvalue()


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


CLIP = box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", box(b"mvhd", bytes(100))) + box(b"mdat", bytes(3000))
WHOLE = {
    "jpeg": picture("JPEG", quality=90),
    "progressive": picture("JPEG", progressive=True),
    "png": picture("PNG"),
    "webp": picture("WEBP", lossless=True),
    "avif": picture("AVIF"),
    "clip": CLIP,
}


def is_called_cut(data: bytes) -> bool:
    return CUT_OFF in [hint.code for hint in asset_from_bytes(data, name=None, limits=LIMITS).hints]


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_is_called_that(kind: str, share: float) -> None:
    whole = WHOLE[kind]
    assert is_called_cut(whole[: int(len(whole) * share) - 4])


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("behind", [b"", b"\0", bytes(70_000), b"note of a maker \xff", CLIP], ids=len)
def test_a_whole_file_is_not_whatever_follows_it(kind: str, behind: bytes) -> None:
    assert not is_called_cut(WHOLE[kind] + behind)


def test_a_sound_of_open_length_is_not_cut() -> None:
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data"
    for stated in (0xFFFFFFFF, 0x7FFFF024, 0):
        assert not is_called_cut(b"RIFF" + struct.pack("<I", stated) + head + struct.pack("<I", stated) + bytes(400))
    assert is_called_cut(b"RIFF" + struct.pack("<I", 9000) + head + struct.pack("<I", 8964) + bytes(400))


@pytest.mark.parametrize(("language", "said"), [("en", "cut off or damaged"), ("nl", "afgekapt of beschadigd")])
def test_the_report_says_so(waarmerk: Run, tmp_path: Path, language: str, said: str) -> None:
    (tmp_path / "kapot.jpg").write_bytes(WHOLE["jpeg"][:3000])
    done = waarmerk("verify", tmp_path / "kapot.jpg", "--lang", language)
    assert done.returncode == 0
    assert said in " ".join(done.stdout.split())
    (report,) = json.loads(waarmerk("verify", tmp_path / "kapot.jpg", "--format", "json").stdout)
    assert CUT_OFF in [concern["code"] for concern in report["verdict"]["concerns"]]
    assert report["verdict"]["origin"] == "unknown"
