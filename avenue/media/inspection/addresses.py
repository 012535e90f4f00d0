"""Where a stored URL leads, by its text alone: nothing is ever fetched."""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from avenue.identity import Site
from avenue.media.inspection.models import Fault, Kind
from avenue.media.legacy import legacy_path

OWN_PATH = re.compile(r"/media/([A-Za-z0-9_-]{22})(/.*)?")
DEFAULT_PORTS = {"http": 80, "https": 443}
# Names that lead somewhere only inside one machine or one private network.
PRIVATE_ENDINGS = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
)
DRIVE = re.compile(r"[A-Za-z]:[\\/]")

KnownPath = Callable[[str, str], str | None]
"""Returns the asset that an old path (as `legacy_path` writes it) of a site names, or None."""


def nothing_known(_site_id: str, _path: str) -> str | None:
    """Know no old path."""
    return None


def judged(site: Site, url: str, known_path: KnownPath = nothing_known) -> str | Fault | None:
    """Return the asset id `url` names on `site`, the fault it has, or None when it is elsewhere."""
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
        return _on_own_host(site, parts.path, known_path)
    if is_file or parts.scheme == "blob":
        return Fault(Kind.LOCAL_PATH, "The address is a file on somebody's own machine.")
    if host and _is_private(host):
        return Fault(Kind.LOCALHOST, f"The host {host} is reachable from its own machine only.")
    return None


def _on_own_host(site: Site, path: str, known_path: KnownPath) -> str | Fault:
    """Return the asset a path of ours names, or that only a disk had it."""
    normal = legacy_path(path) or "/"
    own = OWN_PATH.fullmatch(normal)
    asset = own[1] if own else known_path(site.id, normal)
    return asset or Fault(
        Kind.LOCAL_PATH, "The path is of a file on a disk, not of a picture here."
    )


def _is_own(site: Site, scheme: str, host: str, port: int | None) -> bool:
    """Tell whether this host, with this port, leads to `site`."""
    names = {*site.hosts, urlsplit(site.base_url).netloc.lower()}
    default = DEFAULT_PORTS.get(scheme)
    spelled = f"[{host}]" if ":" in host else host
    spellings = {f"{spelled}:{port}"} if port else set()
    if port in {None, default}:
        spellings |= {spelled, *(f"{spelled}:{each}" for each in DEFAULT_PORTS.values())}
    return bool(host) and not names.isdisjoint(spellings)


def _is_private(host: str) -> bool:
    """Tell whether only one machine or one private network knows this host."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or any(host.endswith(f".{each}") for each in PRIVATE_ENDINGS)
    return not address.is_global


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")
