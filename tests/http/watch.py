"""Watches every MongoDB command of the application: none may look beyond its site."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo.monitoring import CommandListener

from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS

Command = Mapping[str, Any]

FILES = frozenset(f"{bucket}.files" for bucket in BUCKETS)
CHUNKS = frozenset(f"{bucket}.chunks" for bucket in BUCKETS)
# Where each command says which documents it means: a filter, or documents themselves.
FILTERS = {"find": "filter", "findAndModify": "query", "count": "query", "distinct": "query"}
STATEMENTS = {"update": ("updates", "q"), "delete": ("deletes", "q")}
JOURNALED = {"w": "majority", "j": True}
REACHING_STAGES = frozenset({"$graphLookup", "$unionWith", "$out", "$merge"})


def offence(command_name: str, command: Command, site: str) -> str | None:
    """Say what is wrong with a command sent while a request of `site` was answered, or None."""
    collection = command.get(command_name)
    fine = not _stages(command) & REACHING_STAGES and _looks_up_only(command, site)
    if collection in SITE_COLLECTIONS:
        fine &= _all_mean(command_name, command, lambda meant: meant.get("site") == site)
    elif collection in FILES | CHUNKS:
        key = "_id" if collection in FILES else "files_id"
        fine &= _all_mean(command_name, command, lambda meant: _is_of(site, meant.get(key)))
    if fine:
        return None
    return f"{command_name} of {collection} for site {site!r} means {meant_text(command)}"


def _all_mean(command_name: str, command: Command, condition: Callable[[Command], bool]) -> bool:
    meant = _meant(command_name, command)
    return meant is not None and all(map(condition, meant))


def meant_text(command: Command) -> str:
    """Return a command without its bytes, for people."""
    return repr({name: value for name, value in command.items() if name != "documents"})[:1000]


def _is_of(site: str, meant: object) -> bool:
    """Whether only ids of `site` are meant: one, a list of them, or a range inside the site's."""
    if isinstance(meant, Mapping):
        if "$in" in meant:
            return all(_is_of(site, each) for each in meant["$in"])
        low = meant.get("$gte", meant.get("$gt"))
        return _is_of(site, low) and meant.get("$lt") == f"{site}0"  # "0" follows "/"
    return isinstance(meant, str) and meant.startswith(f"{site}/")


def _meant(command_name: str, command: Command) -> Sequence[Command] | None:
    """Return the filters or documents of a command; None for a kind that is not known here."""
    if command_name in FILTERS:
        return [command.get(FILTERS[command_name], {})]
    if command_name in STATEMENTS:
        statements, query = STATEMENTS[command_name]
        return [each[query] for each in command[statements]]
    if command_name == "insert":
        return list(command["documents"])
    if command_name == "killCursors":  # of what was found before, and read no further
        return []
    if command_name == "aggregate":
        return [command["pipeline"][0].get("$match", {})] if command["pipeline"] else [{}]
    return None


def _looks_up_only(command: Command, site: str) -> bool:
    """Whether what is looked up beside is of `site`, by a pipeline that says so first."""
    looked_up = [each["$lookup"] for each in command.get("pipeline", ()) if "$lookup" in each]
    return all(
        each.get("from") in SITE_COLLECTIONS
        and (each.get("pipeline") or [{}])[0].get("$match", {}).get("site") == site
        and not {name for stage in each["pipeline"] for name in stage}
        & {*REACHING_STAGES, "$lookup"}
        for each in looked_up
    )


def _stages(command: Command) -> set[str]:
    return {name for stage in command.get("pipeline", ()) for name in stage}


class Watch(CommandListener):
    """Checks what a thread sends while it answers a request; other commands are not its business.

    `seen` counts the checked commands of all threads as (command, collection), `journaled` those
    that wait until a majority has them in its journal.
    """

    def __init__(self) -> None:
        # Of each thread its own: requests that race are watched each for itself.
        self._own = threading.local()
        self._counting = threading.Lock()
        self.database = ""
        self.seen: dict[tuple[str, str], int] = {}
        self.journaled = 0

    @contextmanager
    def over(self, site: str | None) -> Iterator[None]:
        """Watch a request of `site`, one of no site not; fail when it ends if it was wrong."""
        self._own.site = site
        self.offences.clear()
        try:
            yield
        finally:
            self._own.site = None
        assert not self.offences, "\n".join(self.offences)

    @property
    def offences(self) -> list[str]:
        """What this thread sent in its request that it must not."""
        found: list[str] = self._own.__dict__.setdefault("offences", [])
        return found

    def started(self, event: Any) -> None:
        site = getattr(self._own, "site", None)
        if site is None:
            return
        own_database = event.database_name == self.database
        collection = event.command.get(event.command_name)
        with self._counting:
            # A commit is sent to the database `admin`.
            if own_database or event.command_name == "commitTransaction":
                self.journaled += event.command.get("writeConcern") == JOURNALED
            if own_database and isinstance(collection, str):
                key = (event.command_name, collection)
                self.seen[key] = self.seen.get(key, 0) + 1
        if not own_database:
            return
        found = offence(event.command_name, event.command, site)
        if found:
            self.offences.append(found)

    def succeeded(self, event: Any) -> None:
        pass

    def failed(self, event: Any) -> None:
        pass
