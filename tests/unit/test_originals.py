"""Of what a service changes on its way, the original is asked for."""

from avenue.migration.sources.originals import original_of
from tests.table import table

CLOUD = "https://res.cloudinary.com/demo/image/upload"
SUPABASE = "https://abc.supabase.co/storage/v1"


@table(
    "url, original",
    [
        (f"{CLOUD}/v1/a/b.jpg", f"{CLOUD}/v1/a/b.jpg"),
        (f"{CLOUD}/w_480,c_fill/e_sepia/v1/a/b.jpg", f"{CLOUD}/v1/a/b.jpg"),
        (f"{CLOUD}/w_480/a/b.jpg", f"{CLOUD}/a/b.jpg"),
        (f"{CLOUD}/s--x-1_2abc--/c_thumb,g_face/v12/b.jpg", f"{CLOUD}/v12/b.jpg"),
        (f"{CLOUD}/t_media_lib_thumb/v1/b.jpg", f"{CLOUD}/v1/b.jpg"),
        (
            f"{SUPABASE}/render/image/public/photos/a.jpg?width=200",
            f"{SUPABASE}/object/public/photos/a.jpg",
        ),
        (
            "https://cdn.shopify.com/s/files/1/products/a_100x100.jpg?v=1",
            "https://cdn.shopify.com/s/files/1/products/a.jpg?v=1",
        ),
        ("https://other.example/w_480/v1/a_100x100.jpg", None),
        ("http://[bad", None),
    ],
)
def test_the_original_of(url: str, original: str | None) -> None:
    assert original_of(url) == (original or url)
