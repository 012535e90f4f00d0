"""`/admin/uploads/new`: uploads by a form or (with JavaScript) resumable."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.identity import Actor
from avenue.media.categories import ANY, Category, categories_of, policy_of
from avenue.media.intake.filetypes import FILE_TYPES
from avenue.media.intake.models import UploadResult
from avenue.media.intake.receiving import note_upload
from avenue.uploads.bodies import LONGEST_REFERENCE
from avenue.uploads.models import Filing
from avenue.uploads.pages.adding_texts import adding_texts
from avenue.uploads.pages.storage import gauges
from avenue.uploads.pages.uploads import PATH
from avenue.uploads.pages.words import category_name
from avenue.uploads.routes import received
from avenue.uploads.service import UploadService
from avenue.web.audit import audited
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext
from avenue.web.limits import upload_route
from avenue.web.listing import joined
from avenue.web.pages import page, see
from avenue.web.services import using

PART_BYTES = 32 * 1024 * 1024
"""Size of a part in one request: below what proxies usually accept, and so large that a gigabyte
needs far fewer requests than one person may send in a minute."""

blueprint = Blueprint("adding_pages", __name__, url_prefix=PATH, template_folder="../templates")


@blueprint.get("/new")
@require()
def show_adding() -> Response:
    """Show the upload page; `?category ?reference` fill the form."""
    return _form(current_actor())


@blueprint.post("/new")
@require()
@upload_route
@audited("upload.added")
def add_uploads() -> Response:
    """Store the files of a form, and report the rejected ones."""
    actor, uploads = current_actor(), using(UploadService)
    filing: Filing | None = None
    try:
        filing, incoming = received(actor)
        upload_result = uploads.add(actor, filing, incoming, key=None)
    except AvenueError as error:
        return _form(actor, error, _asked(filing))
    note_upload(upload_result)
    if upload_result.refusals:
        return _partly(upload_result, _asked(filing))
    facts = {"said": "added", "count": str(len(upload_result.assets))}
    return see(joined(PATH, facts))


def _asked(filing: Filing | None) -> Mapping[str, str]:
    """Return the values of the form as sent, as far as valid."""
    if filing is None:
        return request.args
    asked = {"category": filing.category.name, "reference": filing.reference or ""}
    return {name: each for name, each in asked.items() if each}


def _partly(upload_result: UploadResult, asked: Mapping[str, str]) -> Response:
    return page(
        "uploads/added.html",
        uploads=upload_result.assets,
        refusals=[(each.name, each.said(gettext)) for each in upload_result.refusals],
        more=joined(f"{PATH}/new", asked),
        path=PATH,
    )


def _form(
    actor: Actor, error: AvenueError | None = None, asked: Mapping[str, str] | None = None
) -> Response:
    asked = asked or request.args
    settings, categories = using(Settings), categories_of(actor.site)
    return page(
        "uploads/new.html",
        error=error,
        categories={name: category_name(name) for name in categories},
        chosen=asked.get("category", ""),
        reference=asked.get("reference", "")[:LONGEST_REFERENCE],
        most_reference=LONGEST_REFERENCE,
        form_mb=using(UploadService).most_mb(actor),
        gauges=gauges(actor),
        days=settings.trash_days,
        facts={
            "owner": actor.id,
            "hours": settings.unclaimed_hours,
            "partBytes": PART_BYTES,
            "categories": {
                name: _category_data(each, settings.max_tus_mb) for name, each in categories.items()
            },
        },
        texts=adding_texts(),
        problem=" ".join(error.said(gettext)) if error else "",
    )


def _category_data(category: Category, most_mb: int) -> dict[str, Any]:
    """Return the data of a category for the module."""
    takes_any, policy = ANY in category.types, policy_of(category, most_mb)
    labels = sorted({FILE_TYPES[each].label for each in policy.media_types})
    return {
        "title": category_name(category.name),
        "maxBytes": policy.max_bytes,
        "types": gettext("Any type") if takes_any else ", ".join(labels),
        "accept": "" if takes_any else ",".join(category.types),
    }
