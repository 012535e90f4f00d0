"""`make bench-pages`: weight, shifts, largest paint and whole pictures of pages on a slow phone.

Each page is looked at by a browser that has nothing yet, so often; the median is told. The line
has 1.6 Mbit/s and 150 ms, and the processor a quarter of its speed, as the DevTools of Chromium do
it (Network.emulateNetworkConditions, Emulation.setCPUThrottlingRate).
"""

import os
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from avenue.config import Settings
from avenue.storage.mongod_binary import find_mongod
from tests import pictures
from tests.browser.deployment import Visitor, launched, people, visiting
from tests.forking import forking
from tests.mongod import Guard, Mongod
from tests.prepared import prepared_uri
from tests.server import Server

ROUNDS = 3
BITS_PER_SECOND, LATENCY_MS, SLOWDOWN = 1_600_000, 150, 4
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
DESK: dict[str, Any] = {"viewport": {"width": 1366, "height": 768}}
WIDE: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}
WALL = 40
"""Pictures of the library, in three ratios."""
SETTLE_MS = 1500
WATCH = """
window.seen = { lcp: 0, cls: 0 };
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.seen.lcp = each.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput) window.seen.cls += each.value;
}).observe({ type: "layout-shift", buffered: true });
"""
WHOLE = """() => {
  const nav = document.querySelector(".top nav");
  const isBelow = nav && getComputedStyle(nav).position === "fixed";
  const end = isBelow ? nav.getBoundingClientRect().top : innerHeight;
  return [...document.images].filter((each) => {
    const { top, right, bottom, left, width, height } = each.getBoundingClientRect();
    const isSeen = top >= 0 && left >= 0 && bottom <= end && right <= innerWidth;
    return isSeen && Math.min(width, height) >= 48;
  }).length;
}"""
"""How many pictures the first view shows whole, above the navigation of a phone; icons are none."""
CODE = ("script", "stylesheet")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at a page took: bytes as they came over the line."""

    requests: int
    bytes: int
    code: int
    shifted: float
    largest_ms: float
    whole: int


def look(browser: Browser, server: Server, path: str, options: dict[str, Any], state: Any) -> Seen:
    """Return what it takes somebody new to see the page at `path`."""
    with visiting(browser, server, storage_state=state, **options) as visitor:
        page = visitor.page
        page.add_init_script(WATCH)
        tools = visitor.context.new_cdp_session(page)
        kinds: dict[str, str] = {}
        sizes: dict[str, int] = {}
        tools.on(
            "Network.responseReceived", lambda each: kinds.update({each["requestId"]: each["type"]})
        )
        tools.on(
            "Network.loadingFinished",
            lambda each: sizes.update({each["requestId"]: int(each["encodedDataLength"])}),
        )
        tools.send("Network.enable")
        tools.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": LATENCY_MS,
                "downloadThroughput": BITS_PER_SECOND / 8,
                "uploadThroughput": BITS_PER_SECOND / 8,
            },
        )
        tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
        page.goto(path, wait_until="load")
        page.wait_for_timeout(SETTLE_MS)
        seen = page.evaluate("window.seen")
        code = sum(size for each, size in sizes.items() if kinds.get(each, "").lower() in CODE)
        whole = page.evaluate(WHOLE)
        return Seen(len(sizes), sum(sizes.values()), code, seen["cls"], seen["lcp"], whole)


def main() -> int:
    """Print the table; the argument is how often each page is looked at."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with standing() as (browser, server, admin):
        places = stocked(admin)
        state = admin.context.storage_state()
        sys.stdout.write(
            "| page | window | requests | kB | of it scripts and styles | CLS | LCP"
            " | whole pictures |\n"
        )
        sys.stdout.write("|---|---|---|---|---|---|---|---|\n")
        for name, path, who in places:
            for window, options in windows(path):
                looks = [
                    look(browser, server, path, options, state if who else None)
                    for _ in range(rounds)
                ]
                sys.stdout.write(line(name, window, looks))
                sys.stdout.flush()
    return 0


def line(name: str, window: str, looks: list[Seen]) -> str:
    """Return the row of a page: the median of each figure."""

    def median(of: Callable[[Seen], float]) -> float:
        return statistics.median(map(of, looks))

    return (
        f"| {name} | {window} | {median(lambda each: each.requests):.0f}"
        f" | {median(lambda each: each.bytes) / 1000:.0f}"
        f" | {median(lambda each: each.code) / 1000:.0f}"
        f" | {median(lambda each: each.shifted):.3f}"
        f" | {median(lambda each: each.largest_ms) / 1000:.2f} s"
        f" | {median(lambda each: each.whole):.0f} |\n"
    )


def windows(path: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the windows a page is looked at in; library and product in a wide one, too."""
    usual = [("phone", PHONE), ("desk", DESK)]
    is_of_pictures = path.startswith(("/admin/library", "/admin/products/"))
    return [*usual, ("wide", WIDE)] if is_of_pictures else usual


@contextmanager
def standing() -> Iterator[tuple[Browser, Server, Visitor]]:
    """A server with a shop, a browser, and the administrator."""
    binary = find_mongod(Settings(mongod=os.environ.get("AVENUE_MONGOD", "")))
    with (
        Guard() as guard,
        Mongod(binary, guard) as mongod,
        prepared_uri(mongod) as uri,
        forking(),
        sync_playwright() as playwright,
        launched(playwright) as browser,
    ):
        people(uri)
        with (
            Server(guard, uri, AVENUE_JOBS="inline") as server,
            visiting(browser, server) as admin,
        ):
            admin.sign_in(to="/admin/products")
            yield browser, server, admin


def stocked(admin: Visitor) -> list[tuple[str, str, bool]]:
    """Fill the shop; return the pages to look at: name, path, and whether one is signed in."""
    photos = [pictures.photo(1600, 1200, noise=False, seed=number) for number in range(5)]
    product = admin.a_product(*photos, name="Bota Luna", price="150000", status="published")
    for number in range(12):
        admin.a_product(photos[number % 5], name=f"Bota {number}", price="1", status="published")
    stored = [
        admin.call(
            "POST",
            "/api/builder/media",
            multipart={"file": {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": each}},
        )["file"]
        for number, each in enumerate([*photos[:4], *wall()])
    ][:4]
    images = "".join(f'<p><img src="{each["display_url"]}" alt=""></p>' for each in stored)
    card = f'<a class="avenue-card" href="/products/{product["id"]}">x</a>'
    page = admin.call(
        "POST",
        "/api/builder/pages",
        data={"title": "Inicio", "html": f"<h1>Hola</h1>{images}{card}"},
    )
    shown = admin.call("POST", f"/api/builder/pages/{page['id']}/publish", data={"revision": 1})
    return [
        ("storefront", "/", False),
        ("shop product, 5 photos", f"/products/{product['id']}", False),
        ("published page, 4 pictures and a product", f"/p/{shown['slug']}", False),
        ("panel, products", "/admin/products", True),
        ("panel, product", f"/admin/products/{product['id']}", True),
        ("library", "/admin/library", True),
        ("editor of a page", f"/admin/website/{page['id']}", True),
    ]


def wall() -> list[bytes]:
    """Return the pictures of the library beside those of the page."""
    ratios = ((1600, 1200), (1200, 1600), (1600, 1067))
    return [
        pictures.photo(*ratios[number % 3], noise=False, seed=100 + number)
        for number in range(WALL - 4)
    ]


if __name__ == "__main__":
    sys.exit(main())
