"""After signing in people land on this site, wherever a link wanted to send them."""

import pytest

from avenue.web.auth import safe_next
from tests.table import table

OWN = ["/", "/admin/", "/admin/products?search=zapato&limit=5", "/a%20b", "/a//b", "/página#x"]
NOT_OWN = [
    None,
    "",
    "admin",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HTTPS://evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/admin\\..\\x",
    "%2f%2fevil.example",
    "/%2fevil.example",
    "/%2Fevil.example",
    "/%252fevil.example",
    "/%5cevil.example",
    "/%255cevil.example",
    "/\t/evil.example",
    "/%09/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\n/evil.example",
    "/admin\r\nSet-Cookie: a=b",
    "/admin%0d%0aSet-Cookie: a=b",
    "/\x00",
    "/user@evil.example",
    "/%40evil.example",
    "@evil.example",
    "?next=//evil.example",
    "/" + "a" * 2048,
]


@pytest.mark.parametrize("target", OWN)
def test_an_own_path_is_kept(target: str) -> None:
    assert safe_next(target, "/home") == target


@table("target", NOT_OWN)
def test_anything_else_becomes_the_default_page(target: str | None) -> None:
    assert safe_next(target, "/home") == "/home"
