"""Finds damaged renditions, and those whose source is gone."""

from collections.abc import Callable, Sequence

from avenue.clock import utc_now
from avenue.health.checks.files import FileInspector
from avenue.health.checks.models import YOUNG, CheckedRendition, Flaw, InspectedAsset, Kind
from avenue.health.checks.store.assets import InspectedAssets
from avenue.health.checks.store.findings import CheckStore
from avenue.identity import Site
from avenue.media.store.swept import SweptStore

PICTURED_AT_ONCE = 200


class RenditionInspector:
    """Checks the stored renditions of the pictures of a site."""

    def __init__(
        self,
        store: CheckStore,
        assets: InspectedAssets,
        files: FileInspector,
        swept: Callable[[str], SweptStore],
    ) -> None:
        """`swept` returns the store of the cluster of a site."""
        self._store = store
        self._assets = assets
        self._files = files
        self._swept = swept

    def after(self, site: Site, last: str) -> tuple[str | None, list[Flaw]]:
        """Check the renditions of the next assets after `last`.

        Return the last of these assets, None at the end, and the findings.
        """
        ids = self._store.pictured_after(site.id, last, PICTURED_AT_ONCE)
        has_lost_source = self._sources_of(site, ids)
        findings: list[Flaw] = []
        for asset_id in ids:
            for each in self._store.renditions_of(site.id, asset_id):
                if not each.is_whole:
                    findings.append(
                        _about(
                            each,
                            site,
                            Kind.RENDITION_DAMAGED,
                            "Its bytes are not those kept of it.",
                        )
                    )
                elif has_lost_source(each):
                    findings.append(
                        _about(
                            each,
                            site,
                            Kind.RENDITION_WITHOUT_SOURCE,
                            "What it was made of is gone.",
                        )
                    )
        return ids[-1] if ids else None, self._still(site, findings)

    def _sources_of(
        self, site: Site, asset_ids: Sequence[str]
    ) -> Callable[[CheckedRendition], bool]:
        """Return a function that tells whether the source of a rendition of these is gone."""
        assets = self._assets.by_ids(site.id, asset_ids)
        # A damaged record may not say whose it is: its renditions may be needed, too.
        strays = self._swept(site.id).those_there(set(asset_ids) - assets.keys())

        def has_lost_source(rendition: CheckedRendition) -> bool:
            asset = rendition.asset
            return asset not in strays and _has_lost_source(rendition, assets.get(asset))

        return has_lost_source

    def _still(self, site: Site, findings: list[Flaw]) -> list[Flaw]:
        """Return the findings about renditions that are not being deleted with their source."""
        if not findings:
            return []
        self._files.settle()
        has_lost_source = self._sources_of(site, [each.asset or "" for each in findings])
        still = []
        for each in findings:
            found = self._store.rendition(site.id, each.subject)
            if found is None or self._assets.is_being_written(site.id, found.file):
                continue
            is_lost = each.kind == Kind.RENDITION_WITHOUT_SOURCE and has_lost_source(found)
            if is_lost or (each.kind == Kind.RENDITION_DAMAGED and not found.is_whole):
                still.append(each)
        return still


def _has_lost_source(rendition: CheckedRendition, asset: InspectedAsset | None) -> bool:
    """Return whether the file it was made of has been gone for a while.

    Renditions of a version that is no longer current are deleted by the next sweep.
    """
    if utc_now() - rendition.made_at < YOUNG:
        return False
    if asset is None:
        return True
    # Any remaining file of a record that has lost its versions may be needed.
    return bool(asset.versions) and all(each.file != rendition.file for each in asset.versions)


def _about(rendition: CheckedRendition, site: Site, kind: Kind, detail: str) -> Flaw:
    return Flaw(kind=kind, site=site.id, asset=rendition.asset, subject=rendition.id, detail=detail)
