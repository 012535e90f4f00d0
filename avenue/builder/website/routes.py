"""Pages as JSON, under `/api/builder/pages`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from flask import Blueprint, Response, g, jsonify, request
from pydantic import Field

from avenue.builder.content.errors import (
    BadInlinePicture,
    ContentTooLarge,
    ContentTooTangled,
    TooManyInlinePictures,
)
from avenue.builder.website.bodies import AtRevision, NewPage, NewPreview, PageChanges, Schedule
from avenue.builder.website.checks import remarks_on
from avenue.builder.website.errors import (
    BadMoment,
    EntryNotFound,
    PageNotFound,
    RevisionConflict,
    RevisionRequired,
    SlugTaken,
    TooManyPages,
    TooManyPictures,
)
from avenue.builder.website.models import PageQuery, PicturedPage, Sort, Status
from avenue.builder.website.presenting import (
    history_json,
    list_json,
    page_json,
    past_json,
    preview_json,
    remarks_json,
)
from avenue.builder.website.previews import Previews
from avenue.builder.website.replies import History, Page, PageList, PastPage, Preview, Remarks
from avenue.builder.website.service import PageService
from avenue.builder.website.words import placeholders
from avenue.clock import iso
from avenue.config import Settings
from avenue.cursors import BadCursor
from avenue.errors import AvenueError
from avenue.identity import Role
from avenue.media.intake.receiving import PICTURE_REFUSALS
from avenue.storage.idempotency import UploadInProgress
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, LOCATION, Reply, described
from avenue.web.errors import FileTooLarge, InvalidQuery
from avenue.web.paging import cursor_place
from avenue.web.parsing import M, PageQuery as ListQuery, body_as, one_of, page_asked_for
from avenue.web.services import using
from avenue.words import wanted_words

blueprint = Blueprint("pages", __name__, url_prefix="/api/builder/pages")

KB_PER_MB = 1024
CONTENT_REFUSALS: tuple[type[AvenueError], ...] = (
    ContentTooLarge,
    ContentTooTangled,
    BadInlinePicture,
    TooManyInlinePictures,
    TooManyPictures,
    FileTooLarge,
    UploadInProgress,
    *PICTURE_REFUSALS,
)
"""Errors of submitted content, including inline pictures."""
UNCLEANED_REFUSALS: tuple[type[AvenueError], ...] = (ContentTooLarge, ContentTooTangled)
"""Errors of content that another program stored."""


class PagesQuery(ListQuery, total=False):
    """A query of pages, with a sort order."""

    search: Annotated[
        str, Field(description="Beginnings of words of title and slug, without accents.")
    ]
    status: Status | Literal[""]
    locale: str
    sort: Annotated[
        Literal["created_at", "-created_at", "updated_at", "-updated_at", "title", "-title"],
        Field(description="With `-` descending; `-updated_at` if left out."),
    ]


@blueprint.get("")
@require(Role.EDITOR)
@described(query=PagesQuery, replies={200: PageList}, refuses=(InvalidQuery, BadCursor))
def list_pages() -> Response:
    """List the pages of the site, the latest changed first, without their texts.

    Takes `?search ?status ?locale ?sort ?limit ?after`.
    """
    actor, page, asked = current_actor(), page_asked_for(), request.args
    text = asked.get("sort") or "-updated_at"
    sort = Sort(one_of("sort", text.removeprefix("-"), [*Sort]))
    status = asked.get("status")
    query = PageQuery(
        words=wanted_words(asked.get("search", "").strip()),
        status=Status(one_of("status", status, [*Status])) if status else None,
        locale=asked.get("locale") or None,
        sort=sort,
        descending=text.startswith("-"),
        after=cursor_place(sort, sort.kind, page.after) if page.after else None,
        limit=page.limit,
    )
    return jsonify(list_json(g.site, query, using(PageService).find(actor, query)))


@blueprint.post("")
@require(Role.EDITOR)
@described(
    body=NewPage,
    replies={201: Reply({JSON: Page}, headers=(LOCATION,))},
    refuses=(PageNotFound, SlugTaken, TooManyPages, *CONTENT_REFUSALS),
)
@audited("page.created")
def create_page() -> tuple[Response, int, dict[str, str]]:
    """Create an unpublished page."""
    actor, body = current_actor(), _body_as(NewPage)
    created = using(PageService).create(actor, body.model_dump(exclude_unset=True))
    location = f"{g.site.base_url}/api/builder/pages/{created.page.id}"
    return jsonify(page_json(g.site, created)), 201, {"Location": location}


@blueprint.get("/<page_id>")
@require(Role.EDITOR)
@described(replies={200: Page}, refuses=(PageNotFound, *UNCLEANED_REFUSALS))
def show_page(page_id: str) -> Response:
    """Show the draft of a page."""
    return jsonify(page_json(g.site, using(PageService).get(current_actor(), page_id)))


@blueprint.put("/<page_id>")
@require(Role.EDITOR)
@described(
    body=PageChanges,
    replies={200: Page},
    refuses=(PageNotFound, RevisionRequired, RevisionConflict, SlugTaken, *CONTENT_REFUSALS),
)
@audited("page.changed", "page_id")
def change_page(page_id: str) -> Response:
    """Save the given fields into the draft; a new slug applies at once."""
    body = _body_as(PageChanges)
    changes = body.model_dump(exclude_unset=True)
    revision = changes.pop("revision", None)
    with _showing_current():
        changed = using(PageService).change(current_actor(), page_id, changes, revision)
    return _answered(changed, revision)


@blueprint.delete("/<page_id>")
@require(Role.EDITOR)
@described(replies={204: None}, refuses=(PageNotFound,))
@audited("page.deleted", "page_id")
def delete_page(page_id: str) -> tuple[str, int]:
    """Delete a page with its history; its assets stay in the library."""
    using(PageService).delete(current_actor(), page_id)
    return "", 204


@blueprint.post("/<page_id>/publish")
@require(Role.EDITOR)
@described(
    body=AtRevision,
    replies={200: Page},
    refuses=(PageNotFound, RevisionRequired, RevisionConflict, SlugTaken, *CONTENT_REFUSALS),
)
@audited("page.published", "page_id")
def publish_page(page_id: str) -> Response:
    """Publish the draft at `revision`."""
    revision = body_as(AtRevision).revision
    with _showing_current():
        published = using(PageService).publish(current_actor(), page_id, revision)
    return _answered(published, revision)


@blueprint.post("/<page_id>/unpublish")
@require(Role.EDITOR)
@described(replies={200: Page}, refuses=(PageNotFound, RevisionConflict, *UNCLEANED_REFUSALS))
@audited("page.unpublished", "page_id")
def unpublish_page(page_id: str) -> Response:
    """Unpublish a page; the draft stays."""
    unpublished, is_new = using(PageService).unpublish(current_actor(), page_id)
    if not is_new:
        nothing_changed()
    return jsonify(page_json(g.site, unpublished))


@blueprint.put("/<page_id>/schedule")
@require(Role.EDITOR)
@described(
    body=Schedule, replies={200: Page}, refuses=(PageNotFound, BadMoment, *UNCLEANED_REFUSALS)
)
@audited("page.scheduled", "page_id")
def schedule_page(page_id: str) -> Response:
    """Schedule the draft, in its state at that time, to be published at `publish_at`."""
    at = body_as(Schedule).publish_at
    scheduled = using(PageService).schedule(current_actor(), page_id, at)
    note(publish_at=iso(at))
    return jsonify(page_json(g.site, scheduled))


@blueprint.delete("/<page_id>/schedule")
@require(Role.EDITOR)
@described(replies={200: Page}, refuses=(PageNotFound, *UNCLEANED_REFUSALS))
@audited("page.unscheduled", "page_id")
def unschedule_page(page_id: str) -> Response:
    """Cancel the scheduled publication."""
    unscheduled = using(PageService).schedule(current_actor(), page_id, None)
    return jsonify(page_json(g.site, unscheduled))


@blueprint.post("/<page_id>/preview")
@require(Role.EDITOR)
@described(body=NewPreview, replies={200: Preview}, refuses=(PageNotFound, *UNCLEANED_REFUSALS))
@audited("page.preview_shared", "page_id")
def share_preview(page_id: str) -> Response:
    """Return a preview link to the draft, valid for a day or the given `seconds`."""
    page = using(PageService).get(current_actor(), page_id).page
    preview = using(Previews).of(g.site, page.id, body_as(NewPreview).seconds)
    return jsonify(preview_json(g.site, preview))


@blueprint.get("/<page_id>/checks")
@require(Role.EDITOR)
@described(replies={200: Remarks}, refuses=(PageNotFound, *UNCLEANED_REFUSALS))
def list_remarks(page_id: str) -> Response:
    """List remarks on the draft before it is published; see `Kind` for the checks."""
    pictured = using(PageService).get(current_actor(), page_id)
    return jsonify(remarks_json(remarks_on(g.site, pictured, placeholders())))


@blueprint.get("/<page_id>/history")
@require(Role.EDITOR)
@described(replies={200: History}, refuses=(PageNotFound,))
def list_history(page_id: str) -> Response:
    """List the history of a page, newest first."""
    return jsonify(history_json(using(PageService).history(current_actor(), page_id)))


@blueprint.get("/<page_id>/history/<number>")
@require(Role.EDITOR)
@described(replies={200: PastPage}, refuses=(PageNotFound, EntryNotFound, *UNCLEANED_REFUSALS))
def show_history(page_id: str, number: str) -> Response:
    """Show an earlier state of a page."""
    entry, pictured = using(PageService).entry(current_actor(), page_id, _number(number))
    return jsonify(past_json(g.site, entry, pictured))


@blueprint.post("/<page_id>/history/<number>/restore")
@require(Role.EDITOR)
@described(
    body=AtRevision,
    replies={200: Page},
    refuses=(PageNotFound, EntryNotFound, RevisionRequired, RevisionConflict, *CONTENT_REFUSALS),
)
@audited("page.restored", "page_id")
def restore_page(page_id: str, number: str) -> Response:
    """Restore an earlier state as the draft; the current draft is kept in the history."""
    revision = body_as(AtRevision).revision
    with _showing_current():
        restored = using(PageService).restore(current_actor(), page_id, _number(number), revision)
    return _answered(restored, revision)


def _number(text: str) -> int:
    """Return the number of an entry in the history; raise `EntryNotFound` for anything else."""
    if not re.fullmatch("[0-9]{1,9}", text):
        raise EntryNotFound
    return int(text)


def _answered(pictured: PicturedPage, revision: int | None) -> Response:
    if pictured.page.revision == revision:
        nothing_changed()
    return jsonify(page_json(g.site, pictured))


def _body_as(model: type[M]) -> M:
    """Return the body, which may contain inline pictures."""
    return body_as(model, most_kb=using(Settings).max_page_mb * KB_PER_MB)


@contextmanager
def _showing_current() -> Iterator[None]:
    """Add the page as JSON to a `RevisionConflict` raised inside."""
    try:
        yield
    except RevisionConflict as error:
        current, told = error.current, error.difference
        raise RevisionConflict(current and page_json(g.site, current), told) from None
