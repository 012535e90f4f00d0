"""Which addresses and hosts a site may have, and in which spelling."""

import pytest

from avenue.sites.addresses import checked_base_url, checked_host, spellings
from avenue.sites.errors import InvalidHost
from tests.table import table


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80/", "http://shop.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://xn--tienda-9za.example", "https://xn--tienda-9za.example"),
        ("https://localhost:8443", "https://localhost:8443"),
    ],
)
def test_an_address_has_one_spelling(written, kept):
    assert checked_base_url(written) == kept


@table(
    "written",
    [
        "",
        "shop.example",
        "//shop.example",
        "ftp://shop.example",
        "javascript:alert(1)",
        "https://",
        "https://shop.example/path",
        "https://shop.example?x=1",
        "https://shop.example#x",
        "https://ana@shop.example",
        "https://:x@shop.example",
        "https://shop.example:0",
        "https://shop.example:99999",
        "http://shop.example:443",  # would be kept as the host of https
        "https://shop.example:80",
        "https://tienda-ñ.example",
        "https://shop..example",
        "https://-shop.example",
        "https://shop.example.",
        "https://shop example",
        "https://" + "a." * 150 + "example",
    ],
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(InvalidHost):
        checked_base_url(written)


@pytest.mark.parametrize("host", ["shop.example", "SHOP.example:8080", "10.0.0.7", "[fe80::1]:90"])
def test_a_host_is_kept_in_small_letters(host):
    assert checked_host(host) == host.lower()


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "https://shop.example",
        "shop.example:443",
        "shop.example:80",
        "a/b",
        "a:b",
        "*",
        "ñ",
    ],
)
def test_what_is_no_host_is_refused(host):
    with pytest.raises(InvalidHost):
        checked_host(host)


def test_the_port_of_https_is_another_spelling_of_none():
    assert spellings("shop.example:443") == {"shop.example:443", "shop.example"}
    assert spellings("shop.example:8443") == {"shop.example:8443"}
