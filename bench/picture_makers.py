"""Those who make the four variants in `bench.pictures`, each in a process of its own.

`python bench/picture_makers.py <name>`: says `ready` or why it cannot, then makes the variants of
the file named by each line of its input, as `<variant>.webp` into the folder named after a tab,
and says what it took. What is written to the folder, and read from the file, is not counted.
Besides Avenue's own, all are written as their documentation shows, with WebP quality 80.
"""

import io
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROWS = {"thumb": (200, 200), "card": (480, None), "gallery": (1280, None), "og": (1200, 630)}
Maker = Callable[[bytes], dict[str, bytes]]


def avenue() -> Maker:
    """As in the upload request, in two threads where there are two cores: facts and look, too."""
    from avenue.config import Settings
    from avenue.media.intake.policy import image_limits
    from avenue.media.pictures.facts import Wanted
    from avenue.media.pictures.imaging.opening import open_picture

    threads = len(os.sched_getaffinity(0))
    limits = image_limits(Settings())
    # The middle, as the others cut; all else as always.
    wanted = [Wanted(variant=name, extension="webp", focal=(0.5, 0.5)) for name in ROWS]

    def make(data: bytes) -> dict[str, bytes]:
        picture = open_picture(data, "image/jpeg", limits, wanted)
        examined = picture.examined(wanted, threads=threads)
        return {each.variant: each.data for each in examined.renditions}

    return make


def pillow() -> Maker:
    """Plain Pillow: open, turn upright, fit, save; once for each variant."""
    from PIL import Image, ImageOps

    def make(data: bytes) -> dict[str, bytes]:
        return {name: one(data, *row) for name, row in ROWS.items()}

    def one(data: bytes, width: int, height: int | None) -> bytes:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        if height:
            image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        else:
            height = round(image.height * width / image.width)
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=80)
        return buffer.getvalue()

    return make


def vips() -> Maker:
    """libvips: `thumbnail`, once for each variant."""
    import pyvips

    def make(data: bytes) -> dict[str, bytes]:
        return {name: one(data, *row) for name, row in ROWS.items()}

    def one(data: bytes, width: int, height: int | None) -> bytes:
        fit = {"height": height, "crop": "centre"} if height else {"height": 10_000_000}
        image = pyvips.Image.thumbnail_buffer(data, width, **fit)
        return image.webpsave_buffer(Q=80, keep="none")

    return make


def vips_chain() -> Maker:
    """libvips: the smaller ones from the largest, as Avenue does it."""
    import pyvips

    def make(data: bytes) -> dict[str, bytes]:
        gallery = pyvips.Image.thumbnail_buffer(data, 1280, height=10_000_000).copy_memory()
        images = {
            "thumb": gallery.thumbnail_image(200, height=200, crop="centre"),
            "card": gallery.thumbnail_image(480, height=10_000_000),
            "gallery": gallery,
            "og": pyvips.Image.thumbnail_buffer(data, 1200, height=630, crop="centre"),
        }
        return {name: each.webpsave_buffer(Q=80, keep="none") for name, each in images.items()}

    return make


MAKERS = {"avenue": avenue, "pillow": pillow, "vips": vips, "vips-chain": vips_chain}


def main(name: str) -> None:
    """Serve until the input ends."""
    try:
        make = MAKERS[name]()
    except (ImportError, OSError) as error:
        print(error, flush=True)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        file, folder = map(Path, line.rstrip("\n").split("\t"))
        data = file.read_bytes()
        cpu, wall = _cpu_seconds(), time.perf_counter()
        made = make(data)
        took = {"wall": time.perf_counter() - wall, "cpu": _cpu_seconds() - cpu}
        for variant, content in made.items():
            (folder / f"{variant}.webp").write_bytes(content)
        print(json.dumps(took), flush=True)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(sys.argv[1])
