"""Finds addresses of files on the old application's disk in the texts of old records."""

import html
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

from avenue.media.old_urls import legacy_path
from avenue.media.urls import is_own_path
from avenue.networks import is_private_host

# Possessive, and an address ends where the next could begin: no text causes backtracking.
_ATTRIBUTE = re.compile(
    r"""\b(?:src|href)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""",
    re.IGNORECASE,
)
_QUOTE = "(?:&quot;|&apos;|&#0?39;)"
_CSS_URL = re.compile(
    rf"""\burl\(\s*+(?:"([^"]*+)"|'([^']*+)'|{_QUOTE}([^"'()]*?){_QUOTE}|([^"'()\s]++))\s*+\)""",
    re.IGNORECASE,
)

Replace = Callable[[str], str | None]
"""Takes the normalised path of an old address and returns its replacement, or None."""


class OldAddresses:
    """The hosts of the old application, and the folder its files were served from."""

    def __init__(self, *, prefix: str, hosts: Iterable[str]) -> None:
        self._prefix = legacy_path(prefix) or ""
        self._hosts = frozenset(host.lower().rpartition("@")[2] for host in hosts)

    def add_hosts(self, hosts: Iterable[str]) -> None:
        """Add further hosts of the old application."""
        self._hosts |= {host.lower() for host in hosts}

    @property
    def folder_name(self) -> str:
        """The last part of the prefix: `uploads`."""
        return self._prefix.rpartition("/")[2]

    def path_of(self, name: bytes) -> str | None:
        """Return the address of a file of the tree, None if no address can contain its name."""
        return legacy_path(f"{quote(self._prefix)}/{quote(name)}")

    def path_in(self, address: str) -> str | None:
        """Return the normalised path of `address` if only an old disk can answer it, else None."""
        path = legacy_path(address)
        if path is None or is_own_path(path) or not self._is_ours(address):
            return None
        return path

    def rewritten(self, value: Any, replace: Replace) -> Any:
        """Return a stored page's `value` with the addresses under the prefix replaced.

        Replaced in strings at any depth: whole strings that are such an address, and `src`, `href`
        and `url(…)` in HTML and CSS.
        """
        if isinstance(value, str):
            return self._rewritten_text(value, replace)
        if isinstance(value, dict):
            return {name: self.rewritten(each, replace) for name, each in value.items()}
        if isinstance(value, list):
            return [self.rewritten(each, replace) for each in value]
        return value

    def _rewritten_text(self, text: str, replace: Replace) -> str:
        whole = self._replaced(text, replace)
        if whole is not None:
            return whole

        def one(found: re.Match[str]) -> str:
            address = found[found.lastindex or 0]
            fresh = self._replaced(html.unescape(address), replace)
            return found[0] if fresh is None else fresh.join(found[0].rsplit(address, 1))

        return _CSS_URL.sub(one, _ATTRIBUTE.sub(one, text))

    def _replaced(self, text: str, replace: Replace) -> str | None:
        path = self.path_in(text)
        under = path is not None and path.startswith(f"{self._prefix}/")
        return replace(path) if path and under else None

    def _is_ours(self, address: str) -> bool:
        try:
            parts = urlsplit(address.strip())
            host = parts.hostname or ""
        except ValueError:  # a bracket that is no IPv6 address
            return False
        if not parts.netloc:
            return True
        is_named = host in self._hosts or parts.netloc.lower() in self._hosts
        return is_named or is_private_host(host)
