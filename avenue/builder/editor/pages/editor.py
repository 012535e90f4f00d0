"""`/admin/website/<id>`: the editor of a page, and the same page as a form without JavaScript."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, g, request
from pydantic import ValidationError

from avenue.builder.editor.pages.website import (
    PATH,
    looked_through,
    remarks_before,
    revision_sent,
)
from avenue.builder.editor.pages.words import FIELDS, SAID, STATUSES, TONES, editor_texts
from avenue.builder.website.blocks import block_texts
from avenue.builder.website.bodies import PageChanges
from avenue.builder.website.errors import PageNotFound, RevisionConflict
from avenue.builder.website.models import (
    LONGEST_SLUG,
    LONGEST_TITLE,
    Page,
    PageQuery,
    PicturedPage,
    Sort,
)
from avenue.builder.website.presenting import page_json, path_of_preview
from avenue.builder.website.previews import USUAL_SECONDS, Previews
from avenue.builder.website.products import ProductCards
from avenue.builder.website.service import PageService
from avenue.config import Settings
from avenue.errors import AvenueError, NotFound, filled
from avenue.field_problems import problems_of
from avenue.identity import Role
from avenue.media.intake.policy import library_pictures
from avenue.web.audit import audited, note, note_each, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.headers import EDITOR_POLICY
from avenue.web.language import LANGUAGES, gettext as _, language
from avenue.web.pages import page, see
from avenue.web.services import using
from avenue.web.site_frame import name_of_locale
from avenue.web.stylesheet import style_url

MB = 1024 * 1024
LONGEST_DESCRIPTION = 500
MOST_ORIGINALS = 200
"""The most pages offered as the original of a translation; the API takes any."""
TEXTS = ("title", "slug", "locale", "html", "css")
SEO = ("seo_title", "seo_description")

blueprint = Blueprint("page_editor", __name__, url_prefix=PATH, template_folder="../../templates")


@blueprint.get("/<page_id>")
@require(Role.EDITOR)
def edit_page(page_id: str) -> Response:
    """Show the editor with the draft of a page."""
    return _shown(using(PageService).get(current_actor(), page_id))


@blueprint.post("/<page_id>")
@require(Role.EDITOR)
@audited("page.changed", "page_id")
def save_page(page_id: str) -> Response:
    """Save the form, and publish or unpublish the page if the form says so."""
    _take_large_forms()
    actor, pages = current_actor(), using(PageService)
    before = pages.get(actor, page_id)
    then = request.form.get("then", "")
    try:
        changes = _typed(before)
        saved = pages.change(actor, page_id, changes, revision_sent())
        answer = _go_on(saved, then)
    except NotFound:
        raise
    except ValidationError as error:
        return _shown(before, problem=_mistakes(error), status=400)
    except RevisionConflict as error:
        return _shown(error.current or before, error=error)
    except AvenueError as error:
        return _shown(before, error=error)
    if saved.page.revision == before.page.revision:
        nothing_changed()
    note(fields=sorted(changes))
    return answer


def _go_on(saved: PicturedPage, then: str) -> Response:
    """Publish what was saved, take it back or show it, if wanted; lead on."""
    actor, pages, page_id = current_actor(), using(PageService), saved.page.id
    remarks = remarks_before(saved) if then == "publish" else []
    if remarks:
        return looked_through(saved, remarks, revision=saved.page.revision)
    if then == "publish":
        pages.publish(actor, page_id, saved.page.revision)
        note_each("page.published", [page_id])
    elif then == "unpublish":
        pages.unpublish(actor, page_id)
        note_each("page.unpublished", [page_id])
    elif then == "preview":
        note_each("page.preview_shared", [page_id])
        return see(path_of_preview(using(Previews).of(g.site, page_id, USUAL_SECONDS)))
    said = then if then in {"publish", "unpublish"} else "saved"
    return see(f"{PATH}/{page_id}?said={said}")


def _take_large_forms() -> None:
    """Allow this form to be as large as a page; it only contains text."""
    most = using(Settings).max_page_mb * MB
    request.max_content_length = request.max_form_memory_size = most


def _typed(before: PicturedPage) -> dict[str, Any]:
    """Return the changed fields of the form; raise `ValidationError`."""
    shown, form = page_json(g.site, before), request.form
    sent: dict[str, Any] = {name: _one_line_end(form[name]) for name in TEXTS if name in form}
    if "themed" in form:
        sent["themed"] = form["themed"] == "1"
    if "translation_of" in form:
        sent["translation_of"] = form["translation_of"] or None
    if any(name in form for name in SEO):
        names = {name: name.removeprefix("seo_") for name in SEO}
        seo = {short: _one_line_end(form.get(name, "")) for name, short in names.items()}
        sent["seo"] = {**shown["seo"], **seo}
    known: dict[str, Any] = dict(shown)
    changed = {name: each for name, each in sent.items() if each != known[name]}
    return PageChanges.model_validate(changed).model_dump(exclude_unset=True)


def _one_line_end(text: str) -> str:
    """Return the text of a field, whose lines end in CR LF, with LF as it is stored."""
    return text.replace("\r\n", "\n").strip()


def _mistakes(error: ValidationError) -> str:
    """Return the errors of the form, field by field."""
    return " ".join(
        f"{FIELDS.get(field, field)}: {filled(problem, words, _)}"
        for field, problem, words in problems_of(error)
    )


def _shown(
    pictured: PicturedPage,
    *,
    error: AvenueError | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    """Show the editor of a page; after an error with what was typed and the message."""
    told, form = page_json(g.site, pictured), request.form
    typed: dict[str, Any] = {
        **told,
        **{name: form[name] for name in TEXTS if name in form},
        "themed": form["themed"] == "1" if "themed" in form else told["themed"],
        "translation_of": form.get("translation_of", told["translation_of"]),
        "seo": {
            "title": form.get("seo_title", told["seo"]["title"]),
            "description": form.get("seo_description", told["seo"]["description"]),
        },
    }
    return page(
        "editor/editor.html",
        csp=EDITOR_POLICY,
        status=error.status if error else status,
        page=told,
        typed=typed,
        difference=error.difference if isinstance(error, RevisionConflict) else "",
        statuses=STATUSES,
        tones=TONES,
        locales=_locales(told["locale"]),
        originals=_originals(pictured.page),
        languages=LANGUAGES,
        language_names={each: _name_of(each) for each in LANGUAGES},
        most={
            "title": LONGEST_TITLE,
            "slug": LONGEST_SLUG,
            "seo_title": LONGEST_TITLE,
            "seo_description": LONGEST_DESCRIPTION,
        },
        texts=editor_texts(),
        facts={
            "page": told,
            "language": language(),
            "uploads": _uploads(),
            "blocks": block_texts(),
            "categories": using(ProductCards).categories(g.site),
            "style": style_url(g.site) if told["themed"] else None,
            "scheme": g.site.theme.scheme,
        },
        said=SAID.get(request.args.get("said", "")),
        problem=" ".join(error.said(_)) if error else problem,
    )


def _uploads() -> dict[str, Any]:
    """Return what the library accepts, for the picker."""
    policy = library_pictures(using(Settings)).on(g.site)
    return {"maxBytes": policy.max_bytes, "types": sorted(policy.media_types)}


def _locales(chosen: str) -> dict[str, str]:
    """Return the languages for a page, including the site's and the chosen one."""
    return {code: _name_of(code) for code in dict.fromkeys((g.site.locale, *LANGUAGES, chosen))}


def _name_of(code: str) -> str:
    return name_of_locale(code, language())


def _originals(page: Page) -> dict[str, str]:
    """Return the pages that this one may be a translation of, and the chosen one, by title."""
    query = PageQuery(sort=Sort.TITLE, descending=False, limit=MOST_ORIGINALS)
    actor, pages = current_actor(), using(PageService)
    found = {each.id: each for each in pages.find(actor, query).items}
    chosen = page.draft.translation_of
    if chosen and chosen not in found:
        with suppress(PageNotFound):
            found[chosen] = pages.get(actor, chosen).page
    return {
        each.id: f"{each.draft.title} · {_name_of(each.draft.locale)}"
        for each in found.values()
        if each.id != page.id and each.draft.locale != page.draft.locale
    }
