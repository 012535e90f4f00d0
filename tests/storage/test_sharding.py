"""The commands of `docs/sharding.md`, on real config and shard servers; and who names shard keys.

A router, `mongos`, is not at hand here. So what a router would ask of these servers is asked of
them directly, by commands that are MongoDB's own affair: in a test, never in the product.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from pymongo.errors import OperationFailure

from avenue.config import Settings
from avenue.media.store.swept import SweptStore
from avenue.storage.connection import Database
from avenue.storage.schema import migrate
from avenue.storage.shard_keys import OF_CHUNK, OF_FILE, OF_RECORD, SHARD_KEYS, UNDIVIDED
from tests.mongod import Guard, Mongod
from tests.table import table
from tests.targeting import ASKS_ALL_SHARDS, everywhere, offence
from tests.threads import Threads
from tests.waiting import wait_until

PAGE = Path(__file__).parents[2] / "docs" / "sharding.md"
NAME = "avenue"
SITES = ("default", "other", "zapatos")
KEPT = {"writeConcern": {"w": "majority", "wtimeout": 20_000}}
INVALID_OPTIONS = 72
DIVIDED = {"renditions": OF_RECORD, "uploads.files": OF_FILE, "uploads.chunks": OF_CHUNK}
SHELL = """
const calls = [], indexes = JSON.parse(process.argv[1]);
const told = (name) => (...of) => void calls.push([name, ...of]);
const sh = new Proxy({}, { get: (_, name) => told(name) });
const MinKey = () => ({ $minKey: 1 }), MaxKey = () => ({ $maxKey: 1 });
const collection = (_, name) => ({
  getIndexes: () => indexes[name],
  createIndex: (...of) => told("createIndex")(name, ...of),
});
const db = { getSiblingDB: () => new Proxy({}, { get: collection }) };
"""
"""What the page takes for granted of `mongosh`."""


class Sharded:
    """A config server and shards; the first of them has a database as `migrate` leaves it."""

    def __init__(self, binary: Path, guard: Guard, stack: ExitStack, shards: int) -> None:
        names = {"config": "configsvr", **{f"rs{each}": "shardsvr" for each in range(shards)}}

        def started(name: str) -> Mongod:
            return Mongod(binary, guard, replica_set=name, role=names[name])

        with Threads(len(names)) as pool:
            self.config, *self.shards = map(stack.enter_context, pool.map(started, names))
        for each in self.shards:
            # What has moved away is deleted at once, so that a look at a shard tells what it has.
            each.client.admin.command("setParameter", 1, orphanCleanupDelaySecs=0)
            host = f"{each.replica_set}/{each.host}"
            self._tell({"_configsvrAddShard": host, "name": each.replica_set})
        self._tell({"_configsvrCreateDatabase": NAME, "primaryShardId": "rs0"})
        databases = self.config.client["config"]["databases"]
        self._version = databases.find_one({"_id": NAME})["version"]
        self.raw = self.shards[0].client[NAME]
        database = Database(Settings(mongodb_uri=self.shards[0].uri_of(NAME), local=True))
        stack.callback(database.close)
        migrate(database)
        for name in SHARD_KEYS:  # what is not empty has to have an index for its key
            self.raw[name].insert_many([_record(name, each) for each in SITES])

    def _tell(self, command: Mapping[str, Any]) -> None:
        """Give the config server a command of a router."""
        self.config.client.admin.command({**command, **KEPT})

    def follow(self, page: Sequence[Sequence[Any]]) -> None:
        """Do what the page says, as a router would."""
        first = [each for each in page if each[0] == "createIndex"]
        for _, name, key, options in first:
            self.raw[name].create_index(list(key.items()), **options)
        with Threads(4) as pool:  # a collection at a time waits for its journal most of the time
            of_each = [each[1:] for each in page if each[0] == "shardCollection"]
            list(pool.map(lambda each: self.shard(*each), of_each))
        for command, *of in page:
            if command == "addShardToZone":
                shard, zone = of
                there = shard if shard in {each.replica_set for each in self.shards} else "rs0"
                self._tell({"_configsvrAddShardToZone": there, "zone": zone})
            elif command == "updateZoneKeyRange":
                space, least, most, zone = of
                bounds = {"min": least, "max": most, "zone": zone}
                self._tell({"_configsvrUpdateZoneKeyRange": space, **bounds})

    def shard(self, space: str, key: Mapping[str, int]) -> None:
        """Shard a collection."""
        name = space.removeprefix(f"{NAME}.")
        how = {"shardKey": key, "unique": False, "databaseVersion": self._version}
        self.raw.command({"_shardsvrCreateCollection": name, **how, **KEPT})

    def hurry(self) -> None:
        """Let the balancer look twice a second instead of every 10 seconds."""
        switch = {"configureFailPoint": "overrideBalanceRoundInterval", "mode": "alwaysOn"}
        self.config.client.admin.command({**switch, "data": {"intervalMs": 500}})

    def keys(self) -> dict[str, tuple[str, ...]]:
        """The keys by which collections are sharded."""
        told = self.config.client["config"]["collections"].find({"_id": {"$regex": f"^{NAME}[.]"}})
        return {each["_id"].partition(".")[2]: tuple(each["key"]) for each in told}

    def sites_by_shard(self, name: str) -> list[set[str]]:
        """Of which sites each shard has something in a collection."""
        field = SHARD_KEYS[name][0]
        found = [{each[field] for each in it.client[NAME][name].find()} for it in self.shards]
        return [{each.partition("/")[0] for each in some} for some in found]

    def move(self, name: str, least: Any, most: Any, shard: str) -> None:
        """Move a range of a collection to a shard."""
        bounds = {"min": least, "max": most, "toShard": shard}
        self.config.client.admin.command({"_configsvrMoveRange": f"{NAME}.{name}", **bounds})


def _record(collection: str, site_id: str, name: str = "1") -> dict[str, Any]:
    if collection.endswith(".files"):
        return {"_id": f"{site_id}/{name}"}
    if collection.endswith(".chunks"):
        return {"files_id": f"{site_id}/{name}", "n": 0}
    return {"_id": f"{site_id}-{name}", "site": site_id}


def said(indexes: Mapping[str, Any]) -> list[list[Any]]:
    """What the page tells a router to do, in collections that have these indexes."""
    node = shutil.which("node")
    assert node is not None
    script = SHELL + "".join(re.findall(r"```js\n(.*?)```", PAGE.read_text(), re.DOTALL))
    command = [
        node,
        "-e",
        f"{script}\nconsole.log(JSON.stringify(calls))",
        json_util.dumps(indexes),
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    told: list[list[Any]] = json_util.loads(done.stdout)
    return told


def _followed(sharded: Sharded) -> None:
    raw = sharded.raw
    sharded.follow(said({name: list(raw[name].list_indexes()) for name in SHARD_KEYS}))


@pytest.mark.needs("node")
def test_real_servers_take_every_key_and_zone_of_the_page(
    mongod_binary: Path, guard: Guard
) -> None:
    with ExitStack() as stack:
        sharded = Sharded(mongod_binary, guard, stack, 1)
        _followed(sharded)
        assert sharded.keys() == SHARD_KEYS
        ranges = list(sharded.config.client["config"]["tags"].find())
    assert {(each["ns"].partition(".")[2], each["tag"]) for each in ranges} == {
        (name, zone) for name in SHARD_KEYS for zone in ("small", "zapatos")
    }
    assert all(tuple(each["min"]) == SHARD_KEYS[each["ns"].partition(".")[2]] for each in ranges)


@pytest.mark.long
@pytest.mark.needs("node")
def test_a_site_goes_to_its_zone_and_one_is_divided(mongod_binary: Path, guard: Guard) -> None:
    with ExitStack() as stack:
        sharded = Sharded(mongod_binary, guard, stack, 3)
        for name in UNDIVIDED:  # the server says why these are not divided
            with pytest.raises(OperationFailure) as refused:
                sharded.shard(name, dict.fromkeys(OF_RECORD, 1))
            assert refused.value.code == INVALID_OPTIONS
        sharded.hurry()
        _followed(sharded)
        for name in DIVIDED:
            sharded.raw[name].insert_one(_record(name, "zapatos", "2"))
        for name in SHARD_KEYS:  # by the balancer itself
            wait_until(partial(_is_in_its_zone, sharded, name), f"{name} is in its zone")
        for name, key in DIVIDED.items():
            has = next(n for n, e in enumerate(sharded.sites_by_shard(name)) if "zapatos" in e)
            ends = (_record(name, "zapatos", each) for each in ("2", "3"))
            sharded.move(name, *({each: it[each] for each in key} for it in ends), f"rs{3 - has}")
            wait_until(partial(_is_divided, sharded, name), f"{name} is divided")


def _is_in_its_zone(sharded: Sharded, name: str) -> bool:
    first, *others = sharded.sites_by_shard(name)
    return "zapatos" not in first and "zapatos" in set().union(*others)


def _is_divided(sharded: Sharded, name: str) -> bool:
    _, *zone = sharded.sites_by_shard(name)
    return all("zapatos" in each for each in zone)


@table(
    "command, told",
    [
        ({"find": "assets", "filter": {"site": "a"}}, None),
        ({"find": "assets", "filter": {"$and": [{"site": {"$in": ["a"]}}, {}]}}, None),
        ({"find": "assets", "filter": {"site": {"$nin": ["a"]}}}, "asks all shards"),
        ({"find": "uploads.files", "filter": {"_id": {"$gt": "a/", "$lt": "a0"}}}, None),
        ({"find": "uploads.files", "filter": {"_id": {"$gt": "a/"}}}, "asks all shards"),
        ({"find": "users", "filter": {}}, None),
        ({"aggregate": "assets", "pipeline": [{"$match": {"site": "a"}}]}, None),
        ({"aggregate": "assets", "pipeline": [{"$sort": {"_id": 1}}]}, "asks all shards"),
        ({"insert": "assets", "documents": [{"_id": "x"}]}, "changes one by id"),
        ({"update": "assets", "updates": [{"q": {"site": "a", "_id": "x"}}]}, None),
        ({"update": "assets", "updates": [{"q": {"_id": "x"}}]}, "changes one by id"),
        ({"update": "assets", "updates": [{"q": {"_id": "x"}, "upsert": True}]}, "is refused"),
        ({"update": "assets", "updates": [{"q": {"site": "a"}}]}, "is refused"),
        ({"update": "assets", "updates": [{"q": {"site": "a"}, "multi": True}]}, None),
        ({"update": "shop_products", "updates": [{"q": {"site": "a"}}]}, None),
        ({"delete": "assets", "deletes": [{"q": {"site": "a"}, "limit": 1}]}, "is refused"),
        ({"delete": "assets", "deletes": [{"q": {"site": "a"}, "limit": 0}]}, None),
        ({"findAndModify": "assets", "query": {"site": "a", "state": "live"}}, "is refused"),
        ({"insert": "uploads.chunks", "documents": [{"files_id": "a/1", "n": 0}]}, None),
    ],
)
def test_what_a_router_would_do(command, told):
    assert offence(next(iter(command)), command) == told


def test_who_may_not_ask_all_shards_is_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept = SweptStore(database)
    swept.condemned(1)
    assert everywhere.taken() == []
    monkeypatch.delitem(ASKS_ALL_SHARDS, "media.store.swept")
    swept.condemned(1)
    assert everywhere.taken() == ["media.store.swept: find assets asks all shards: state"]
