"""Which pages use an asset, for the library and for the inspection."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pymongo.client_session import ClientSession

from avenue.builder.content.references import SCHEME
from avenue.builder.website.models import Page, PageUse
from avenue.builder.website.store.documents import PAGES, page_in, text_of
from avenue.identity import ID_PATTERN
from avenue.media.references import Referrer, ids_changed_since
from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords

MOST_USES = 1_000
TEXT_FIELDS = ("$draft.html", "$draft.css", "$published.html", "$published.css")
IMAGE_FIELDS = ("$draft.seo.image", "$published.seo.image")
NAMED = f"{SCHEME}({ID_PATTERN.pattern})/"


class PageUseStore(SiteRecords):
    """The pages of one site at a time that use an asset."""

    def using(self, site_id: str, asset_ids: Iterable[str], *, limit: int) -> list[Page]:
        """Return some pages with texts that use one of the given assets."""
        using = {"assets": {"$in": sorted(asset_ids)}}
        return self._records(site_id, PAGES).values(page_in, using, limit=limit)

    def uses_of(
        self, site_id: str, asset_ids: Sequence[str], session: ClientSession | None = None
    ) -> dict[str, list[PageUse]]:
        """Return which pages use each of `asset_ids`, by asset: usually up to `MOST_USES`.

        Unused assets are left out. The texts, which say where in a page, are not read.
        """
        pages = self._records(site_id, PAGES)
        asked = pages.within(session) if session else pages
        uses: dict[str, list[PageUse]] = {}
        left = list(asset_ids)
        while left:
            found = asked.aggregate(
                [
                    {"$match": {"assets": {"$in": left}}},
                    {"$limit": MOST_USES},
                    {"$project": {"title": 1, "title_key": 1, "uses": _uses(left)}},
                    {"$sort": {"title_key": 1, "_id": 1}},
                ]
            )
            _add_uses(uses, found)
            # Pages with many of them can hide those of others: these are read again.
            is_cut = len(found) == MOST_USES
            left = [each for each in left if each not in uses] if is_cut else []
        return uses

    def used_ids(self, site_id: str) -> frozenset[str]:
        """Return all assets that pages use."""
        found = self._records(site_id, PAGES).aggregate(
            [
                {"$match": {"assets": {"$gte": ""}}},
                {"$project": {"assets": 1}},
                {"$unwind": "$assets"},
                {"$match": {"assets": {"$type": "string"}}},
                {"$group": {"_id": "$assets"}},
            ]
        )
        return frozenset(each["_id"] for each in found)


class PageReferrers(SiteRecords):
    """The pages of a site for the inspection: the assets of drafts and published states."""

    kind = "page"
    collection = PAGES

    def count(self, site_id: str) -> int:
        """Return the number of pages."""
        return self._records(site_id, PAGES).count({})

    def after(self, site_id: str, last_id: str, limit: int) -> list[Referrer]:
        """Return up to `limit` pages by id, after `last_id`."""
        return self._found(
            site_id,
            [{"$match": {"_id": {"$gt": last_id}}}, {"$sort": {"_id": 1}}, {"$limit": limit}],
        )

    def these(self, site_id: str, ids: Sequence[str]) -> list[Referrer]:
        """Return the existing pages among `ids`."""
        return self._found(site_id, [{"$match": {"_id": {"$in": list(ids)}}}])

    def changed_since(self, site_id: str, moment: datetime, limit: int) -> list[str]:
        """Return the ids of pages changed since then, up to `limit`, newest first."""
        return ids_changed_since(self._records(site_id, PAGES), moment, limit)

    def _found(self, site_id: str, which: list[Document]) -> list[Referrer]:
        # The texts are not read: those of many pages would be large.
        named = {"$setUnion": [*map(_names_in, TEXT_FIELDS), *map(_alone, IMAGE_FIELDS)]}
        project = {"$project": {"revision": 1, "named": named}}
        found = self._records(site_id, PAGES).aggregate([*which, project])
        return [
            Referrer(
                kind=self.kind,
                id=each["_id"],
                sku=None,
                revision=each.get("revision"),
                images=tuple({"asset": asset} for asset in sorted(each["named"])),
                shares=True,
            )
            for each in found
        ]


def _names_in(field: str) -> Document:
    """Return the expression for the assets in a text."""
    found = {"$regexFindAll": {"input": _text_in(field), "regex": NAMED}}
    return {"$map": {"input": found, "in": {"$first": "$$this.captures"}}}


def _text_in(field: str) -> Document:
    """Return the expression for a field if it is a text, else for an empty one."""
    return {"$cond": [{"$eq": [{"$type": field}, "string"]}, field, ""]}


def _alone(field: str) -> Document:
    """Return the expression for the single asset in a field, if it is a text."""
    is_one = {"$and": [{"$eq": [{"$type": field}, "string"]}, {"$ne": [field, ""]}]}
    return {"$cond": [is_one, [field], []]}


def _add_uses(uses: dict[str, list[PageUse]], pages: Iterable[Document]) -> None:
    for page in pages:
        for each in page["uses"]:
            use = PageUse(
                page_id=page["_id"],
                title=text_of(page.get("title")),
                in_draft=each["draft"],
                in_published=each["published"],
            )
            uses.setdefault(each["asset"], []).append(use)


def _uses(asset_ids: Sequence[str]) -> Document:
    """Return the expression for the ones of `asset_ids` that a page uses, and where."""
    assets = {"$cond": [{"$isArray": "$assets"}, "$assets", ["$assets"]]}
    return {
        "$map": {
            "input": {"$setIntersection": [assets, list(asset_ids)]},
            "as": "asset",
            "in": {
                "asset": "$$asset",
                "draft": _is_named_in("$draft"),
                "published": _is_named_in("$published"),
            },
        }
    }


def _is_named_in(part: str) -> Document:
    named = {"$concat": ["avenue:", "$$asset", "/"]}
    in_texts = [
        {"$gte": [{"$indexOfBytes": [_text_in(f"{part}.{text}"), named]}, 0]}
        for text in ("html", "css")
    ]
    return {"$or": [*in_texts, {"$eq": [f"{part}.seo.image", "$$asset"]}]}
