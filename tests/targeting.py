"""Whether the commands of this process would find their shard: each names its shard key.

Said of all tests, whose servers do not shard. A router sends a command that names the beginning of
the key to the shards that may have it, and any other to all of them. Of one that changes a single
document it wants the whole key, and refuses most without it.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from pymongo.monitoring import CommandStartedEvent

import avenue
from avenue.storage.shard_keys import SHARD_KEYS
from tests.listening import listen

Command = Mapping[str, Any]
PACKAGE = Path(avenue.__file__).parent
TESTS = Path(__file__).parent
ON_THE_WAY = {
    PACKAGE / "storage" / f"{name}.py"
    for name in ("scope", "collection", "malformed_records", "word_search", "connection")
} | {TESTS / name for name in ("targeting.py", "listening.py")}
"""Who only passes commands on."""

ASKS_ALL_SHARDS = {
    "media.store.swept": "the sweeper goes through every site of a cluster",
    "media.renditions.store": "the sweeper goes through every site of a cluster",
    "media.quarantine.store": "the job that scans goes through every site of a cluster",
    "uploads.retention.store": "what is over is looked for in every site of a cluster",
    "uploads.tus.store": "the sweeper looks for uploads that are over, of whatever site",
    "shop.store.products": "the sweeper looks for what was long enough in the trash",
    "builder.website.store.due": "the job looks for pages of every site that are due",
    "notifications.store": "who delivers looks for what is due longest, of whatever site",
    "storage.idempotency": "the sweeper looks for what was given up, of whatever site",
    "storage.quotas": "the job counts every site and person of a cluster",
    "storage.file_walk": "the sweeper walks through the files of every site",
    "storage.outboxes": "what version 5 may have left, once",
    "storage.schema": "steps between versions, and whose database it is",
    "storage.earlier": "an earlier application, which has collections of these names",
    "storage.status": "what is told of indexes and sizes is of all shards",
    "storage.copying.drilling": "a trial is compared with the backup as a whole",
    "storage.copying.reading": "a backup reads every site",
    "storage.copying.writing": "a restore is compared as a whole",
    "storage.copying.settling": "what was restored is changed as a whole",
    "storage.copying.moving": "one site is told from what is changed in a cluster",
    "health.checks.store.inspections": "one walk over all sites",
    "health.checks.store.findings": "files and records that belong to no site are looked at, too",
    "health.history.snapshots.store": "a snapshot counts what every site has",
}
"""Modules that read without the key, or change many documents without it, and why that is right."""
CHANGES_ONE_BY_ID = {
    "storage.outboxes": "what version 5 may have left, once",
    "storage.schema": "steps between versions, each of them once",
}
"""Modules that change a single document by its `_id` without its key, for which all are asked."""
OF_ADMINISTRATORS = frozenset(
    {"collMod", "create", "createIndexes", "drop", "dropIndexes", "listIndexes"}
    | {"collStats", "getMore", "killCursors", "validate"}
)
"""What has no key, or goes where the command before has gone."""


def offence(command_name: str, command: Command) -> str | None:
    """Say what a router would do with a command that lacks its key; None when it has it."""
    collection = command.get(command_name)
    key = SHARD_KEYS.get(collection) if isinstance(collection, str) else None
    if key is None or command_name in OF_ADMINISTRATORS:
        return None
    told = (_judge(key, each) for each in _meant(command_name, command))
    return next(filter(None, told), None)


def _judge(key: Sequence[str], each: tuple[Command, bool, bool]) -> str | None:
    meant, is_single, is_upsert = each
    conditions = dict(_conditions(meant))
    if not is_single:
        return None if _narrows(conditions.get(key[0])) else "asks all shards"
    if all(_is_one(conditions.get(name)) for name in key):
        return None
    return "changes one by id" if _is_one(conditions.get("_id")) and not is_upsert else "is refused"


def _meant(command_name: str, command: Command) -> Iterator[tuple[Command, bool, bool]]:
    """Yield the filters and new documents of a command; whether each is of one; of an upsert."""
    match command_name:
        case "insert":
            yield from ((each, True, False) for each in command["documents"])
        case "update":
            for each in command["updates"]:
                yield each["q"], not each.get("multi"), bool(each.get("upsert"))
        case "delete":
            yield from ((each["q"], each["limit"] == 1, False) for each in command["deletes"])
        case "findAndModify":
            yield command["query"], True, bool(command.get("upsert"))
        case "aggregate":
            first = next(iter(command["pipeline"]), {})
            yield first.get("$match", {}), False, False
        case _:
            yield command.get("filter", command.get("query", {})), False, False


def _conditions(meant: Command) -> Iterator[tuple[str, object]]:
    for name, condition in meant.items():
        if name == "$and":
            for each in condition:
                yield from _conditions(each)
        else:
            yield name, condition


def _is_one(condition: object) -> bool:
    """Whether it is true of one value alone."""
    return condition is not None and not (isinstance(condition, Mapping) and "$eq" not in condition)


def _narrows(condition: object) -> bool:
    """Whether it is true of one value, of some that are told, or of a range with two ends."""
    if not isinstance(condition, Mapping):
        return condition is not None
    told = {each.rstrip("e") for each in condition}
    return bool({"$eq", "$in"} & condition.keys()) or {"$gt", "$lt"} <= told


def sender(frame: FrameType | None) -> str | None:
    """The module of ours that sends a command, None for a test itself."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path not in ON_THE_WAY:
            if path.is_relative_to(PACKAGE):
                parts = path.relative_to(PACKAGE).with_suffix("").parts
                return ".".join(parts).removesuffix(".__init__")
            if path.is_relative_to(TESTS):
                return None
        frame = frame.f_back
    return None


ALLOWED: Mapping[str, Mapping[str, str]] = {
    "asks all shards": ASKS_ALL_SHARDS,
    "changes one by id": CHANGES_ONE_BY_ID,
}


class Targeting:
    """What was sent without its shard key by whoever may not; told at the end of each test."""

    def __init__(self) -> None:
        self._offences: set[str] = set()

    def started(self, event: CommandStartedEvent) -> None:
        """Take a command in."""
        found = offence(event.command_name, event.command)
        if found is None:
            return
        module = sender(sys._getframe(1))
        if module is not None and module not in ALLOWED.get(found, {}):
            collection = event.command.get(event.command_name)
            meant = {each for one, *_ in _meant(event.command_name, event.command) for each in one}
            names = ", ".join(sorted(meant))
            self._offences.add(f"{module}: {event.command_name} {collection} {found}: {names}")

    def taken(self) -> list[str]:
        """Return the offences since the last call."""
        found, self._offences = sorted(self._offences), set()
        return found


everywhere = Targeting()
"""The commands of all tests; see `conftest.py`."""
listen(everywhere.started)
