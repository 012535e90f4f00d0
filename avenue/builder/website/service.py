"""Use cases of pages, for editors."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from avenue.builder.website.differences import difference
from avenue.builder.website.errors import (
    BadMoment,
    PageNotFound,
    RevisionConflict,
    RevisionRequired,
    SlugTaken,
    TooManyPictures,
)
from avenue.builder.website.intake import Intake, Taken
from avenue.builder.website.models import (
    MOST_ASSETS,
    Changes,
    Draft,
    Entry,
    Page,
    PageList,
    PageQuery,
    PicturedPage,
    Published,
    Save,
    numbered,
    slug_of,
)
from avenue.builder.website.references import without
from avenue.builder.website.showing import pictured
from avenue.builder.website.store.history import PageHistory
from avenue.builder.website.store.pages import PageStore
from avenue.builder.website.store.uses import PageUseStore
from avenue.clock import utc_now
from avenue.errors import AvenueError, Unavailable
from avenue.identity import Actor, Role, new_id
from avenue.media.intake.library import MediaLibrary

TRIES = 5
DETACHED_AT_ONCE = 10
LATEST = timedelta(days=366)
"""How far ahead a page may be scheduled."""


class PageService:
    """The pages of a site, for editors and administrators."""

    def __init__(
        self,
        store: PageStore,
        history: PageHistory,
        uses: PageUseStore,
        library: MediaLibrary,
        intake: Intake,
    ) -> None:
        self._store = store
        self._history = history
        self._uses = uses
        self._library = library
        self._intake = intake

    def find(self, actor: Actor, query: PageQuery) -> PageList:
        """Return a page of the list, without texts."""
        actor.must_have(Role.EDITOR)
        return self._store.find(actor.site.id, query)

    def changed(self, actor: Actor, most: int) -> int | None:
        """Count the pages with changes that visitors do not see, None for more than `most`."""
        actor.must_have(Role.EDITOR)
        return self._store.changed(actor.site.id, most)

    def get(self, actor: Actor, page_id: str) -> PicturedPage:
        """Return a page; raise `PageNotFound`."""
        return pictured(self._library, actor, self._page(actor, page_id))

    def create(self, actor: Actor, fields: Changes, *, page_id: str | None = None) -> PicturedPage:
        """Create a draft; without a slug it is derived from the title.

        Its id is `page_id`, if that was chosen before and is known to no one else.

        Raise `SlugTaken`, `TooManyPages`, `TooManyPictures`, or why its content is rejected.
        """
        actor.must_have(Role.EDITOR)
        empty = Draft(title=fields["title"], locale=actor.site.locale)
        given = {name: value for name, value in fields.items() if value is not None}
        now, slug = utc_now(), given.get("slug")
        wanted = self._with_original(actor, page_id, given)
        with self._intake.taking(actor, empty, wanted) as taken:
            page = Page(
                id=page_id or new_id(),
                slug=slug or slug_of(empty.title),
                draft=_checked(taken.draft),
                flagged=taken.flagged or (),
                created_at=now,
                updated_at=now,
                updated_by=actor.id,
            )
            created = self._insert(actor, page, taken, is_exact=slug is not None)
        return pictured(self._library, actor, created)

    def change(
        self, actor: Actor, page_id: str, changes: Changes, revision: int | None
    ) -> PicturedPage:
        """Change fields of the draft, or the slug, of a page at `revision`.

        If nothing would change, the page is returned whatever its revision: a client without an
        answer repeats its save. Raise `RevisionRequired`, `RevisionConflict` (with the current page
        and the difference), `SlugTaken`, `TooManyPictures`, or why the content is rejected.
        """
        page = self._page(actor, page_id)
        if revision not in {None, page.revision} and self._is_so(actor, page, changes):
            return pictured(self._library, actor, page)
        return self._changed(actor, page_id, changes, revision)

    def publish(
        self, actor: Actor, page_id: str, revision: int | None, due_at: datetime | None = None
    ) -> PicturedPage:
        """Publish the draft at `revision`; raises as `change`.

        With `due_at` only while it is scheduled for that time, or raise `RevisionConflict`.
        """
        page = self._page_at(actor, page_id, revision)
        if page.published and page.published.draft == page.draft and page.draft.is_cleaned:
            return pictured(self._library, actor, page)
        with self._intake.taking(actor, page.draft, {}) as taken:
            draft, now = _checked(taken.draft), utc_now()
            save = replace(
                self._save_of(actor, page),
                draft=draft,
                published=Published(draft=draft, at=now, by=actor.id),
                flagged=taken.flagged,
                at=now,
                due_at=due_at,
            )
            saved = self._save(actor, page, save, taken)
        return pictured(self._library, actor, saved)

    def unpublish(self, actor: Actor, page_id: str) -> tuple[PicturedPage, bool]:
        """Unpublish a page; return it and whether it was published.

        Raise `PageNotFound`.
        """
        for _ in range(TRIES):
            page = self._page(actor, page_id)
            if page.published is None:
                return pictured(self._library, actor, page), False
            save = replace(self._save_of(actor, page), published=None)
            with suppress(RevisionConflict):
                page = self._store.save(actor.site.id, page, save)
                return pictured(self._library, actor, page), True
        raise RevisionConflict

    def schedule(self, actor: Actor, page_id: str, at: datetime | None) -> PicturedPage:
        """Schedule a page to be published in its state at that time; None cancels.

        Raise `PageNotFound`, or `BadMoment` for a time in the past or years ahead.
        """
        actor.must_have(Role.EDITOR)
        now = utc_now()
        if at is not None and not now < at <= now + LATEST:
            raise BadMoment(days=LATEST.days)
        found = self._store.schedule(actor.site.id, page_id, at)
        if found is None:
            raise PageNotFound
        return pictured(self._library, actor, found)

    def publish_due(self, actor: Actor, page_id: str, at: datetime) -> bool:
        """Publish a page that was scheduled for `at`; return whether that was necessary.

        It is not due afterwards, even if it cannot be published. Raise why that is, and
        `RevisionConflict` or `Unavailable` if its schedule stays as it is: the page or its schedule
        was changed meanwhile, or the database is away.
        """
        try:
            page = self._store.get(actor.site.id, page_id)
            is_due = page is not None and page.publish_at == at
            if page is not None and is_due:
                self.publish(actor, page_id, page.revision, due_at=at)
        except (RevisionConflict, Unavailable):
            raise
        except AvenueError:
            self._store.was_due(actor.site.id, page_id, at)
            raise
        self._store.was_due(actor.site.id, page_id, at)
        return is_due

    def delete(self, actor: Actor, page_id: str) -> None:
        """Delete a page with its history; raise `PageNotFound`."""
        actor.must_have(Role.EDITOR)
        self._store.delete(actor.site.id, page_id)

    def history(self, actor: Actor, page_id: str) -> list[Entry]:
        """Return the history of a page, newest first, without texts; raise `PageNotFound`."""
        return self._history.of(actor.site.id, self._page(actor, page_id).id)

    def entry(self, actor: Actor, page_id: str, number: int) -> tuple[Entry, PicturedPage]:
        """Return an entry of the history, and the page with the assets of that time.

        Raise `PageNotFound` or `EntryNotFound`.
        """
        page = self._page(actor, page_id)
        entry = self._history.entry(actor.site.id, page.id, number)
        return entry, pictured(self._library, actor, replace(page, draft=entry.draft))

    def restore(
        self, actor: Actor, page_id: str, number: int, revision: int | None
    ) -> PicturedPage:
        """Restore an earlier state as the draft; raises as `change`, and `EntryNotFound`."""
        page = self._page(actor, page_id)
        changes = asdict(self._history.entry(actor.site.id, page.id, number).draft)
        return self._changed(actor, page_id, changes, revision, is_step=True)

    def detach(self, actor: Actor, asset_ids: Sequence[str]) -> None:
        """Remove assets from every draft and published state; repeatable from any step.

        Each page is saved separately, so its earlier state is in its history.
        """
        actor.must_have(Role.EDITOR)
        gone = frozenset(asset_ids)
        while pages := self._uses.using(actor.site.id, gone, limit=DETACHED_AT_ONCE):
            for page in pages:
                self._detach(actor, page, gone)

    def _detach(self, actor: Actor, page: Page, gone: frozenset[str]) -> None:
        now: Page | None = page
        for _ in range(TRIES):
            if now is None:
                return  # deleted meanwhile
            seen = now.published
            save = replace(
                self._save_of(actor, now),
                draft=without(now.draft, gone),
                published=replace(seen, draft=without(seen.draft, gone)) if seen else None,
                is_step=True,
            )
            with suppress(RevisionConflict, PageNotFound):
                self._store.save(actor.site.id, now, save)
                return
            now = self._store.get(actor.site.id, page.id)
        raise RevisionConflict

    def _changed(
        self,
        actor: Actor,
        page_id: str,
        changes: Changes,
        revision: int | None,
        *,
        is_step: bool = False,
    ) -> PicturedPage:
        page = self._page_at(actor, page_id, revision, changes)
        changes = self._with_original(actor, page_id, changes)
        with self._intake.taking(actor, page.draft, changes) as taken:
            known = self._save_of(actor, page)
            save = replace(
                known,
                draft=_checked(taken.draft),
                slug=changes.get("slug", known.slug),
                flagged=taken.flagged,
                is_step=is_step,
            )
            saved = self._save(actor, page, save, taken, changes)
        return pictured(self._library, actor, saved)

    def _with_original(self, actor: Actor, page_id: str | None, changes: Changes) -> Changes:
        """Return `changes` with the original that all translations refer to.

        Raise `PageNotFound`.
        """
        named = changes.get("translation_of")
        if named is None:
            return changes
        found = self._page(actor, named)
        original = found.draft.translation_of or found.id
        return {**changes, "translation_of": original if original != page_id else None}

    def _page(self, actor: Actor, page_id: str) -> Page:
        actor.must_have(Role.EDITOR)
        found = self._store.get(actor.site.id, page_id)
        if found is None:
            raise PageNotFound
        return found

    def _page_at(
        self, actor: Actor, page_id: str, revision: int | None, changes: Changes | None = None
    ) -> Page:
        page = self._page(actor, page_id)
        if revision is None:
            raise RevisionRequired
        if page.revision != revision:
            raise self._conflict(actor, page, changes or {})
        return page

    def _is_so(self, actor: Actor, page: Page, changes: Changes) -> bool:
        """Return whether non-empty `changes` would change nothing of `page`."""
        if not changes or changes.get("slug", page.slug) != page.slug:
            return False
        return self._intake.previewed(actor, page.draft, changes) == page.draft

    def _conflict(self, actor: Actor, current: Page, changes: Changes) -> RevisionConflict:
        """Return the error for a change based on another state than `current`."""
        wanted = self._intake.previewed(actor, current.draft, changes)
        return RevisionConflict(
            pictured(self._library, actor, current), difference(current.draft, wanted)
        )

    def _save(
        self,
        actor: Actor,
        page: Page,
        save: Save,
        taken: Taken | None = None,
        changes: Changes | None = None,
    ) -> Page:
        if (save.draft, save.published, save.slug) == (page.draft, page.published, page.slug):
            return page
        upload_result = taken.upload_result if taken else None
        try:
            return self._store.save(actor.site.id, page, save, upload_result)
        except RevisionConflict:
            current = self._page(actor, page.id)
            raise self._conflict(actor, current, changes or {}) from None

    def _insert(self, actor: Actor, page: Page, taken: Taken, *, is_exact: bool) -> Page:
        for _ in range(TRIES):
            if not is_exact:
                page = replace(page, slug=self._free(actor.site.id, slug_of(page.draft.title)))
            try:
                return self._store.insert(actor.site.id, page, taken.upload_result)
            except SlugTaken:
                if is_exact:
                    raise
        raise SlugTaken(slug=page.slug)

    def _free(self, site_id: str, slug: str) -> str:
        """Return `slug`, or with the lowest number appended that makes it free."""
        taken, wanted, number = self._store.slugs_like(site_id, slug[:90]), slug, 1
        while wanted in taken:
            number += 1
            wanted = numbered(slug, number)
        return wanted

    def _save_of(self, actor: Actor, page: Page) -> Save:
        """Return a save without changes, except for a slug where the page has none."""
        return Save(
            draft=page.draft,
            published=page.published,
            slug=page.slug or self._free(actor.site.id, slug_of(page.draft.title)),
            flagged=None,
            at=utc_now(),
            by=actor.id,
        )


def _checked(draft: Draft) -> Draft:
    """Return `draft`; raise `TooManyPictures`."""
    if len(draft.assets) > MOST_ASSETS:
        raise TooManyPictures(limit=MOST_ASSETS)
    return draft
