"""What transactions and jobs of this process name: one site, or the deployment, never two together.

Sites may lie on other clusters than the deployment and than each other, so no transaction can
name two of them. A job may ask a cluster what is due on it for any site (adr/0023); what it then
changes, it changes for one site at a time.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo.monitoring import CommandStartedEvent

from avenue.storage.schema import OUR_COLLECTIONS
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS
from tests.listening import listen, listening

Command = Mapping[str, Any]
DEPLOYMENT = "the deployment"
PARTS = tuple(f"{bucket}.{part}" for bucket in BUCKETS for part in ("files", "chunks"))
QUERIES = {"updates": "q", "deletes": "q"}
CHANGES = frozenset({"insert", "update", "delete", "findAndModify"})


def named_by(command_name: str, command: Command) -> set[str]:
    """The sites that a command names, and the deployment; a site collection of no site is `*`."""
    collection = command.get(command_name)
    if not isinstance(collection, str):
        return set()
    if collection in PARTS:
        owner = "files_id" if collection.endswith(".chunks") else "_id"
        return {_site_in(each.get(owner, "*")) for each in _meant(command)}
    if collection not in OUR_COLLECTIONS:  # somebody else's
        return set()
    if collection not in SITE_COLLECTIONS:
        return {DEPLOYMENT}
    sites = [each.get("site", "*") for each in _meant(command)]
    return {each if isinstance(each, str) else "*" for each in sites}


def _site_in(file_id: object) -> str:
    """The site that an id of a file names, or all that a range or a list names."""
    while isinstance(file_id, Mapping | list):
        inner = file_id.values() if isinstance(file_id, Mapping) else file_id
        file_id = next(iter(inner), "*")
    return str(file_id).partition("/")[0]


def _meant(command: Command) -> list[Command]:
    """The filters and documents of a command."""
    found = [
        command[name] for name in ("filter", "query") if isinstance(command.get(name), Mapping)
    ]
    found += command.get("documents", ())
    for name, query in QUERIES.items():
        found += [each[query] for each in command.get(name, ())]
    if "pipeline" in command:
        found.append(command["pipeline"][0].get("$match", {}) if command["pipeline"] else {})
    return found or [{}]


class Transactions:
    """What each open transaction has named so far; `mixed` are those, and changes by jobs, that
    named two."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._named: dict[tuple[bytes, int], dict[str, set[str]]] = {}
        self.mixed: dict[frozenset[str], str] = {}
        self.seen = 0
        self._here = threading.local()

    @contextmanager
    def in_job(self, kind: str) -> Iterator[None]:
        """Let what this thread changes meanwhile be changes by a job."""
        self._here.job = kind
        try:
            yield
        finally:
            self._here.job = None

    def started(self, event: CommandStartedEvent) -> None:
        """Take a command in."""
        command = event.command
        job = getattr(self._here, "job", None)
        is_drill = event.database_name.endswith("_drill")  # its own copy of all sites
        if job and not is_drill and event.command_name in CHANGES:
            named = named_by(event.command_name, command)
            if len(named) > 1 or "*" in named:
                name = str(command[event.command_name])
                said = f"the job {job}, {event.command_name} of {name}: {' '.join(sorted(named))}"
                self.mixed[frozenset({job, name})] = said
        if command.get("autocommit") is not False or event.database_name == "admin":
            return
        key = (bytes(command["lsid"]["id"]), int(command["txnNumber"]))
        named = named_by(event.command_name, command)
        with self._lock:
            self.seen += 1
            known = self._named.setdefault(key, {})
            for each in named:
                known.setdefault(each, set()).add(str(command.get(event.command_name)))
            collections = frozenset(name for names in known.values() for name in names)
            if len(known) > 1:
                self.mixed[collections] = ", ".join(
                    f"{where}: {' '.join(sorted(names))}" for where, names in sorted(known.items())
                )

    def taken(self) -> list[str]:
        """Return what mixed transactions have named since the last call, and forget the others."""
        with self._lock:
            found = sorted(self.mixed.values())
            self._named.clear()
            self.mixed.clear()
        return found


everywhere = Transactions()
"""The transactions of all tests; see `conftest.py`."""
listen(everywhere.started)


@contextmanager
def watched() -> Iterator[Transactions]:
    """Watch the transactions of a block."""
    found = Transactions()
    with listening(found.started):
        yield found
