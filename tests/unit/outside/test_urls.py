"""What is read as a URL, and what is not even tried."""

import pytest

from avenue.outside.errors import BadUrl
from avenue.outside.urls import target_of
from tests.table import table

MAPPED = "::ffff:127.0.0.1"
GOOD = {
    "https://a.example/x.png": ("https", "a.example", 443, "/x.png", None),
    "HTTP://A.Example": ("http", "a.example", 80, "/", None),
    " https://a.example/x#y ": ("https", "a.example", 443, "/x", None),
    "https://a.example./x": ("https", "a.example", 443, "/x", None),
    "https://a.example:443/x?y=1&z=%20": ("https", "a.example", 443, "/x?y=1&z=%20", None),
    "https://a.example:80/": ("https", "a.example", 80, "/", None),
    "http://a.example:443/": ("http", "a.example", 443, "/", None),
    "https://a.example?x": ("https", "a.example", 443, "/?x", None),
    "https://a.example/ñ b": ("https", "a.example", 443, "/%C3%B1%20b", None),
    "https://ñandú.example/": ("https", "xn--and-6ma2c.example", 443, "/", None),
    "https://127.0.0.1/": ("https", "127.0.0.1", 443, "/", "127.0.0.1"),
    "https://127.0.0.1./": ("https", "127.0.0.1", 443, "/", "127.0.0.1"),
    "https://１２７.0.0.1/": ("https", "127.0.0.1", 443, "/", "127.0.0.1"),
    "https://127。0。0。1/": ("https", "127.0.0.1", 443, "/", "127.0.0.1"),
    "https://[::1]/": ("https", "::1", 443, "/", "::1"),
    "https://[0:0:0:0:0:ffff:7f00:1]/": ("https", MAPPED, 443, "/", MAPPED),
}


@table("url, read", GOOD.items())
def test_a_url_is_read(url, read):
    target = target_of(url)
    assert (target.scheme, target.host, target.port, target.path, target.address) == read


@table(
    "url",
    [
        "",
        "a.example/x.png",
        "//a.example/x.png",
        "/etc/passwd",
        "ftp://a.example/x",
        "file:///etc/passwd",
        "gopher://a.example:80/_x",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "https:a.example",
        "https:///a.example",
        "https://",
        "https://user@a.example/",
        "https://user:password@a.example/",
        "https://@a.example/",
        "https://a.example@127.0.0.1/",
        "https://a.example:22/",
        "https://a.example:8080/",
        "https://a.example:0/",
        "https://a.example:99999/",
        "https://a.example:x/",
        "https://a.example:/",
        "https://a..example/",
        "https://.a.example/",
        "https://a.example../",
        "https://-a.example/",
        "https://a b.example/",
        "https://a%2eexample/",
        "https://a.example\\@b.example/",
        "https:\\\\a.example\\x",
        "https://a.example/\r\nHost: b.example",
        "https://a.example/\x00",
        "https://a.exam\tple/",
        "https://a.example/\ud800",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://0127.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://1.2.3.4.5/",
        "https://256.0.0.1/",
        "https://a.example.0x7f/",
        "https://0/",
        "https://[::1/",
        "https://[::1%eth0]/",
        "https://[::1%25eth0]/",
        "https://[a.example]/",
        "https://[127.0.0.1]/",
        "https://[v1.x]/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 130 + "example/",
        "https://a.example/" + "x" * 2048,
    ],
)
def test_what_is_no_plain_url_is_refused_before_anything_is_asked(url):
    with pytest.raises(BadUrl):
        target_of(url)
