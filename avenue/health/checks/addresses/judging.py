"""Judges URLs in stored documents by their text alone: nothing is fetched."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from avenue.health.checks.addresses.store import PAGE, PICTURED, Kept
from avenue.health.checks.models import InspectedAsset
from avenue.health.checks.store.assets import InspectedAssets
from avenue.identity import Site
from avenue.media.addresses import KnownPaths, Target, leads_here, targets_of
from avenue.media.models import Claim, State
from avenue.media.old_urls import legacy_path
from avenue.media.pictures.variants import ORIGINAL
from avenue.media.references import Fault, Kind
from avenue.media.urls import asset_in

SHOWN_CHARACTERS = 200
DEEPEST = 100
_FILE = re.compile(r"/(?:media|uploads)/\S+", re.IGNORECASE)
_END = r"""(?:(?!&quot;|&\#)[^\s"'<>()\\])++"""
# Possessive: no text causes backtracking.
_ADDRESS = re.compile(
    rf"""https?://{_END}|(?<=["'(=;])//{_END}|(?<=["'(=;])/(?:media|uploads)/{_END}""",
    re.IGNORECASE,
)

Path = tuple[str | int, ...]


class Fate(StrEnum):
    """What can be done about a URL."""

    MENDABLE = "mendable"  # the record can name the asset instead
    OWN = "own"  # it works as long as this site has this host, and cannot be replaced
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A URL in a document; `is_entry`: in a list of pictures."""

    path: Path
    address: str
    is_entry: bool

    @property
    def place(self) -> str:
        """Its place in the document, as `images.0.url`."""
        return ".".join(map(str, self.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A URL that should not be in a document, and what can be done about it.

    `works` says whether it leads to a file today.
    """

    kind: str
    document: str
    named: Named
    fate: Fate
    works: bool
    asset: str | None
    why: str

    @property
    def place(self) -> str:
        """Its place in the document, for people."""
        return f"{self.kind} {self.document} {self.named.place}"


def addresses_in(kept: Kept) -> Iterator[Named]:
    """Yield the URLs in a document, at any depth."""
    left: list[tuple[Path, Any]] = [((name,), value) for name, value in kept.fields.items()]
    while left:
        path, value = left.pop()
        if isinstance(value, dict) and len(path) < DEEPEST:
            left += [((*path, str(name)), each) for name, each in value.items()]
        elif isinstance(value, list) and len(path) < DEEPEST:
            left += [((*path, number), each) for number, each in enumerate(value)]
        elif isinstance(value, str):
            yield from _in_text(kept.kind, path, value)


def shown(address: str) -> str:
    """Return a URL as it may be printed: without user, password, query and fragment."""
    text = re.split(r"[?#]", address, maxsplit=1)[0]
    text = re.sub(r"(?<=//)[^/]*@", "", text)
    plain = "".join(each if each.isprintable() else "�" for each in text)
    return plain[:SHOWN_CHARACTERS]


def host_of(address: str) -> str:
    """Return the host of a URL, "" if it has none."""
    try:
        return urlsplit(address.strip()).hostname or ""
    except ValueError:
        return ""


class AddressBook:
    """Judges URLs in documents of one site at a time."""

    def __init__(self, inspected: InspectedAssets, known_paths: KnownPaths) -> None:
        self._inspected = inspected
        self._known_paths = known_paths

    def judge(self, site: Site, batch: Sequence[Kept]) -> tuple[list[Judged], list[str]]:
        """Return the URLs that should not be in `batch`, and those on other hosts.

        The latter are intended: pictures stored elsewhere, links to other sites.
        """
        found = [(kept, named) for kept in batch for named in addresses_in(kept)]
        addresses = {_read(named) for _, named in found}
        targets = targets_of(site, addresses, self._known_paths)
        led = {each: self._led(site, each, targets[each]) for each in addresses}
        named_assets = {each for each in led.values() if each}
        assets = self._inspected.by_ids(site.id, named_assets)
        wrong: list[Judged] = []
        elsewhere: list[str] = []
        for kept, named in found:
            address = _read(named)
            asset = assets.get(led[address] or "")
            if targets[address] is None and asset is None:
                elsewhere.append(address)
                continue
            judged = _judged(site, kept, named, targets[address], led[address], asset)
            if judged:
                wrong.append(judged)
        return wrong, elsewhere

    def _led(self, site: Site, address: str, target: Target) -> str | None:
        """Return the asset a URL leads to, or led to when its host was ours."""
        if isinstance(target, str):
            return target
        found = asset_in(address)
        if found or target is None or target.kind is not Kind.LOCALHOST:
            return found
        path = legacy_path(address)
        return self._known_paths(site.id, [path]).get(path) if path else None


def _in_text(kind: str, path: Path, text: str) -> Iterator[Named]:
    match path:
        case ("images", int(), "url") if kind in PICTURED:
            yield Named(path=path, address=text, is_entry=True)
        case ("options", int(), "images", int()) if kind in PICTURED:
            return  # names an entry of `images`, and changes with it
        case _:
            whole = [text] if _FILE.fullmatch(text) else []
            for each in dict.fromkeys(whole or [found[0] for found in _ADDRESS.finditer(text)]):
                yield Named(path=path, address=each, is_entry=False)


def _read(named: Named) -> str:
    """Return the URL as a browser reads it."""
    return named.address if named.is_entry else html.unescape(named.address)


def _judged(
    site: Site,
    kept: Kept,
    named: Named,
    target: Target,
    asset_id: str | None,
    asset: InspectedAsset | None,
) -> Judged | None:
    """Return what is wrong with a URL, None if nothing is."""
    address = _read(named)
    works = isinstance(target, str) and (leads_here(site, address) or not host_of(address))
    if asset is not None and asset.state is State.LIVE:
        why = _hindrance(kept, named, asset)
        fate = Fate.MENDABLE if why is None else Fate.OWN if works else Fate.LOST
        return Judged(
            kind=kept.kind,
            document=kept.id,
            named=named,
            fate=fate,
            works=works,
            asset=asset.id,
            why=why or "It leads to a file of this site.",
        )
    if isinstance(target, Fault) and not _is_about_file(named, target):
        return None
    return Judged(
        kind=kept.kind,
        document=kept.id,
        named=named,
        fate=Fate.LOST,
        works=False,
        asset=None,
        why=_loss(target, asset_id, asset),
    )


def _is_about_file(named: Named, fault: Fault) -> bool:
    """Return whether a URL with `fault` was meant to lead to a file, not to a page."""
    if named.is_entry or fault.kind is Kind.LOCALHOST:
        return True
    path = legacy_path(named.address)
    return fault.kind is Kind.LOCAL_PATH and bool(path and _FILE.match(path))


def _loss(target: Target, asset_id: str | None, asset: InspectedAsset | None) -> str:
    if asset is not None:
        return "The file it led to is in the trash, or being deleted."
    if isinstance(target, Fault):
        return target.detail
    return f"There is no file {asset_id} here."


def _hindrance(kept: Kept, named: Named, asset: InspectedAsset) -> str | None:
    """Return why the record cannot name `asset` itself, None if it can."""
    if kept.kind in PICTURED:
        if not named.is_entry:
            return "It stands in a text; only people can change that."
        if asset.claim != Claim(kind=kept.kind, id=kept.id):
            return f"The file belongs to {_owner(asset)}: upload it to this one as well."
        return None
    if kept.kind == PAGE and named.path[0] in {"draft", "published"}:
        if asset.claim is None or asset.claim.kind != "library":
            return f"The file belongs to {_owner(asset)}: add it to the media library, too."
        return None
    return "It stands where no file can be named; only people can change that."


def _owner(asset: InspectedAsset) -> str:
    return f"{asset.claim.kind} {asset.claim.id}" if asset.claim else "nobody yet"


def mended(kept: Kept, found: Sequence[Judged]) -> Mapping[str, Any]:
    """Return the changed fields of a document in which the `found` URLs name their assets."""
    if kept.kind in PICTURED:
        return _mended_owner(kept, {each.named.address: each.asset or "" for each in found})
    texts: dict[Path, dict[str, str]] = {}
    for each in found:
        texts.setdefault(each.named.path, {})[each.named.address] = each.asset or ""
    changed = {name: kept.fields[name] for name in {str(path[0]) for path in texts}}
    return {name: _mended_text(value, (name,), texts) for name, value in changed.items()}


def _mended_owner(kept: Kept, assets: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the pictures, and the options that name them, of a product or group."""
    entries = [
        {"asset": assets[each["url"]]}
        if isinstance(each, dict) and not each.get("asset") and str(each.get("url")) in assets
        else each
        for each in kept.fields["images"]
    ]
    # A picture that was there already keeps its first place; other duplicates are left alone.
    new = [{"asset": each} for each in assets.values()]
    unique = [each for n, each in enumerate(entries) if each not in new or each not in entries[:n]]
    values: dict[str, Any] = {"images": unique}
    if kept.fields.get("options"):
        values["options"] = [
            {**each, "images": list(dict.fromkeys(assets.get(key, key) for key in each["images"]))}
            if isinstance(each, dict) and isinstance(each.get("images"), list)
            else each
            for each in kept.fields["options"]
        ]
    return values


def _mended_text(value: Any, path: Path, texts: Mapping[Path, Mapping[str, str]]) -> Any:
    if isinstance(value, dict):
        return {name: _mended_text(each, (*path, name), texts) for name, each in value.items()}
    if isinstance(value, list):
        return [_mended_text(each, (*path, n), texts) for n, each in enumerate(value)]
    wanted = texts.get(path)
    if not wanted or not isinstance(value, str):
        return value
    if path[-2:] == ("seo", "image"):
        return next(iter(wanted.values()))

    def instead(address: str) -> str:
        asset = wanted.get(address)
        return reference(asset, html.unescape(address)) if asset else address

    if value in wanted:
        return instead(value)
    # Whole URLs only: one may be a part of another, which leads elsewhere.
    return _ADDRESS.sub(lambda found: instead(found[0]), value)


def reference(asset: str, address: str) -> str:
    """Return the text that replaces a URL of `asset` in a page: the same size of it."""
    name = ORIGINAL
    if asset_in(address):
        name = (legacy_path(address) or "").rpartition("/")[2].partition(".")[0]
    return f"avenue:{asset}/{name}"
