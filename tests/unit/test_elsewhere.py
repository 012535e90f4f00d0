"""What lives with a known service is shown in the size that is needed, in its own form."""

from avenue.identity import Site
from avenue.media.elsewhere import sized
from avenue.media.models import External
from avenue.shop.pages.shown import shown
from tests.table import table

CLOUD = "https://res.cloudinary.com/demo/image/upload"
SHOPIFY = "https://cdn.shopify.com/s/files/a.jpg"
UNSPLASH = "https://images.unsplash.com/photo-1"


@table(
    "url, at_480",
    [
        (f"{CLOUD}/v1/a/b.jpg", f"{CLOUD}/c_limit,w_480/v1/a/b.jpg"),
        (f"{CLOUD}/w_200/v1/a/b.jpg", None),
        (f"{CLOUD}/s--aBcD--/v1/a.jpg", None),
        (f"{CLOUD}/v1/a b.jpg", None),
        (f"{SHOPIFY}?v=1", f"{SHOPIFY}?v=1&width=480"),
        (f"{SHOPIFY}?width=90", None),
        (UNSPLASH, f"{UNSPLASH}?w=480"),
        (f"{UNSPLASH}?ixid=abc", None),
        (
            "https://shop.imgix.net/a.jpg?auto=format",
            "https://shop.imgix.net/a.jpg?auto=format&w=480",
        ),
        ("https://shop.imgix.net/a.jpg?s=signed", None),
        ("https://cdn.shopify.com.evil.example/a.jpg", None),
        ("https://cdn.example/a.jpg", None),
        ("https://[bad", None),
    ],
)
def test_where_it_is_480_wide(url: str, at_480: str | None) -> None:
    assert sized(url, 480) == at_480


def test_the_shop_shows_it_so() -> None:
    site = Site(id="default", hosts=(), base_url="https://shop.example", name="Shop")
    known, unknown = f"{CLOUD}/v1/a.jpg", "http://cdn.example/a.jpg"
    first, second = shown(site, [External(url=known), External(url=unknown)])
    assert first.srcset.startswith(f"{CLOUD}/c_limit,w_320/v1/a.jpg 320w, ")
    assert (first.src, first.large) == (f"{CLOUD}/c_limit,w_1280/v1/a.jpg", known)
    assert (second.src, second.srcset) == ("https://cdn.example/a.jpg", "")
