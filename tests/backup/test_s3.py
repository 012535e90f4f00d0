"""A repository in S3 is the same as one in a directory, and what S3 refuses is said."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from avenue.app.backups import prune
from avenue.backup import opening
from avenue.backup.errors import InvalidTarget, TargetRefuses, TargetUnreachable
from avenue.backup.opening import target_of
from avenue.backup.prune import Keeping
from avenue.backup.targets import Missing, draft_in, s3 as s3_module
from avenue.backup.targets.directory import DirectoryTarget
from avenue.backup.targets.s3 import S3Access
from avenue.errors import AvenueError
from avenue.storage.connection import Database
from tests.backup.deployment import Deployment
from tests.backup.s3 import BUCKET, S3Account, moto_server, rclone_server
from tests.backup.test_restore import contents, restore
from tests.table import table

ADDRESS = f"s3://{BUCKET}/avenue"


@pytest.fixture(scope="module", params=["rclone", pytest.param("moto", marks=pytest.mark.long)])
def account(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Account]:
    of_rclone = request.param == "rclone"
    with rclone_server(tmp_path_factory.mktemp("s3")) if of_rclone else moto_server() as account:
        yield account


@pytest.fixture
def access(account: S3Account, tmp_path: Path) -> S3Access:
    key, secret = account.key, account.secret
    return S3Access(endpoint=account.endpoint, key=key, secret=secret, tmp_dir=tmp_path)


@pytest.mark.long
def test_a_backup_in_a_bucket_comes_back(
    shop: Deployment, empty: Database, access: S3Access
) -> None:
    shop.target = target_of(f"{ADDRESS}/two/", access)  # type: ignore[assignment]
    shop.fill(36)
    before = contents(shop.database)
    shop.create()
    restore(shop, empty)
    assert contents(empty) == before


def test_all_that_a_directory_does_a_bucket_does(
    shop: Deployment, access: S3Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_module, "LARGE_BYTES", 5 * 1024 * 1024)
    shop.target = target_of(f"{ADDRESS}/one/", access)  # type: ignore[assignment]
    shop.fill(4)
    assert shop.create().objects.new == 4
    assert shop.create().objects.new == 0
    assert shop.found() == set()
    pruned = prune(shop.database, shop.repository, Keeping(daily=0, weekly=0, monthly=0))
    assert (len(pruned.removed), pruned.objects) == (1, 0)
    name = next(each.name for each in shop.target.list("objects/"))
    shop.target.delete(name)
    assert shop.found() == {("missing", name)}
    with draft_in(shop.target) as draft:  # in parts
        draft.write(b"x" * 6 * 1024 * 1024)
        draft.keep("large")
    assert shop.target.size("large") == 6 * 1024 * 1024
    assert shop.target.size("nothing") is None
    with pytest.raises(Missing):
        shop.target.open("nothing")


@table(
    "changes, address, error",
    [
        ({"secret": "wrong"}, ADDRESS, TargetRefuses),
        ({"key": "AKIDUNKNOWN"}, ADDRESS, TargetRefuses),
        ({}, "s3://no-such-bucket/x", TargetUnreachable),
        ({"endpoint": "http://127.0.0.1:1"}, ADDRESS, TargetUnreachable),
    ],
)
def test_what_s3_refuses_is_said_without_secrets(access, monkeypatch, changes, address, error):
    monkeypatch.setattr(s3_module, "TRIES", 1)
    target = target_of(address, replace(access, **changes))
    with pytest.raises(error) as refused:
        target.prepare()
    assert access.secret not in f"{refused.value.message} {refused.value.facts}"
    assert isinstance(refused.value, AvenueError)


@table("address", ["", "s3://", "s3://UPPER/x", "s3://bucket/../x", "ftp://x/y"])
def test_what_is_no_target_is_refused(address):
    with pytest.raises(InvalidTarget):
        opening.target_of(address, S3Access())


def test_a_path_is_a_directory(tmp_path: Path) -> None:
    assert isinstance(target_of(str(tmp_path), S3Access()), DirectoryTarget)
