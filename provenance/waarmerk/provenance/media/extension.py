# SPDX-License-Identifier: Apache-2.0
"""What a file name promises, to be compared with what the content is. Decides nothing else."""

_PROMISES = {
    "jpg jpeg jpe jfif": "image/jpeg",
    "png apng": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "tif tiff": "image/tiff",
    "dng": "image/x-adobe-dng",
    "nef": "image/x-nikon-nef",
    "arw": "image/x-sony-arw",
    "avif": "image/avif",
    "heic heif hif": "image/heic image/heif",
    "jxl": "image/jxl",
    "svg": "image/svg+xml",
    "mp4": "video/mp4 audio/mp4",
    "m4v 3gp 3g2": "video/mp4",
    "mov qt": "video/quicktime",
    "m4a m4b": "audio/mp4",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "wav wave": "audio/wav",
    "avi": "video/x-msvideo",
    "webm": "video/webm",
    "mkv mka": "video/x-matroska",
    "ogg ogx": "audio/ogg video/ogg",
    "oga opus": "audio/ogg",
    "ogv": "video/ogg",
    "pdf": "application/pdf",
}
_TYPES = {ending: types.split() for endings, types in _PROMISES.items() for ending in endings.split()}


def extension_differs(name: str | None, media_type: str) -> bool:
    """Whether the ending of ``name`` promises another kind of media than the content is.

    A name without an ending, or with one that promises no media, promises nothing.
    """
    promised = _promised(name)
    return promised is not None and media_type not in promised


def promises_media(name: str | None) -> bool:
    """Whether the ending of ``name`` promises a kind of media that is read here."""
    return _promised(name) is not None


def _promised(name: str | None) -> list[str] | None:
    _, dot, ending = (name or "").rpartition(".")
    return _TYPES.get(ending.lower()) if dot else None


def usual_extension(media_type: str) -> str:
    """The ending that files of this type usually have, with its dot; empty for a type that has none here."""
    return next((f".{endings.split()[0]}" for endings, types in _PROMISES.items() if media_type in types.split()), "")
