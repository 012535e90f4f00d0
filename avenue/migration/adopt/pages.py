"""Imports the pages of an earlier application, their pictures into the media library."""

from dataclasses import replace
from typing import Any

from avenue.errors import AvenueError, Unavailable, required
from avenue.media.models import Asset, Claim
from avenue.migration.adopt import fields as names
from avenue.migration.adopt.context import PAGE, AdoptionContext
from avenue.migration.adopt.errors import ChangedHere, LostPicture, UnreadableRecord
from avenue.migration.adopt.models import Became, Holds
from avenue.migration.adopt.owners import mark_of
from avenue.storage.earlier import Record

LONGEST_DESCRIPTION = 500
LONGEST_TOLD = 120
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".heic")


class AdoptedPages:
    """Imports pages, one record after the other."""

    def __init__(self, context: AdoptionContext) -> None:
        self._context = context

    def bring(self, collection: str, record: Record) -> Became:
        """Import a page; raise `ChangedHere`, `UnreadableRecord`, or why it is refused."""
        own, _, before = self._context.opened(collection, Holds.PAGES, record)
        fields, is_published = self._page_fields(collection, record)
        lost: list[str] = []

        def stored(path: str) -> str | None:
            asset = self._library_asset(path, collection, record.key, lost)
            return f"avenue:{asset.id}/original" if asset else None

        rewritten = {
            name: self._context.pictures.addresses.rewritten(value, stored)
            if name in {"html", "css"}
            else value
            for name, value in fields.items()
        }
        mark = mark_of({**rewritten, "is_published": is_published}, ())
        if before and before.print == mark:
            return Became.UNCHANGED
        page_id = self._context.id_of(PAGE, collection, record.key)
        revision = required(
            self._context.places.website.put(
                self._context.actor,
                page_id,
                rewritten,
                is_published=is_published,
                seen=before.revision if before else None,
            ),
            ChangedHere,
        )
        remembered = self._context.remembered(
            collection, record, PAGE, own, page_id, revision=revision
        )
        self._context.places.adopted.put(
            self._context.site, replace(remembered, print=mark, is_whole=not lost)
        )
        return Became.UPDATED if before else Became.CREATED

    def preview(self, collection: str, record: Record) -> None:
        """Raise why a page would be refused."""
        self._page_fields(collection, record)

    def _page_fields(self, collection: str, record: Record) -> tuple[dict[str, Any], bool]:
        own, fields = self._context.names(collection, Holds.PAGES), record.fields
        html, css = names.page_texts(fields, own)
        if html is None:
            raise UnreadableRecord("html")
        title = names.text(fields, own["title"]) or record.key
        said: dict[str, Any] = {"title": title, "html": html, "css": css}
        slug = names.text(fields, own["slug"])
        if slug is not None:
            said["slug"] = slug
        description = names.text(fields, own["description"])
        if description:
            said["seo"] = {"description": description[:LONGEST_DESCRIPTION]}
        return said, names.is_published(names.first(fields, own["status"]))

    def _library_asset(self, path: str, collection: str, key: str, lost: list[str]) -> Asset | None:
        """Return the asset of the library for an old address, None if it led to no picture."""
        found = self._context.pictures.at(path)
        if found is None:
            if path.lower().endswith(PICTURE_ENDINGS):
                lost.append(path)
                self._context.refuse(collection, key, LostPicture(path[:LONGEST_TOLD]))
            return None
        try:
            asset = self._context.kept(
                found, self._context.policies.library, Claim.library(self._context.site)
            )
        except Unavailable:
            raise
        except AvenueError as error:
            lost.append(path)
            self._context.refuse(collection, key, error)
            return None
        if found.picture is not None:
            self._context.inventory.use(found.picture)
        return asset
