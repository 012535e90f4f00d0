"""Old addresses have one normal form, however they were written down."""

import unicodedata
from urllib.parse import quote

from hypothesis import given, strategies as st

from avenue.media.old_urls import (
    LONGEST_ADDRESS_CHARACTERS,
    LONGEST_PATH_CHARACTERS,
    legacy_path,
)
from tests.table import table


@table(
    "address, path",
    [
        ("/media/a.jpg", "/media/a.jpg"),
        ("media/a.jpg", "/media/a.jpg"),
        ("./media/a.jpg", "/media/a.jpg"),
        ("  /media/a.jpg\n", "/media/a.jpg"),
        ("http://localhost:8000/media/a.jpg", "/media/a.jpg"),
        ("HTTPS://Old.Example/media/a.jpg", "/media/a.jpg"),
        ("https://user:word@old.example/media/a.jpg", "/media/a.jpg"),
        ("//cdn.example/media/a.jpg", "/media/a.jpg"),
        ("https://old.example//media///a.jpg", "/media/a.jpg"),
        ("/media/a.jpg?v=2", "/media/a.jpg"),
        ("/media/a.jpg#top", "/media/a.jpg"),
        ("/media/a.jpg?next=/b.jpg#c?d", "/media/a.jpg"),
        ("/media/a.jpg/", "/media/a.jpg"),
        ("/media/./b/../a.jpg", "/media/a.jpg"),
        ("/media/b/..", "/media"),
        ("/../../media/a.jpg", "/media/a.jpg"),
        ("/media/../../../../uploads/a.jpg", "/uploads/a.jpg"),
        ("/media/%2e%2e/uploads%2Fa.jpg", "/uploads/a.jpg"),
        ("/media/A.JPG", "/media/A.JPG"),
        ("/media/zapato%20rojo.jpg", "/media/zapato rojo.jpg"),
        ("/media/zapato rojo.jpg", "/media/zapato rojo.jpg"),
        ("/media/zapato+rojo.jpg", "/media/zapato+rojo.jpg"),
        ("/media/100%25.jpg", "/media/100%.jpg"),
        ("/media/100%.jpg", "/media/100%.jpg"),
        ("/media/a%2520b.jpg", "/media/a%20b.jpg"),
        ("/media/what%3F%23.jpg", "/media/what?#.jpg"),
        ("/media/ni%C3%B1o.jpg", "/media/niño.jpg"),
        ("/media/niño.jpg", "/media/niño.jpg"),
        ("/media/nin%CC%83o.jpg", "/media/niño.jpg"),
        ("/media/ni%F1o.jpg", "/media/niño.jpg"),  # by a server that spoke Latin-1
        ("/media/中文.jpg", "/media/中文.jpg"),
        ("/media/12:30.jpg", "/media/12:30.jpg"),
        ("/media/a\\b.jpg", "/media/a\\b.jpg"),
    ],
)
def test_an_address_has_one_path(address, path):
    assert legacy_path(address) == path


@table(
    "address",
    [
        "",
        "   ",
        "/",
        "///",
        "/..",
        "?a=b",
        "#top",
        "https://old.example",
        "https://old.example/?a=b",
        "data:image/png;base64,iVBORw0KGgo=",
        "blob:https://old.example/7b1c",
        "s3://bucket/media/a.jpg",
        "file:///media/a.jpg",
        "javascript:alert(1)",
        "C:/media/a.jpg",
        "/media/a%00.jpg",
        "/media/a\x00.jpg",
        "/media/a%0D%0ASet-Cookie:b",
        "/media/\ud800.jpg",
        "/media/" + "a" * LONGEST_PATH_CHARACTERS,
        "/media/a.jpg?" + "v" * LONGEST_ADDRESS_CHARACTERS,
    ],
)
def test_what_names_no_path_of_a_site_is_none(address):
    assert legacy_path(address) is None


@given(st.text())
def test_whatever_comes_the_path_is_normal_or_none(address):
    path = legacy_path(address)
    if path is not None:
        assert path.startswith("/")
        assert unicodedata.is_normalized("NFC", path)
        assert not {"", ".", ".."} & set(path.split("/")[1:])


@given(st.text())
def test_a_path_written_as_a_url_again_is_the_same_path(address):
    path = legacy_path(address)
    if path is not None:
        assert legacy_path(quote(path)) == path
        assert legacy_path(f"https://old.example{quote(path)}?v=1") == path
