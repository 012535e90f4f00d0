"""Stores a small file as uploads do, and deletes it.

It uses the spool and the bucket of general uploads of one site, but has no asset. So it is never
visible, and if the process is killed before deleting it, it is a file without an asset, which the
sweeper removes an hour later.
"""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from avenue.clock import utc_now
from avenue.errors import AvenueError
from avenue.health.models import Fit, Step
from avenue.identity import new_id
from avenue.media.intake.spool import fill, new_spool
from avenue.media.models import Asset, State, Version, Visibility
from avenue.media.store.assets import AssetStore

BUCKET = "uploads"
NAME = "probe.bin"
BYTES = 64 * 1024
STEPS = ("spool", "write", "confirm", "read", "hash", "delete")
SECONDS = 10.0
"""The time limit of all steps together."""
CLEARING_SECONDS = 2.0
"""The time limit for deleting the remains of a failed step at once."""
KNOWN_SECONDS = 10.0
"""How long a result is cached, so that frequent requests do not fill the oplog."""

log = logging.getLogger(__name__)

Deadline = Callable[[float], AbstractContextManager[None]]


class Mismatch(Exception):
    """A step was done, but its result is wrong; the message says how."""


class ProbeService:
    """Runs probes in `site`, once in `KNOWN_SECONDS`; safe to use from many threads.

    `deadline` limits the time of database operations in its block.
    """

    def __init__(
        self,
        store: AssetStore,
        deadline: Deadline,
        *,
        site: str,
        tmp_dir: Path,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._deadline = deadline
        self._site = site
        self._tmp_dir = tmp_dir
        self._now = now
        self._probing = threading.Lock()
        self._known: tuple[Step, ...] = ()
        self._good_until = float("-inf")

    def probe(self) -> tuple[Step, ...]:
        """Return the result of each step, from a probe now or a recent one; never raises.

        After the first failed step the others are `unknown`, and what was stored is deleted.
        """
        with self._probing:
            if self._now() >= self._good_until:
                self._known = self._probed()
                self._good_until = self._now() + KNOWN_SECONDS
            return self._known

    def _probed(self) -> tuple[Step, ...]:
        content = os.urandom(BYTES)
        asset = self._asset(content)
        steps = _Steps()
        with suppress(_StepFailed), self._deadline(SECONDS):
            self._do(steps, asset, content)
        if not steps.is_whole:
            self._clear_away(asset)
        return steps.all

    def _do(self, steps: "_Steps", asset: Asset, content: bytes) -> None:
        store, version = self._store, asset.current
        with ExitStack() as held:
            with steps.doing("spool"):
                spool = held.enter_context(new_spool(self._tmp_dir))
                fill(spool, [content])
            with steps.doing("write"):
                store.write_file(asset, version, spool)
        with steps.doing("confirm"):
            if not store.is_safe(asset, version):
                raise Mismatch("A majority of the members does not have the file.")
        with steps.doing("read"):
            stored = b"".join(store.read_file(asset, version, 0, version.bytes))
        with steps.doing("hash"):
            if hashlib.sha256(stored).hexdigest() != version.sha256:
                raise Mismatch("Other bytes were read than were written.")
        with steps.doing("delete"):
            store.delete_file(asset.site, asset.bucket, version.file)
            if store.has_file(asset, version):
                raise Mismatch("The file is still there after it was deleted.")

    def _asset(self, content: bytes) -> Asset:
        """Return the asset that the file would belong to; it is never stored."""
        now, digest = utc_now(), hashlib.sha256(content).hexdigest()
        version = Version(
            file=new_id(),
            sha256=digest,
            source_sha256=digest,
            bytes=len(content),
            media_type="application/octet-stream",
            width=None,
            height=None,
            at=now,
            by=None,
        )
        return Asset(
            id=new_id(),
            site=self._site,
            bucket=BUCKET,
            owner=None,
            name=NAME,
            visibility=Visibility.PRIVATE,
            state=State.LIVE,
            claim=None,
            versions=(version,),
            revision=1,
            created_at=now,
        )

    def _clear_away(self, asset: Asset) -> None:
        with suppress(Exception), self._deadline(CLEARING_SECONDS):  # otherwise the sweeper does it
            self._store.delete_file(asset.site, asset.bucket, asset.current.file)


class _StepFailed(Exception):
    """Ends the steps."""


class _Steps:
    """The result of each step so far."""

    def __init__(self) -> None:
        self._found = {name: Step(name=name, state=Fit.UNKNOWN) for name in STEPS}

    @property
    def all(self) -> tuple[Step, ...]:
        return tuple(self._found.values())

    @property
    def is_whole(self) -> bool:
        return all(each.state is Fit.OK for each in self.all)

    @contextmanager
    def doing(self, name: str) -> Iterator[None]:
        """Record the outcome of the block; raise `_StepFailed` if it fails."""
        began_at, failure = time.perf_counter(), None
        try:
            yield
        except Exception as error:
            failure = _words(error)
            log.warning("The probe failed at %s: %s", name, failure, exc_info=_surprise(error))
            raise _StepFailed from error
        finally:
            self._found[name] = replace(
                self._found[name],
                state=Fit.FAILED if failure else Fit.OK,
                detail=failure,
                milliseconds=round((time.perf_counter() - began_at) * 1000, 1),
            )


def _words(error: Exception) -> str:
    """Return a text without what foreign exceptions may contain: addresses, names, secrets."""
    if isinstance(error, AvenueError):
        return error.message
    if isinstance(error, Mismatch):
        return str(error)
    return f"It ended with {type(error).__name__}; the log has the details."


def _surprise(error: Exception) -> Exception | None:
    return None if isinstance(error, AvenueError | Mismatch) else error
