"""`srcset`: several URLs in one attribute (HTML Living Standard, 4.8.4.2.1)."""

import re
from collections.abc import Callable, Iterator

MAX_CANDIDATES = 50

# ASCII whitespace only: a no-break space is part of a URL.
_WHITESPACE = "\t\n\f\r "
_ADDRESS = re.compile(rf"[{_WHITESPACE},]*+([^{_WHITESPACE}]++)")
_SIGN = re.compile(r"[(),]")
_KNOWN_DESCRIPTOR = re.compile(r"[0-9]{1,6}w|[0-9]{1,4}(?:\.[0-9]{1,4})?x|")


def rewritten(text: str, address: Callable[[str], str | None]) -> str:
    """Return a `srcset` with its URLs rewritten by `address`.

    Those that became None are removed.
    """
    kept: list[str] = []
    for url, descriptor in _candidates(text):
        stored = address(url)
        # A comma or space would end it too early when it is parsed again.
        if stored and not re.search(r"\s|^,|,$", stored):
            kept.append(f"{stored} {descriptor}".strip())
    return ", ".join(kept)


def _candidates(text: str) -> Iterator[tuple[str, str]]:
    """Yield URL and descriptor of each candidate that browsers would consider."""
    at = 0
    for _ in range(MAX_CANDIDATES):
        found = _ADDRESS.match(text, at)
        if not found:
            return
        at, url, descriptor = found.end(), found[1], ""
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            end = _descriptor_end(text, at)
            at, descriptor = end + 1, text[at:end].strip(_WHITESPACE)
        if _KNOWN_DESCRIPTOR.fullmatch(descriptor):
            yield url, descriptor


def _descriptor_end(text: str, at: int) -> int:
    """Return where the descriptors that begin at `at` end: a comma outside parentheses, or the end.

    Parentheses do not nest.
    """
    is_inside = False
    for sign in _SIGN.finditer(text, at):
        if sign[0] == "," and not is_inside:
            return sign.start()
        is_inside = sign[0] == "(" or (is_inside and sign[0] != ")")
    return len(text)
