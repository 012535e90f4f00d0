"""Conversion of files of the library, their versions and uses to JSON."""

from collections.abc import Mapping, Sequence

from avenue.builder.library import replies
from avenue.builder.library.models import MediaPage, Removed, Sort, Use
from avenue.clock import iso
from avenue.errors import Translate
from avenue.identity import Site
from avenue.media.intake.models import Refusal
from avenue.media.models import Asset
from avenue.media.presenting import file_json, image_json, upload_facts, versions_json
from avenue.media.replies import Versions
from avenue.totals import total_json
from avenue.web.paging import cursor_text

FEW_USES = 20
MOST_USES = 200
"""The most uses that are returned of one picture; there may be more."""


def media_json(site: Site, asset: Asset) -> replies.Media:
    """Return the JSON of a picture of the library, with absolute URLs of `site`."""
    trashed: replies.Trashed = {"trashed_at": iso(asset.trashed_at)} if asset.trashed_at else {}
    return {**image_json(site, asset), **_shelved(asset), **trashed}


def detail_json(site: Site, asset: Asset, uses: int) -> replies.MediaDetail:
    """Return the JSON of a picture with the number of its `uses`."""
    return {**media_json(site, asset), "uses": uses}


def _shelved(asset: Asset) -> replies.Shelved:
    return {"folder": asset.folder, "tags": list(asset.tags), "revision": asset.revision}


def uploaded_json(
    site: Site,
    assets: Sequence[Asset],
    twins: Mapping[str, str | None],
    refusals: Sequence[Refusal],
    translate: Translate,
) -> replies.UploadedMediaReply:
    """Return the answer to an upload; see `avenue.media.presenting.upload_json`.

    `twins` has by id an existing file with the same bytes.
    """
    files: list[replies.UploadedMedia] = [
        {**file_json(site, each), **_shelved(each), "duplicate_of": twins[each.id]}
        for each in assets
    ]
    facts = upload_facts(site, assets[0], refusals, translate)
    return {**facts, "file": files[0], "files": files, "data": files}


def list_json(site: Site, page: MediaPage, sort: Sort) -> replies.MediaList:
    """Return a page of a list by `sort`."""
    return {
        "items": [media_json(site, each) for each in page.items],
        "next": cursor_text(sort, page.next) if page.next else None,
        **total_json(page.total, page.at_least),
    }


def all_json(site: Site, assets: Sequence[Asset]) -> replies.ChangedMedia:
    """Return the JSON of pictures that were changed together."""
    items = [media_json(site, each) for each in assets]
    return {"items": items, "next": None, "total": len(items)}


def removed_json(site: Site, removed: Removed) -> replies.RemovedMedia:
    """Return the result of a removal; with `FEW_USES` uses of each picture."""
    return {
        "removed": list(removed.ids),
        "in_use": [
            {
                "id": asset_id,
                "usage": [use_json(site, each) for each in uses[:FEW_USES]],
                "total": len(uses),
            }
            for asset_id, uses in removed.kept.items()
        ],
    }


def usage_json(site: Site, uses: Sequence[Use]) -> replies.Usage:
    """Return where a picture is used, up to `MOST_USES` uses."""
    shown = [use_json(site, each) for each in uses[:MOST_USES]]
    return {"items": shown, "next": None, "total": len(uses)}


def use_json(site: Site, use: Use) -> replies.Use:
    """Return the JSON of one use."""
    return {
        "kind": use.kind,
        "id": use.id,
        "title": use.title,
        "where": list(use.where),
        "url": site.base_url + use.path,
    }


def media_versions_json(site: Site, asset: Asset) -> Versions:
    """Return the versions of a picture of the library, newest first."""
    return versions_json(asset, f"{site.base_url}/api/builder/media/{asset.id}/versions")
