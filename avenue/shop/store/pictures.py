"""The pictures of products and groups, in MongoDB.

Changes of an owner together with its pictures are one transaction of small documents.
"""

from collections.abc import Sequence

from pymongo.client_session import ClientSession

from avenue.clock import utc_now
from avenue.media.errors import VersionNotFound
from avenue.media.intake.models import Outcome, Refusal, UploadResult
from avenue.media.models import Asset, Claim, State
from avenue.media.references import shown
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import (
    bring_back_one,
    claim_one,
    claim_temporary,
    discard_temporary,
    keep_temporary,
    replace_one,
    restore_one,
    temporary_of,
    trash_one,
)
from avenue.shop.errors import (
    ImageNotFound,
    OrderMismatch,
    RevisionConflict,
    TempImageExpired,
    TooManyImages,
)
from avenue.shop.models import Entry, PictureOwner
from avenue.shop.store.documents import entry_out, set_at_revision, touch
from avenue.shop.store.picture_transaction import OWNERS, Scene, in_transaction
from avenue.shop.store.purges import purge_owner, with_purges
from avenue.storage.collection import Collection
from avenue.storage.connection import Database
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.scope import SiteRecords, site


class PictureStore(SiteRecords):
    """The pictures of one owner of one site at a time; every method takes the site first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writes = Writes(database)

    def add(self, site_id: str, claim: Claim, upload_result: UploadResult, *, limit: int) -> None:
        """Assign the stored pictures of `upload_result` to their owner, as many as are allowed.

        Sets their fates and closes the open write. Raise `TooManyImages` if none is.
        """
        write = upload_result.write
        if write is None:
            return

        def work(scene: Scene) -> None:
            upload_result.fates = {}  # of an aborted attempt
            scene.drop_dangling()
            mine = scene.by_source()
            fates = {each.id: _add_one(scene, each, mine, limit) for each in upload_result.new}
            if not any(isinstance(fate, Asset) for fate in fates.values()):
                raise TooManyImages(limit=limit)
            upload_result.fates = fates
            self._writes.finish(site_id, write, upload_result.answer(), scene.session)

        in_transaction(self._database, site_id, claim, work)

    def add_external(self, site_id: str, claim: Claim, url: str, *, limit: int) -> bool:
        """Add the external picture at `url`; return False if the owner has it already.

        Raise `TooManyImages`.
        """

        def work(scene: Scene) -> bool:
            entry = Entry(url=url)
            if entry in scene.images():
                return False
            if not scene.push(entry, limit):
                raise TooManyImages(limit=limit)
            return True

        return in_transaction(self._database, site_id, claim, work)

    def order(self, site_id: str, owner: PictureOwner, order: Sequence[str], revision: int) -> None:
        """Set the `order` of the pictures (their keys).

        Raise `RevisionConflict`, `OrderMismatch`.
        """
        if owner.revision != revision:
            raise RevisionConflict
        by_key = {each.key: entry_out(each) for each in owner.images}
        if sorted(order) != sorted(by_key):
            raise OrderMismatch
        values = {"images": [by_key[each] for each in order], "updated_at": utc_now()}
        owners = site(self._database, site_id).collection(OWNERS[owner.claim.kind])

        def work(owners: Collection) -> bool:
            if set_at_revision(owners, owner.id, revision, values) is None:
                return False
            purge_owner(owners, owner.id)
            return True

        if not with_purges(owners, work):
            raise RevisionConflict

    def remove(self, site_id: str, claim: Claim, key: str, *, by: str | None) -> None:
        """Remove a picture from its owner, a stored one to the trash; raise `ImageNotFound`."""

        def work(scene: Scene) -> None:
            images = scene.images()
            entry = next((each for each in images if each.key == key), None)
            if entry is None:
                raise ImageNotFound
            scene.pull(entry)
            if entry.asset:
                position = images.index(entry)
                trash_one(
                    scene.assets, entry.asset, claim, position=position, by=by, reason="removed"
                )

        in_transaction(self._database, site_id, claim, work)

    def drop_entry(self, site_id: str, claim: Claim, position: int, image: str | None) -> bool:
        """Remove the entry at `position`, whatever it is, if its text is `image`.

        An entry with a picture of the owner is kept. Return whether it was removed.
        """

        def work(scene: Scene) -> bool:
            found = scene.owners.find_one({"_id": claim.id}, {"images": 1})
            entries = list(found["images"]) if found else []
            if position >= len(entries) or shown(entries[position]) != image:
                return False
            owned = {"claim.kind": claim.kind, "claim.id": claim.id, "state": State.LIVE}
            if image and scene.assets.find_one({"_id": image, **owned}, {"_id": 1}):
                return False
            del entries[position]
            scene.owners.update({"_id": claim.id}, touch({"$set": {"images": entries}}))
            return True

        return in_transaction(self._database, site_id, claim, work)

    def restore(self, site_id: str, claim: Claim, asset_id: str, *, limit: int) -> None:
        """Restore a picture to its position; raise `ImageNotFound` or `TooManyImages`."""

        def work(scene: Scene) -> None:
            entry = Entry(asset=asset_id)
            position = restore_one(scene.assets, asset_id, claim)
            if position is None:
                if entry in scene.images():
                    return  # restored already: a repeated request
                raise ImageNotFound
            if not scene.push(entry, limit, position):
                raise TooManyImages(limit=limit)

        in_transaction(self._database, site_id, claim, work)

    def replace(
        self, site_id: str, claim: Claim, asset: Asset, upload_result: UploadResult, *, keep: int
    ) -> tuple[str, ...]:
        """Make the stored file of `upload_result` the asset's newest version.

        Return the files of dropped versions. Raise `ImageNotFound` if there is no such asset.
        """
        write, fresh = upload_result.write, upload_result.new
        if write is None or not fresh:
            return ()

        def work(scene: Scene) -> tuple[str, ...]:
            upload_result.fates = {}  # of an aborted attempt
            fell_off = replace_one(
                scene.assets,
                asset.id,
                claim,
                version=fresh[0].current,
                name=fresh[0].name,
                keep=keep,
            )
            if fell_off is None:
                raise ImageNotFound
            scene.owners.update({"_id": claim.id}, touch({}))
            upload_result.fates = {asset.id: fresh[0]}
            self._writes.finish(site_id, write, upload_result.answer(), scene.session)
            return fell_off

        return in_transaction(self._database, site_id, claim, work)

    def bring_back(
        self, site_id: str, claim: Claim, asset_id: str, version: str, *, by: str | None
    ) -> Asset:
        """Make an older version (its twelve digits) of a live picture the current one again.

        Raise `ImageNotFound` or `VersionNotFound`.
        """

        def work(scene: Scene) -> Asset:
            owned = {"claim.kind": claim.kind, "claim.id": claim.id, "state": State.LIVE}
            before = scene.assets.find_one({"_id": asset_id, **owned}, {"revision": 1})
            if before is None:
                raise ImageNotFound
            after = bring_back_one(scene.assets, asset_id, claim, version=version, by=by)
            if after is None:
                raise VersionNotFound
            if after.revision != before["revision"]:
                scene.owners.update({"_id": claim.id}, touch({}))
            return after

        return in_transaction(self._database, site_id, claim, work)

    def purge_owner_pages(self, site_id: str, claim: Claim) -> None:
        """Purge the pages of the owner of a picture whose description changed."""
        owners = site(self._database, site_id).collection(OWNERS[claim.kind])
        with_purges(owners, lambda each: purge_owner(each, claim.id))

    def add_temporary(self, site_id: str, upload_result: UploadResult) -> None:
        """Store the pictures of `upload_result` for a new product; closes the write."""
        write, scope = upload_result.write, site(self._database, site_id)
        if write is None:
            return

        def work(session: ClientSession) -> None:
            upload_result.fates = {}  # of an aborted attempt
            assets = scope.collection(ASSETS).within(session)
            kept = [keep_temporary(assets, each.id) for each in upload_result.new]
            if any(each is None for each in kept):
                raise UploadInProgress
            upload_result.fates = {each.id: each for each in kept if each is not None}
            self._writes.finish(site_id, write, upload_result.answer(), session)

        scope.transaction(work)

    def take_temporary(
        self, site_id: str, claim: Claim, asset_ids: Sequence[str], *, owner: str, limit: int
    ) -> None:
        """Assign temporary pictures of a person to a product or group, all or none of them.

        One whose bytes the owner already has stays temporary. Raise `TempImageExpired` or
        `TooManyImages`.
        """

        def work(scene: Scene) -> None:
            scene.drop_dangling()
            theirs = {each.id: each for each in temporary_of(scene.assets, owner)}
            mine, there = scene.by_source(), scene.images()
            missing = [each for each in asset_ids if Entry(asset=each) not in there]
            if gone := [each for each in missing if each not in theirs]:
                raise TempImageExpired(images=gone)
            for each in missing:
                source = theirs[each].current.source_sha256
                if source in mine:
                    continue
                if not scene.push(Entry(asset=each), limit):
                    raise TooManyImages(limit=limit)
                if not claim_temporary(scene.assets, each, claim, owner=owner):
                    raise TempImageExpired(images=[each])
                mine[source] = theirs[each]

        in_transaction(self._database, site_id, claim, work)

    def temporary(self, site_id: str, owner: str) -> list[Asset]:
        """Return a person's temporary pictures that have not expired, newest first."""
        return temporary_of(self._records(site_id, ASSETS), owner)

    def remove_temporary(self, site_id: str, owner: str, asset_id: str) -> Asset | None:
        """Delete a temporary picture of `owner` and return it; None if there is none."""
        return discard_temporary(self._records(site_id, ASSETS), owner, asset_id)


def _add_one(scene: Scene, asset: Asset, mine: dict[str, Asset], limit: int) -> Outcome:
    """Assign one stored picture to the owner; `mine` are its existing ones."""
    twin = mine.get(asset.current.source_sha256)
    if twin is not None:
        return twin
    if not scene.push(Entry(asset=asset.id), limit):
        return Refusal.of(asset.name, TooManyImages(limit=limit))
    if not claim_one(scene.assets, asset.id, scene.claim):
        # The lease has ended and the sweeper, or another attempt of this request, was faster.
        raise UploadInProgress
    mine[asset.current.source_sha256] = asset
    return asset
