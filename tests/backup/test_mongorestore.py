"""MongoDB's own mongorestore takes the records of a snapshot, as docs/backup-format.md says."""

import subprocess
from pathlib import Path

import pytest

from avenue.storage.connection import META, Database
from avenue.storage.copying.reading import LEFT_OUT
from tests.backup.deployment import Deployment
from tests.mongod import Mongod
from tests.waiting import DEADLINE_SECONDS

pytestmark = [pytest.mark.long, pytest.mark.needs("mongorestore")]


def shapes(database: Database) -> dict[str, object]:
    """The indexes of each collection that is copied, and its options."""
    copied = (each for each in database.raw.list_collections() if each["name"] not in LEFT_OUT)
    return {
        each["name"]: (each["options"], database.raw[each["name"]].index_information())
        for each in copied
    }


def test_mongorestore_takes_the_records_of_a_snapshot(
    shop: Deployment, empty: Database, mongod: Mongod
) -> None:
    shop.fill(120)
    shop.raw["guests 50%"].insert_many({"_id": number, "name": "Ñandú"} for number in range(3))
    shop.raw["guests 50%"].create_index("name", unique=False, name="by name")
    manifest = shop.create()
    records = Path(shop.folder, "snapshots", manifest.id, "records")
    where = ["--gzip", "--db", empty.raw.name, "--dir", str(records)]
    done = subprocess.run(
        ["mongorestore", "--uri", mongod.uri, *where],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert f"{manifest.records} document(s) restored successfully. 0 document(s)" in done.stderr
    for each in manifest.shares[0].collections:
        taken = sorted(map(str, empty.raw[each.name].find()))
        assert taken == sorted(map(str, shop.raw[each.name].find())), each.name
    assert shapes(empty) == shapes(shop.database)
    assert META in {each.name for each in manifest.shares[0].collections}
