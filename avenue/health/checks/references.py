"""Checks the references to pictures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from avenue.health.checks.models import BrokenReference, InspectedAsset
from avenue.health.checks.store.assets import InspectedAssets
from avenue.health.checks.store.inspections import InspectionStore
from avenue.identity import Site
from avenue.media.addresses import KnownPaths, Target, targets_of
from avenue.media.categories import UPLOAD
from avenue.media.models import Claim, State
from avenue.media.references import Fault, Kind, Referrer, Referrers, Standing, shown

TRIES = 3
OF_THE_SITE = frozenset({"library", "legacy"})
"""The kinds of assets that need no referrer: the media library, and adopted pictures that nothing
names."""
SEEN_IN_THE_ENTRY = frozenset({Kind.MALFORMED_ENTRY, Kind.LOCAL_PATH, Kind.LOCALHOST})
MALFORMED = Fault(Kind.MALFORMED_ENTRY, "The entry holds neither the id of an asset nor a URL.")

GOING = {
    State.TRASH: Fault(Kind.ASSET_IN_TRASH, "The picture is in the trash, and still referred to."),
    State.PURGING: Fault(
        Kind.ASSET_PURGING, "The picture is being deleted, and still referred to."
    ),
}

Judged = tuple[Standing, BrokenReference | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The targets of the references of some referrers: targets by URL, assets by id."""

    targets: Mapping[str, Target]
    assets: Mapping[str, InspectedAsset]

    def target(self, entry: object) -> Target:
        """Return the target of an entry: an asset, a fault of the entry, or None: elsewhere."""
        url = _url_in(entry)
        return _asset_in(entry) or MALFORMED if url is None else self.targets[url]


class ReferenceInspector:
    """Checks references. Every change of a picture raises its owner's revision, too."""

    def __init__(
        self,
        assets: InspectedAssets,
        store: InspectionStore,
        referrers: Sequence[Referrers],
        known_paths: KnownPaths,
        *,
        beside: Sequence[Referrers] = (),
    ) -> None:
        """Count and check the references of `referrers`; only check those of `beside`."""
        self._assets = assets
        self._store = store
        self._referrers = {each.kind: each for each in (*referrers, *beside)}
        self._known_paths = known_paths
        self.counted = tuple(each.kind for each in referrers)
        self.every = tuple(self._referrers.values())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of referrers."""
        return tuple(self._referrers)

    def count(self, site_id: str) -> int:
        """Return the number of referrers with pictures."""
        return sum(each.count(site_id) for each in self._referrers.values())

    def after(self, site_id: str, kind: str, last: str, limit: int) -> list[Referrer]:
        """Return up to `limit` referrers of `kind` with pictures, after `last`."""
        return self._referrers[kind].after(site_id, last, limit)

    def assets_of(self, site: Site, batch: Sequence[Referrer]) -> list[InspectedAsset]:
        """Return the assets that `batch` refers to."""
        return list(self._known(site, batch).assets.values())

    def judge_range(
        self, site: Site, kind: str, batch: Sequence[Referrer], after: str, end: str | None
    ) -> list[Judged]:
        """Check `batch`, all referrers of `kind` after `after` to `end`, and store the findings.

        Return the state of each of their references, and its fault.
        """
        found = [each for entries in self._judge(site, batch).values() for each in entries]
        findings = [finding for _, finding in found if finding]
        self._store.record_range(site.id, kind, after, end, findings)
        return found

    def changed_since(
        self, site_id: str, kind: str, since: datetime, most: int, at_once: int
    ) -> Iterator[list[Referrer]]:
        """Yield batches of the `most` newest referrers of `kind` that were changed since then."""
        referrers = self._referrers[kind]
        ids = referrers.changed_since(site_id, since, most)
        for first in range(0, len(ids), at_once):
            yield referrers.these(site_id, ids[first : first + at_once])

    def judge(self, site: Site, kind: str, batch: Sequence[Referrer]) -> None:
        """Check referrers of `kind`, and store the findings about each."""
        known = self._store.findings_of(site.id, kind, [each.id for each in batch])
        had_some = {each.referrer for each in known}
        for referrer, entries in self._judge(site, batch).items():
            findings = [finding for _, finding in entries if finding]
            if findings or referrer in had_some:
                self._store.record_of(site.id, kind, referrer, findings)

    def disowned(self, site: Site, assets: Sequence[InspectedAsset]) -> list[InspectedAsset]:
        """Return those live `assets` whose owner does not exist, or does not have them."""
        doubtful = [each for each in assets if each.state is State.LIVE and each.claim]
        owners = self._owners_of(site, doubtful)
        doubtful = [each for each in doubtful if _is_disowned(site, each, owners)]
        if not doubtful:
            return []
        # An asset that is read between two reads of an unchanged owner is proof.
        before = self._owners_of(site, doubtful)
        now = self._assets.by_ids(site.id, [each.id for each in doubtful]).values()
        after = self._owners_of(site, doubtful)
        return [
            each
            for each in now
            if each.state is State.LIVE
            and each.claim in after
            and after[each.claim] == before.get(each.claim)
            and _is_disowned(site, each, after)
        ]

    def _owners_of(
        self, site: Site, assets: Iterable[InspectedAsset]
    ) -> dict[Claim, Referrer | None]:
        """Return the owners that claims name, None for those that do not exist."""
        claims = {each.claim for each in assets if each.claim}
        owners: dict[Claim, Referrer | None] = dict.fromkeys(claims)
        for kind, referrers in self._referrers.items():
            ids = sorted(each.id for each in claims if each.kind == kind)
            found = referrers.these(site.id, ids) if ids else []
            owners |= {Claim(kind=kind, id=each.id): each for each in found}
        return owners

    def look_again(self, site: Site, findings: Iterable[BrokenReference]) -> None:
        """Check the referrers of `findings` again, by what is known of the bytes."""
        by_kind: dict[str, dict[str, list[BrokenReference]]] = {}
        for each in findings:
            if each.collection is not None:
                continue
            of_kind = by_kind.setdefault(each.referrer_kind, {})
            of_kind.setdefault(each.referrer, []).append(each)
        for kind, of_kind in by_kind.items():
            referrers = self._referrers.get(kind)
            there = referrers.these(site.id, sorted(of_kind)) if referrers else []
            found = self._judge(site, there)
            for referrer, told in of_kind.items():
                mine = [each for _, each in found.get(referrer, []) if each]
                if any(each not in mine for each in told):
                    self._store.record_of(site.id, kind, referrer, mine)

    def _judge(self, site: Site, batch: Sequence[Referrer]) -> dict[str, list[Judged]]:
        """Return the state of the references of each referrer, by its id."""
        known = self._known(site, batch)
        result = {each.id: _judged(each, known) for each in batch}
        doubtful = [each.id for each in batch if any(map(_needs_proof, result[each.id]))]
        return result | (self._proved(site, batch[0].kind, doubtful) if doubtful else {})

    def _proved(self, site: Site, kind: str, ids: Sequence[str]) -> dict[str, list[Judged]]:
        """Check referrers by assets that were read while the referrers did not change.

        One that keeps changing, or is gone, has no findings.
        """
        result: dict[str, list[Judged]] = {each: [] for each in ids}
        for _ in range(TRIES):
            before = {each.id: each for each in self._referrers[kind].these(site.id, ids)}
            known = self._known(site, before.values())
            after = {each.id: each for each in self._referrers[kind].these(site.id, ids)}
            for each in before.values():
                if each == after.get(each.id):
                    result[each.id] = _judged(each, known)
            ids = [each for each in after if after[each] != before.get(each)]
            if not ids:
                break
        return result

    def _known(self, site: Site, batch: Iterable[Referrer]) -> _Known:
        entries = [entry for each in batch for entry in each.images]
        urls = [url for url in map(_url_in, entries) if url is not None]
        targets = targets_of(site, urls, self._known_paths)
        named = {each for each in targets.values() if isinstance(each, str)}
        named |= {asset for asset in map(_asset_in, entries) if asset}
        return _Known(targets=targets, assets=self._assets.by_ids(site.id, named))


def _judged(referrer: Referrer, known: _Known) -> list[Judged]:
    return [_judged_entry(referrer, position, known) for position in range(len(referrer.images))]


def _judged_entry(referrer: Referrer, position: int, known: _Known) -> Judged:
    entry = referrer.images[position]
    target = known.target(entry)
    if target is None:
        return Standing.EXTERNAL, None
    if isinstance(target, Fault):
        fault: Fault | None = target
    else:
        owner = referrer if _url_in(entry) is None else None
        fault = _fault_of_asset(known.assets.get(target), owner)
    if fault is None:
        return Standing.STORED, None
    finding = BrokenReference(
        referrer_kind=referrer.kind,
        referrer=referrer.id,
        sku=referrer.sku,
        position=position,
        image=shown(entry),
        fault=fault,
    )
    return fault.standing, finding


def _fault_of_asset(asset: InspectedAsset | None, owner: Referrer | None) -> Fault | None:
    """Return the fault of a picture that is referred to, by `owner` if it must own it."""
    if asset is None:
        return Fault(Kind.ASSET_MISSING, "There is no record of this picture.")
    if asset.state in GOING:
        return GOING[asset.state]
    if asset.current_fault:
        return asset.current_fault
    if owner is not None and not owner.may_show(asset.claim):
        return Fault(Kind.NOT_OWNED, "The picture belongs to something else, or to nothing.")
    return None


def _is_disowned(
    site: Site, asset: InspectedAsset, owners: Mapping[Claim, Referrer | None]
) -> bool:
    """Return whether the owner that a claim names does not have the asset."""
    claim = asset.claim
    if claim is None:
        return False
    if claim.kind in OF_THE_SITE:
        return claim.id != site.id
    if claim.kind == UPLOAD:
        return claim.id != asset.id
    owner = owners.get(claim)
    return owner is None or all(_asset_in(entry) != asset.id for entry in owner.images)


def _needs_proof(entry: Judged) -> bool:
    """Return whether a finding may come from reading referrer and asset at different times."""
    finding = entry[1]
    return finding is not None and finding.fault.kind not in SEEN_IN_THE_ENTRY


def _asset_in(entry: object) -> str | None:
    """Return the id of the asset in an entry."""
    asset = entry.get("asset") if isinstance(entry, dict) else None
    return asset if asset and isinstance(asset, str) else None


def _url_in(entry: object) -> str | None:
    """Return the URL of an entry that names no asset."""
    if not isinstance(entry, dict) or entry.get("asset") is not None:
        return None
    url = entry.get("url")
    return url if isinstance(url, str) else None
