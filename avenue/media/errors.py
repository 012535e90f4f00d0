"""Errors of uploaded files, with messages for the person who uploads.

::

    AvenueError
    ├── Invalid                400
    │   ├── UnknownVariant          the file has no such variant
    │   └── UnsafeArchive           a ZIP that is damaged or built to do harm
    ├── NotFound               404
    │   ├── VersionNotFound         a file has no such version
    │   ├── NotScanned              it cannot be read before it is scanned
    │   └── InQuarantine            it cannot be read
    ├── UnsupportedMediaType   415  the bytes are of a type this place does not take
    │   └── NoDecoder               or of one that cannot be opened on this machine
    ├── Unprocessable          422
    │   ├── EmptyFile               no bytes at all
    │   ├── BrokenImage             no program could show it
    │   ├── ImageTooLarge           too many pixels
    │   ├── TooManyFrames           too long an animation
    │   ├── ImageTooCostly          opening it takes too much time or memory
    │   ├── InfectedFile            the scanner knows it, and it cannot go into quarantine
    │   └── DamagedEntry            a file of a ZIP that cannot be unpacked
    ├── Gone                   410
    │   └── LinkExpired             a signed link whose time is over
    ├── Unavailable            503
    │   └── DecodersBusy            too many pictures at once
    └── DamagedFile            500  bytes in the database are missing or wrong

Each takes its facts as keywords and makes its sentence from them, so that a decode process can
report code and facts only (`REFUSALS`).
"""

from collections.abc import Iterable

from avenue.errors import AvenueError, Gone, Invalid, NotFound, Unavailable, Unprocessable, sentence
from avenue.media.intake.sniffing import MEDIA_TYPES

UNKNOWN_TYPE = sentence("Unknown file type; accepted here: {labels}.")


class UnsupportedMediaType(AvenueError):
    """The type of the bytes is not allowed here; the file's name does not matter.

    `detected` is the detected media type and `label` its name for people, both None if unknown;
    `allowed` are the allowed media types, `labels` their names.
    """

    status = 415
    message = "The file type is {label}; accepted here: {labels}."
    hint = "Save it as {labels} and upload that file."

    def __init__(
        self,
        *,
        detected: str | None,
        label: str | None,
        allowed: Iterable[str],
        labels: Iterable[str],
    ) -> None:
        super().__init__(
            None if label else UNKNOWN_TYPE,
            words={"label": label, "labels": list(labels)},
            detected=detected,
            allowed=list(allowed),
        )


class NoDecoder(UnsupportedMediaType):
    """The type is allowed here, but its decoder is not installed on the server."""

    code = UnsupportedMediaType.code

    def __init__(self, *, detected: str, allowed: Iterable[str]) -> None:
        allowed = list(allowed)
        super().__init__(
            detected=detected,
            label=MEDIA_TYPES[detected].label,
            allowed=allowed,
            labels=[MEDIA_TYPES[each].label for each in allowed],
        )


class UnknownVariant(Invalid):
    """A file does not exist in this size or format; `variants` are the available ones."""

    message = "Files are not available as {variant}; available: {forms}."
    hint = "Request one of the available variants."

    def __init__(self, variant: str, variants: Iterable[str]) -> None:
        there = list(variants)
        super().__init__(
            words={"variant": repr(variant), "forms": ", ".join(there)}, variants=there
        )


class EmptyFile(Unprocessable):
    """The file has no bytes."""

    message = "The file is empty."
    hint = (
        "Choose it again; if it is on a phone or in a cloud folder, wait for it to download first."
    )


class BrokenImage(Unprocessable):
    """The picture is damaged, truncated or not a picture at all."""

    message = "The image is damaged or incomplete."
    hint = "Open it on your device, save it again as JPEG or PNG, and upload the new file."


class ImageTooLarge(Unprocessable):
    """The picture has more pixels, or a longer side, than allowed."""

    message = (
        "The image is too large: {width} × {height} pixels. The maximum is "
        "{max_megapixels} megapixels and {max_side_pixels} pixels per side."
    )
    hint = "Make it smaller; 2,000 pixels on the longer side is plenty for a screen."


class TooManyFrames(Unprocessable):
    """The animation has more frames than allowed."""

    message = "The animation is too long: {frames} frames (maximum: {max_frames})."
    hint = "Shorten the animation, or upload a single frame of it."


class ImageTooCostly(Unprocessable):
    """Opening the picture takes too much time or memory; the facts say which limit was reached."""

    message = "The image takes too many resources to open."
    hint = "Open it on your device, export it as a plain JPEG or PNG, and upload the new file."


class LinkExpired(Gone):
    """A signed link has expired."""

    message = "This link has expired."
    hint = "Ask the person who gave it to you for a new one."


class DecodersBusy(Unavailable):
    """All decode processes are busy; the request can be repeated in a moment."""

    message = "Many images are being processed right now, and this one did not get its turn."
    hint = "Nothing was stored. Send the same image again after Retry-After."
    retry_after_seconds = 5


REFUSALS: dict[str, type[AvenueError]] = {
    each.code: each
    for each in (
        NoDecoder,
        BrokenImage,
        ImageTooLarge,
        TooManyFrames,
        ImageTooCostly,
        DecodersBusy,
    )
}


class UnsafeArchive(Invalid):
    """A ZIP is damaged, too large to be listed, or malicious."""

    message = (
        "The ZIP is damaged, lists too many files, or expands to far more than files normally do."
    )
    hint = "Unpack it, check what is in it, and import the folder."


class DamagedEntry(Unprocessable):
    """A file in a ZIP cannot be unpacked."""

    message = "The file is damaged in the archive."
    hint = "Compress it again, or put it in a folder with the archive's other files."


class ZipTooLarge(AvenueError):
    """The files exceed the limit of a ZIP; `bytes` and `limit_bytes` are the sizes."""

    status = 413
    message = "These files total {megabytes} MB; a ZIP can have at most {limit_mb} MB."
    hint = "Select fewer at once."

    def __init__(self, *, length: int, limit_mb: int) -> None:
        megabytes = -(-length // 1024**2)
        super().__init__(
            words={"megabytes": megabytes, "limit_mb": limit_mb},
            bytes=length,
            limit_bytes=limit_mb * 1024**2,
        )


class VersionNotFound(NotFound):
    """The file has no such version, or no longer."""

    message = "This file has no such version."
    hint = "Its list of versions shows those that are kept."


class NotScanned(NotFound):
    """The file exists, but cannot be read before it was scanned."""

    message = "This file has not been scanned yet."
    hint = (
        "Request it again in a few minutes: it can be read once the scanner has found "
        "nothing in it."
    )


class InQuarantine(NotFound):
    """The file exists, but cannot be read unless an administrator releases it."""

    message = "This file is in quarantine."
    hint = "A site administrator can release it, with a reason, on the Quarantine page."


class InfectedFile(Unprocessable):
    """The scanner reported `signature`, and nothing of the file is kept."""

    message = "The scanner found something in this file: {signature}."
    hint = (
        "Remove what it found from the file, or ask an administrator whether the scanner is wrong."
    )


class DamagedFile(AvenueError):
    """Bytes of a stored file are missing or wrong; `fsck` and the debug endpoints name it."""

    status = 500
    message = "This file is damaged in the database."
    hint = "Restore it from a backup or upload it again."
