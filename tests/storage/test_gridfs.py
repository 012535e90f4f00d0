"""The bytes: what goes in comes out, for any GridFS client, or the reader says so."""

import io
import itertools
import random
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import gridfs
import pytest
from bson import Binary, ObjectId
from gridfs.errors import CorruptGridFile

from avenue.clock import utc_now
from avenue.storage.chunks import CHUNK_BYTES, Incomplete
from avenue.storage.connection import Database
from avenue.storage.file_facts import FileFacts
from avenue.storage.gridfs import Files, OtherBytes
from avenue.storage.scope import deployment, site
from tests.mongod import Mongod, fail_point
from tests.table import table
from tests.threads import at_once

MIB = 1024 * 1024
BUCKET = "product_images"
LENGTHS = [0, 1, MIB - 1, MIB, MIB + 1, 7 * MIB // 2]
STOCK_CHUNK_BYTES = 255 * 1024
BIG = 16 * MIB
IN_A_ROW = pytest.mark.parametrize(
    "times", [3, *(pytest.param(each, marks=pytest.mark.long) for each in (1, 2))]
)


def some_bytes(length: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(length)


@pytest.fixture
def files(database: Database) -> Files:
    return site(database, "shop").files(BUCKET)


@pytest.fixture
def stock(database: Database) -> gridfs.GridFSBucket:
    """The driver's own GridFS client."""
    return gridfs.GridFSBucket(database.raw, BUCKET)


def write(files: Files, file_id: str, data: bytes) -> None:
    metadata = {"site": "shop", "sha256": "ab"}
    files.write(file_id, io.BytesIO(data), length=len(data), name="zapato.jpg", metadata=metadata)


def read(files: Files, file_id: str, length: int) -> bytes:
    return b"".join(files.read(file_id, 0, length, length=length))


def stored(database: Database) -> tuple[list[Any], list[Any]]:
    """Every file document and every chunk, `_id` and upload time included."""
    by_id = [("_id", 1)]
    raw = database.raw
    return (
        list(raw[f"{BUCKET}.files"].find(sort=by_id)),
        list(raw[f"{BUCKET}.chunks"].find(sort=by_id)),
    )


@table("length", LENGTHS)
def test_what_is_written_is_read_by_us_and_by_any_client(
    database: Database, files: Files, stock: gridfs.GridFSBucket, length: int
) -> None:
    """And written again, nothing is stored twice."""
    data, name = some_bytes(length), f"of-{length}"
    write(files, name, data)
    before = stored(database)
    write(files, name, data)
    assert stored(database) == before
    assert read(files, name, length) == data
    out = stock.open_download_stream(f"shop/{name}")
    assert out.read() == data
    assert (out.filename, out.length, out.chunk_size) == ("zapato.jpg", length, CHUNK_BYTES)
    assert out.metadata == {"site": "shop", "sha256": "ab"}


@table("chunk_bytes, length", [(STOCK_CHUNK_BYTES, each) for each in LENGTHS] + [(4 * MIB, MIB)])
def test_what_any_client_has_written_is_read(
    files: Files, stock: gridfs.GridFSBucket, chunk_bytes: int, length: int
) -> None:
    assert_written_by_any_client_is_read(files, stock, chunk_bytes, length)


@pytest.mark.long
@table("length", LENGTHS)
@table("chunk_bytes", [1000, CHUNK_BYTES, 4 * MIB])
def test_what_any_client_has_written_in_pieces_of_any_size_is_read(
    files: Files, stock: gridfs.GridFSBucket, chunk_bytes: int, length: int
) -> None:
    length = length if chunk_bytes > 1000 else min(length, MIB + 1)
    assert_written_by_any_client_is_read(files, stock, chunk_bytes, length)


def assert_written_by_any_client_is_read(
    files: Files, stock: gridfs.GridFSBucket, chunk_bytes: int, length: int
) -> None:
    data, name = some_bytes(length), f"{length}-{chunk_bytes}"
    files.delete(name)
    stock.upload_from_stream_with_id(f"shop/{name}", "a", data, chunk_size_bytes=chunk_bytes)
    assert read(files, name, len(data)) == data


@pytest.mark.parametrize(
    "chunk_bytes",
    [STOCK_CHUNK_BYTES, *(pytest.param(n, marks=pytest.mark.long) for n in (CHUNK_BYTES, 2 * MIB))],
)
def test_every_range_is_the_slice(
    files: Files, stock: gridfs.GridFSBucket, chunk_bytes: int
) -> None:
    # The length is chosen so that a full chunk of the stock size would fit our grid's last place.
    data = some_bytes(3 * MIB + STOCK_CHUNK_BYTES)
    stock.upload_from_stream_with_id("shop/a", "a", data, chunk_size_bytes=chunk_bytes)
    length = len(data)
    edges = {0, 1, length - 1, length}
    for size in (MIB, STOCK_CHUNK_BYTES):
        for middle in range(size, length, size):
            edges |= {middle - 1, middle, middle + 1}
    chosen = random.Random(2).sample(list(itertools.combinations(sorted(edges), 2)), 50)
    for start, end in [*chosen, (3 * MIB, length), (length - 1, length), (5, 5)]:
        got = b"".join(files.read("a", start, end, length=length))
        assert got == data[start:end], (start, end)


def test_files_read_together_are_whole_or_left_out(
    database: Database, files: Files, stock: gridfs.GridFSBucket
) -> None:
    data = {f"of-{length}": some_bytes(length) for length in LENGTHS}
    for name, its in data.items():
        write(files, name, its)
    data["stock"] = some_bytes(STOCK_CHUNK_BYTES * 2 + 1)
    stock.upload_from_stream_with_id("shop/stock", "a.jpg", data["stock"], STOCK_CHUNK_BYTES)
    chunks, a_chunk = database.raw[f"{BUCKET}.chunks"], {"n": 1, "data": Binary(b"x")}
    damage = {
        "no first": lambda own: chunks.delete_one({"files_id": own, "n": 0}),
        "no last": lambda own: chunks.delete_one({"files_id": own, "n": 2}),
        "one more": lambda own: chunks.insert_one({"files_id": own, "n": 3, "data": Binary(b"x")}),
        "short": lambda own: chunks.update_one({"files_id": own, "n": 1}, {"$set": a_chunk}),
        "no data": lambda own: chunks.update_one(
            {"files_id": own, "n": 1}, {"$unset": {"data": ""}}
        ),
    }
    for name, happens in damage.items():
        write(files, name, some_bytes(2 * MIB + 1))
        happens(f"shop/{name}")
    lengths = {name: len(its) for name, its in data.items()}
    lengths |= dict.fromkeys([*damage, "not there"], 2 * MIB + 1)
    assert files.read_together(lengths) == data


def test_asking_past_the_end_is_an_error_and_no_short_answer(files: Files) -> None:
    write(files, "a", b"ten  bytes")
    with pytest.raises(Incomplete):
        list(files.read("a", 0, 11, length=10))


def _drop(number: int) -> Callable[[Database], None]:
    def damage(database: Database) -> None:
        database.raw[f"{BUCKET}.chunks"].delete_one({"n": number})

    return damage


def _resize(number: int, by: int) -> Callable[[Database], None]:
    def damage(database: Database) -> None:
        chunks = database.raw[f"{BUCKET}.chunks"]
        data = chunks.find_one({"n": number})["data"]  # type: ignore[index]
        data = data[:by] if by < 0 else data + b"x" * by
        chunks.update_one({"n": number}, {"$set": {"data": Binary(data)}})

    return damage


def _add(number: int, size: int) -> Callable[[Database], None]:
    def damage(database: Database) -> None:
        chunks = database.raw[f"{BUCKET}.chunks"]
        if number < 4:
            chunks.drop_index("files_id_1_n_1")
        chunks.insert_one({"files_id": "shop/a", "n": number, "data": Binary(b"x" * size)})

    return damage


DAMAGES = {
    "the first chunk is missing": _drop(0),
    "a chunk in the middle is missing": _drop(1),
    "the last chunk is missing": _drop(3),
    "all chunks are missing": lambda database: database.raw[f"{BUCKET}.chunks"].delete_many({}),
    "the first chunk is short": _resize(0, -1),
    "a chunk in the middle is short": _resize(2, -1),
    "the last chunk is short": _resize(3, -1),
    "the last chunk is empty": _resize(3, -MIB),
    "a chunk in the middle is long": _resize(1, 1),
    "the last chunk is long": _resize(3, 1),
    "a chunk is there twice": _add(1, MIB),
    "there is one chunk more": _add(4, 10),
    "there is one empty chunk more": _add(4, 0),
}


@table("damage", DAMAGES)
def test_damaged_bytes_are_incomplete_and_never_short(
    database: Database, files: Files, damage: str
) -> None:
    data = some_bytes(3 * MIB + 1000)
    files.delete("a")
    write(files, "a", data)
    DAMAGES[damage](database)
    got: list[bytes] = []
    with pytest.raises(Incomplete):
        got.extend(files.read("a", 0, len(data), length=len(data)))
    got_bytes = b"".join(got)
    assert got_bytes == data[: len(got_bytes)]
    assert len(got_bytes) < len(data)


def test_a_file_whose_document_is_gone_is_still_judged_by_its_length(
    database: Database, files: Files
) -> None:
    write(files, "a", some_bytes(2 * MIB))
    database.raw[f"{BUCKET}.files"].delete_one({})
    with pytest.raises(Incomplete):
        read(files, "a", 2 * MIB + 1)


def test_the_driver_refuses_what_we_refuse(
    database: Database, files: Files, stock: gridfs.GridFSBucket
) -> None:
    write(files, "a", some_bytes(3 * MIB + 1000))
    _drop(1)(database)
    with pytest.raises(CorruptGridFile):
        stock.open_download_stream("shop/a").read()


def test_writing_goes_on_where_a_killed_writer_stopped(database: Database, files: Files) -> None:
    data = some_bytes(3 * MIB + 5)
    write(files, "a", data)
    _drop(2)(database)
    database.raw[f"{BUCKET}.files"].delete_one({})
    before = stored(database)[1]
    write(files, "a", data)
    assert read(files, "a", len(data)) == data
    assert [chunk for chunk in stored(database)[1] if chunk in before] == before


OTHERS = {
    "other bytes": some_bytes(3 * MIB, 2),
    "another first chunk": some_bytes(MIB, 2) + some_bytes(3 * MIB)[MIB:],
    "another last chunk": some_bytes(3 * MIB)[:-1] + b"?",
    "shorter by a chunk": some_bytes(3 * MIB)[: 2 * MIB],
    "shorter by a byte": some_bytes(3 * MIB)[:-1],
    "longer by a chunk": some_bytes(3 * MIB) + some_bytes(MIB, 2),
    "longer by a byte": some_bytes(3 * MIB) + b"?",
    "nothing": b"",
}


def test_other_bytes_under_the_same_id_are_refused_and_harm_nothing(
    database: Database, files: Files
) -> None:
    data = some_bytes(3 * MIB)
    write(files, "a", data)
    before = stored(database)
    for name, other in OTHERS.items():
        with pytest.raises(OtherBytes):
            write(files, "a", other)
        assert stored(database) == before, name
    assert read(files, "a", len(data)) == data


def test_bytes_after_an_empty_file_of_the_same_id_are_refused(files: Files) -> None:
    write(files, "a", b"")
    with pytest.raises(OtherBytes):
        write(files, "a", b"bytes")
    assert read(files, "a", 0) == b""


def test_a_shorter_file_is_not_finished_over_the_rest_of_an_unfinished_longer_one(
    database: Database, files: Files
) -> None:
    write(files, "a", some_bytes(3 * MIB))
    database.raw[f"{BUCKET}.files"].delete_one({})
    with pytest.raises(OtherBytes):
        write(files, "a", some_bytes(3 * MIB)[: 2 * MIB])
    assert files.find("a") is None


def test_a_source_that_ends_early_leaves_no_file(files: Files) -> None:
    with pytest.raises(Incomplete):
        files.write("a", io.BytesIO(b"short"), length=6, name="a", metadata={})
    assert files.find("a") is None


def test_two_writers_of_one_file_end_with_one_file(database: Database, files: Files) -> None:
    data = some_bytes(2 * MIB + 5)
    for number in range(2):
        at_once(4, lambda _, name=f"f{number}": write(files, name, data))  # type: ignore[misc]
        assert read(files, f"f{number}", len(data)) == data
    assert [len(part) for part in stored(database)] == [2, 6]


def test_the_file_document_tells_what_it_was_given_and_when(
    database: Database, files: Files
) -> None:
    metadata = {"site": "shop", "name": "$set", "a.b": {"$x": [1, None]}}
    files.write("a", io.BytesIO(b"x"), length=1, name="$name", metadata=metadata)
    found = files.find("a")
    assert found is not None
    assert found == FileFacts(id="a", length=1, uploaded_at=found.uploaded_at, metadata=metadata)
    assert abs(utc_now() - found.uploaded_at) < timedelta(minutes=1)
    assert stored(database)[0][0]["filename"] == "$name"


def test_deleting_takes_one_file_with_its_chunks_and_can_be_repeated(
    database: Database, files: Files
) -> None:
    kept = some_bytes(MIB + 1, 3)
    write(files, "a", some_bytes(2 * MIB))
    write(files, "b", kept)
    for _ in range(2):
        files.delete("a")
        assert files.find("a") is None
        assert [len(part) for part in stored(database)] == [1, 2]
    assert read(files, "b", len(kept)) == kept


def test_deleting_goes_on_where_a_kill_stopped_it(database: Database, files: Files) -> None:
    write(files, "a", some_bytes(2 * MIB))
    database.raw[f"{BUCKET}.files"].delete_one({})
    files.delete("a")
    assert stored(database) == ([], [])


def test_a_site_reaches_only_its_own_files(database: Database) -> None:
    mine, other = (site(database, name).files(BUCKET) for name in ("mine", "other"))
    write(mine, "a", b"mine")
    assert other.find("a") is None
    with pytest.raises(Incomplete):
        read(other, "a", 4)
    other.delete("a")
    assert read(mine, "a", 4) == b"mine"
    assert [facts.id for facts in deployment(database).walk(BUCKET).files_after("", 10)] == [
        "mine/a"
    ]


def test_the_deployment_walks_through_all_files_and_owners_of_chunks(
    database: Database, stock: gridfs.GridFSBucket
) -> None:
    for name in "abcde":
        write(site(database, "shop").files(BUCKET), name, some_bytes(MIB + 1))
    stock.upload_from_stream("of another client", b"with an ObjectId of its own")
    database.raw[f"{BUCKET}.files"].delete_one({"_id": "shop/c"})
    everything = deployment(database).walk(BUCKET)

    def walk(step: Callable[[str, int], list[str]]) -> Iterator[str]:
        last = ""
        while found := step(last, 2):
            yield from found
            last = found[-1]

    owners = [f"shop/{name}" for name in "abcde"]
    ids = walk(lambda last, limit: [each.id for each in everything.files_after(last, limit)])
    assert list(ids) == [owner for owner in owners if owner != "shop/c"]
    assert list(walk(everything.chunk_owners_after)) == owners


def test_the_age_of_chunks_is_that_of_the_newest(database: Database, files: Files) -> None:
    walk = deployment(database).walk(BUCKET)
    assert walk.newest_chunk_at("shop/a") is None
    write(files, "a", some_bytes(2 * MIB))
    chunk = database.raw[f"{BUCKET}.chunks"].find_one({"n": 1})
    assert chunk is not None
    assert isinstance(chunk["_id"], ObjectId)
    assert walk.newest_chunk_at("shop/a") == chunk["_id"].generation_time


class Endless(io.RawIOBase):
    """A source of many bytes that holds none of them."""

    def seek(self, *_: int) -> int:
        return 0

    def read(self, size: int = -1) -> bytes:
        return bytes(size)


def test_16_mib_go_in_and_out_through_a_few(files: Files) -> None:
    tracemalloc.start()
    try:
        files.write("big", Endless(), length=BIG, name="big", metadata={})  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 6 * MIB
        tracemalloc.reset_peak()
        assert sum(len(piece) for piece in files.read("big", 0, BIG, length=BIG)) == BIG
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "fault",
    [{"close_connection": True}, pytest.param({"error_code": 11602}, marks=pytest.mark.long)],
)
@IN_A_ROW
def test_errors_in_a_row_in_the_middle_of_a_read_cost_no_byte(
    mongod: Mongod, files: Files, times: int, fault: dict[str, Any]
) -> None:
    data = some_bytes(7 * MIB)
    write(files, "a", data)
    reading = files.read("a", 0, len(data), length=len(data))
    got = [next(reading)]
    with fail_point(mongod.client, ["find"], times, **fault, app_name="avenue") as point:
        got.extend(reading)
    assert b"".join(got) == data
    assert point.hits == times


@pytest.mark.parametrize("command", ["insert", "findAndModify"])
@pytest.mark.parametrize(
    "fault",
    [
        {"write_concern_error": 91},
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ({"error_code": 189}, {"close_connection": True})
        ),
    ],
)
@IN_A_ROW
def test_errors_in_a_row_while_writing_store_everything_once(
    mongod: Mongod,
    database: Database,
    files: Files,
    command: str,
    times: int,
    fault: dict[str, Any],
) -> None:
    data = some_bytes(3 * MIB + 1)
    with fail_point(mongod.client, [command], times, **fault, app_name="avenue") as point:
        write(files, "a", data)
    assert read(files, "a", len(data)) == data
    assert [len(part) for part in stored(database)] == [1, 4]
    assert point.hits == times


@IN_A_ROW
@pytest.mark.parametrize(
    "fault",
    [{"write_concern_error": 91}, pytest.param({"error_code": 189}, marks=pytest.mark.long)],
)
def test_errors_in_a_row_while_deleting_leave_nothing(
    mongod: Mongod, database: Database, files: Files, times: int, fault: dict[str, Any]
) -> None:
    write(files, "a", some_bytes(3 * MIB))
    with fail_point(mongod.client, ["delete"], times, **fault, app_name="avenue"):
        files.delete("a")
    assert stored(database) == ([], [])


# Mending


def mend(files: Files, file_id: str, data: bytes) -> None:
    metadata = {"site": "shop", "sha256": "ab"}
    files.rewrite(file_id, io.BytesIO(data), length=len(data), name="zapato.jpg", metadata=metadata)


MENDABLE: dict[str, Callable[[Database], object]] = {
    "nothing": lambda _: None,
    "file document gone": lambda database: database.raw[f"{BUCKET}.files"].delete_many({}),
    "all gone": lambda database: [
        database.raw[f"{BUCKET}.{part}"].delete_many({}) for part in ("files", "chunks")
    ],
    "length wrong": lambda database: database.raw[f"{BUCKET}.files"].update_one(
        {}, {"$set": {"length": 7, "chunkSize": 3}}
    ),
    "a chunk gone": lambda database: database.raw[f"{BUCKET}.chunks"].delete_one({"n": 1}),
    "a chunk without data": lambda database: database.raw[f"{BUCKET}.chunks"].update_one(
        {"n": 1}, {"$unset": {"data": ""}}
    ),
    "other bytes": lambda database: database.raw[f"{BUCKET}.chunks"].update_one(
        {"n": 0}, {"$set": {"data": b"x"}}
    ),
    "chunks too many": lambda database: database.raw[f"{BUCKET}.chunks"].insert_many(
        [{"files_id": "shop/a", "n": n, "data": b"x"} for n in (-1, 3, 9)]
    ),
}


@table("damage", MENDABLE)
def test_a_damaged_file_is_mended_for_every_client(
    files: Files, stock: gridfs.GridFSBucket, database: Database, damage: str
) -> None:
    data = some_bytes(2 * MIB + 5)
    files.delete("a")
    write(files, "a", data)
    before = files.find("a")
    MENDABLE[damage](database)
    for _ in range(2):  # repeatable
        mend(files, "a", data)
        assert read(files, "a", len(data)) == data
        assert stock.open_download_stream("shop/a").read() == data
        assert [each["n"] for each in database.raw[f"{BUCKET}.chunks"].find(sort=[("n", 1)])] == [
            0,
            1,
            2,
        ]
    after = files.find("a")
    assert before is not None
    assert after is not None
    assert (after.length, after.metadata) == (before.length, before.metadata)
    if "gone" not in damage:
        assert after.uploaded_at == before.uploaded_at


def test_a_file_cut_by_another_client_is_mended_in_our_pieces(
    files: Files, stock: gridfs.GridFSBucket, database: Database
) -> None:
    data = some_bytes(2 * MIB)
    stock.upload_from_stream_with_id("shop/a", "a.jpg", io.BytesIO(data))
    database.raw[f"{BUCKET}.chunks"].delete_one({"n": 2})
    mend(files, "a", data)
    assert stock.open_download_stream("shop/a").read() == data
    assert read(files, "a", len(data)) == data


def test_mending_leaves_other_files_alone(files: Files, database: Database) -> None:
    data = some_bytes(MIB + 1)
    for file_id in ("a", "b"):
        write(files, file_id, data)
    database.raw[f"{BUCKET}.chunks"].delete_many({"files_id": "shop/a"})
    others = list(database.raw[f"{BUCKET}.chunks"].find({"files_id": "shop/b"}))
    mend(files, "a", data)
    assert list(database.raw[f"{BUCKET}.chunks"].find({"files_id": "shop/b"})) == others


def test_a_chunk_without_data_is_no_end_of_a_file(files: Files, database: Database) -> None:
    data = some_bytes(MIB + 1)
    write(files, "a", data)
    database.raw[f"{BUCKET}.chunks"].update_one({"n": 1}, {"$unset": {"data": ""}})
    with pytest.raises(Incomplete):
        read(files, "a", len(data))


def put(files: Files, file_id: str, data: bytes, *, turn: int) -> list[bool]:
    """Store `data` chunk by chunk, as a file that comes in parts."""
    pieces = [data[at : at + MIB] for at in range(0, len(data), MIB)]
    return [files.put_chunk(file_id, n, piece, turn=turn) for n, piece in enumerate(pieces)]


@table("length", LENGTHS[1:])
def test_chunks_that_came_one_by_one_are_a_file_for_any_client(
    files: Files, stock: gridfs.GridFSBucket, length: int
) -> None:
    data, name = some_bytes(length), f"of-{length}"
    assert all(put(files, name, data, turn=1))
    assert read(files, name, length) == data
    assert files.find(name) is None
    for _again in range(2):
        files.seal(name, length=length, name="a.pdf", metadata={"site": "shop"})
    assert files.is_safe(name, length=length)
    assert stock.open_download_stream(f"shop/{name}").read() == data


def test_a_chunk_is_what_the_latest_turn_wrote(files: Files) -> None:
    """However late an earlier one comes; what is written over is not there twice."""
    old, new = some_bytes(2 * MIB, seed=1), some_bytes(2 * MIB, seed=2)
    assert put(files, "a", old, turn=1) == put(files, "a", old, turn=1) == [True, True]
    assert put(files, "a", new, turn=3) == [True, True]
    assert put(files, "a", old, turn=2) == [False, False]
    assert read(files, "a", 2 * MIB) == new


def test_a_chunk_of_another_file_is_never_written_over(files: Files) -> None:
    data = some_bytes(MIB)
    write(files, "a", data)
    assert put(files, "a", some_bytes(MIB, seed=2), turn=10**6) == [False]
    assert read(files, "a", MIB) == data


def test_a_chunk_whose_answer_was_lost_is_stored_once(
    files: Files, mongod: Mongod, database: Database
) -> None:
    data = some_bytes(MIB)
    with fail_point(mongod.client, ["update"], 2, write_concern_error=64, app_name="avenue") as hit:
        assert put(files, "a", data, turn=1) == [True]
    assert hit.hits == 2
    assert len(stored(database)[1]) == 1
    assert read(files, "a", MIB) == data
