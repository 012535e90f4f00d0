"""Starts moves in and out as jobs, for operators of the deployment.

Requests from pages and the API are `is_typed`: they may use fewer paths and servers than commands,
whose callers can read the machine's files and environment anyway. A command runs its job itself.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from avenue.identity import Actor
from avenue.jobs.errors import JobNotFound
from avenue.jobs.models import WITH_COMMAND, Job
from avenue.jobs.service import JobService
from avenue.media.references import IMPORT_EXTERNAL
from avenue.migration.adopt.maps import read_map
from avenue.moves.errors import BadPlace, PlaceNotAllowed, ServerNotAllowed
from avenue.moves.models import (
    ADOPT,
    EXPORT,
    IMPORT_EXPORT,
    IMPORT_FOLDER,
    IMPORT_FROM,
    MOVES,
    SEALED,
    Adopt,
    Bring,
    Move,
    TakeOut,
    move_of,
)
from avenue.moves.store import MoveReports
from avenue.sealing import Sealing
from avenue.storage.earlier import EarlierDatabase, check_typed, shown

REMOTE = ("s3:", "supabase:", "cloudinary:", "cfimages:")
_SERVICE = re.compile(
    r"(?:s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|(?:cloudinary|cfimages):[\w-]{1,100})(?:/.*)?"
    r"|supabase:[^@]+",
    re.DOTALL,
)
"""Their addresses have no place for a key, which would be stored with the job."""
LISTS = frozenset({".csv", ".jsonl", ".ndjson"})
SUPABASE = ".supabase.co"
EXTERNAL = "external"
COMMAND_BEGINS_SECONDS = 5.0
"""For so long other processes leave the job of a command to it."""


class MoveService:
    """Every method raises `Forbidden` unless the actor is a superuser."""

    def __init__(
        self, jobs: JobService, sealing: Sealing, reports: MoveReports, move_dir: Path | None
    ) -> None:
        """`move_dir` is the directory that typed paths must be below; None allows no paths."""
        self._jobs = jobs
        self._sealing = sealing
        self._reports = reports
        self._move_dir = move_dir

    def adopt(self, actor: Actor, order: Adopt, *, is_typed: bool) -> Job:
        """Start importing an earlier application's database.

        Raise `BadSource`, `BadMap` or `PlaceNotAllowed`. The database is not contacted yet.
        """
        actor.must_be_superuser()
        if is_typed:
            check_typed(order.uri)
        EarlierDatabase(order.uri).close()
        if order.map:
            read_map(order.map)
        files = self._path(order.files, is_typed=is_typed) if order.files else None
        args = {
            "where": shown(order.uri),
            "mark": self._sealing.mark(order.uri),
            "map": order.map,
            "files": str(files or ""),
            "hosts": list(order.hosts),
            "is_dry": order.is_dry,
            "follows": order.follows,
        }
        sealed = {SEALED: self._sealing.sealed(order.uri)}
        return self._begin(actor, ADOPT, args, sealed, path=files, is_typed=is_typed)

    def bring(self, actor: Actor, order: Bring, *, is_typed: bool) -> Job:
        """Start importing files; raise `BadPlace`, `PlaceNotAllowed` or `ServerNotAllowed`."""
        actor.must_be_superuser()
        is_remote = _is_service(order.place)
        path = None if is_remote else self._path(order.place, is_typed=is_typed)
        if is_typed and order.place.startswith("supabase:"):
            _check_supabase(order.place)
        is_list = not is_remote and is_place_of_urls(order.place)
        args = {
            "where": str(path or order.place),
            "as": order.kind.value if order.kind else None,
            "prefix": order.prefix,
            "hosts": list(order.hosts),
            "is_public": order.is_public,
            "is_dry": order.is_dry,
        }
        kind = IMPORT_FROM if is_remote or is_list else IMPORT_FOLDER
        if order.kind is None:
            kind = IMPORT_EXPORT
        return self._begin(actor, kind, args, path=path, is_typed=is_typed)

    def bring_external(self, actor: Actor, *, is_dry: bool = False, is_typed: bool) -> Job:
        """Start importing the pictures that records name on other hosts."""
        actor.must_be_superuser()
        if is_dry:
            return self._begin(actor, IMPORT_EXTERNAL, {"is_dry": True}, is_typed=is_typed)
        # The same key as the button under Problems: both start one job.
        return self._jobs.enqueue(
            IMPORT_EXTERNAL, site=actor.site.id, key=EXTERNAL, after_seconds=_waits(is_typed)
        )

    def take_out(self, actor: Actor, order: TakeOut, *, is_typed: bool) -> Job:
        """Start an export of the site; raise `BadPlace` or `PlaceNotAllowed`."""
        actor.must_be_superuser()
        is_remote = order.target.startswith("s3:") and _is_service(order.target)
        path = None if is_remote else self._path(order.target, is_typed=is_typed)
        args = {
            "where": str(path or order.target),
            "parts": sorted(each.value for each in order.parts),
            "has_private": order.has_private,
            "is_dry": order.is_dry,
        }
        return self._begin(actor, EXPORT, args, path=path, is_typed=is_typed)

    def start(self, actor: Actor, job_id: str, *, follows: bool) -> Job:
        """Start a move after a dry run, or a finished one again.

        A finished adoption continues with later changes if it `follows`. Raise `JobNotFound`.
        """
        move = self.get(actor, job_id)
        if not move.can_start:
            raise JobNotFound
        args = dict(move.job.args)
        sealed = {SEALED: args.pop(SEALED)} if SEALED in args else {}
        args["is_dry"] = False
        if move.job.kind == ADOPT:
            args["follows"] = follows
        return self._enqueue(actor, move.job.kind, args, sealed, place=move.job.place)

    def list(self, actor: Actor) -> list[Move]:
        """Return the moves of the actor's site: unfinished ones, then the newest finished ones.

        Reports are left out.
        """
        actor.must_be_superuser()
        site = actor.site.id
        jobs = [*self._jobs.unfinished(site=site), *self._jobs.finished(site=site)]
        return [move_of(each) for each in jobs if each.kind in MOVES]

    def get(self, actor: Actor, job_id: str) -> Move:
        """Return a move of the actor's site; raise `JobNotFound`."""
        actor.must_be_superuser()
        job = self._jobs.get(job_id)
        if job.kind not in MOVES or job.site != actor.site.id:
            raise JobNotFound
        return move_of(job)

    def report(self, actor: Actor, job_id: str) -> Iterator[str]:
        """Return the report lines of a move, in batches; raise `JobNotFound`."""
        return self._reports.pieces(actor.site.id, self.get(actor, job_id).job.id)

    def _begin(
        self,
        actor: Actor,
        kind: str,
        args: Mapping[str, Any],
        sealed: Mapping[str, str] | None = None,
        *,
        path: Path | None = None,
        is_typed: bool,
    ) -> Job:
        """Queue a job that needs `path`, if any: below the directory for moves, or with a command.

        Otherwise another process might have a different folder at that path.
        """
        place = None
        if path is not None:
            top = place_of(self._move_dir)
            place = top if top and path.is_relative_to(top) else WITH_COMMAND
        after = _waits(is_typed)
        return self._enqueue(actor, kind, args, sealed, place=place, after_seconds=after)

    def _enqueue(
        self,
        actor: Actor,
        kind: str,
        args: Mapping[str, Any],
        sealed: Mapping[str, str] | None,
        *,
        place: str | None,
        after_seconds: float = 0,
    ) -> Job:
        """Queue a job, or return the unfinished one with the same arguments."""
        said = json.dumps(args, sort_keys=True).encode()
        return self._jobs.enqueue(
            kind,
            {**args, **(sealed or {})},
            site=actor.site.id,
            key=hashlib.sha256(said).hexdigest(),
            place=place,
            after_seconds=after_seconds,
        )

    def _path(self, text: str, *, is_typed: bool) -> Path:
        """Return an absolute path of this machine."""
        if not is_typed:
            return Path(text).resolve()
        top = place_of(self._move_dir)
        if top is None or "\x00" in text:
            raise PlaceNotAllowed
        path = (Path(top) / text).resolve()
        if not path.is_relative_to(top):
            raise PlaceNotAllowed
        return path


def place_of(move_dir: Path | None) -> str | None:
    """Return the name of the directory for moves in jobs, None if there is none.

    Directories of the same path on several hosts are assumed to be the same.
    """
    return str(move_dir.resolve()) if move_dir and move_dir.is_dir() else None


def as_operator(actor: Actor) -> Actor:
    """Return the actor of a command: an operator of the deployment."""
    return replace(actor, superuser=True)


def is_place_of_urls(text: str) -> bool:
    """Return whether it is a list of URLs."""
    return Path(text).suffix.lower() in LISTS


def is_place_of_files(text: str) -> bool:
    """Return whether it is a folder or a ZIP, and neither a service nor a list of URLs."""
    return not text.startswith(REMOTE) and not is_place_of_urls(text)


def _is_service(text: str) -> bool:
    """Return whether it is an address of a service, and no path; raise `BadPlace`."""
    if not text.startswith(REMOTE):
        return False
    if not _SERVICE.fullmatch(text):
        raise BadPlace
    return True


def _check_supabase(source: str) -> None:
    rest = source.partition(":")[2]
    try:
        host = urlsplit(rest if "://" in rest else f"https://{rest}").hostname or ""
    except ValueError:
        host = ""
    if not host.lower().endswith(SUPABASE):
        raise ServerNotAllowed


def _waits(is_typed: bool) -> float:
    return 0 if is_typed else COMMAND_BEGINS_SECONDS
