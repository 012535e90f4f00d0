"""Files on a local disk: found again by others, never wrong, never more than there is room for."""

import hashlib
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from avenue.errors import Unavailable
from avenue.media.serving import disk_cache
from avenue.media.serving.cache import ByteCache, Place
from avenue.media.serving.disk_cache import LEAST_BYTES, DiskCache
from avenue.server.departure import Outgoing, send_at_once
from avenue.server.file_body import FileBody, FilePart
from tests.table import table

MB = 1024 * 1024
BODY = bytes(range(256)) * 800
ASSET = "AbCdEfGhIjKlMnOpQrStUv"


@dataclass(frozen=True)
class File:
    """A file of an asset, as it is kept."""

    asset: str = ASSET
    site: str = "shoes"
    body: bytes = BODY
    said_sha256: str = ""

    @property
    def name(self) -> str:
        return f"{self.asset}.card"

    def taken_apart(self, kept: Any) -> tuple[dict[str, str], Iterable[bytes]]:
        sha256 = self.said_sha256 or hashlib.sha256(self.body).hexdigest()
        return {"sha256": sha256}, (kept[:1000], kept[1000:])

    def put_together(self, facts: Any, body: FileBody) -> FileBody:
        return body


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def disk(folder: Path) -> DiskCache:
    return DiskCache(folder, 100 * MB)


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file() and each.name != "lock")


def test_what_one_process_keeps_another_one_finds(disk: DiskCache, folder: Path) -> None:
    kept = disk.keep(File(), BODY)
    assert isinstance(kept, FileBody)
    other = DiskCache(folder, 100 * MB)
    assert other.at_hand(File()) is None  # not before it has compared it
    found = other.find(File())
    assert (found[:], len(found), found[100:200]) == (BODY, len(BODY), BODY[100:200])
    assert other.at_hand(File())[:] == BODY
    assert other.find(File(asset="B" * 22)) is None


def flipped(data: bytes, place: int) -> bytes:
    place %= len(data)
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@table(
    "damage",
    [
        *(lambda data, place=place: flipped(data, place) for place in (0, 5000, len(BODY), -1, -9)),
        lambda data: data[:-1],
        lambda data: data[:100],
        lambda data: b"",
        lambda data: data + b"x",
    ],
)
def test_a_damaged_file_is_never_given_after_a_start(tmp_path: Path, damage: Any) -> None:
    folder = tmp_path / "cache"
    DiskCache(folder, 100 * MB).keep(File(), BODY)
    (path,) = files(folder)
    path.write_bytes(damage(path.read_bytes()))
    other = DiskCache(folder, 100 * MB)
    assert other.find(File()) is None
    assert files(folder) == []
    assert other.keep(File(), BODY)[:] == BODY


def test_a_file_that_took_its_place_is_compared_again(disk: DiskCache, folder: Path) -> None:
    disk.keep(File(), BODY)
    (path,) = files(folder)
    new = path.with_suffix(".new")
    new.write_bytes(flipped(path.read_bytes(), 10))
    new.rename(path)
    assert disk.at_hand(File()) is None
    assert disk.find(File()) is None


def test_bytes_that_are_not_those_of_their_hash_are_not_kept(disk: DiskCache, folder: Path) -> None:
    wrong = File(said_sha256=hashlib.sha256(b"other").hexdigest())
    assert disk.keep(wrong, BODY) is BODY
    assert files(folder) == []


def test_what_breaks_off_leaves_nothing(disk: DiskCache, folder: Path) -> None:
    class Broken(File):
        def taken_apart(self, kept: Any) -> tuple[dict[str, str], Iterator[bytes]]:
            def pieces() -> Iterator[bytes]:
                yield BODY
                raise KeyError("damaged")

            return {"sha256": ""}, pieces()

    with pytest.raises(KeyError):
        disk.keep(Broken(), BODY)
    assert files(folder) == []


def test_a_disk_without_room_is_left_alone_for_a_while(
    disk: DiskCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def full(*_: object) -> None:
        tries.append(1)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(disk_cache, "_write_all", full)
        assert disk.keep(File(), BODY) is BODY
        assert disk.keep(File(), BODY) is BODY
    assert (tries, files(folder)) == ([1], [])
    monkeypatch.setattr(disk, "_no_room_until", 0.0)
    assert disk.keep(File(), BODY)[:] == BODY


def test_a_file_that_another_process_writes_is_waited_for(
    disk: DiskCache, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = DiskCache(tmp_path / "other", 100 * MB)
    other.keep(File(), BODY)
    (theirs,) = files(tmp_path / "other")
    part = folder / "shoes" / ASSET[:2] / f"{ASSET}.card.part"
    part.parent.mkdir(parents=True)
    locked = disk_cache._locked
    with part.open("wb") as file:
        assert locked(file.fileno())

        def finished(descriptor: int) -> bool:
            """The first look finds it locked; then it is written and renamed."""
            if not file.closed:
                assert not locked(descriptor)
                file.write(theirs.read_bytes())
                part.rename(part.with_suffix(""))
                file.close()
                return False
            return locked(descriptor)

        monkeypatch.setattr(disk_cache, "_locked", finished)
        assert disk.keep(File(), b"never read")[:] == BODY
    assert [each.name for each in files(folder)] == [f"{ASSET}.card"]


def test_who_takes_too_long_to_write_is_not_waited_for(
    disk: DiskCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_cache, "WAIT_SECONDS", 0.05)
    part = folder / "shoes" / ASSET[:2] / f"{ASSET}.card.part"
    part.parent.mkdir(parents=True)
    with part.open("wb") as file:
        assert disk_cache._locked(file.fileno())
        assert disk.keep(File(), BODY) is BODY
    assert disk.keep(File(), BODY)[:] == BODY  # what it has left is taken over
    assert [each.name for each in files(folder)] == [f"{ASSET}.card"]


def test_those_not_used_for_longest_go(folder: Path) -> None:
    disk = DiskCache(folder, 4 * MB)
    names = [f"{number:022}" for number in range(30)]
    for number, name in enumerate(names):
        disk.keep(File(asset=name), BODY)
        path = folder / "shoes" / name[:2] / f"{name}.card"
        if path.exists():
            os.utime(path, (number, number))
    assert sum(each.stat().st_blocks * 512 for each in files(folder)) <= 4 * MB + 2 * len(BODY)
    assert disk.find(File(asset=names[-1])) is not None
    assert disk.find(File(asset=names[0])) is None
    assert disk.at_hand(File(asset=names[0])) is None


def test_what_is_public_no_more_is_removed_by_one_process_in_time(folder: Path) -> None:
    disks = [DiskCache(folder, 100 * MB) for _ in range(2)]
    there, gone = File(), File(asset="B" * 22)
    elsewhere = File(site="hats", asset="B" * 22)
    for each in (there, gone, elsewhere):
        disks[0].keep(each, BODY)
    asked = []

    def shown(site: str, assets: Any) -> set[str]:
        asked.append((site, sorted(assets)))
        return {ASSET} if site == "shoes" else set(assets)

    assert [each.sweep(15, shown) for each in disks] == [True, False]
    assert sorted(asked) == [("hats", ["B" * 22]), ("shoes", [ASSET, "B" * 22])]
    assert [disks[1].find(each) is not None for each in (there, gone, elsewhere)] == [
        True,
        False,
        True,
    ]
    assert disks[1].sweep(0, shown)

    def away(site: str, assets: Any) -> set[str]:
        if site == "hats":
            raise Unavailable
        return set()

    assert disks[1].sweep(0, away)  # one cluster is
    assert [disks[1].find(each) is not None for each in (there, elsewhere)] == [False, True]
    shutil.rmtree(folder)
    assert disks[1].sweep(0, shown)
    assert disks[1].keep(there, BODY)[:] == BODY


def test_a_folder_of_somebody_else_is_not_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    folder.symlink_to(tmp_path / "theirs")
    with pytest.raises(PermissionError):
        DiskCache(folder, MB)
    folder.unlink()
    folder.mkdir(mode=0o777)
    DiskCache(folder, MB)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_small_things_stay_in_memory_and_large_ones_are_an_open_file(
    disk: DiskCache, folder: Path
) -> None:
    cache, reads = ByteCache(10 * MB, disk=disk), []

    def place(body: bytes) -> Place:
        file = File(asset=f"{len(body):022}", body=body)
        return Place(file.asset, lambda: reads.append(1) or body, file)

    small, large = place(bytes(LEAST_BYTES - 1)), place(BODY)
    assert isinstance(cache.fetch(small), bytes)
    assert isinstance(cache.fetch(large), FileBody)
    (path,) = files(folder)
    os.utime(path, (1, 1))
    cache.touch_files()
    assert path.stat().st_mtime > 1
    again = ByteCache(0, disk=disk)
    assert isinstance(again.at_hand(large), FileBody)
    assert again.at_hand(small) is None
    assert again.fetch(large)[:] == BODY
    assert len(reads) == 2


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@table("often, start, end", [(1, 0, len(BODY)), (3, 0, len(BODY)), (1, 7, 9000), (3, 7, 200_000)])
def test_a_part_of_a_file_is_sent_behind_its_head(
    disk: DiskCache, often: int, start: int, end: int
) -> None:
    """By the kernel; mapped when it is asked for often. The head has no room of its own."""
    body = disk.keep(File(), BODY)
    for _ in range(often):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            left: Outgoing | None = send_at_once(ours, b"head", FilePart(body, start, end))
            received = bytearray()
            while len(received) < 4 + end - start:
                received += theirs.recv(1 << 16)
                if left is not None and left.left_bytes:
                    try:
                        left.send(ours)
                    except BlockingIOError:
                        continue
            assert received == b"head" + BODY[start:end]
            assert left is None or not left.left_bytes


def test_a_file_that_became_shorter_breaks_the_connection(
    tmp_path: Path, line: tuple[socket.socket, socket.socket]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(BODY[:100])
    body = FileBody(os.open(path, os.O_RDONLY), 200)
    outgoing = Outgoing(b"head", part=FilePart(body, 0, 200))
    outgoing.send(line[0])
    with pytest.raises(OSError, match="shorter"):
        outgoing.send(line[0])
