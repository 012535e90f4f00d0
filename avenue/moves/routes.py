"""Moves in and out as JSON, under `/api/ops/moves`, for superusers.

They are paused, resumed and cancelled like all jobs, under `/api/ops/jobs`.
"""

from flask import Blueprint, Response, jsonify

from avenue.export.models import Part
from avenue.jobs.errors import JobNotFound
from avenue.jobs.models import Job
from avenue.jobs.presenting import job_json
from avenue.migration.adopt.errors import BadMap
from avenue.moves.bodies import AdoptBody, ExportBody, ImportBody, StartBody
from avenue.moves.errors import BadPlace, PlaceNotAllowed, ServerNotAllowed
from avenue.moves.models import Adopt, Bring, Move, TakeOut, move_of
from avenue.moves.replies import MoveList, MoveReply
from avenue.moves.service import MoveService
from avenue.storage.earlier import BadSource
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import Reply, described
from avenue.web.parsing import body_as
from avenue.web.services import using

JSONL = "application/jsonl"
LARGEST_KB = 1100
"""A map file of 1 MB fits."""

blueprint = Blueprint("moves", __name__, url_prefix="/api/ops/moves")


@blueprint.get("")
@require(superuser=True)
@described(replies={200: MoveList})
def list_moves() -> Response:
    """List the moves of the site without their reports: unfinished ones, then finished ones."""
    items = [_move_json(each) for each in using(MoveService).list(current_actor())]
    listed: MoveList = {"items": items, "next": None, "total": len(items)}
    return jsonify(listed)


@blueprint.get("/<job_id>/report")
@require(superuser=True)
@described(replies={200: MoveReply}, refuses=(JobNotFound,))
def show_move(job_id: str) -> Response:
    """Show a move with its findings, results and refusals."""
    return jsonify(_move_json(using(MoveService).get(current_actor(), job_id)))


@blueprint.get("/<job_id>/report.jsonl")
@require(superuser=True)
@described(replies={200: Reply({JSONL: str}, "JSON Lines.")}, refuses=(JobNotFound,))
def download_report(job_id: str) -> Response:
    """Download all lists of a move (`refused`, …) as JSON Lines, each line with its `list`."""
    lines = using(MoveService).report(current_actor(), job_id)
    answer = Response(lines, mimetype=JSONL)
    answer.headers["Content-Disposition"] = f'attachment; filename="{job_id}.jsonl"'
    return answer


@blueprint.post("/adopt")
@audited("job.begun")
@require(superuser=True)
@described(body=AdoptBody, replies={202: MoveReply}, refuses=(BadSource, BadMap, PlaceNotAllowed))
def adopt() -> tuple[Response, int]:
    """Import the database of an earlier application, or run a dry run of it."""
    wanted = body_as(AdoptBody, most_kb=LARGEST_KB)
    order = Adopt(
        uri=wanted.uri,
        map=wanted.map,
        files=wanted.files,
        hosts=tuple(wanted.hosts),
        is_dry=wanted.dry_run,
        follows=wanted.follow,
    )
    return _begun(using(MoveService).adopt(current_actor(), order, is_typed=True))


@blueprint.post("/import")
@audited("job.begun")
@require(superuser=True)
@described(
    body=ImportBody, replies={202: MoveReply}, refuses=(BadPlace, PlaceNotAllowed, ServerNotAllowed)
)
def bring() -> tuple[Response, int]:
    """Import another service, a list of URLs, a folder or a ZIP."""
    wanted = body_as(ImportBody)
    order = Bring(
        place=wanted.place,
        kind=wanted.kind,
        prefix=wanted.prefix,
        hosts=tuple(wanted.hosts),
        is_public=wanted.public,
        is_dry=wanted.dry_run,
    )
    return _begun(using(MoveService).bring(current_actor(), order, is_typed=True))


@blueprint.post("/external")
@audited("job.begun")
@require(superuser=True)
@described(replies={202: MoveReply})
def bring_external() -> tuple[Response, int]:
    """Import the pictures that records name on other hosts."""
    return _begun(using(MoveService).bring_external(current_actor(), is_typed=True))


@blueprint.post("/export")
@audited("job.begun")
@require(superuser=True)
@described(body=ExportBody, replies={202: MoveReply}, refuses=(BadPlace, PlaceNotAllowed))
def take_out() -> tuple[Response, int]:
    """Export the site as files."""
    wanted = body_as(ExportBody)
    order = TakeOut(
        target=wanted.target,
        parts=frozenset(wanted.parts) or frozenset(Part),
        has_private=wanted.private,
        is_dry=wanted.dry_run,
    )
    return _begun(using(MoveService).take_out(current_actor(), order, is_typed=True))


@blueprint.post("/<job_id>/start")
@audited("job.begun")
@require(superuser=True)
@described(body=StartBody, replies={202: MoveReply}, refuses=(JobNotFound,))
def start(job_id: str) -> tuple[Response, int]:
    """Start a move after a dry run, or a finished one again."""
    wanted = body_as(StartBody)
    return _begun(using(MoveService).start(current_actor(), job_id, follows=wanted.follow))


def _begun(job: Job) -> tuple[Response, int]:
    note(object_id=job.id, kind=job.kind)
    return jsonify(_move_json(move_of(job))), 202


def _move_json(move: Move) -> MoveReply:
    return {
        **job_json(move.job),
        "where": move.where,
        "dry_run": move.is_dry,
        "follow": move.follows,
        "behind_seconds": move.behind_seconds,
        "report": None if move.report is None else dict(move.report),
    }
