"""Rewrites every URL in a page, when it is stored and when it is delivered."""

import re
from collections.abc import Callable, Collection, Mapping
from enum import Enum, auto
from urllib.parse import urlsplit, urlunsplit

from avenue.builder.content.errors import ContentTooTangled
from avenue.builder.content.inline_pictures import InlinePictures
from avenue.builder.content.long_data import LongData
from avenue.builder.content.models import Flagged, Keep, Link, Reason
from avenue.builder.content.references import REFERENCE, SCHEME, reference
from avenue.identity import Site
from avenue.media.addresses import OWN_PATH, leads_here, targets_of
from avenue.media.old_urls import legacy_path
from avenue.media.pictures.variants import ORIGINAL, form_on
from avenue.media.references import Fault, Kind

LONGEST_ADDRESS_CHARACTERS = 8192
LONGEST_FLAGGED_CHARACTERS = 300
MAX_FLAGGED = 200
MAX_ADDRESSES = 30_000
"""The most different URLs in a page; each takes some microseconds to parse."""

# What browsers remove before they parse a URL: controls and spaces around it, tabs and newlines in
# it (WHATWG URL section 4.4). Surrogates are removed too.
_EDGES = "".join(map(chr, range(0x21)))
_DROPPED = re.compile(r"[\t\n\r]")
_SCHEME_OF = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BEFORE_QUERY = re.compile(r"[^?#]*")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_OLD_FILE = re.compile(r"/(?:uploads|media)/", re.IGNORECASE)
_WEB = frozenset({"http", "https"})
_FOR_LINKS = frozenset({"mailto", "tel", "sms"})
_LOCAL = frozenset({"file", "blob"})


class Use(Enum):
    """What a browser does with a URL."""

    PICTURE = auto()  # shows it
    MEDIA = auto()  # plays it
    LINK = auto()  # follows it as a link


Address = Callable[[str, Use], str | None]
"""Returns the replacement of a URL, or None to remove it."""


def plain(url: str) -> str:
    """Return `url` as browsers parse it."""
    return _DROPPED.sub("", url.strip(_EDGES))


def scheme_of(text: str) -> str:
    """Return the scheme of a normalised URL in lower case, "" when it has none."""
    found = _SCHEME_OF.match(text)
    return found[1].lower() if found else ""


def is_harmless(text: str, use: Use) -> bool:
    """Return whether this normalised URL is safe to deliver: a browser cannot execute it."""
    scheme = scheme_of(text)
    if not scheme or scheme in _WEB:
        return True
    if use is Use.LINK:
        return scheme in _FOR_LINKS or scheme == "file" or _DRIVE.match(text) is not None
    return scheme in _LOCAL or _DRIVE.match(text) is not None


class Incoming:
    """URLs of a submitted page: own ones become references, inline pictures are stored.

    `long_data` was cut out of it. `assets` are the ones it uses, `flagged` the URLs that need
    attention.
    """

    def __init__(self, site: Site, keep: Keep, long_data: LongData) -> None:
        self._site = site
        self._long_data = long_data
        self._inline = InlinePictures(keep)
        self._host_names = {
            name for host in (*site.hosts, urlsplit(site.base_url).netloc) if (name := _name(host))
        }
        self._answers: dict[tuple[str, Use], str | None] = {}
        self._assets: dict[str, None] = {}
        self._flagged: dict[Flagged, None] = {}

    @property
    def assets(self) -> tuple[str, ...]:
        """The used assets, in order."""
        return tuple(self._assets)

    @property
    def flagged(self) -> tuple[Flagged, ...]:
        """The URLs that need attention, in order."""
        return tuple(self._flagged)

    def __call__(self, url: str, use: Use) -> str | None:
        """Return what is stored in place of `url`; None to remove it.

        Raise `ContentTooTangled` for too many.
        """
        text = plain(url)
        asked = (text, use)
        if asked not in self._answers:
            if len(self._answers) == MAX_ADDRESSES:
                raise ContentTooTangled(part="HTML")
            self._answers[asked] = self._answer(text, use)
        return self._answers[asked]

    def _answer(self, text: str, use: Use) -> str | None:
        scheme = scheme_of(text)
        if scheme == SCHEME[:-1]:
            return self._known_reference(text)
        if scheme == "data":
            return self._inline_picture(self._long_data.whole(text), use)
        if not is_harmless(text, use):
            return None
        if len(text) > LONGEST_ADDRESS_CHARACTERS:
            return self._flag(text, Reason.MALFORMED_ENTRY)
        if not text or text.startswith("#") or scheme in _FOR_LINKS:
            return text
        return self._read(text, use)

    def _known_reference(self, text: str) -> str | None:
        found = REFERENCE.fullmatch(text)
        if not found:
            return self._flag(text, Reason.MALFORMED_ENTRY)
        return self._reference(found["asset"], found["variant"])

    def _inline_picture(self, text: str, use: Use) -> str | None:
        asset = self._inline.asset_of(text) if use is Use.PICTURE else None
        if asset is None:
            return self._flag(text, Reason.NOT_A_PICTURE)
        return self._reference(asset, ORIGINAL)

    def _read(self, text: str, use: Use) -> str | None:
        """Return what is stored for an absolute URL, or a path."""
        slashed = text if _DRIVE.match(text) else _slashed(text)
        target = self._target(slashed)
        if isinstance(target, str):
            return self._reference(target, form_on(self._site.sizes, _variant_in(slashed)))
        if target is not None and target.kind is Kind.MALFORMED_ENTRY:
            return self._flag(text, Reason.MALFORMED_ENTRY)
        stored = _path_of(slashed) if leads_here(self._site, slashed) else text
        if target is not None and (use is not Use.LINK or _is_old_file(target, slashed)):
            self._flag(stored, Reason(target.kind.value))
        return stored

    def _target(self, text: str) -> str | Fault | None:
        """Return the asset of `text`, the fault in it, or None for a foreign URL."""
        target = targets_of(self._site, (text,), _no_old_paths)[text]
        if isinstance(target, str):
            return target
        # One of our hosts at another port: whatever listens there, only Avenue creates such paths.
        try:
            parts = urlsplit(text)
            on_ours = parts.hostname in self._host_names and parts.scheme != "file"
        except ValueError:
            return target
        own = OWN_PATH.fullmatch(legacy_path(parts.path) or "/") if on_ours else None
        return own[1] if own else target

    def _reference(self, asset: str, variant: str) -> str:
        self._assets[asset] = None
        return reference(asset, variant)

    def _flag(self, url: str, reason: Reason) -> str | None:
        """Flag `url`; return None, so that it is removed."""
        if len(self._flagged) < MAX_FLAGGED:
            self._flagged[Flagged(url=url[:LONGEST_FLAGGED_CHARACTERS], reason=reason)] = None
        return None


class Outgoing:
    """URLs of a stored page when it is delivered: `link` replaces references.

    Pictures whose URL `is_hidden` get none.
    """

    def __init__(self, link: Link, is_hidden: Callable[[str], bool] = lambda _: False) -> None:
        self._link = link
        self._is_hidden = is_hidden
        self._links: dict[str, str | None] = {}

    def __call__(self, url: str, use: Use) -> str | None:
        """Return what a browser gets in place of `url`; None to remove it."""
        found = REFERENCE.fullmatch(url)
        if found:
            if url not in self._links:
                self._links[url] = self._link(found["asset"], found["variant"])
            return self._links[url]
        text = plain(url)
        if not is_harmless(text, use) or (use is Use.PICTURE and self._is_hidden(text)):
            return None
        return url


def _is_old_file(target: Fault, text: str) -> bool:
    """Return whether a link with this fault leads to a file, and not to a page of the site."""
    if target.kind is Kind.LOCALHOST or scheme_of(text) not in {"", *_WEB}:
        return True
    return _OLD_FILE.match(legacy_path(text) or "/") is not None


def _slashed(text: str) -> str:
    """Return a URL with slashes in place of backslashes, as browsers treat them."""
    before = _BEFORE_QUERY.match(text)
    end = before.end() if before else 0
    return text[:end].replace("\\", "/") + text[end:]


def _variant_in(text: str) -> str:
    """Return the name of the variant in an own URL, `original` where it has none."""
    parts = (legacy_path(text) or "").split("/")[3:]
    return parts[-1].partition(".")[0] if parts else ORIGINAL


def _path_of(url: str) -> str:
    """Return path, query and fragment of an absolute URL."""
    parts = urlsplit(url)
    path = "/" + parts.path.lstrip("/")
    return urlunsplit(("", "", path, parts.query, parts.fragment))


def _name(host: str) -> str:
    """Return a host without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _no_old_paths(_site: str, _paths: Collection[str]) -> Mapping[str, str]:
    return {}
