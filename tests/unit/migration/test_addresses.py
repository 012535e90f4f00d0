"""Which texts are addresses of the old application, and how pages are rewritten."""

import time
from urllib.parse import quote

import pytest

from avenue.migration.addresses import OldAddresses
from tests.table import table

OLD = OldAddresses(prefix="/uploads", hosts=("old.example", "Shop.example:8443"))


@table(
    "address, path",
    [
        ("/uploads/a.jpg", "/uploads/a.jpg"),
        ("uploads/a.jpg", "/uploads/a.jpg"),
        ("./uploads//x/../a.jpg?v=1#top", "/uploads/a.jpg"),
        ("http://localhost/uploads/a.jpg", "/uploads/a.jpg"),
        ("http://LOCALHOST:8000/uploads/ca%C3%B1a.jpg", "/uploads/caña.jpg"),
        ("https://127.0.0.1:5000/uploads/a.jpg", "/uploads/a.jpg"),
        ("http://[::1]:8000/uploads/a.jpg", "/uploads/a.jpg"),
        ("http://0.0.0.0:8000/uploads/a.jpg", "/uploads/a.jpg"),
        ("http://192.168.1.20/uploads/a.jpg", "/uploads/a.jpg"),
        ("http://10.0.0.3/uploads/a.jpg", "/uploads/a.jpg"),
        ("//backend:8000/uploads/a.jpg", "/uploads/a.jpg"),
        ("http://shop.local/uploads/a.jpg", "/uploads/a.jpg"),
        ("http://shop.home.arpa/uploads/a.jpg", "/uploads/a.jpg"),
        ("https://old.example/uploads/a.jpg", "/uploads/a.jpg"),
        ("https://user:word@OLD.example:444/uploads/a.jpg", "/uploads/a.jpg"),
        ("https://shop.example:8443/uploads/a.jpg", "/uploads/a.jpg"),
        ("/static/logo.png", "/static/logo.png"),
        ("https://shop.example/uploads/a.jpg", None),
        ("https://cdn.example/uploads/a.jpg", None),
        ("https://old.example.evil.example/uploads/a.jpg", None),
        ("http://8.8.8.8/uploads/a.jpg", None),
        ("http://[nonsense/uploads/a.jpg", None),
        ("data:image/png;base64,AAAA", None),
        ("/media/q90vx6P5hTu9ubAPNtmavw/0123456789ab/original.jpg", None),
        ("", None),
    ],
)
def test_only_what_an_old_disk_could_answer_counts(address: str, path: str | None) -> None:
    assert OLD.path_in(address) == path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"a.jpg", "/uploads/a.jpg"),
        ("niño.jpg".encode(), "/uploads/niño.jpg"),
        ("nin\u0303o.jpg".encode(), "/uploads/niño.jpg"),
        (b"ni\xf1o.jpg", "/uploads/niño.jpg"),
        (b"50% of #1?.jpg", "/uploads/50% of #1?.jpg"),
        (b" space .jpg ", "/uploads/ space .jpg "),
        (b"new\nline.jpg", None),
        (b"x" * 1100, None),
    ],
)
def test_the_address_of_a_file_is_the_one_its_references_have(
    name: bytes, path: str | None
) -> None:
    assert OLD.path_of(name) == path
    assert OLD.path_in("http://localhost/uploads/" + quote(name)) == path


def test_a_folder_may_have_been_served_elsewhere() -> None:
    assert OldAddresses(prefix="static/img/", hosts=()).path_of(b"a.jpg") == "/static/img/a.jpg"
    assert OldAddresses(prefix="/", hosts=()).path_of(b"a.jpg") == "/a.jpg"
    assert OldAddresses(prefix="/static/img", hosts=()).folder_name == "img"


@table(
    "before, after",
    [
        ("/uploads/a.jpg", "avenue:A"),
        ("http://localhost:8000/uploads/a.jpg?x=1", "avenue:A"),
        ("/uploads/unknown.jpg", "/uploads/unknown.jpg"),
        ("See /uploads/a.jpg", "See /uploads/a.jpg"),
        ('<img alt="x" src="/uploads/a.jpg">', '<img alt="x" src="avenue:A">'),
        ("<IMG SRC = 'uploads/a.jpg'>", "<IMG SRC = 'avenue:A'>"),
        (
            '<a href="/uploads/a&amp;b.jpg"><img data-src="/uploads/a.jpg"></a>',
            '<a href="avenue:B"><img data-src="avenue:A"></a>',
        ),
        ('<a href="/contact">', '<a href="/contact">'),
        ('<img src="https://cdn.example/uploads/a.jpg">',) * 2,
        ("a{background:url(/uploads/a.jpg)}", "a{background:url(avenue:A)}"),
        ("a{background:URL( '/uploads/a.jpg' ) 0 0}", "a{background:URL( 'avenue:A' ) 0 0}"),
        ('<p style="background:url(&quot;/x&quot;)">',) * 2,
        (
            '<p style="background:url( &quot;/uploads/a.jpg&quot; ) 0">',
            '<p style="background:url( &quot;avenue:A&quot; ) 0">',
        ),
        ("a{background:url('/uploads/f (1).jpg')}", "a{background:url('avenue:D')}"),
        ('<a href="">', '<a href="">'),
        (
            '<div style="background-image:url(/uploads/a.jpg)">',
            '<div style="background-image:url(avenue:A)">',
        ),
        (
            ["/uploads/a.jpg", {"deep": [{"src": "uploads/a.jpg"}]}],
            ["avenue:A", {"deep": [{"src": "avenue:A"}]}],
        ),
        ({"/uploads/a.jpg": 1, "n": None, "f": 1.5}, {"/uploads/a.jpg": 1, "n": None, "f": 1.5}),
        ("/uploads", "/uploads"),
        ("/uploads2/a.jpg", "/uploads2/a.jpg"),
    ],
)
def test_addresses_in_a_page_are_replaced_wherever_they_stand(
    before: object, after: object
) -> None:
    names = {"/uploads/a.jpg": "avenue:A", "/uploads/a&b.jpg": "avenue:B", "/uploads": "avenue:C"}
    names["/uploads/f (1).jpg"] = "avenue:D"
    assert OLD.rewritten(before, names.get) == after


def test_a_long_text_is_searched_in_no_time() -> None:
    pieces = (
        "url(",
        "url('",
        "url(&quot;",
        "url( ",
        "src='",
        'src="url(',
        "src ",
        'href="',
        "url(a",
    )
    for piece in pieces:
        hostile = piece * 50_000
        before = time.thread_time()
        assert OLD.rewritten(hostile, {}.get) == hostile
        assert time.thread_time() - before < 5, piece
