"""Begins moves in and out as jobs, for those who run the installation.

What a page or the API asks for `is_typed`: it may name less than a command, which somebody starts
who can read the files of the machine and its environment anyhow.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from avenue.errors import Forbidden
from avenue.identity import Actor
from avenue.jobs.errors import JobNotFound
from avenue.jobs.models import Job
from avenue.jobs.sealing import Sealing
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
from avenue.storage.earlier import EarlierDatabase, check_typed, shown

REMOTE = ("s3:", "supabase:", "cloudinary:", "cfimages:")
_SERVICE = re.compile(
    r"(?:s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|(?:cloudinary|cfimages):[\w-]{1,100})(?:/.*)?"
    r"|supabase:[^@]+",
    re.DOTALL,
)
"""None of them has room for a key, which would be kept with the job."""
LISTS = frozenset({".csv", ".jsonl", ".ndjson"})
SUPABASE = ".supabase.co"
EXTERNAL = "external"


class MoveService:
    """Every method raises `Forbidden` unless the actor is a superuser."""

    def __init__(self, jobs: JobService, sealing: Sealing, move_dir: Path | None) -> None:
        """`move_dir` is where typed paths may lead; without one they may lead nowhere."""
        self._jobs = jobs
        self._sealing = sealing
        self._move_dir = move_dir

    def adopt(self, actor: Actor, order: Adopt, *, is_typed: bool) -> Job:
        """Begin to bring in an earlier application's database.

        Raise `BadSource`, `BadMap` or `PlaceNotAllowed`. Nobody has asked the database by then.
        """
        _admit(actor)
        if is_typed:
            check_typed(order.uri)
        EarlierDatabase(order.uri).close()
        if order.map:
            read_map(order.map)
        args = {
            "where": shown(order.uri),
            "mark": self._sealing.mark(order.uri),
            "map": order.map,
            "files": self._place(order.files, is_typed=is_typed) if order.files else "",
            "hosts": list(order.hosts),
            "is_dry": order.is_dry,
            "follows": order.follows,
        }
        sealed = {SEALED: self._sealing.sealed(order.uri)}
        return self._begin(actor, ADOPT, args, sealed, is_local=bool(order.files))

    def bring(self, actor: Actor, order: Bring, *, is_typed: bool) -> Job:
        """Begin to bring files in; raise `BadPlace`, `PlaceNotAllowed` or `ServerNotAllowed`."""
        _admit(actor)
        is_remote = _is_service(order.place)
        where = order.place if is_remote else self._place(order.place, is_typed=is_typed)
        if is_typed and order.place.startswith("supabase:"):
            _check_supabase(order.place)
        is_list = not is_remote and Path(order.place).suffix.lower() in LISTS
        args = {
            "where": where,
            "as": order.kind.value if order.kind else None,
            "prefix": order.prefix,
            "hosts": list(order.hosts),
            "is_public": order.is_public,
            "is_dry": order.is_dry,
        }
        kind = IMPORT_FROM if is_remote or is_list else IMPORT_FOLDER
        if order.kind is None:
            kind = IMPORT_EXPORT
        return self._begin(actor, kind, args, is_local=not is_remote)

    def bring_external(self, actor: Actor) -> Job:
        """Begin to bring in the pictures that records name at other addresses."""
        _admit(actor)
        # As the button under Problems does: pressed at both places it is one job.
        return self._jobs.enqueue(IMPORT_EXTERNAL, site=actor.site.id, key=EXTERNAL)

    def take_out(self, actor: Actor, order: TakeOut, *, is_typed: bool) -> Job:
        """Begin to take the site out; raise `BadPlace` or `PlaceNotAllowed`."""
        _admit(actor)
        is_remote = order.target.startswith("s3:") and _is_service(order.target)
        where = order.target if is_remote else self._place(order.target, is_typed=is_typed)
        args = {
            "where": where,
            "parts": sorted(each.value for each in order.parts),
            "has_private": order.has_private,
            "is_dry": order.is_dry,
        }
        return self._begin(actor, EXPORT, args, is_local=not is_remote)

    def start(self, actor: Actor, job_id: str, *, follows: bool) -> Job:
        """Begin in earnest what a dry run looked at, or once more what is over.

        Of those, an adoption goes on if it `follows`. Raise `JobNotFound`.
        """
        move = self.get(actor, job_id)
        if not move.can_start:
            raise JobNotFound
        args = dict(move.job.args)
        sealed = {SEALED: args.pop(SEALED)} if SEALED in args else {}
        is_local = move.job.machine is not None
        args["is_dry"] = False
        if move.job.kind == ADOPT:
            args["follows"] = follows
        return self._begin(actor, move.job.kind, args, sealed, is_local=is_local)

    def list(self, actor: Actor) -> list[Move]:
        """Return the moves of the actor's site: those that are not over, then the newest of others.

        Reports are left out.
        """
        _admit(actor)
        site = actor.site.id
        jobs = [*self._jobs.unfinished(site=site), *self._jobs.finished(site=site)]
        return [move_of(each) for each in jobs if each.kind in MOVES]

    def get(self, actor: Actor, job_id: str) -> Move:
        """Return one move of the actor's site; raise `JobNotFound`."""
        _admit(actor)
        job = self._jobs.get(job_id)
        if job.kind not in MOVES or job.site != actor.site.id:
            raise JobNotFound
        return move_of(job)

    def _begin(
        self,
        actor: Actor,
        kind: str,
        args: Mapping[str, Any],
        sealed: Mapping[str, str] | None = None,
        *,
        is_local: bool,
    ) -> Job:
        """Queue a job, or return the unfinished one that was asked for in the same words."""
        said = json.dumps(args, sort_keys=True).encode()
        return self._jobs.enqueue(
            kind,
            {**args, **(sealed or {})},
            site=actor.site.id,
            key=hashlib.sha256(said).hexdigest(),
            is_local=is_local,
        )

    def _place(self, text: str, *, is_typed: bool) -> str:
        """Return a path of this machine in full."""
        if not is_typed:
            return str(Path(text).resolve())
        if self._move_dir is None or "\x00" in text:
            raise PlaceNotAllowed
        top = self._move_dir.resolve()
        place = (top / text).resolve()
        if not place.is_relative_to(top):
            raise PlaceNotAllowed
        return str(place)


def as_operator(actor: Actor) -> Actor:
    """Return who acts in a command: whoever starts one runs the installation."""
    return replace(actor, superuser=True)


def _is_service(text: str) -> bool:
    """Tell whether that is an address of a service, and no path; raise `BadPlace`."""
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


def _admit(actor: Actor) -> None:
    if not actor.superuser:
        raise Forbidden
