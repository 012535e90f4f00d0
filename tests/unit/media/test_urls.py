"""Which asset an address of ours names, in every form that has been written down."""

from avenue.media.urls import asset_in
from tests.table import table

ID = "iM4gE5xQ7rT9yU1oP3aSdw"
TOKEN = "069c5dd88d7b"
IMMUTABLE = f"/media/{ID}/{TOKEN}/original.jpg"


@table(
    "address",
    [
        IMMUTABLE,
        IMMUTABLE.removeprefix("/"),
        f"https://shop.example{IMMUTABLE}",
        f"http://localhost:8000{IMMUTABLE}",
        f"//shop.example{IMMUTABLE}",
        f"https://shop.example{IMMUTABLE}?download=1",
        f"{IMMUTABLE}#top",
        f"{IMMUTABLE}?v=1#top",
        f" {IMMUTABLE} ",
        f"/media/{ID}/{'0' * 12}/original.jpg",
        f"/media/{ID}/{TOKEN}/thumb.webp",
        f"/media/{ID}/{TOKEN}/w640.avif",
        f"/media/{ID}/original",
        f"https://shop.example/media/{ID}/card?download=1",
        f"/media/{ID}/w320",
        f"//media/{ID}/original".removeprefix("/"),
        f"/%6dedia/{ID}/{TOKEN}/original%2Ejpg",
        f"/media/%69{ID[1:]}/original",
        f"/uploads/../media/{ID}/./original",
    ],
)
def test_every_form_of_an_address_names_its_asset(address):
    assert asset_in(address) == ID


@table(
    "address",
    [
        "",
        ID,
        f"/{ID}",
        "/media",
        f"/media/{ID}",
        f"/media/{ID}/",
        f"/media/{ID[:-1]}/original",
        f"/media/{ID}x/original",
        f"/media/{ID[:-1]}!/original",
        f"/media/{ID}/{TOKEN}",
        f"/media/{ID}/{TOKEN}/original",
        f"/media/{ID}/{TOKEN[:-1]}/original.jpg",
        f"/media/{ID}/{TOKEN.upper()}/original.jpg",
        f"/media/{ID}/{TOKEN}/original.jpg/x",
        f"/media/{ID}/Original",
        f"/media/{ID}/original.jpg",
        f"/static/media/{ID}/original",
        f"/uploads/{ID}/original",
        f"/media//{ID}/{TOKEN}/original.jpg%00",
        f"?/media/{ID}/original",
        f"data:/media/{ID}/original",
        "https://shop.example/uploads/zapato.jpg",
        "/media/" + "a" * 10_000,
    ],
)
def test_what_has_no_form_of_ours_names_nothing(address):
    assert asset_in(address) is None
