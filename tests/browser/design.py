"""How the components of `/admin/design` look, beside how they are kept to look.

They are drawn with a font that comes with Avenue, and compared in blocks of 8 by 8 pixels: how a
letter's edge is smoothed makes no difference, a colour, a size or a place does.
"""

import base64
import io
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Locator, Page

from avenue.web.assets import FOLDER

DESK = {"width": 1280, "height": 900}
KEPT = Path(__file__).parent / "design"
FONT = FOLDER / "vendor" / "fonts" / "inter-latin-wght-normal.woff2"
BLOCK = 8
MOST_OFF = 32
"""Of 255: by so much a block may differ in any channel."""
MOST_BLOCKS = 0.004
"""The share of blocks that may differ by more: a browser may move an edge by a pixel."""
WITH_FONT = """async (data) => {
    const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
    document.fonts.add(await new FontFace("Kept", bytes, { weight: "100 900" }).load());
    document.body.style.fontFamily = "Kept";
    const controls = document.querySelectorAll("button, input, select");
    for (const each of controls) each.style.fontFamily = "Kept";
}"""

PLACES = """(section) => {
    const at = section.getBoundingClientRect();
    const boxes = [...section.children].map((each) => each.getBoundingClientRect());
    return boxes.filter(({ width, height }) => width && height).map((each) =>
        [each.left - at.left, each.top - at.top, each.right - at.left, each.bottom - at.top]);
}"""


def draw_alike(page: Page) -> None:
    """Let the page be drawn with the same font on every machine."""
    page.evaluate(WITH_FONT, base64.b64encode(FONT.read_bytes()).decode())


def look_of(section: Locator) -> Image.Image:
    """Return how the components of a section look, one below the other, a pixel for each block.

    Each is taken by itself, so that none moves because another one is a pixel higher.
    """
    shot = Image.open(io.BytesIO(section.screenshot(animations="disabled", caret="hide")))
    boxes = section.evaluate(PLACES)
    looks = [shot.convert("RGB").crop(tuple(map(round, each))).reduce(BLOCK) for each in boxes]
    sheet = Image.new("RGB", (shot.width // BLOCK, sum(each.height for each in looks)))
    below = 0
    for each in looks:
        sheet.paste(each, (0, below))
        below += each.height
    return sheet


def differing(look: Image.Image, name: str) -> float:
    """Return the share of blocks in which `look` is not as the one that is kept as `name`."""
    kept = Image.open(KEPT / f"{name}.png").convert("RGB")
    if max(abs(look.width - kept.width), abs(look.height - kept.height)) > 1:
        return 1.0
    size = (min(look.width, kept.width), min(look.height, kept.height))
    apart = ImageChops.difference(look.crop((0, 0, *size)), kept.crop((0, 0, *size)))
    off = sum(max(each) > MOST_OFF for each in apart.get_flattened_data())
    return off / (size[0] * size[1])
