"""What may be uploaded where, and the limits for decoding one picture.

An `UploadPolicy` belongs to a destination (product pictures, the media library); `ImageLimits`
belong to the machine. Both are created from the settings.
"""

from dataclasses import dataclass, replace
from typing import BinaryIO

from avenue.config import Settings
from avenue.identity import Limit, Site
from avenue.media.errors import EmptyFile, UnsupportedMediaType
from avenue.media.intake.filetypes import FILE_TYPES, UNKNOWN, file_type
from avenue.media.intake.sniffing import (
    AVIF,
    GIF,
    HEIC,
    JPEG,
    PDF,
    PNG,
    WEBP,
    ZIP,
    MediaType,
    detect,
)
from avenue.media.models import Visibility
from avenue.media.pictures.limits import MB, ImageLimits
from avenue.media.pictures.variants import EAGER
from avenue.web.errors import FileTooLarge

LARGEST_LOGO_MB = 2

AT_ONCE = 2
"""How many of `EAGER` are made in an upload where the others follow the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPolicy:
    """The rules of one destination: its bucket, the maximum size, the allowed media types.

    `limit` is the site's own limit that may lower it, if any; `eager` are the variants generated at
    once, `later` those generated after the reply.
    """

    name: str
    bucket: str
    max_bytes: int
    media_types: frozenset[str]
    visibility: Visibility
    limit: Limit | None
    eager: tuple[str, ...] = ()
    later: tuple[str, ...] = ()

    def on(self, site: Site) -> "UploadPolicy":
        """Return the policy on `site`, whose own limit may be lower."""
        own_mb = site.limits.get(self.limit) if self.limit else None
        return self if own_mb is None else replace(self, max_bytes=min(self.max_bytes, own_mb * MB))

    def check_bytes(self, count_bytes: int) -> None:
        """Raise `FileTooLarge` if `count_bytes`, declared or received so far, are too many."""
        if count_bytes > self.max_bytes:
            raise FileTooLarge(self.max_bytes)

    def check_declared(self, media_type: str) -> None:
        """Raise `UnsupportedMediaType` if no type of this medium is allowed, for example a video.

        More is not trusted: systems call a CSV an Excel table, and an audio file a film without
        video.
        """
        medium = _medium(media_type)
        if medium and not any(_medium(each) == medium for each in self.media_types):
            known = FILE_TYPES.get(media_type.lower())
            raise self._unsupported(known)

    def check_type(self, head: bytes) -> MediaType:
        """Return the type of the first bytes of a file.

        Raise `EmptyFile` if there are none, `UnsupportedMediaType` if it is not allowed here.
        """
        if not head:
            raise EmptyFile
        return self._allowed(detect(head))

    def check_file(self, file: BinaryIO) -> MediaType:
        """Return the type the bytes of `file` show; raises as `check_type`."""
        file.seek(0)
        if not file.read(1):
            raise EmptyFile
        return self._allowed(file_type(file))

    def _allowed(self, found: MediaType | None) -> MediaType:
        if (found or UNKNOWN).name in self.media_types:
            return found or UNKNOWN
        raise self._unsupported(found)

    def _unsupported(self, found: MediaType | None) -> UnsupportedMediaType:
        allowed = sorted(self.media_types)
        return UnsupportedMediaType(
            detected=found.name if found else None,
            label=found.label if found else None,
            allowed=allowed,
            labels=[FILE_TYPES[name].label for name in allowed],
        )


def _medium(media_type: str) -> str | None:
    """Return `image`, or `film` for audio and video, or None."""
    first = media_type.partition("/")[0].lower()
    return "film" if first in {"audio", "video"} else first if first == "image" else None


def product_pictures(settings: Settings) -> UploadPolicy:
    """Return the policy of the shop: the three types that every browser and phone shows."""
    return UploadPolicy(
        name="product_pictures",
        bucket="product_images",
        max_bytes=settings.max_product_image_mb * MB,
        media_types=frozenset({JPEG.name, PNG.name, WEBP.name}),
        visibility=Visibility.PUBLIC,
        limit=Limit.PRODUCT_IMAGE_MB,
        **_sizes(settings),
    )


def _sizes(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return which variants are made in an upload, and which after it."""
    at_once = {"eager": len(EAGER), "eager-after": AT_ONCE}.get(settings.pipeline_mode)
    return {} if at_once is None else {"eager": EAGER[:at_once], "later": EAGER[at_once:]}


def site_logo(settings: Settings) -> UploadPolicy:
    """Return the policy of a site's logo."""
    return UploadPolicy(
        name="site_logo",
        bucket="builder_media",
        max_bytes=min(LARGEST_LOGO_MB, settings.max_media_mb) * MB,
        media_types=frozenset({JPEG.name, PNG.name, WEBP.name}),
        visibility=Visibility.PUBLIC,
        limit=Limit.MEDIA_MB,
    )


def library_pictures(settings: Settings) -> UploadPolicy:
    """Return the policy of the media library: larger files, and types of phones and designers."""
    return UploadPolicy(
        name="library_pictures",
        bucket="builder_media",
        max_bytes=settings.max_media_mb * MB,
        media_types=frozenset(each.name for each in (JPEG, PNG, WEBP, GIF, AVIF, HEIC)),
        visibility=Visibility.PUBLIC,
        limit=Limit.MEDIA_MB,
        **_sizes(settings),
    )


def old_uploads(settings: Settings, visibility: Visibility) -> UploadPolicy:
    """Return the policy for an old folder of general uploads: pictures and documents."""
    return UploadPolicy(
        name="old_uploads",
        bucket="uploads",
        max_bytes=settings.max_upload_mb * MB,
        media_types=frozenset({JPEG.name, PNG.name, WEBP.name, PDF.name}),
        visibility=visibility,
        limit=Limit.UPLOAD_MB,
    )


def picture_archives(settings: Settings) -> UploadPolicy:
    """Return the policy of pictures by SKU: a ZIP that only its owner sees before it is applied."""
    return UploadPolicy(
        name="picture_archives",
        bucket="uploads",
        max_bytes=settings.max_archive_mb * MB,
        media_types=frozenset({ZIP.name}),
        visibility=Visibility.PRIVATE,
        limit=None,
    )


def image_limits(settings: Settings) -> ImageLimits:
    """Return the limits of decoding, from the settings."""
    return ImageLimits(
        max_megapixels=settings.max_megapixels,
        max_jpeg_megapixels=settings.max_jpeg_megapixels,
        max_side_pixels=settings.max_side_pixels,
        max_frames=settings.max_frames,
        max_scans=settings.max_scans,
        cpu_seconds=settings.max_decode_cpu_seconds,
        memory_mb=settings.max_decode_mb,
    )
