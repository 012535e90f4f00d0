"""Encrypted backups: nothing can be read or exchanged without its being noticed."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from avenue.backup import encryption
from avenue.backup.encryption import EncryptedTarget, key_of, new_key
from avenue.backup.errors import BackupDamaged, KeyNeeded, NotEncrypted, WrongKey
from avenue.backup.repository import Repository
from avenue.backup.targets import Missing, draft_in
from avenue.backup.targets.directory import DirectoryTarget
from avenue.cli.backups import backup
from avenue.storage.connection import Database
from tests.backup.deployment import Deployment
from tests.backup.test_restore import contents, restore

SEGMENT = 256
SECRET = b"what nobody may read "
NAMES = ("objects/ab/" + "ab" * 32, "snapshots/000001-20261125T000000Z/manifest.json")


@pytest.fixture
def plain(tmp_path: Path) -> DirectoryTarget:
    target = DirectoryTarget(tmp_path / "target")
    target.prepare()
    return target


@pytest.fixture
def encrypted(plain: DirectoryTarget, monkeypatch: pytest.MonkeyPatch) -> EncryptedTarget:
    monkeypatch.setattr(encryption, "SEGMENT_BYTES", SEGMENT)
    return EncryptedTarget(plain, key_of(new_key()), "repository")


def put(target: EncryptedTarget, name: str, data: bytes) -> None:
    with draft_in(target) as draft:
        for start in range(0, len(data), 100):
            draft.write(data[start : start + 100])
        draft.keep(name)


def read(target: EncryptedTarget, name: str) -> bytes:
    with target.open(name) as stored:
        return stored.read()


def path_of(plain: DirectoryTarget, folder: str = "") -> Path:
    """The one file that is there."""
    (found,) = plain.list(folder)
    return Path(plain.address) / found.name


def test_what_is_written_is_read_and_nothing_of_it_is_seen(
    plain: DirectoryTarget, encrypted: EncryptedTarget
) -> None:
    edges = (0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT, 3 * SEGMENT + 7)
    for size in edges:
        data = (SECRET * size)[:size]
        for name in NAMES:
            put(encrypted, name, data)
            assert read(encrypted, name) == data
            assert encrypted.size(name) == size
        listed = {each.name: each.size for each in encrypted.list("")}
        assert listed == dict.fromkeys(NAMES, size)
        for each in plain.list(""):
            stored = (Path(plain.address) / each.name).read_bytes()
            assert not any(SECRET[start : start + 8] in stored for start in range(10))
            assert "manifest" not in each.name
            assert "abab" not in each.name
    encrypted.delete(NAMES[0])
    assert encrypted.size(NAMES[0]) is None
    with pytest.raises(Missing):
        encrypted.open(NAMES[0])


def test_each_change_of_an_object_is_noticed(
    plain: DirectoryTarget, encrypted: EncryptedTarget
) -> None:
    data, (name, other) = os.urandom(3 * SEGMENT), NAMES
    put(encrypted, name, data)
    path = path_of(plain)
    good = path.read_bytes()
    head, segment = encryption.HEAD_BYTES, SEGMENT + encryption.TAG_BYTES
    put(encrypted, other, data)
    exchanged = path_of(plain, "snapshots/").read_bytes()
    wrong = {
        "nothing": b"",
        "a part of its head": good[: head - 1],
        "its head alone": good[:head],
        "cut off after a segment": good[: head + segment],
        "without its end": good[: head + 3 * segment],
        "without a segment": good[:head] + good[head + segment :],
        "two segments exchanged": good[:head]
        + good[head + segment : head + 2 * segment]
        + good[head : head + segment]
        + good[head + 2 * segment :],
        "a segment twice": good[: head + segment] + good[head:],
        "more behind it": good + b"x",
        "another object": exchanged,
        **{
            f"byte {at}": good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
            for at in range(0, len(good), 61)
        },
    }
    for how, stored in wrong.items():
        path.write_bytes(stored)
        try:
            read(encrypted, name)
        except BackupDamaged:
            continue
        pytest.fail(f"not noticed: {how}")
    path.write_bytes(good)
    assert read(encrypted, name) == data


def test_only_its_own_key_opens_a_repository(plain: DirectoryTarget) -> None:
    right, wrong = key_of(new_key()), key_of(new_key())
    assert right != wrong
    Repository.begun(plain, "deployment", right)
    assert isinstance(Repository.opened(plain, right).target, EncryptedTarget)
    for open_it in (
        Repository.opened,
        lambda target, key: Repository.begun(target, "deployment", key),
    ):
        with pytest.raises(KeyNeeded):
            open_it(plain, None)
        with pytest.raises(WrongKey):
            open_it(plain, wrong)
    for text in ("", "avbk_", new_key()[:-1], new_key()[5:], f"{new_key()}A", "avbk_" + "é" * 43):
        with pytest.raises(WrongKey):
            key_of(text)


def test_that_a_lost_key_is_a_lost_backup_is_said_with_the_key() -> None:
    done = CliRunner().invoke(backup, ["key"])
    assert key_of(done.stdout.strip())
    assert "A lost key is a lost backup." in done.stderr


def test_no_key_goes_with_a_repository_that_is_not_encrypted(shop: Deployment) -> None:
    shop.fill(1)
    shop.create()
    with pytest.raises(NotEncrypted):
        Repository.opened(shop.target, key_of(new_key()))
    assert "is no key" in shop.run("create", "--to", shop.folder, code=2, key="avbk_short")


def test_an_encrypted_backup_is_made_checked_and_brought_back(
    shop: Deployment,
    empty: Database,
    tmp_path: Path,
) -> None:
    shop.fill(12)
    before = contents(shop.database)
    made = shop.run("key")["key"]
    folder = tmp_path / "encrypted"
    first = shop.run("create", "--to", folder, key=made)
    assert first["findings"] == []
    assert shop.run("create", "--to", folder, key=made)["new_objects"] == 0
    assert "AVENUE_BACKUP_KEY" in shop.run("verify", "--from", folder, code=2)
    for option in ("list", "create"):
        where = "--to" if option == "create" else "--from"
        assert "is not the key" in shop.run(option, where, folder, code=2, key=new_key())
    assert shop.run("verify", "--read", "--from", folder, key=made)["findings"] == []

    names = [each for each in folder.rglob("*") if each.is_file()]
    records = {each["name"] for each in shop.raw.list_collections()}
    digests = set(shop.raw["assets"].distinct("versions.sha256"))
    assert not any(word in str(each) for each in names for word in records | digests)
    assert not any(b"shop_products" in each.read_bytes() for each in names)

    shop.key = key_of(made)
    shop.folder, shop.target = folder, DirectoryTarget(folder)
    restored = restore(shop, empty)
    assert (restored.files, restored.findings) == (12, ())
    assert contents(empty) == before

    one, two = shop.objects()[:2]
    held, other = one.read_bytes(), two.read_bytes()
    one.write_bytes(other)
    two.write_bytes(held)
    assert len(shop.found()) == 2
    one.write_bytes(held[:-1])
    two.unlink()
    assert len(shop.found()) == 2
