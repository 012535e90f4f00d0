"""What an import changes in one transaction, and what it leaves when somebody was quicker."""

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from avenue.clock import utc_now
from avenue.identity import new_id
from avenue.media.errors import DamagedEntry
from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset, Claim, State, Version, Visibility
from avenue.media.store.assets import AssetStore
from avenue.migration.errors import FileChanged, UnreadableFile
from avenue.migration.folder_import import copied
from avenue.migration.models import Content, Page
from avenue.migration.store import PageStore
from avenue.migration.tree import opened_tree
from avenue.shop.store.external_pictures import OWNERS_AT_ONCE, ExternalPictures
from avenue.storage.idempotency import OpenWrite, UploadInProgress
from tests.migration.deployment import Deployment

SITE = "default"
ONE = Claim(kind="product", id="one")


def received(avenue: Deployment, data: bytes = b"x") -> UploadResult:
    """A file that was stored and waits for its owner, as the library gives it."""
    assets = AssetStore(avenue.database)
    digest = hashlib.sha256(data).hexdigest()
    write = assets.writes.begin(SITE, key=new_id(), fingerprint="f", count=1, lease_seconds=60)
    assert isinstance(write, OpenWrite)
    version = Version(
        file=write.files[0],
        sha256=digest,
        source_sha256=digest,
        bytes=len(data),
        media_type="image/png",
        width=1,
        height=1,
        at=utc_now(),
        by=None,
    )
    asset = Asset(
        id=write.assets[0],
        site=SITE,
        bucket="product_images",
        owner=None,
        name="x.png",
        visibility=Visibility.PUBLIC,
        state=State.LIVE,
        claim=None,
        versions=(version,),
        revision=1,
        created_at=utc_now(),
    )
    assets.write_file(asset, version, io.BytesIO(data))
    assets.insert_unclaimed(asset, hours=1)
    return UploadResult(received=[asset], new=(asset,), write=write)


def test_an_adopted_picture_stands_where_its_address_stood(avenue: Deployment) -> None:
    avenue.add_owner("group", "g", "https://cdn.example/a.jpg", "/uploads/b.jpg", "/uploads/c.jpg")
    upload_result = received(avenue)
    claim = Claim(kind="group", id="g")
    adopted = ExternalPictures(avenue.database).adopt(SITE, claim, "/uploads/b.jpg", upload_result)
    group = avenue.owner("group", "g")
    assert adopted == upload_result.new[0]
    assert group["images"] == [
        {"url": "https://cdn.example/a.jpg"},
        {"asset": adopted.id},
        {"url": "/uploads/c.jpg"},
    ]
    assert group["options"][0]["images"] == ["https://cdn.example/a.jpg", adopted.id]
    assert group["revision"] == 2
    assert avenue.raw["assets"].find_one()["claim"] == {"kind": "group", "id": "g"}
    assert avenue.raw["writes"].find_one({"_id": upload_result.write.id})["state"] == "done"
    assert upload_result.kept == {adopted.id}


def test_an_owner_that_names_the_address_no_more_takes_nothing(avenue: Deployment) -> None:
    avenue.add_owner("product", "one", "/uploads/other.jpg")
    before = avenue.owner("product", "one")
    for claim in (ONE, Claim(kind="product", id="nobody")):
        upload_result = received(avenue)
        store = ExternalPictures(avenue.database)
        assert store.adopt(SITE, claim, "/uploads/a.jpg", upload_result) is None
        assert upload_result.kept == frozenset()
    assert avenue.owner("product", "one") == before
    assert avenue.raw["assets"].count_documents({"claim": {"$ne": None}}) == 0


def test_an_owner_that_has_these_bytes_keeps_what_it_has(avenue: Deployment) -> None:
    avenue.add_owner("product", "one", "/uploads/a.jpg", "/uploads/b.jpg")
    store, second = ExternalPictures(avenue.database), received(avenue)
    first = store.adopt(SITE, ONE, "/uploads/a.jpg", received(avenue))
    assert store.adopt(SITE, ONE, "/uploads/b.jpg", second) == replace(first, claim=ONE)
    assert avenue.owner("product", "one")["images"] == [{"asset": first.id}]
    assert second.kept == {first.id}


def test_a_picture_the_sweeper_took_is_not_named(avenue: Deployment) -> None:
    avenue.add_owner("product", "one", "/uploads/a.jpg")
    before, upload_result = avenue.owner("product", "one"), received(avenue)
    avenue.raw["assets"].update_one({}, {"$set": {"state": "purging"}})
    with pytest.raises(UploadInProgress):
        ExternalPictures(avenue.database).adopt(SITE, ONE, "/uploads/a.jpg", upload_result)
    assert avenue.owner("product", "one") == before
    assert avenue.raw["writes"].find_one({"_id": upload_result.write.id})["state"] == "open"
    assert upload_result.kept == frozenset()


def test_every_owner_that_names_pictures_elsewhere_is_found(avenue: Deployment) -> None:
    many = OWNERS_AT_ONCE * 2 + 1
    for number in range(many):
        avenue.add_owner("product", f"p{number}", f"/uploads/{number}.jpg", "https://x.example/y")
    avenue.add_owner("product", "none")
    avenue.add_owner("group", "g", "/uploads/g.jpg")
    avenue.raw["shop_products"].insert_one({"_id": "x", "site": "other", "images": [{"url": "u"}]})
    store, last, found = ExternalPictures(avenue.database), None, []
    while some := store.external_after(SITE, last):
        found += some
        last = some[-1][0]
    assert len(found) == len(set(found)) == 2 * many + 1
    assert (Claim(kind="group", id="g"), "/uploads/g.jpg") in found
    assert {claim.id for claim, _ in found} == {"g", *(f"p{number}" for number in range(many))}


def test_a_page_that_was_changed_meanwhile_is_left_as_it_is(avenue: Deployment) -> None:
    pages = PageStore(avenue.database)
    avenue.raw["page_content"].insert_many(
        [
            {"_id": "a", "site": SITE, "revision": 2, "draft": {"n": 1}, "assets": ["old"]},
            {"_id": "b", "site": SITE, "published": {"n": 1}},
            {"_id": "c", "site": "other", "draft": {"n": 1}},
        ]
    )
    first, second = pages.pages_after(SITE, "")
    assert (first.revision, second.revision) == (2, None)
    changed = replace(first, parts={"draft": {"n": 2}})
    assert pages.change_page(SITE, changed, {"new"})
    assert pages.change_page(SITE, changed, {"new"})  # its answer was lost
    assert not pages.change_page(SITE, replace(changed, parts={"draft": {"n": 3}}), {"late"})
    assert avenue.raw["page_content"].find_one({"_id": "a"}) == {
        "_id": "a",
        "site": SITE,
        "revision": 3,
        "draft": {"n": 2},
        "assets": ["old", "new"],
    }
    assert pages.change_page(SITE, second, {"new"})
    assert pages.page(SITE, "b") == Page(id="b", revision=1, parts={"published": {"n": 1}})
    assert pages.page(SITE, "c") is None


def test_caches_of_a_published_page_are_purged(
    avenue: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(avenue.database, "purges_caches", True)
    parts = {"draft": {"n": 1}, "published": {"n": 1}}
    page = {"_id": "a", "site": SITE, "slug": "inicio", "revision": 1, **parts}
    avenue.raw["page_content"].insert_one(page)
    pages = PageStore(avenue.database)
    (known,) = pages.pages_after(SITE, "")
    assert pages.change_page(SITE, replace(known, parts={"draft": {"n": 2}}), {"new"})
    assert avenue.raw["notifications"].find_one({}) is None  # visitors see the same
    changed = Page(id="a", revision=2, parts={"published": {"n": 2}})
    assert pages.change_page(SITE, changed, {"new"})
    purge = avenue.raw["notifications"].find_one({"kind": "paths.purge"})
    assert "/p/inicio" in purge["content"]["paths"]


def content(data: bytes, key: bytes) -> Content:
    digest = hashlib.sha256(data).hexdigest()
    return Content(sha256=digest, length=len(data), key=key, name="a.jpg")


@pytest.mark.parametrize("now", [b"other", b"longer than it was", b"x"])
def test_a_file_that_changed_since_it_was_looked_at_is_not_stored(
    tmp_path: Path, now: bytes
) -> None:
    (tmp_path / "a.jpg").write_bytes(now)
    with opened_tree(tmp_path, top="uploads") as tree:
        looked_at = content(b"first", b"a.jpg")
        with copied(tree, looked_at, tmp_path) as incoming, pytest.raises(FileChanged):
            incoming()
        (tmp_path / "a.jpg").write_bytes(b"first")
        with copied(tree, looked_at, tmp_path) as incoming:
            assert incoming().file.read() == b"first"
        (tmp_path / "a.jpg").unlink()
        with copied(tree, looked_at, tmp_path) as incoming, pytest.raises(UnreadableFile):
            incoming()


def test_a_damaged_entry_is_told_from_one_that_changed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jpg", b"first")
    raw = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(raw.replace(b"first", b"fi?st"))
    with (
        opened_tree(tmp_path / "a.zip", top="uploads") as tree,
        copied(tree, content(b"first", b"0"), tmp_path) as incoming,
        pytest.raises(DamagedEntry),
    ):
        incoming()
