"""Reports of the library, as JSON and as a table, under `/api/builder/reports`."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from flask import Blueprint, Response, g, jsonify, request
from pydantic import Field

from avenue.builder.library.folders.service import FolderService
from avenue.builder.library.models import MediaQuery, Sort
from avenue.builder.library.presenting import list_json
from avenue.builder.library.replies import MediaList
from avenue.builder.library.routes.lists import LIST_REFUSALS
from avenue.builder.library.service import MediaService
from avenue.clock import iso
from avenue.identity import Actor, Role
from avenue.media.models import Asset
from avenue.media.urls import original_url
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.language import gettext as _
from avenue.web.paging import cursor_place
from avenue.web.parsing import PageQuery, one_of, page_asked_for
from avenue.web.services import using
from avenue.web.tables import CSV_TYPE, table

REPORT = Reply({JSON: MediaList, CSV_TYPE: str}, "The pictures, the newest first.")

blueprint = Blueprint("media_reports", __name__, url_prefix="/api/builder/reports")


class ReportQuery(PageQuery, total=False):
    """A part of a report, and its format; a table contains everything, up to 50,000 rows."""

    format: Annotated[
        Literal["json", "csv"], Field(description="Else `Accept: text/csv` asks for a table.")
    ]


@blueprint.get("/alt")
@require(Role.EDITOR)
@described(query=ReportQuery, replies={200: REPORT}, refuses=LIST_REFUSALS)
def report_alt() -> Response:
    """List the pictures without a required text in the site's language."""
    return _report("alt", MediaQuery(lacks_alt=g.site.language))


@blueprint.get("/unused")
@require(Role.EDITOR)
@described(query=ReportQuery, replies={200: REPORT}, refuses=LIST_REFUSALS)
def report_unused() -> Response:
    """List the unused pictures."""
    return _report("unused", MediaQuery(unused=True))


def _report(name: str, query: MediaQuery) -> Response:
    # a table contains everything; invalid parameters are rejected all the same
    actor, page = current_actor(), page_asked_for()
    if _wants_table():
        found = using(MediaService).walk(actor, query)
        return table(f"{g.site.id}-{name}", _head(), _rows(actor, found))
    after = cursor_place(Sort.NEWEST, Sort.NEWEST.kind, page.after) if page.after else None
    part = query.part(limit=page.limit, after=after)
    return jsonify(list_json(g.site, using(MediaService).find(actor, part), Sort.NEWEST))


def _wants_table() -> bool:
    wanted = request.args.get("format")
    if wanted is not None:
        return one_of("format", wanted, ["json", "csv"]) == "csv"
    return request.accept_mimetypes.best_match([JSON, CSV_TYPE]) == CSV_TYPE


def _head() -> Sequence[str]:
    return (
        _("ID"),
        _("Name"),
        _("Folder"),
        _("Type"),
        _("Bytes"),
        _("Uploaded (UTC)"),
        _("Alt texts"),
        _("Address"),
    )


def _rows(actor: Actor, found: Iterator[Asset]) -> Iterator[Sequence[str]]:
    ways = {
        folder: " / ".join(step.name for step in way)
        for folder, way in using(FolderService).ways(actor).items()
    }
    for each in found:
        yield (
            each.id,
            each.name,
            ways.get(each.folder or "", ""),
            each.current.media_type,
            str(each.current.bytes),
            iso(each.created_at),
            ", ".join(sorted(language for language, text in each.alt.items() if text)),
            original_url(actor.site, each),
        )
