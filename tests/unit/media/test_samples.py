"""Pictures of sample products: drawn, the same each time, and outside of the web process."""

import io
import subprocess
import sys

import pytest
from PIL import Image

from avenue.media.imaging.samples import KINDS, drawn
from avenue.media.samples import NotDrawn, SamplePicture, draw
from avenue.shop import demo
from tests.waiting import DEADLINE_SECONDS

SHOTS = [shot for each in demo.PRODUCTS for shot in each.shots]
SHOTS += [shot for group in demo.GROUPS for _, shot in group.options]


@pytest.mark.parametrize("kind", KINDS)
def test_a_thing_stands_out_from_its_ground_and_is_drawn_alike_each_time(kind: str) -> None:
    data = drawn(kind, "#b3262e", 320, 240, 3)
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size, image.mode) == ("JPEG", (320, 240), "RGB")
    darkest, lightest = image.convert("L").getextrema()
    assert darkest < 90
    assert lightest > 200
    assert drawn(kind, "#b3262e", 320, 240, 3) == data
    assert drawn(kind, "#b3262e", 320, 240, 4) != data


def test_the_samples_are_things_that_can_be_drawn_and_no_two_alike() -> None:
    assert {shot.picture.kind for shot in SHOTS} == KINDS.keys()
    assert len({shot.picture for shot in SHOTS}) == len(SHOTS)
    assert len({(shot.picture.width, shot.picture.height) for shot in SHOTS}) >= 3
    assert all(bool(shot.es) == bool(shot.en) for shot in SHOTS)


def test_a_process_beside_draws_and_the_web_process_does_not_know_how() -> None:
    picture = SamplePicture(kind="bowl", color="#b5583a", width=160, height=120)
    assert draw(picture) == drawn("bowl", "#b5583a", 160, 120, 0)
    program = "import avenue.media.samples, avenue.shop.demo, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    )
    assert "PIL" not in done.stdout.split()


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(NotDrawn):
        draw(SamplePicture(kind="unicorn", color="#ffffff"))
