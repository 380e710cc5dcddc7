# SPDX-License-Identifier: Apache-2.0
"""Mutants of trusted files: none of them is trusted for anything that was signed differently.

A file signed here, under a root that the store trusts, is changed at random places, most of them in and around its
manifest store. Whatever comes out must be one of: altered, malformed, unread, no credentials; or trusted with
everything that the signature is about as it was. That is what "declared malleable" means (C2PA 2.2, sections 9.2.3
and 13.2): padding of the COSE headers, labels and lengths of boxes that nothing hashes, checksums and headers of the
container around the store, and in BMFF files the boxes that the specification leaves out of the hash.

The second engine sees every mutant as well. It shares no code with the first, so what both accept and only one should
would have to be wrong twice.
"""

import io
import os
import random
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.unit.credentials import conftest as kit
from waarmerk.provenance.credentials import CredentialReader, cbor
from waarmerk.provenance.credentials.container import find_stores, is_bmff
from waarmerk.provenance.credentials.jumbf import parse_store
from waarmerk.provenance.credentials.second import SecondEngine, agrees, weaker
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.sniff import sniff
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import Credential, CredentialState, Integrity
from waarmerk.provenance.trust import load_store

LIMITS = Limits()
QUICK, SLOW = 200, 5_000
_NOT_HASHED = (b"ftyp", b"free", b"skip", b"mfra", b"uuid")  # C2PA 2.2, section 9.2.3; the store's own box is a uuid


def picture(kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(stream, kind, **options)
    return stream.getvalue()


def wav() -> bytes:
    sound = bytes(range(256)) * 8
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE" + head + struct.pack("<4sI", b"data", len(sound)) + sound
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def clip() -> bytes:
    av = pytest.importorskip("av", reason="the extra `video` is not installed")
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 48, 32, "yuv420p"
        for number in range(3):
            frame = av.VideoFrame.from_image(Image.linear_gradient("L").resize((48, 32)).convert("RGB"))
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return stream.getvalue()


HOSTS: dict[str, Callable[[], bytes]] = {
    "image/jpeg": lambda: picture("JPEG", quality=85),
    "image/png": lambda: picture("PNG"),
    "image/webp": lambda: picture("WEBP"),
    "image/gif": lambda: picture("GIF"),
    "image/tiff": lambda: picture("TIFF"),
    "image/avif": lambda: picture("AVIF"),
    "audio/wav": wav,
    "video/mp4": clip,
}


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A trusted file, the reader that trusts it, and where its manifest store lies."""

    data: bytes
    media_type: str
    reader: CredentialReader
    engine: SecondEngine
    start: int
    end: int
    signed: list[bytes]
    folder: Path


@pytest.fixture(scope="module", params=sorted(HOSTS))
def seed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seed:
    pytest.importorskip("encypher_c2pa")
    media_type = request.param
    root = kit.Authority("Fuzz Root")
    signed = kit.sign(HOSTS[media_type](), root.issue(), kit.created(kit.CAPTURE), media_type=media_type)
    folder = tmp_path_factory.mktemp("trust")
    (folder / "user.pem").write_bytes(root.pem)
    trust = load_store(folder, data_folder=None, at=kit.NOW)
    (store,) = find_stores(Window(io.BytesIO(signed), len(signed)), media_type, LIMITS)
    reader, engine = CredentialReader(trust, at=kit.NOW), SecondEngine(at=kit.NOW)
    found = reader.read(kit.asset_of(signed, media_type))
    assert is_trusted(found)
    opinion = engine.examine(kit.asset_of(signed, media_type))
    assert opinion is not None
    assert opinion.integrity is Integrity.INTACT
    return Seed(
        data=signed,
        media_type=media_type,
        reader=reader,
        engine=engine,
        start=store.start,
        end=store.end,
        signed=signed_parts(signed, media_type),
        folder=folder,
    )


def is_trusted(found: Credential) -> bool:
    return found.integrity is Integrity.INTACT and found.signer.status.is_listed


def signed_parts(data: bytes, media_type: str) -> list[bytes]:
    """What the signature is about, in the order of the file: claim, signed headers, signature, assertions."""
    (store,) = find_stores(Window(io.BytesIO(data), len(data)), media_type, LIMITS)
    parts: list[bytes] = []
    for manifest in parse_store(store.data).parts:
        for box in manifest.parts:
            payloads = [part.payload(b"cbor") for part in box.parts] or [box.payload(b"cbor")]
            if box.label == "c2pa.signature":
                protected_header, _, _, signature = cbor.decode(payloads[0] or b"")
                payloads = [protected_header, signature]
            parts += [payload for payload in payloads if payload]
    return parts


def is_as_signed(seed: Seed, data: bytes) -> bool:
    """Whether all that was signed stands in the mutant as it stood, in its order, and the content around the store."""
    stores = find_stores(Window(io.BytesIO(data), len(data)), seed.media_type, LIMITS)
    store, at = b"".join(each.data for each in stores) or data, 0  # in a GIF it comes in pieces of 255 bytes
    for part in seed.signed:
        at = store.find(part, at)
        if at < 0:
            return False
        at += len(part)
    if is_bmff(seed.media_type):
        return list(_hashed_boxes(data)) == list(_hashed_boxes(seed.data))
    size = slice(4, 8) if data[:4] == b"RIFF" else slice(0, 0)  # the length in the RIFF header follows the store
    before = bytearray(data[: seed.start])
    before[size] = seed.data[size]
    return bytes(before) == seed.data[: seed.start] and data.endswith(seed.data[seed.end :])


def _hashed_boxes(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        size = size or len(data) - at
        if size < 8:
            return
        if name not in _NOT_HASHED:
            yield data[at : at + size]
        at += size


def mutant(seed: Seed, chance: random.Random) -> bytes:
    data = bytearray(seed.data)
    for _ in range(1 if chance.random() < 0.8 else chance.randint(2, 4)):
        place = _place(seed, data, chance)
        length = min(chance.choice((1, 1, 2, 4, 16, 200)), len(data) - place)
        match chance.randrange(8):
            case 0 | 1 | 2:
                data[place] ^= 1 << chance.randrange(8)
            case 3:
                data[place] = chance.randrange(256)
            case 4:
                del data[place : place + length]
            case 5:
                data[place:place] = chance.randbytes(length)
            case 6:
                data[place:place] = data[place : place + length]
            case _:
                other = chance.randrange(len(data)) if data else 0
                data[place : place + length] = data[other : other + length]
        if not data:
            break
    if chance.random() < 0.02:
        del data[chance.randrange(len(data) + 1) :]
    return bytes(data)


def _place(seed: Seed, data: bytearray, chance: random.Random) -> int:
    """Mostly in the store, and seldom in its padding, which is most of it and may be anything."""
    place = 0
    for _ in range(8):
        inside = chance.random() < 0.7 and seed.start < len(data)
        place = chance.randrange(seed.start, min(seed.end, len(data))) if inside else chance.randrange(len(data))
        if any(data[place : place + 16]):
            break
    return place


def run(seed: Seed, count: int) -> Counter[str]:
    """Examine ``count`` mutants; one that is taken wrongly is left in a file that the failure names."""
    seen: Counter[str] = Counter()
    original = seed.reader.read(kit.asset_of(seed.data, seed.media_type))
    chance = random.Random(zlib.crc32(seed.media_type.encode()))
    for number in range(count):
        data = mutant(seed, chance)
        kind = sniff(data[: 64 * 1024]) if data else None
        if kind is None:
            seen["not media"] += 1
            continue
        asset = kit.asset_of(data, kind)
        found, opinion = seed.reader.read(asset), seed.engine.examine(asset)
        wrong = _wrong(seed, data, found, weaker(found, opinion, engine="second"), original)
        if wrong is not None:
            (seed.folder / "mutant").write_bytes(data)
            (seed.folder / "seed").write_bytes(seed.data)
            pytest.fail(f"{seed.media_type}, mutant {number}, in {seed.folder}: {wrong}")
        seen[_kind_of(found)] += 1
        if opinion is not None and not agrees(found, opinion):
            theirs = str(opinion.integrity) if opinion.is_present else "no manifest"
            seen[f"engines differ: {_kind_of(found)} / {theirs}"] += 1
    return seen


def _kind_of(found: Credential) -> str:
    if found.integrity is Integrity.INTACT:
        return "trusted, as signed" if is_trusted(found) else "intact, signer not verified"
    return f"{found.state}, {found.integrity}"


def _wrong(seed: Seed, data: bytes, found: Credential, both: Credential, original: Credential) -> str | None:
    if is_trusted(found):
        if (found.signer.name, found.actions, found.source_types) != (
            original.signer.name,
            original.actions,
            original.source_types,
        ):
            return "trusted, though it shows something else"
        return None if is_as_signed(seed, data) else "trusted, though what was signed has changed"
    if found.signer.verified_name or found.state is CredentialState.REMOTE:
        return "a name, or a remote store, out of nowhere"
    if found.integrity is Integrity.INTACT and "signer.unverifiable" not in {each.code for each in found.concerns}:
        return "intact, and signed by somebody else"
    return "the second opinion raised it" if is_trusted(both) else None


def test_mutants_of_a_trusted_file(seed: Seed) -> None:
    seen = run(seed, QUICK)
    assert sum(count for name, count in seen.items() if not name.startswith("engines")) == QUICK
    assert seen["embedded, altered"] + seen["embedded, malformed"] > QUICK // 10


@pytest.mark.slow
def test_thousands_of_mutants_of_a_trusted_file(seed: Seed, record_property: Callable[[str, object], None]) -> None:
    seen = run(seed, SLOW)
    for name, count in sorted(seen.items()):
        record_property(name, count)
        print(f"{seed.media_type}: {count} {name}")
    assert seen["embedded, altered"] > SLOW // 10


@pytest.mark.slow
def test_memory_stays_flat_over_thousands_of_files(seed: Seed) -> None:
    """Both engines hold native memory that no Python counter sees; what the kernel counts is what matters."""
    run(seed, 1_000)
    before = _resident()
    run(seed, SLOW)
    assert _resident() - before < 24 * 2**20


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_the_judge_sees_what_was_signed(seed: Seed) -> None:
    """Not a test of the reader but of this file: a change of content or claim is seen."""
    assert is_as_signed(seed, seed.data)
    assert len(seed.signed) >= 4
    changed = bytearray(seed.data)
    changed[changed.index(b"digitalCapture")] ^= 1
    assert not is_as_signed(seed, bytes(changed))
    changed = bytearray(seed.data)
    changed[len(changed) - 3 if seed.end < len(changed) else seed.start - 3] ^= 1
    assert not is_as_signed(seed, bytes(changed))
