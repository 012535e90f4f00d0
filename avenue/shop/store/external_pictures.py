"""The pictures of products and groups that are only URLs, and their import, in MongoDB."""

from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset, Claim
from avenue.media.store.transitions import claim_one
from avenue.shop.models import Entry
from avenue.shop.store.documents import entries_in, entry_out, touch
from avenue.shop.store.picture_transaction import OWNERS, Scene, in_transaction
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.scope import SiteRecords, site

OWNERS_AT_ONCE = 100


class ExternalPictures(SiteRecords):
    """The external pictures of one site at a time; every method takes the site first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writes = Writes(database)

    def external_after(self, site_id: str, last: Claim | None) -> list[tuple[Claim, str]]:
        """Return the next owners after `last` that have pictures by URL, with each URL.

        An owner's URLs are returned together; an empty list is the end.
        """
        for kind in sorted(OWNERS):
            if last is not None and kind < last.kind:
                continue
            last_id = last.id if last is not None and kind == last.kind else ""
            owners = site(self._database, site_id).collection(OWNERS[kind])
            while found := owners.values(
                _urls_of,
                {"_id": {"$gt": last_id}, "images.url": {"$exists": True}},
                {"images": 1},
                sort=[("_id", 1)],
                limit=OWNERS_AT_ONCE,
            ):
                urls = [(Claim(kind=kind, id=owner), url) for owner, some in found for url in some]
                if urls:
                    return urls
                last_id = found[-1][0]  # none of these entries is a text
        return []

    def adopt(
        self, site_id: str, claim: Claim, url: str, upload_result: UploadResult
    ) -> Asset | None:
        """Replace the entry `url` of an owner by the picture of `upload_result`.

        Closes the open write. Return the picture that is there now, which is an existing one if the
        bytes are the same; None if the owner no longer has `url`.
        """
        (asset,) = upload_result.assets

        def work(scene: Scene) -> Asset | None:
            upload_result.fates = {}  # of an aborted attempt
            found = scene.owners.find_one({"_id": claim.id}, {"images": 1, "options": 1})
            if found is None or Entry(url=url) not in entries_in(found["images"]):
                # Claimed already in an earlier run of this transaction?
                return scene.by_source().get(asset.current.source_sha256)
            kept = scene.by_source().get(asset.current.source_sha256, asset)
            if upload_result.write:
                upload_result.fates = {asset.id: kept}
                # Before the asset: if a killed process has locked it, the next attempt waits for
                # the lock of the write, instead of choosing another asset.
                self._writes.finish(
                    site_id, upload_result.write, upload_result.answer(), scene.session
                )
            if kept is asset and not claim_one(scene.assets, asset.id, claim):
                upload_result.fates = {}
                raise UploadInProgress  # the lease has ended, and the sweeper was faster
            scene.owners.update({"_id": claim.id}, touch({"$set": _renamed(found, url, kept.id)}))
            return kept

        return in_transaction(self._database, site_id, claim, work)


def _renamed(found: Document, url: str, asset_id: str) -> Document:
    """Return an owner's fields in which `asset_id` replaces `url`, once."""
    entries = [
        Entry(asset=asset_id) if each.url == url else each for each in entries_in(found["images"])
    ]
    changed: Document = {"images": [entry_out(each) for each in dict.fromkeys(entries)]}
    if found.get("options"):
        changed["options"] = [
            {
                **each,
                "images": list(
                    dict.fromkeys(asset_id if key == url else key for key in each["images"])
                ),
            }
            for each in found["options"]
        ]
    return changed


def _urls_of(document: Document) -> tuple[str, list[str]]:
    entries = entries_in(document["images"])
    return document["_id"], [each.url for each in entries if each.url]
