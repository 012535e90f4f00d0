"""Determines where a stored URL leads, from its text only: nothing is ever fetched."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from avenue.identity import Site
from avenue.media.old_urls import legacy_path
from avenue.media.references import EPHEMERAL, Fault, Kind
from avenue.networks import is_private_host

OWN_PATH = re.compile(r"/media/([A-Za-z0-9_-]{22})(/.*)?")
DEFAULT_PORTS = {"http": 80, "https": 443}
DRIVE = re.compile(r"[A-Za-z]:[\\/]")

KnownPaths = Callable[[str, Collection[str]], Mapping[str, str]]
"""Returns the assets of old paths (in the form of `legacy_path`) of a site, by path."""

Target = str | Fault | None
"""The id of the asset a reference names, an inherent fault, or None for an external address."""

ON_A_DISK = Fault(Kind.LOCAL_PATH, "The path is of a file on a disk, not of a picture here.")


@dataclass(frozen=True, slots=True)
class _OldPath:
    """A path of ours that is not a picture's address, unless it is an old one."""

    path: str


def targets_of(site: Site, urls: Iterable[str], known_paths: KnownPaths) -> dict[str, Target]:
    """Return where each of `urls` leads on `site`."""
    read = {url: _read(site, url) for url in set(urls)}
    paths = {each.path for each in read.values() if isinstance(each, _OldPath)}
    known = known_paths(site.id, paths) if paths else {}
    return {
        url: known.get(each.path, ON_A_DISK) if isinstance(each, _OldPath) else each
        for url, each in read.items()
    }


def is_out_of_reach(site: Site, url: str) -> bool:
    """Return whether only another machine or a private network has the file at `url`."""
    found = _read(site, url)
    return isinstance(found, Fault) and found.kind in EPHEMERAL


def leads_here(site: Site, url: str) -> bool:
    """Return whether `url` is absolute, or begins with `//`, with a host of `site`."""
    try:
        parts = urlsplit(url.strip())
        return _is_own(site, parts.scheme, _host(parts), parts.port)
    except ValueError:
        return False


def _read(site: Site, url: str) -> Target | _OldPath:
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = _host(parts), parts.port
    except ValueError:
        return Fault(Kind.MALFORMED_ENTRY, "The URL cannot be read.")
    if not text or (parts.scheme in DEFAULT_PORTS and not host):
        return Fault(Kind.MALFORMED_ENTRY, "The URL is empty or names no host.")
    is_file = parts.scheme == "file" or DRIVE.match(text) is not None
    if not is_file and (not (host or parts.scheme) or _is_own(site, parts.scheme, host, port)):
        return _on_own_host(parts.path)
    if is_file or parts.scheme == "blob":
        return Fault(Kind.LOCAL_PATH, "The address is a file on somebody's own machine.")
    if host and is_private_host(host):
        return Fault(Kind.LOCALHOST, f"The host {host} is reachable from its own machine only.")
    return None


def _on_own_host(path: str) -> str | _OldPath:
    """Return the asset named by a path of ours, or the path itself."""
    normal = legacy_path(path) or "/"
    own = OWN_PATH.fullmatch(normal)
    return own[1] if own else _OldPath(normal)


def _is_own(site: Site, scheme: str, host: str, port: int | None) -> bool:
    """Return whether this host and port belong to `site`."""
    names = {*site.hosts, urlsplit(site.base_url).netloc.lower()}
    default = DEFAULT_PORTS.get(scheme)
    spelled = f"[{host}]" if ":" in host else host
    spellings = {f"{spelled}:{port}"} if port else set()
    if port in {None, default}:
        spellings |= {spelled, *(f"{spelled}:{each}" for each in DEFAULT_PORTS.values())}
    return bool(host) and not names.isdisjoint(spellings)


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")
