"""`srcset`: several addresses in one attribute (HTML Living Standard, 4.8.4.2.1)."""

import re
from collections.abc import Callable, Iterator

MAX_CANDIDATES = 50

_CANDIDATE = re.compile(r"[\s,]*(?P<url>\S+)")
_DESCRIPTOR = re.compile(r"\s*(?P<descriptor>[^,(]*(?:\([^)]*\)[^,(]*)*)(?:,|\Z)")
_KNOWN_DESCRIPTOR = re.compile(r"[0-9]{1,6}w|[0-9]{1,4}(?:\.[0-9]{1,4})?x|")


def rewritten(text: str, address: Callable[[str], str | None]) -> str:
    """Return a `srcset` whose addresses went through `address`; those that became None are gone."""
    kept: list[str] = []
    for url, descriptor in _candidates(text):
        stored = address(url)
        # A comma or space would end it before its time when it is read again.
        if stored and not re.search(r"\s|^,|,$", stored):
            kept.append(f"{stored} {descriptor}".strip())
    return ", ".join(kept)


def _candidates(text: str) -> Iterator[tuple[str, str]]:
    """Yield address and descriptor of each candidate that browsers would consider."""
    at = 0
    for _ in range(MAX_CANDIDATES):
        found = _CANDIDATE.match(text, at)
        if not found:
            return
        at, url = found.end(), found["url"]
        descriptor = ""
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            described = _DESCRIPTOR.match(text, at)
            if not described:
                return
            at, descriptor = described.end(), described["descriptor"].strip()
        if _KNOWN_DESCRIPTOR.fullmatch(descriptor):
            yield url, descriptor
