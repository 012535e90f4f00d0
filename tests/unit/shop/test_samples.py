"""The pictures of the sample products: each is there, decodes, and is used."""

import io
from pathlib import Path

from PIL import Image

from avenue.shop import demo

SHOTS = [shot for each in demo.PRODUCTS for shot in each.shots]
SHOTS += [shot for group in demo.GROUPS for _, shot in group.options]
MOST_BYTES = 110_000


def test_every_picture_of_the_package_is_of_a_sample_and_small() -> None:
    files = {shot.file for shot in SHOTS}
    kept = Path(demo.__file__).with_name("sample_pictures").iterdir()
    assert files == {each.name for each in kept}
    sizes = set()
    for file in files:
        data = demo.picture(file)
        image = Image.open(io.BytesIO(data))
        image.load()
        assert image.format == "JPEG"
        assert len(data) < MOST_BYTES
        sizes.add(image.size)
    assert len(sizes) == 3


def test_alternative_texts_are_in_both_languages_or_in_none() -> None:
    assert all(bool(shot.es) == bool(shot.en) for shot in SHOTS)
    assert sum(not shot.es for shot in SHOTS) == 1
