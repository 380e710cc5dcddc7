# SPDX-License-Identifier: Apache-2.0
"""Pictures out of a clip (extra ``video``): opened by us, the demuxer named, limits first, one thread.

The only place of this package that knows PyAV. FFmpeg is given a stream and no address, so that nothing inside the
file leads anywhere; our own walk has seen the tables before it makes room for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from waarmerk.provenance.errors import ConfigurationError, UnsupportedAsset
from waarmerk.provenance.media.bmff import read_movie
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.preview import Preview, preview_of
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import Asset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DEMUXERS = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska", "video/x-matroska": "matroska"}
VIDEO_TYPES = frozenset(_DEMUXERS)
MOST_KEY_FRAMES = 12  # more than anybody searches for by hand
PLACES = 36  # looked at for them
LARGEST_SIDE = 1280  # pixels of a key frame: what search engines take
ALIKE = 6.0  # mean difference of two thumbnails, in levels, up to which they show the same
DARK = 2.0  # deviation of a thumbnail, in levels, below which it shows nothing
_THUMBNAIL = (32, 18)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFrame:
    """A picture of a clip and its time; ``picture`` is encoded anew and holds no byte of the file."""

    seconds: float
    picture: Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A decoded frame, turned as it is meant to be seen by ``quarters`` against the clock: RGB, H x W x 3."""

    seconds: float
    rgb: "NDArray[np.uint8]"
    quarters: int = 0


def key_frames(asset: Asset, limits: Limits, *, most: int = MOST_KEY_FRAMES) -> tuple[KeyFrame, ...]:
    """Pictures that show what a clip shows, at most ``most``, in order of time; of like ones the first.

    Raises UnsupportedAsset (``media.no-video``) where no frame can be decoded, LimitExceeded, and ConfigurationError
    where the extra is not installed.
    """
    chosen: list[tuple[Frame, NDArray[np.float32]]] = []
    decoded = 0
    for frame in frames_at_places(asset, limits, places=PLACES):
        decoded += 1
        small = _thumbnail(frame.rgb)
        if float(small.std()) >= DARK and all(float(abs(small - other).mean()) > ALIKE for _, other in chosen):
            chosen.append((frame, small))
    if decoded == 0:
        raise UnsupportedAsset("media.no-video", "no frame of the video can be decoded")
    while len(chosen) > most:
        chosen.pop(_least_new([small for _, small in chosen]))
    ordered = sorted(chosen, key=lambda entry: entry[0].seconds)
    return tuple(
        KeyFrame(seconds=frame.seconds, picture=preview_of(frame.rgb, max_side=LARGEST_SIDE)) for frame, _ in ordered
    )


def first_frame(asset: Asset, limits: Limits) -> Frame:
    """The first frame that shows something, of those at some places; the first of all where none does.

    Raises as ``key_frames`` does.
    """
    first: Frame | None = None
    for frame in frames_at_places(asset, limits, places=MOST_KEY_FRAMES):
        if float(_thumbnail(frame.rgb).std()) >= DARK:
            return frame
        first = first or frame
    if first is None:
        raise UnsupportedAsset("media.no-video", "no frame of the video can be decoded")
    return first


def frames_at_places(asset: Asset, limits: Limits, *, places: int) -> Iterator[Frame]:
    """Frames coded whole at places spread over a clip, each once; a file that breaks off ends them."""
    with opened(asset, limits) as (container, stream):
        seen: set[int] = set()
        for number in range(places):
            frame = _frame_at(container, stream, number / places)
            if frame is not None and frame.pts not in seen:
                seen.add(frame.pts)
                yield _upright(frame)


def _frame_at(container: Any, stream: Any, share: float) -> Any:
    """The first frame that decodes from the last whole one before a place, None where there is none."""
    try:
        if stream.duration:
            container.seek(int(share * stream.duration) + (stream.start_time or 0), stream=stream)
        elif container.duration:
            container.seek(int(share * container.duration) + (container.start_time or 0))
        elif share > 0:
            return None
        return next(iter(container.decode(stream)), None)
    except Exception:  # a stranger's file: what PyAV raises on those is many things
        return None


@contextmanager
def opened(asset: Asset, limits: Limits) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream.  Raises as ``key_frames`` does."""
    try:
        import av  # noqa: PLC0415 - an extra, and 60 MB of libraries
    except ImportError:
        raise ConfigurationError("media.no-extra", "frames of clips need: pip install 'waarmerk[video]'") from None
    demuxer = _DEMUXERS.get(asset.media_type)
    if demuxer is None:
        raise UnsupportedAsset("media.no-video", f"{asset.media_type} holds no video that is decoded here")
    with asset.open() as file:
        if demuxer == "mov":
            read_movie(Window(file, asset.bytes), limits).require_decodable(limits)
            file.seek(0)
        try:
            container = av.open(
                file,
                "r",
                format=demuxer,
                container_options={
                    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm",
                    "protocol_whitelist": "file",
                },
                metadata_errors="replace",
            )
        except Exception as error:
            raise UnsupportedAsset("media.no-video", "the video cannot be opened") from error
        with container:
            shown = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
            if not shown:
                raise UnsupportedAsset("media.no-video", "the file holds no video")
            shown[0].codec_context.options = {"max_pixels": str(limits.frame_pixels)}
            shown[0].thread_count = 1
            yield container, shown[0]


def _upright(frame: Any) -> Frame:
    """A frame turned by its display matrix in quarters (FFmpeg: degrees against the clock)."""
    import numpy as np  # noqa: PLC0415

    quarters = round((frame.rotation or 0) / 90) % 4
    rgb: NDArray[np.uint8] = np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), quarters))
    return Frame(seconds=round(float(frame.time or 0.0), 3), rgb=rgb, quarters=quarters)


def _thumbnail(rgb: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    import cv2  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    return np.asarray(cv2.resize(rgb, _THUMBNAIL, interpolation=cv2.INTER_AREA), np.float32)


def _least_new(thumbnails: "list[NDArray[np.float32]]") -> int:
    """The one that is most like another of them; of a pair the later."""
    best = (float("inf"), 0)
    for late in range(1, len(thumbnails)):
        for early in range(late):
            best = min(best, (float(abs(thumbnails[late] - thumbnails[early]).mean()), late))
    return best[1]
