"""What a browser sends for a picture of a page: twelve fields, a session cookie among them."""

import random
import string

_VALUE = "".join(random.Random(3).choices(string.ascii_letters + string.digits + "-_", k=180))
SIGNED_IN = f"avenue_session={_VALUE}"
"""As long as the cookie of somebody signed in; nobody's, for no server here may look at it."""

VISITOR = f"shop_statistics={_VALUE[1:]}"
"""A cookie of a page's own, as long."""

FIELDS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "Accept": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    "Accept-Language": "es-PY,es;q=0.9,en-US;q=0.8,en;q=0.7",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Connection": "keep-alive",
    "Referer": "http://127.0.0.1/productos/zapatos-de-cuero",
    "Sec-CH-UA": '"Chromium";v="142", "Not?A_Brand";v="24", "Google Chrome";v="142"',
    "Sec-CH-UA-Mobile": "?0",
    "Sec-Fetch-Dest": "image",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Site": "same-origin",
}


def fields(*, signed_in: bool) -> dict[str, str]:
    """Return what the browser sends with every picture, besides the host."""
    return {**FIELDS, "Cookie": SIGNED_IN if signed_in else VISITOR}


def request(port: int, path: str, *extra: str, signed_in: bool = True) -> bytes:
    """Return the GET of `path`; `extra` are whole field lines, as `Range: bytes=0-9`."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in fields(signed_in=signed_in).items()]
    return "\r\n".join([*lines, *extra, "", ""]).encode("ascii")
