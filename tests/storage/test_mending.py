"""Mending a file out of its own chunks: only what its hash proves, and with bounded work."""

import hashlib
import io
import itertools
from typing import Any

import pytest
from bson import ObjectId
from pymongo import ASCENDING

from avenue.identity import new_id
from avenue.storage.connection import Database
from avenue.storage.mending import MOST_CHOICES, Mender
from avenue.storage.scope import site
from tests.table import table

BUCKET, SIZE = "uploads", 10
DATA = bytes(range(25))
PARTS = [DATA[:10], DATA[10:20], DATA[20:]]


@pytest.fixture
def mender(database: Database) -> Mender:
    chunks = database.raw[f"{BUCKET}.chunks"]
    chunks.drop_index("files_id_1_n_1")  # as after a restore that left the indexes out
    chunks.create_index([("files_id", ASCENDING), ("n", ASCENDING)], name="others")
    return site(database, "default").mender(BUCKET)


@pytest.fixture(autouse=True)
def indexes_again(database: Database) -> Any:
    yield
    chunks = database.raw[f"{BUCKET}.chunks"]
    chunks.delete_many({})
    chunks.drop_index("others")


def put(database: Database, file: str, *chunks: tuple[int, bytes]) -> None:
    database.raw[f"{BUCKET}.chunks"].insert_many(
        [{"files_id": f"default/{file}", "n": n, "data": data} for n, data in chunks]
    )


def right(mender: Mender, file: str) -> Any:
    return mender.right_chunks(
        file, length=len(DATA), chunk_bytes=SIZE, sha256=hashlib.sha256(DATA).hexdigest()
    )


def test_the_chunks_that_have_the_hash_together_are_found_and_the_others_go(database, mender):
    file, other = new_id(), new_id()
    put(database, file, (0, bytes(10)), (0, PARTS[0]), (1, PARTS[1]), (1, PARTS[1]), (1, b"short"))
    put(database, file, (2, bytes(5)), (2, PARTS[2]), (3, b"surplus"), (-1, b"before"))
    put(database, other, (0, b"x"))
    mender.keep_only(file, right(mender, file))
    kept = database.raw[f"{BUCKET}.chunks"].find({"files_id": f"default/{file}"}).sort("n", 1)
    assert [(each["n"], each["data"]) for each in kept] == list(enumerate(PARTS))
    assert database.raw[f"{BUCKET}.chunks"].count_documents({}) == 4


@table(
    "chunks",
    [
        [],
        [(0, PARTS[0]), (1, PARTS[1])],
        [(0, PARTS[0]), (1, PARTS[1]), (2, bytes(5))],
        [(0, PARTS[0]), (1, PARTS[1]), (2, PARTS[2] + b"!")],
    ],
)
def test_what_has_another_hash_is_no_way(database, mender, chunks):
    file = new_id()
    if chunks:
        put(database, file, *chunks)
    assert right(mender, file) is None


@table("each", [2, 3])
def test_no_more_ways_are_followed_than_may_be(database, mender, each):
    file = new_id()
    for number, wrong in itertools.product(range(3), range(each - 1)):
        put(database, file, (number, bytes([wrong + 1]) * len(PARTS[number])))
    put(database, file, *enumerate(PARTS))
    assert (right(mender, file) is not None) == (each**3 <= MOST_CHOICES)


def test_an_empty_file_is_right_without_chunks(mender):
    empty = hashlib.sha256(b"").hexdigest()
    assert mender.right_chunks(new_id(), length=0, chunk_bytes=SIZE, sha256=empty) == []


def test_two_who_mend_a_file_at_once_keep_the_same_of_equal_chunks(database, mender):
    """Else each removes what the other keeps; members of a set have them in orders of their own."""
    file = new_id()
    first, second = sorted((ObjectId(), ObjectId()))
    chunks = database.raw[f"{BUCKET}.chunks"]
    for each in (second, first):
        chunks.insert_one({"_id": each, "files_id": f"default/{file}", "n": 0, "data": b"x"})
    digest = hashlib.sha256(b"x").hexdigest()
    assert mender.right_chunks(file, length=1, chunk_bytes=SIZE, sha256=digest) == [first]
    files = site(database, "default").files(BUCKET)
    files.rewrite(file, io.BytesIO(b"x"), length=1, name="a", metadata={})
    assert [each["_id"] for each in chunks.find({"files_id": f"default/{file}"})] == [first]
    files.delete(file)
