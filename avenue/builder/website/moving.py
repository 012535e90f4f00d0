"""Imports pages of another application."""

from avenue.builder.website.errors import PageNotFound, RevisionConflict, SlugTaken
from avenue.builder.website.models import LONGEST_TITLE, Changes, Page, slug_of
from avenue.builder.website.service import PageService
from avenue.identity import Actor


class MovedPages:
    """Stores the pages of an earlier application: `Website` of `migration.adopt.models`."""

    def __init__(self, pages: PageService) -> None:
        self._pages = pages

    def put(
        self,
        actor: Actor,
        page_id: str,
        fields: Changes,
        *,
        is_published: bool | None,
        seen: int | None,
    ) -> int | None:
        """Create or update a page; return its revision, None when it is no longer at `seen`.

        Repeatable from any step. A slug that another page has gets a number. With `is_published`
        None the published state stays. Raise why its content is rejected.
        """
        wanted = {**fields, "title": fields["title"][:LONGEST_TITLE]}
        if wanted.get("slug"):
            wanted["slug"] = slug_of(wanted["slug"])
        page = self._known(actor, page_id)
        if page is None and seen is not None:
            return None
        if page is None:
            page = self._created(actor, page_id, wanted)
        else:
            wanted.pop("slug", None)  # it has one, and may have got another since
            try:  # one that is already as wanted, by a killed run, stays unchanged
                at = page.revision if seen is None else seen
                page = self._pages.change(actor, page_id, wanted, at).page
            except RevisionConflict:
                return None
        if is_published is None:
            return page.revision
        if is_published:
            return self._pages.publish(actor, page_id, page.revision).page.revision
        self._pages.unpublish(actor, page_id)
        return self._pages.get(actor, page_id).page.revision

    def _known(self, actor: Actor, page_id: str) -> Page | None:
        try:
            return self._pages.get(actor, page_id).page
        except PageNotFound:
            return None

    def _created(self, actor: Actor, page_id: str, wanted: Changes) -> Page:
        try:
            return self._pages.create(actor, wanted, page_id=page_id).page
        except SlugTaken:
            unnamed = {name: value for name, value in wanted.items() if name != "slug"}
            return self._pages.create(actor, unnamed, page_id=page_id).page
