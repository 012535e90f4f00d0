"""`/admin/website`: the list of a site's own pages, new pages, and the actions on each."""

from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Response, g, request
from flask_babel import force_locale, to_utc

from avenue.builder.editor.pages.words import SAID, SORTS, STATUSES, TEMPLATES, TONES
from avenue.builder.website.blocks import content_of
from avenue.builder.website.checks import Remark, remarks_on
from avenue.builder.website.models import (
    LONGEST_TITLE,
    PageQuery,
    PicturedPage,
    Sort,
    Status,
)
from avenue.builder.website.presenting import address_of
from avenue.builder.website.service import PageService
from avenue.builder.website.words import REMARKS, placeholders
from avenue.clock import iso
from avenue.errors import AvenueError, Invalid, NotFound
from avenue.identity import Role
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import LOCALES, gettext as _
from avenue.web.listing import back_with, here_with, listed
from avenue.web.pages import page, see, shown_again
from avenue.web.paging import cursor_place, cursor_text
from avenue.web.parsing import page_asked_for
from avenue.web.services import using
from avenue.web.site_frame import spoken
from avenue.words import wanted_words

PATH = "/admin/website"

blueprint = Blueprint("website_pages", __name__, url_prefix=PATH, template_folder="../../templates")


def _show_error(error: AvenueError, **_of: str) -> Response:
    return _shown(problem=" ".join(error.said(_)), status=error.status)


@blueprint.get("")
@require(Role.EDITOR)
def show_pages() -> Response:
    """Show the pages of the site as the URL asks for them, the last changed ones first."""
    return _shown()


@blueprint.post("")
@require(Role.EDITOR)
@audited("page.created")
@shown_again(_show_error)
def add_page() -> Response:
    """Create a page with the given title from a template, and open it."""
    actor, title = current_actor(), request.form.get("title", "").strip()
    if not title or len(title) > LONGEST_TITLE:
        nothing_changed()
        return _shown(
            problem=_("Enter a title of at most %(most)s characters.", most=LONGEST_TITLE)
        )
    made = using(PageService).create(actor, {"title": title, **_beginning(title)})
    note(object_id=made.page.id)
    return see(f"{PATH}/{made.page.id}")


@blueprint.post("/<page_id>/publish")
@require(Role.EDITOR)
@audited("page.published", "page_id")
@shown_again(_show_error, besides=NotFound)
def publish(page_id: str) -> Response:
    """Let visitors see a page as it was when the list was shown; say first what to look at."""
    actor, revision = current_actor(), revision_sent()
    found = using(PageService).get(actor, page_id)
    remarks = remarks_before(found) if found.page.revision == revision else []
    if remarks:
        nothing_changed()
        return looked_through(found, remarks, revision=revision)
    using(PageService).publish(actor, page_id, revision)
    return see(back_with(PATH, "publish", 1))


@blueprint.post("/<page_id>/unpublish")
@require(Role.EDITOR)
@audited("page.unpublished", "page_id")
def unpublish(page_id: str) -> Response:
    """Unpublish a page."""
    _unpublished, is_new = using(PageService).unpublish(current_actor(), page_id)
    if not is_new:
        nothing_changed()
    return see(back_with(PATH, "unpublish", 1))


@blueprint.post("/<page_id>/schedule")
@require(Role.EDITOR)
@audited("page.scheduled", "page_id")
@shown_again(_show_error, besides=NotFound)
def schedule(page_id: str) -> Response:
    """Schedule a page to be published at the time of the form, or cancel that when it is empty."""
    written = request.form.get("publish_at", "")
    try:
        at = to_utc(datetime.fromisoformat(written)).replace(tzinfo=UTC) if written else None
    except (ValueError, OverflowError):
        return _shown(problem=_("Choose a day and a time."), status=400)
    found = using(PageService).get(current_actor(), page_id)
    remarks = remarks_before(found) if at else []
    if remarks:
        nothing_changed()
        return looked_through(found, remarks, publish_at=written)
    using(PageService).schedule(current_actor(), page_id, at)
    note(publish_at=iso(at) if at else None)
    return see(back_with(PATH, "schedule" if at else "unschedule", 1))


@blueprint.get("/<page_id>/delete")
@require(Role.EDITOR)
def ask_to_delete(page_id: str) -> Response:
    """Ask before a page is deleted: it cannot be restored."""
    return page("editor/delete.html", doomed=using(PageService).get(current_actor(), page_id).page)


@blueprint.post("/<page_id>/delete")
@require(Role.EDITOR)
@audited("page.deleted", "page_id")
def delete(page_id: str) -> Response:
    """Delete a page with its history; its pictures stay in the library."""
    using(PageService).delete(current_actor(), page_id)
    return see(f"{PATH}?said=removed")


def remarks_before(pictured: PicturedPage) -> list[Remark]:
    """Return what to look at before a page is published; nothing where that was said already."""
    if "anyway" in request.form:
        return []
    return remarks_on(g.site, pictured, placeholders())


def looked_through(pictured: PicturedPage, remarks: list[Remark], **sent: object) -> Response:
    """Show what to look at, with a button that continues with what was `sent`."""
    back = request.form.get("back", "")
    verb = "schedule" if "publish_at" in sent else "publish"
    return page(
        "editor/publish.html",
        checked=pictured.page,
        remarks=[(REMARKS[each.kind], each.where) for each in remarks],
        action=f"{PATH}/{pictured.page.id}/{verb}",
        sent={**sent, **({"back": back} if back else {})},
    )


def _beginning(title: str) -> dict[str, str]:
    """Return the content of the chosen template, in the language of the site."""
    template = request.form.get("template", "")
    if template not in TEMPLATES:
        return {}
    with force_locale(LOCALES[spoken(g.site, g.site.locale)]):
        return content_of(template, title=title, contact=g.site.contact)


def revision_sent() -> int | None:
    """Return the revision in the form; raise `Invalid` for a malformed one."""
    text = request.form.get("revision", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(2**31))):
        raise Invalid
    return int(text)


def _shown(*, problem: str = "", status: int = 200) -> Response:
    actor, query = current_actor(), _query()
    found = listed(
        query,
        partial(using(PageService).find, actor),
        partial(cursor_text, query.sort),
        partial(cursor_place, query.sort, query.sort.kind),
    )
    return page(
        "editor/pages.html",
        status=status,
        pages=found.items,
        found=found,
        query=query,
        search=request.args.get("search", ""),
        sort=_sort_asked(),
        is_narrowed=bool(query.words or query.status),
        statuses=STATUSES,
        tones=TONES,
        sorts=SORTS,
        templates=TEMPLATES,
        most_title=LONGEST_TITLE,
        typed_title=request.form.get("title", ""),
        at=here_with,
        address_of=lambda slug: address_of(g.site, slug),
        said=SAID.get(request.args.get("said", "")),
        problem=problem,
    )


def _query() -> PageQuery:
    """Return the query of the URL; raise `BadCursor`, `InvalidQuery`."""
    asked, wanted = page_asked_for(), request.args.get("status", "")
    sort = _sort_asked()
    by = Sort(sort.removeprefix("-"))
    return PageQuery(
        words=wanted_words(request.args.get("search", "").strip()),
        status=Status(wanted) if wanted in {*Status} else None,
        sort=by,
        descending=sort.startswith("-"),
        after=cursor_place(by, by.kind, asked.after) if asked.after else None,
        limit=asked.limit,
    )


def _sort_asked() -> str:
    asked = request.args.get("sort", "")
    return asked if asked in SORTS else next(iter(SORTS))
