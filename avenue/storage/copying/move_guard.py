"""Lets only the current mover of a site write to the cluster that it moves to."""

import contextlib

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from avenue.storage.connection import META, Database, Document


class MoverReplaced(Exception):
    """Another process has taken over the move."""


class Guard:
    """Lets only one process at a time write to a cluster for a site that is not there yet."""

    def __init__(self, cluster: Database, site_id: str, mover: str, epoch: int) -> None:
        """`mover` is a unique name of this run, `epoch` the step it takes."""
        self._cluster = cluster
        self._meta = cluster.raw[META]
        self._by_id = {"_id": f"move/{site_id}"}
        self._mover, self._epoch = mover, epoch

    def take_over(self) -> None:
        """Become the current mover; raise `MoverReplaced` if the move has continued since."""
        self._put({"mover": self._mover, "epoch": self._epoch})

    def leave(self) -> None:
        """Let no run write before the next move, this one included; repeatable."""
        with contextlib.suppress(MoverReplaced):
            self._put({"mover": None, "epoch": self._epoch + 1})

    def check(self, session: ClientSession) -> None:
        """Raise `MoverReplaced` in a transaction of a run that is no longer the current one."""
        mine = {**self._by_id, "mover": self._mover}
        if not self._meta.update_one(mine, {"$inc": {"writes": 1}}, session=session).matched_count:
            raise MoverReplaced

    def _put(self, fields: Document) -> None:
        past = {**self._by_id, "epoch": {"$lte": fields["epoch"]}}
        try:
            self._cluster.repeat(
                lambda: self._meta.update_one(past, {"$set": fields}, upsert=True),
                self._cluster.write_seconds,
            )
        except DuplicateKeyError as error:
            raise MoverReplaced from error
