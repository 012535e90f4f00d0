"""One thing of a snapshot comes back into the running site; what is there stays as it is."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from avenue.app.backups import bring_back
from avenue.backup.errors import BackupRuns, NotInSnapshot
from avenue.backup.one import Returned
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.storage.chunks import Incomplete
from avenue.storage.copying.returning import CannotReturn, Returning
from avenue.storage.scope import deployment as whole_deployment
from tests.backup.deployment import Deployment
from tests.health.planting import CHUNKS, FILES


def back(shop: Deployment, kind: str, record_id: str) -> Returned:
    settings = Settings(local=True, public_base_url="https://shop.example")
    repository = shop.repository
    manifest = repository.manifest()
    return bring_back(
        settings, shop.database, repository, manifest, kind, record_id, settle_seconds=0
    )


def purge(shop: Deployment, *assets: str) -> None:
    """As the sweeper leaves them."""
    for each in shop.raw["assets"].find({"_id": {"$in": assets}}):
        file_id = f"{each['site']}/{each['versions'][0]['file']}"
        shop.raw[FILES].delete_one({"_id": file_id})
        shop.raw[CHUNKS].delete_many({"files_id": file_id})
    shop.raw["assets"].delete_many({"_id": {"$in": assets}})


def bytes_are_right(shop: Deployment, asset_id: str) -> bool:
    asset = shop.raw["assets"].find_one({"_id": asset_id})
    (version,) = asset["versions"]
    files = whole_deployment(shop.database).files(asset["bucket"])
    file_id, length = f"{asset['site']}/{version['file']}", version["bytes"]
    try:
        data = b"".join(files.read(file_id, 0, length, length=length))
    except Incomplete:
        return False
    return hashlib.sha256(data).hexdigest() == version["sha256"]


def images(shop: Deployment, product_id: str) -> list[str]:
    return [each["asset"] for each in shop.raw["shop_products"].find_one(product_id)["images"]]


def test_a_product_that_is_gone_comes_back_with_its_pictures(shop: Deployment) -> None:
    store = shop.fill(8)
    product = store.products[store.assets[4]]
    of_it = images(shop, product)
    shop.create()
    shop.raw["shop_products"].delete_one({"_id": product})
    purge(shop, *of_it)
    returned = back(shop, "product", product)
    assert (returned.records, returned.files, returned.findings) == (5, 4, ())
    assert images(shop, product) == of_it
    assert all(bytes_are_right(shop, each) for each in of_it)
    assert shop.raw["jobs"].count_documents({"kind": "count_quotas"}) == 1
    assert shop.raw["audit_logs"].count_documents({"action": "backup.returned"}) == 1
    again = back(shop, "product", product)
    assert (again.records, again.files) == (0, 0)


def test_a_picture_comes_back_to_its_product_and_a_damaged_one_is_mended(shop: Deployment) -> None:
    store = shop.fill(8)
    gone, flipped = store.assets[:2]
    product = store.products[gone]
    shop.create()
    purge(shop, gone)
    shop.raw["shop_products"].update_one({"_id": product}, {"$pull": {"images": {"asset": gone}}})
    store.flip_bit(flipped)
    before = shop.raw["assets"].find_one({"_id": flipped})
    assert not bytes_are_right(shop, flipped)
    assert (back(shop, "picture", gone).records, back(shop, "picture", flipped).files) == (1, 1)
    assert images(shop, product)[-1] == gone
    assert bytes_are_right(shop, gone)
    assert bytes_are_right(shop, flipped)
    assert shop.raw["assets"].find_one({"_id": flipped}) == before


def test_the_sweeper_deletes_no_bytes_that_come_back_and_no_backup_runs_meanwhile(
    shop: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = shop.fill(8).assets[0]
    shop.create()
    shop.raw["assets"].delete_one({"_id": gone})
    long_ago = utc_now() - timedelta(days=1)
    shop.raw[FILES].update_many({}, {"$set": {"uploadDate": long_ago}})
    put = Returning.put

    def sweep_and_put(*args: Any, **more: Any) -> None:
        store = SweptStore(shop.database)
        Sweeper(store, buckets=("product_images",), trash_days=30).sweep()
        with pytest.raises(BackupRuns):
            shop.create()
        put(*args, **more)

    monkeypatch.setattr(Returning, "put", sweep_and_put)
    assert back(shop, "picture", gone).records == 1
    assert bytes_are_right(shop, gone)


def planted(shop: Deployment) -> dict[str, Any]:
    """A page with a picture of the library, and an upload; both are deleted after a backup."""
    store = shop.fill(4)
    shown, upload = store.assets[0], store.assets[1]
    site = shop.raw["assets"].find_one({"_id": shown})["site"]
    claims = {shown: ("builder_media", "library", site), upload: ("uploads", "upload", upload)}
    for asset, (bucket, kind, of) in claims.items():
        change = {"bucket": bucket, "claim": {"kind": kind, "id": of}, "folder": "away"}
        shop.raw["assets"].update_one({"_id": asset}, {"$set": change})
        for part, key in (("files", "_id"), ("chunks", "files_id")):
            for each in shop.raw[f"product_images.{part}"].find({key: store.files[asset]}):
                shop.raw[f"{bucket}.{part}"].insert_one(each)
    page = {"_id": "p" * 22, "site": site, "slug": "about", "assets": [shown], "revision": 2}
    shop.raw["page_content"].insert_one(page)
    shop.raw["page_history"].insert_one(
        {"_id": "h", "site": site, "page": page["_id"], "number": 1}
    )
    shop.create()
    for name in ("page_content", "page_history", "assets"):
        shop.raw[name].delete_many({})
    for bucket in ("builder_media", "uploads"):
        for part in ("files", "chunks"):
            shop.raw[f"{bucket}.{part}"].delete_many({})
    return {"page": page, "shown": shown, "upload": upload}


def test_a_page_and_an_upload_come_back(shop: Deployment) -> None:
    ids = planted(shop)
    back(shop, "page", ids["page"]["_id"])
    back(shop, "upload", ids["upload"])
    assert shop.raw["page_content"].find_one() == {**ids["page"], "revision": 3}
    assert shop.raw["page_history"].count_documents({}) == 1
    assert bytes_are_right(shop, ids["shown"])
    assert bytes_are_right(shop, ids["upload"])
    assert "folder" not in shop.raw["assets"].find_one({"_id": ids["shown"]})
    with pytest.raises(NotInSnapshot):
        back(shop, "picture", ids["upload"])


def test_what_stands_in_the_way_is_told_and_nothing_changes(shop: Deployment) -> None:
    store = shop.fill(8)
    asset, temporary = store.assets[0], store.assets[-1]
    product = store.products[asset]
    shop.raw["shop_products"].update_one({"_id": product}, {"$set": {"sku": "A-1"}})
    shop.raw["assets"].update_one({"_id": temporary}, {"$set": {"claim": None}})
    shop.create()
    raw = shop.raw
    trashed = raw["shop_products"].find_one_and_delete({"_id": product})
    purge(shop, asset, temporary)
    with pytest.raises(CannotReturn, match="product is not there"):
        back(shop, "picture", asset)
    with pytest.raises(CannotReturn, match="temporary"):
        back(shop, "picture", temporary)
    raw["shop_products"].insert_one({"_id": "x", "site": trashed["site"], "sku": "A-1"})
    with pytest.raises(CannotReturn, match="same sku"):
        back(shop, "product", product)
    raw["shop_products_trashed"].insert_one({**trashed, "trash": {"at": utc_now()}})
    with pytest.raises(CannotReturn, match="in the trash"):
        back(shop, "product", product)
    assert raw["assets"].count_documents({"_id": {"$in": [asset, temporary]}}) == 0
    assert raw["shop_products"].count_documents({"_id": product}) == 0
    with pytest.raises(NotInSnapshot):
        back(shop, "page", "nobody")


def test_the_command_brings_one_thing_back(shop: Deployment) -> None:
    store = shop.fill(4)
    shop.create()
    asset = store.assets[0]
    purge(shop, asset)
    told = shop.run("restore", "--from", shop.folder, "--only", "picture", asset)
    assert (told["records"], told["files"], told["findings"]) == (1, 1, [])
    assert "has no page" in shop.run(
        "restore", "--from", shop.folder, "--only", "page", asset, code=2
    )
