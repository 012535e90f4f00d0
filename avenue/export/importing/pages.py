"""Imports the pages of an export."""

import hashlib
from dataclasses import replace
from functools import partial
from typing import Any

from avenue.builder.content.references import REFERENCE, SCHEME
from avenue.builder.website.moving import MovedPages
from avenue.errors import required
from avenue.export.errors import FileDiffers, LostFile
from avenue.export.importing.lines import PageLine, TextsEntry
from avenue.export.importing.source import Origin, key_of
from avenue.identity import Actor
from avenue.media.intake.library import MediaLibrary
from avenue.media.models import Asset, State
from avenue.migration.adopt.errors import ChangedHere
from avenue.migration.adopt.models import Became
from avenue.migration.models import PAGE


class PageImport:
    """The pages of an export; their files are imported before."""

    def __init__(
        self,
        actor: Actor,
        origin: Origin,
        website: MovedPages,
        library: MediaLibrary,
    ) -> None:
        self._actor = actor
        self._origin = origin
        self._website = website
        self._library = library

    def bring(self, line: PageLine) -> Became:
        """Import a page, again if missing files have been imported, unless it was changed since."""
        self._check_file(line)
        before = self._origin.before(key_of(PAGE, line.id))
        lost: dict[str, None] = {}
        draft = self._texts(line.draft, lost)
        page_id = self._origin.id_of(PAGE, line.id)
        published = line.published and self._texts(line.published, lost)

        for each in lost:
            self._origin.refuse(f"{line.path} {each}", LostFile(each))
        mark = hashlib.sha256(" ".join(sorted(lost)).encode()).hexdigest() if lost else ""
        if before and before.print == mark:
            return Became.UNCHANGED

        put = partial(self._website.put, self._actor, page_id)
        first = {**(published or draft), **({"slug": line.slug} if line.slug else {})}
        seen = before.revision if before else None
        revision = required(put(first, is_published=published is not None, seen=seen), ChangedHere)
        if published and published != draft:
            revision = put(draft, is_published=None, seen=None) or revision
        remembered = self._origin.remembered(PAGE, line.id, page_id, revision)
        remembered = replace(remembered, print=mark, is_whole=not lost)
        self._origin.store(remembered)
        return Became.UPDATED if before else Became.CREATED

    def _check_file(self, line: PageLine) -> None:
        digest = hashlib.sha256()
        for block in self._origin.place.read(line.path):
            digest.update(block)
        if digest.hexdigest() != line.sha256:
            raise FileDiffers

    def _texts(self, texts: TextsEntry, lost: dict[str, None]) -> dict[str, Any]:
        """Return the texts of a page, with the ids of files replaced by those here."""

        def here(own_id: str) -> str | None:
            asset = self._asset(own_id)
            if asset is None:
                lost[own_id] = None
            return asset.id if asset else None

        def named(text: str) -> str:
            return REFERENCE.sub(
                lambda found: (
                    f"{SCHEME}{here(found['asset']) or found['asset']}/{found['variant']}"
                ),
                text,
            )

        original = texts.translation_of and self._origin.before(key_of(PAGE, texts.translation_of))
        seo = texts.seo.model_dump()
        if texts.seo.image:
            seo["image"] = here(texts.seo.image)
        fields = texts.model_dump(exclude={"seo", "html", "css"})
        fields["title"] = texts.title.strip() or PAGE
        fields["translation_of"] = original.target if original else None
        return {**fields, "html": named(texts.html), "css": named(texts.css), "seo": seo}

    def _asset(self, own_id: str) -> Asset | None:
        """Return the live imported file with this id in the export, or None."""
        known = self._origin.before(own_id)
        found = self._library.get_many(self._actor, [known.target if known else own_id])
        return next((each for each in found.values() if each.state is State.LIVE), None)
