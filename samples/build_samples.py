# SPDX-License-Identifier: Apache-2.0
"""Makes ``samples/media`` and ``samples/trust``: own pictures, own test authorities, real Content Credentials.

Run it only to make other samples: every run makes new keys and therefore new files, and the keys are thrown away at
its end. ``python samples/build_samples.py FOLDER`` writes to another folder.
"""

import io
import json
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import c2pa
import numpy as np
from certificates import Authority, Signatory
from clip import motion_jpeg
from drawing import balloon, canal, mill, phone_screen, without_boat
from PIL import Image

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
EKUS = "\n".join(("1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.4", "1.3.6.1.4.1.311.76.59.1.9"))
XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    Iptc4xmpExt:DigitalSourceType="{source}" Iptc4xmpExt:AISystemUsed="Voorbeeldmodel"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
MAKER, AGENCY = "Waarmerk Voorbeelden", "Algemeen Nieuwsbureau Delta"

Action = dict[str, object]


def encode(picture: Image.Image, form: str, **options: object) -> bytes:
    """The picture as a file without metadata."""
    target = io.BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def jpeg(picture: Image.Image, quality: int = 88) -> bytes:
    return encode(picture, "JPEG", quality=quality, subsampling=2)


def context(anchors: str) -> c2pa.Context:
    """Settings of a careful signer: own output verified, no thumbnails, no network.

    ``anchors`` are whom the signer believes; what they say of an ingredient is recorded with it.
    """
    known = {"trust_kind": "manifest", "trust_uri": "samples:user", "trust_anchors": anchors}
    return c2pa.Context.from_dict(
        {
            "verify": {"verify_after_sign": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
            "core": {"allowed_network_hosts": []},
            "builder": {"thumbnail": {"enabled": False}},
            "trust": {"trust_config": EKUS, "anchors": [known]},
        }
    )


def sign(
    media: bytes,
    media_type: str,
    signatory: Signatory,
    *,
    title: str,
    generator: str,
    actions: list[Action],
    parent: tuple[bytes, str] | None = None,
) -> bytes:
    """``media`` with a manifest of these actions; the first opens ``parent`` where there is one."""
    manifest = {
        "title": title,
        "format": media_type,
        "claim_generator_info": [{"name": generator, "version": "1.0", "specVersion": "2.2.0"}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions, "allActionsIncluded": True}, "created": True}
        ],
    }
    key = c2pa.C2paSignerInfo(b"es256", signatory.chain.encode(), signatory.key.encode(), None)
    with c2pa.Signer.from_info(key) as signer, c2pa.Builder(manifest, context=context(signatory.root)) as builder:
        if parent is not None:
            data, name = parent
            about = {"title": name, "relationship": "parentOf", "label": "parent"}
            builder.add_ingredient(about, media_type, io.BytesIO(data))
        target = io.BytesIO()
        builder.sign(signer, media_type, io.BytesIO(media), target)
    return target.getvalue()


def created(source: str, when: str, tool: str) -> list[Action]:
    return [
        {"action": "c2pa.created", "digitalSourceType": IPTC + source, "when": when, "softwareAgent": {"name": tool}}
    ]


def opened(when: str, *further: Action) -> list[Action]:
    return [{"action": "c2pa.opened", "when": when, "parameters": {"ingredientIds": ["parent"]}}, *further]


def with_other_pixels(signed: bytes, other: bytes) -> bytes:
    """The manifest of one JPEG, at its old place, in front of another JPEG's picture."""
    start, end = manifest_span(signed)
    if signed[:start] != other[:start]:
        raise ValueError("the two files must begin alike, for the manifest names its own place")
    return signed[:end] + other[start:]


def manifest_span(data: bytes) -> tuple[int, int]:
    """Where the APP11 segments that hold the manifest begin and end."""
    at, start = 2, None
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        length = 2 + int.from_bytes(data[at + 2 : at + 4])
        if data[at + 1] == 0xEB and start is None:
            start = at
        elif data[at + 1] != 0xEB and start is not None:
            return start, at
        at += length
    if start is None:
        raise ValueError("no manifest")
    return start, at


def voice() -> bytes:
    """Two seconds of vowels from no throat: harmonics of a gliding tone, shaped like syllables."""
    rate = 16_000
    t = np.arange(2 * rate) / rate
    phase = 2 * np.pi * np.cumsum(118 + 22 * np.sin(2 * np.pi * 0.9 * t)) / rate
    sound = sum(
        np.sin(k * phase) * np.exp(-(((k * 118 - formant) / 180) ** 2)) for k in range(1, 24) for formant in (520, 1480)
    )
    samples = sound * np.clip(np.sin(2 * np.pi * 1.75 * t), 0, 1) ** 0.6
    target = io.BytesIO()
    with wave.open(target, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((samples / np.abs(samples).max() * 26_000).astype("<i2").tobytes())
    return target.getvalue()


def build(folder: Path) -> None:
    """Write everything below ``folder``."""
    known = Authority(MAKER)
    camera, model, editor = (known.signatory(f"Voorbeeld{name} V1") for name in ("camera", "model", "bewerker"))
    unknown = Authority(AGENCY).signatory("Fotoredactie")
    media, trust = folder / "media", folder / "trust"
    media.mkdir(parents=True, exist_ok=True)
    trust.mkdir(exist_ok=True)
    (trust / "user.pem").write_text(known.root)
    dates = {
        "issued": "2026-11-21T00:00:00Z",
        "next_update": "2045-12-31T00:00:00Z",
        "source": "samples/build_samples.py",
    }
    (trust / "user.json").write_text(json.dumps(dates, indent=2) + "\n")
    write: Callable[[str, bytes], object] = lambda name, data: (media / name).write_bytes(data)  # noqa: E731

    scene = canal()
    capture = sign(
        jpeg(scene),
        "image/jpeg",
        camera,
        title="gracht.jpg",
        generator="Voorbeeldcamera",
        actions=created("digitalCapture", "2026-11-14T09:12:41Z", "Voorbeeldcamera V1"),
    )
    write("camera-capture.jpg", capture)
    generated = mill()
    write(
        "ai-generated.png",
        sign(
            encode(generated.quantize(256, dither=Image.Dither.FLOYDSTEINBERG), "PNG", optimize=True),
            "image/png",
            model,
            title="molen.png",
            generator="Voorbeeldmodel",
            actions=created("trainedAlgorithmicMedia", "2026-11-15T18:30:00Z", "Voorbeeldmodel"),
        ),
    )
    edit: Action = {
        "action": "c2pa.edited",
        "digitalSourceType": IPTC + "compositeWithTrainedAlgorithmicMedia",
        "when": "2026-11-16T10:05:00Z",
        "softwareAgent": {"name": "Voorbeeldmodel"},
        "description": "A balloon was added with generative AI.",
    }
    write(
        "ai-edited.jpg",
        sign(
            jpeg(balloon(scene)),
            "image/jpeg",
            editor,
            title="gracht-ballon.jpg",
            generator="Voorbeeldbewerker",
            actions=opened("2026-11-16T10:00:00Z", edit),
            parent=(capture, "gracht.jpg"),
        ),
    )
    tampered = with_other_pixels(capture, jpeg(without_boat(scene)))
    write("tampered.jpg", tampered)
    write(
        "resigned-over-tampered.jpg",
        sign(
            tampered,
            "image/jpeg",
            editor,
            title="gracht-nieuw.jpg",
            generator="Voorbeeldbewerker",
            actions=opened("2026-11-17T08:00:00Z", {"action": "c2pa.published", "when": "2026-11-17T08:00:05Z"}),
            parent=(tampered, "tampered.jpg"),
        ),
    )
    stripped = jpeg(generated, 82)
    write("stripped.jpg", stripped)
    seen = Image.open(io.BytesIO(stripped)).convert("RGB")
    write("messenger-screenshot.jpg", jpeg(phone_screen(seen), 75))
    write(
        "unknown-agency.jpg",
        sign(
            jpeg(canal(seed=12)),
            "image/jpeg",
            unknown,
            title="persfoto.jpg",
            generator="Fotoredactie",
            actions=created("digitalCapture", "2026-11-18T07:45:10Z", "Fotoredactie"),
        ),
    )
    packet = XMP.format(source=IPTC + "trainedAlgorithmicMedia").encode()
    write("declared.webp", encode(mill(seed=33), "WEBP", quality=78, method=6, xmp=packet))
    write(
        "audio.wav",
        sign(
            voice(),
            "audio/wav",
            model,
            title="stem.wav",
            generator="Voorbeeldstem",
            actions=created("trainedAlgorithmicMedia", "2026-11-19T20:00:00Z", "Voorbeeldstem"),
        ),
    )
    frames = [jpeg(canal(boat_at=step * 60).resize((320, 240)), 70) for step in range(16)]
    write(
        "clip.mp4",
        sign(
            motion_jpeg(frames, 320, 240, 8),
            "video/mp4",
            camera,
            title="gracht.mp4",
            generator="Voorbeeldcamera",
            actions=created("digitalCapture", "2026-11-14T09:15:00Z", "Voorbeeldcamera V1"),
        ),
    )


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
