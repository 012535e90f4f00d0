"""A photograph nobody took: generated, with what makes a real one heavy.

Soft light, objects large and small with their edges, texture, and a sensor's grain. Calibrated once
against a real photograph of 12 megapixels: as a WebP of quality 80, 1280 pixels wide, it has as
many bytes (110 KB) and loses as much (SSIM 0.96).
"""

import io
import math
import random
from functools import cache

from PIL import Image, ImageCms, ImageDraw, ImageFilter

OBJECTS, DETAILS = 160, 1100
TEXTURE = ((32, 0.04), (8, 0.03), (2, 0.025))
"""Pixels from one grain to the next, and how much of the picture they make."""


@cache
def photograph(width: int, height: int, *, quality: int = 90) -> bytes:
    """Return a JPEG with EXIF and an sRGB profile, as a phone writes it."""
    image = _scene(4000, 3000).resize((width, height), Image.Resampling.LANCZOS)
    exif = Image.Exif()
    exif[0x0112] = 1
    exif[0x010F] = "Avenue"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, exif=exif, icc_profile=profile)
    return buffer.getvalue()


@cache
def _scene(width: int, height: int) -> Image.Image:
    chance = random.Random(7)
    light = Image.frombytes("RGB", (9, 7), chance.randbytes(9 * 7 * 3))
    image = light.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for number in range(OBJECTS + DETAILS):
        size = width * chance.uniform(0.004, 0.12 if number < OBJECTS else 0.008)
        _object(draw, chance, (width, height), size)
    image = image.filter(ImageFilter.GaussianBlur(width / 2600))
    for pixels, share in TEXTURE:
        grains = (width // pixels, height // pixels)
        grain = Image.frombytes("L", grains, chance.randbytes(grains[0] * grains[1]))
        grain = grain.resize((width, height), Image.Resampling.BICUBIC)
        image = Image.blend(image, Image.merge("RGB", [grain] * 3), share)
    return image


def _object(
    draw: ImageDraw.ImageDraw, chance: random.Random, within: tuple[int, int], size: float
) -> None:
    x, y = (chance.randrange(side) for side in within)
    flat = size * chance.uniform(0.3, 1.2)
    colour = tuple(chance.randrange(256) for _ in range(3))
    match chance.randrange(3):
        case 0:
            draw.ellipse((x - size, y - flat, x + size, y + flat), fill=colour)
        case 1:
            turns = sorted(chance.uniform(0, 2 * math.pi) for _ in range(5))
            corners = [(x + size * math.cos(each), y + flat * math.sin(each)) for each in turns]
            draw.polygon(corners, fill=colour)
        case _:
            end = (x + 3 * size * chance.uniform(-1, 1), y + 3 * flat * chance.uniform(-1, 1))
            draw.line((x, y, *end), fill=colour, width=max(2, round(size / 14)))
