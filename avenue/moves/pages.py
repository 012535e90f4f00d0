"""`/admin/infrastructure/move`: imports and exports, for superusers: dry run first, then start."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import LazyString

from avenue.config import Settings
from avenue.errors import AvenueError, NotFound
from avenue.export.models import Part
from avenue.health.views.pages import words
from avenue.health.views.pages.jobs import jobs_shown
from avenue.health.views.pages.tabs import INFRASTRUCTURE, tabs_for
from avenue.jobs.models import Job
from avenue.migration.models import Kind
from avenue.moves.models import ADOPT, MOVES, Adopt, Bring, Move, TakeOut
from avenue.moves.service import MoveService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext, lazy_gettext as _
from avenue.web.pages import page, see, shown_again, size
from avenue.web.services import using

PATH = f"{INFRASTRUCTURE}/move"
PAST_SHOWN = 20
SAID: Mapping[str, LazyString] = {"started": _("Started. See its progress below.")}
KINDS: Mapping[str, LazyString] = {
    "people": _("People"),
    "groups": _("Groups"),
    "products": _("Products"),
    "pages": _("Pages"),
    "pictures": _("Product and group photos"),
    "unnamed": _("Unreferenced photos and files"),
}
OUTCOMES: Mapping[str, LazyString] = {
    "created": _("new"),
    "updated": _("changed"),
    "unchanged": _("unchanged"),
    "known": _("already there"),
    "refused": _("rejected"),
    "stored": _("stored"),
    "present": _("already there"),
    "elsewhere": _("stay elsewhere"),
    "lost": _("lost"),
    "temporary_left": _("temporary, skipped"),
}
HOLDS: Mapping[str, LazyString] = {
    "products": _("Products"),
    "groups": _("Groups"),
    "pictures": _("Photos"),
    "temporary": _("Temporary photos"),
    "pages": _("Pages"),
    "people": _("People"),
    "files": _("Files"),
}
FIGURES: Mapping[str, LazyString] = {
    "stored": _("Stored"),
    "duplicates": _("Duplicates"),
    "unchanged": _("Unchanged"),
    "refused_total": _("Files rejected"),
    "skipped_total": _("Files skipped"),
    "silent_total": _("Old addresses that will stop working"),
    "products": _("Products"),
    "groups": _("Groups"),
    "files": _("Files"),
    "pages": _("Pages"),
    "private_left": _("Private files skipped"),
    "written": _("Written"),
    "kept": _("Already present"),
    "removed": _("Removed"),
    "left_total": _("Skipped"),
}
"""The names of the figures of a report, in order."""
LISTS = ("refused", "left", "silent", "skipped", "lost", "files")
"""The lists that are complete in the downloaded report."""
WHY: Mapping[str, LazyString] = {
    "bad_field": _("One field cannot be imported and was skipped."),
    "broken_image": _("The photo is damaged."),
    "broken_source": _("The record's content is not a file."),
    "changed_here": _("It has changed here since, and stays as it is."),
    "file_too_large": _("The file is too large."),
    "invalid_email": _("This is not an email address."),
    "lost_picture": _("The photo cannot be found: it is neither in the database nor in a folder."),
    "member_gone": _("The group refers to a product that does not exist."),
    "own_address": _("Avenue itself serves this address."),
    "password_needs_reset": _("The password cannot be used: a new one must be set."),
    "rate_limited": _("The source asked to wait, and the wait did not end. Try again later."),
    "same_address": _("Another file has the same address; only one of them is served."),
    "shared_sku": _("Another product has the same SKU, so this one was imported without it."),
    "sku_taken": _("Another product has the same SKU, so this one was imported without it."),
    "source_gone": _("The source no longer has it."),
    "source_refuses": _("The key does not have permission to read it."),
    "unreadable_record": _("The record is missing essential data."),
    "unsafe_name": _("This name cannot be used in an address."),
    "unsupported_media_type": _("Files of this type are not accepted."),
    "would_be_public": _("More people could read it here than at its source."),
}
"""The texts of codes; others are shown as they were stored, in English."""
AS: Mapping[Kind | str, LazyString] = {
    Kind.PRODUCTS: _("Product photos"),
    Kind.MEDIA: _("Media library"),
    Kind.UPLOADS: _("General uploads"),
    "": _("Their original type (Avenue export)"),
}
PARTS: Mapping[Part, LazyString] = {
    Part.PRODUCTS: _("Products"),
    Part.MEDIA: _("Media library"),
    Part.UPLOADS: _("General uploads"),
    Part.PAGES: _("Pages"),
}

blueprint = Blueprint("move_pages", __name__, url_prefix=PATH, template_folder="templates")


def _start_page(error: AvenueError | None = None, **_view: str) -> Response:
    """Show the forms; after an `error` as filled in, without the address."""
    actor = current_actor()
    moves = using(MoveService).list(actor)
    return page(
        "moves/moves.html",
        error=error,
        tabs=tabs_for(actor),
        here=PATH,
        at_work=_shown([each for each in moves if not each.job.is_finished]),
        past=_shown([each for each in moves if each.job.is_finished][:PAST_SHOWN]),
        site=actor.site.id,
        move_kinds=" ".join(MOVES),
        as_what=AS,
        parts=PARTS,
        has_places=bool(using(Settings).move_dir),
        has_clusters=bool(using(Settings).cluster_uris),
        sites=f"{INFRASTRUCTURE}/sites",
        typed={
            name: text
            for name, text in request.form.items()
            if name != "uri" and "@" not in text  # which may have a password before it
        },
        texts=words.texts(),
        problem=" ".join(error.said(gettext)) if error else None,
    )


@blueprint.get("")
@require(superuser=True)
def show_moves() -> Response:
    """Show the forms, and running and finished moves."""
    return _start_page()


@blueprint.get("/<job_id>")
@require(superuser=True)
def show_move(job_id: str) -> Response:
    """Show one move: its progress, its results, and the next steps."""
    actor = current_actor()
    move = using(MoveService).get(actor, job_id)
    return page(
        "moves/move.html",
        tabs=tabs_for(actor),
        here=PATH,
        move=move,
        job=jobs_shown([move.job], actor)[0],
        is_adoption=move.job.kind == ADOPT,
        figures=_figures(move),
        has_report=any((move.report or {}).get(name) for name in LISTS),
        kinds=KINDS,
        outcomes=OUTCOMES,
        holds=HOLDS,
        why=WHY,
        number=_number,
        texts=words.texts(),
        said=SAID.get(request.args.get("said", "")),
    )


@blueprint.post("/adopt")
@audited("job.begun")
@require(superuser=True)
@shown_again(_start_page, besides=NotFound)
def adopt() -> Response:
    """Start a dry run of importing a database; its page then starts the import."""
    form = request.form
    order = Adopt(
        uri=form.get("uri", "").strip(),
        map=form.get("map", "").replace("\r\n", "\n").strip(),
        files=form.get("files", "").strip(),
        hosts=_hosts(),
        is_dry=True,
    )
    return _begun(using(MoveService).adopt(current_actor(), order, is_typed=True))


@blueprint.post("/import")
@audited("job.begun")
@require(superuser=True)
@shown_again(_start_page, besides=NotFound)
def bring() -> Response:
    """Start a dry run of importing files; its page then starts the import."""
    form = request.form
    chosen = form.get("kind", "")
    order = Bring(
        place=form.get("place", "").strip(),
        kind=Kind(chosen) if chosen in {*Kind} else None,
        prefix=form.get("prefix", "").strip() or "/uploads",
        hosts=_hosts(),
        is_public=bool(form.get("public")),
        is_dry=True,
    )
    return _begun(using(MoveService).bring(current_actor(), order, is_typed=True))


@blueprint.post("/external")
@audited("job.begun")
@require(superuser=True)
@shown_again(_start_page, besides=NotFound)
def bring_external() -> Response:
    """Start importing the pictures that records name on other hosts."""
    return _begun(using(MoveService).bring_external(current_actor(), is_typed=True))


@blueprint.post("/export")
@audited("job.begun")
@require(superuser=True)
@shown_again(_start_page, besides=NotFound)
def take_out() -> Response:
    """Start an export, or a dry run of it."""
    form = request.form
    order = TakeOut(
        target=form.get("target", "").strip(),
        parts=frozenset(each for each in Part if each in form.getlist("parts")) or frozenset(Part),
        has_private=bool(form.get("private")),
        is_dry=form.get("do") != "start",
    )
    return _begun(using(MoveService).take_out(current_actor(), order, is_typed=True))


@blueprint.post("/<job_id>/start")
@audited("job.begun")
@require(superuser=True)
@shown_again(_start_page, besides=NotFound)
def start(job_id: str) -> Response:
    """Start a move after a dry run, or a finished one again."""
    follows = bool(request.form.get("follow"))
    return _begun(using(MoveService).start(current_actor(), job_id, follows=follows))


def _begun(job: Job) -> Response:
    note(object_id=job.id, kind=job.kind)
    return see(f"{PATH}/{job.id}?said=started")


def _shown(moves: list[Move]) -> list[dict[str, Any]]:
    """Return jobs for `health/_jobs.html`, each linked to its own page."""
    shown = jobs_shown([each.job for each in moves], current_actor())
    for each, move in zip(shown, moves, strict=True):
        each["path"] = f"{PATH}/{move.job.id}"
        if move.is_dry:
            each["name"] += ": " + gettext("preview")
    return shown


def _figures(move: Move) -> list[tuple[LazyString, str]]:
    report = move.report or {}
    if move.job.kind == ADOPT:
        return []
    found = ((says, _total(report.get(name))) for name, says in FIGURES.items())
    return [
        *_planned(report.get("plan") if move.is_dry else None),
        *((says, _number(value)) for says, value in found if isinstance(value, int)),
    ]


def _total(value: Any) -> Any:
    """Return the total of all outcomes."""
    return sum(value.values()) if isinstance(value, Mapping) else value


def _planned(plan: Mapping[str, Any] | None) -> list[tuple[LazyString, str]]:
    """Return how much there is to copy, how long it takes, and whether it fits."""
    if not plan:
        return []
    rows = [
        (_("Files to copy"), _number(plan["entries"])),
        (_("Size"), size(plan["bytes"])),
    ]
    if "references" in plan:
        rows.append((_("References in records"), _number(plan["references"])))
    if plan.get("days") is not None:
        rows.append((_("Days at the source's rate limit"), words.number(plan["days"], 2)))
    if not plan["fits"]:
        rows.append((_("Site quota"), gettext("Not enough space left.")))
    return rows


def _hosts() -> tuple[str, ...]:
    return tuple(request.form.get("hosts", "").replace(",", " ").split())[:20]


def _number(value: float) -> str:
    return words.number(value, 0)
