"""What a place takes."""

import pytest

from avenue.config import Settings
from avenue.media.errors import EmptyFile, UnsupportedMediaType
from avenue.media.intake.policy import image_limits, library_pictures, product_pictures
from avenue.media.intake.sniffing import HEAD_BYTES
from avenue.web.errors import FileTooLarge
from tests import pictures

POLICY = product_pictures(Settings())
FIVE_MB = 5 * 1024 * 1024


def test_the_shop_takes_five_megabytes_and_not_a_byte_more() -> None:
    POLICY.check_bytes(FIVE_MB)
    with pytest.raises(FileTooLarge) as refused:
        POLICY.check_bytes(FIVE_MB + 1)
    assert refused.value.status == 413
    assert refused.value.facts == {"limit_bytes": FIVE_MB}
    assert "larger than 5 MB" in refused.value.message


def test_the_limit_is_a_setting() -> None:
    product_pictures(Settings(max_product_image_mb=6)).check_bytes(FIVE_MB + 1)


def test_the_library_takes_more_types_and_larger_files() -> None:
    library = library_pictures(Settings())
    more = {"image/gif", "image/avif", "image/heic"}
    assert library.media_types == POLICY.media_types | more
    assert library.bucket == "builder_media"
    library.check_bytes(2 * FIVE_MB)
    with pytest.raises(FileTooLarge):
        library.check_bytes(2 * FIVE_MB + 1)
    library_pictures(Settings(max_media_mb=11)).check_bytes(2 * FIVE_MB + 1)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_the_shop_takes_what_every_browser_shows(format: str) -> None:  # noqa: A002
    head = pictures.photo(format=format)[:HEAD_BYTES]
    assert POLICY.check_type(head).name == f"image/{format.lower()}"


@pytest.mark.parametrize(
    ("head", "detected"),
    [
        (pictures.gif(), "image/gif"),
        (pictures.gif(20), "image/gif"),
        (pictures.gif_script(), "image/gif"),
        (pictures.svg(), "image/svg+xml"),
        (pictures.bmp(), "image/bmp"),
        (pictures.tiff(), "image/tiff"),
        (pictures.avif(), "image/avif"),
        (pictures.heic(), "image/heic"),
        (pictures.pdf(), "application/pdf"),
        (pictures.text_as_jpg(), None),
        (pictures.html(), None),
        (pictures.php(), None),
    ],
)
def test_anything_else_is_refused_by_its_real_name(head: bytes, detected: str | None) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        POLICY.check_type(head[:HEAD_BYTES])
    assert refused.value.status == 415
    assert refused.value.facts == {
        "detected": detected,
        "allowed": ["image/jpeg", "image/png", "image/webp"],
    }
    assert "JPEG, PNG or WebP" in refused.value.hint


def test_a_refusal_says_what_was_sent() -> None:
    with pytest.raises(UnsupportedMediaType, match="type is HEIC"):
        POLICY.check_type(pictures.heic())
    with pytest.raises(UnsupportedMediaType, match="Unknown file type"):
        POLICY.check_type(pictures.text_as_jpg())


def test_a_file_without_bytes_is_empty_and_not_of_a_wrong_type() -> None:
    with pytest.raises(EmptyFile) as refused:
        POLICY.check_type(b"")
    assert refused.value.code == "empty_file"


def test_the_limits_of_a_picture_are_settings() -> None:
    limits = image_limits(Settings(max_megapixels=1, max_scans=7, max_decode_cpu_seconds=3))
    assert (limits.max_megapixels, limits.max_scans, limits.cpu_seconds) == (1, 7, 3)
    assert (limits.max_side_pixels, limits.max_frames, limits.memory_mb) == (12_000, 100, 512)
