# SPDX-License-Identifier: Apache-2.0
"""Scheme ``ring/1``: keyed carriers in a ring of the spectrum, folded over tiles (docs/watermark.md)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from waarmerk.watermark.arrays import Bytes
from waarmerk.watermark.carriers import build_carriers
from waarmerk.watermark.decoding import read
from waarmerk.watermark.embedding import (
    Shaping,
    add_at_psnr,
    add_at_strength,
    host_plane,
    pick_variant,
    render_pattern,
    shape_to_host,
)
from waarmerk.watermark.hunt import Hunt
from waarmerk.watermark.keys import SCHEME, Key
from waarmerk.watermark.model import CannotCarry, Detection, Payload
from waarmerk.watermark.registration import lay, lock, scaling
from waarmerk.watermark.transforms import split_alpha
from waarmerk.watermark.view import prepare
from waarmerk.watermark.whitening import whiten


class Ring:
    """The scheme; without state."""

    scheme_id = SCHEME

    def embed(
        self, host: Bytes, key: Key, payload: Payload, *, strength: float | None, psnr: float | None, best_effort: bool
    ) -> Bytes:
        """Mark a host; raises CannotCarry where its own detector would not read the result."""
        pixels, alpha = split_alpha(host)
        carriers = build_carriers(key)
        plane = host_plane(pixels)
        variant = pick_variant(key.sub_key("variant"), pixels)
        pattern = render_pattern(carriers, bytes(payload), variant, (plane.shape[0], plane.shape[1]))
        shaped = shape_to_host(pattern, plane, Shaping())
        if psnr is None:
            marked = add_at_strength(pixels, plane, shaped, 1.0 if strength is None else strength)
        else:
            marked = add_at_psnr(pixels, shaped, psnr)
        if not best_effort and not _reads_back(marked, key, payload):
            raise CannotCarry("the host cannot hold the payload at this strength: too small, too flat or saturated")
        return marked if alpha is None else np.dstack((_as_rgb(marked), alpha))

    def detect(self, image: Bytes, keys: Sequence[Key], *, max_false_positive: float) -> tuple[Detection, ...]:
        """One search for several keys; one detection per key, in order."""
        pixels, _ = split_alpha(image, min_side=1)
        view = prepare(pixels)
        return tuple(
            Hunt(view=view, carriers=build_carriers(key), keys=len(keys)).run(key, max_false_positive) for key in keys
        )


def _as_rgb(marked: Bytes) -> Bytes:
    return marked if marked.ndim == 3 else np.repeat(marked[:, :, None], 3, axis=2)


def _reads_back(marked: Bytes, key: Key, payload: Payload) -> bool:
    """Decode at the known place, first from the middle, which suffices for most hosts, then from all of it."""
    carriers = build_carriers(key)
    plane = host_plane(marked)
    height, width = plane.shape
    middle = plane[height // 4 : height - height // 4, width // 4 : width - width // 4]
    parts = (middle, plane) if min(middle.shape) >= 200 else (plane,)
    for part in parts:
        whitened = whiten(np.ascontiguousarray(part))
        found = lock(whitened, scaling(1.0, 1.0), carriers.pilots)
        reading = read(lay(whitened, found.pose), carriers, negative=found.negative)
        if reading.payload == bytes(payload):
            return True
    return False
