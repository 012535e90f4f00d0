"""An upload being claimed in the very moment it expires: claimed and whole, or gone, never between.

Also two tries of one upload, of which the first had lost its lease without knowing.
"""

import contextlib
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier

import pytest

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.identity import DEFAULT_SITE, Actor, Role, Site, new_id
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import UploadRequest, UploadResult
from avenue.media.intake.policy import image_limits, product_pictures
from avenue.media.intake.scanning import IntakeScanner
from avenue.media.models import Asset, State, Version, Visibility
from avenue.media.pictures.facts import Examined, Look, PictureFacts
from avenue.media.renditions.store import RenditionStore
from avenue.media.store.assets import AssetStore
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.shop.errors import TempImageExpired, TooManyImages
from avenue.shop.models import Entry, Product, Status
from avenue.shop.store.pictures import PictureStore
from avenue.shop.store.products import ProductStore
from avenue.storage.connection import Database
from avenue.storage.holders import Amount
from avenue.storage.idempotency import OpenWrite, UploadInProgress
from avenue.storage.room import Reservation
from avenue.storage.site_data import BUCKETS
from tests.faults.deployment import CLEAN, Raw, end_leases, expire_unclaimed, inspect, raw, sha256
from tests.mongod import Mongod, fail_point
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, let_pass

SITE = DEFAULT_SITE
BUCKET = "product_images"
LATEST_SECONDS = 0.02
LONGER = 1.5
FAR_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Stores:
    """The real stores, without a server around them."""

    products: ProductStore
    pictures: PictureStore
    assets: AssetStore
    sweeper: Sweeper
    library: MediaLibrary
    raw: Raw


@dataclass(frozen=True, slots=True)
class Received:
    """A received file."""

    data: bytes
    name: str = "foto.png"

    @property
    def file(self) -> io.BytesIO:
        return io.BytesIO(self.data)

    @property
    def length(self) -> int:
        return len(self.data)

    @property
    def sha256(self) -> str:
        return sha256(self.data)


class Believer:
    """Takes everything for a picture and says that there is room."""

    def examine(self, *_: object, **__: object) -> Examined:
        return Examined(
            facts=PictureFacts(width=1, height=1, orientation=1, frames=1),
            look=Look(has_alpha=False, color="#000000", placeholder=b"", focal=(0.5, 0.5)),
        )

    @contextlib.contextmanager
    def reserved(self, _site: Site, _person: str | None, wanted: Amount) -> Iterator[Reservation]:
        """There is always room."""
        yield Reservation(wanted)


@pytest.fixture
def stores(mongod: Mongod, migrated_uri: str) -> Iterator[Stores]:
    settings = Settings(mongodb_uri=migrated_uri, local=True)
    database = Database(settings)
    assets, believer = AssetStore(database), Believer()
    yield Stores(
        ProductStore(database),
        PictureStore(database),
        assets,
        Sweeper(SweptStore(database), buckets=BUCKETS, trash_days=7, orphan_age=timedelta(0)),
        MediaLibrary(
            assets,
            RenditionStore(database),
            believer,
            image_limits(settings),
            believer,
            IntakeScanner(None, settings),
            settings,
        ),
        raw(mongod.client, migrated_uri),
    )
    database.close()


def a_product(*images: Entry) -> Product:
    return Product(
        id=new_id(),
        owner="seller",
        sku=None,
        name="Zapato",
        description="",
        price=None,
        currency="PYG",
        status=Status.DRAFT,
        group=None,
        images=images,
        revision=1,
        created_at=utc_now(),
        updated_at=utc_now(),
    )


def new_product(stores: Stores) -> Product:
    product = a_product()
    stores.products.insert(SITE, product)
    return product


def unclaimed(stores: Stores, product: Product, data: bytes) -> UploadResult:
    """An upload that has done everything but its last step."""
    write = stores.assets.writes.begin(
        SITE, key=product.id, fingerprint=sha256(data), count=1, lease_seconds=60
    )
    assert isinstance(write, OpenWrite)
    version = Version(
        file=write.files[0],
        sha256=sha256(data),
        source_sha256=sha256(data),
        bytes=len(data),
        media_type="image/png",
        width=1,
        height=1,
        at=utc_now(),
        by="seller",
    )
    asset = Asset(
        id=write.assets[0],
        site=SITE,
        bucket=BUCKET,
        owner="seller",
        name="foto.png",
        visibility=Visibility.PUBLIC,
        state=State.LIVE,
        claim=None,
        versions=(version,),
        revision=1,
        created_at=utc_now(),
    )
    stores.assets.write_file(asset, version, io.BytesIO(data))
    stores.assets.insert_unclaimed(asset, hours=24)
    return UploadResult(received=[asset], new=(asset,), write=write)


def expire_in(stores: Stores, asset: Asset, seconds: float) -> None:
    expires_at = {"$add": ["$$NOW", round(seconds * 1000)]}
    stores.raw["assets"].update_one({"_id": asset.id}, [{"$set": {"expires_at": expires_at}}])


def claim(stores: Stores, product: Product, upload_result: UploadResult) -> bool:
    """The last step of an upload; whether it was answered with success."""
    try:
        stores.pictures.add(SITE, product.claim, upload_result, limit=5)
    except UploadInProgress:
        return False
    return True


def assert_whole_or_gone(stores: Stores, product: Product, data: bytes, *, claimed: bool) -> None:
    found = stores.products.get(SITE, product.id)
    assert found is not None
    owned = stores.assets.claimed_by(SITE, product.claim)
    assert [each.id for each in owned] == [image.asset for image in found.images]
    assert len(owned) == (1 if claimed else 0)
    for asset in owned:
        assert b"".join(stores.assets.read_file(asset, asset.current, 0, len(data))) == data


class Expiry:
    """When the next picture expires: sooner after a claim that won, later after one that lost.

    The first is in time for sure, and the second is too late, on a machine of any speed.
    """

    def __init__(self) -> None:
        self._latest_seconds = LATEST_SECONDS
        self._sure = [FAR_SECONDS, -FAR_SECONDS]

    def seconds(self) -> float:
        return self._sure.pop(0) if self._sure else random.uniform(0, self._latest_seconds)

    def learn(self, *, won: bool) -> None:
        self._latest_seconds *= 1 / LONGER if won else LONGER


@pytest.mark.parametrize("times", [8, pytest.param(1000, marks=pytest.mark.long)])
def test_a_claim_and_the_sweeper_never_both_win(stores: Stores, times: int) -> None:
    random.seed(times)
    start, expiry = Barrier(2), Expiry()
    wins = 0

    def claim_later(product: Product, upload_result: UploadResult) -> bool:
        start.wait(DEADLINE_SECONDS)
        let_pass(random.uniform(0, LATEST_SECONDS))
        return claim(stores, product, upload_result)

    def sweep_later() -> None:
        start.wait(DEADLINE_SECONDS)
        let_pass(random.uniform(0, LATEST_SECONDS))
        stores.sweeper.sweep()

    with Threads(2) as threads:
        for number in range(times):
            data = b"picture %d" % number
            product = new_product(stores)
            upload_result = unclaimed(stores, product, data)
            expire_in(stores, upload_result.new[0], expiry.seconds())
            claiming = threads.submit(claim_later, product, upload_result)
            threads.submit(sweep_later).result(DEADLINE_SECONDS)
            claimed = claiming.result(DEADLINE_SECONDS)
            wins += claimed
            expiry.learn(won=claimed)
            assert_whole_or_gone(stores, product, data, claimed=claimed)
    assert 0 < wins < times
    end_leases(stores.raw)
    expire_unclaimed(stores.raw)
    stores.sweeper.sweep()
    deployment = inspect(stores.raw)
    assert (deployment.claimed, deployment.unclaimed, deployment.damage) == (wins, 0, ())
    assert (deployment.stray_files, deployment.stray_chunks) == (0, 0)


@pytest.mark.parametrize("times", [8, pytest.param(1000, marks=pytest.mark.long)])
def test_a_save_and_the_sweeper_never_both_win_a_temporary_picture(
    stores: Stores, times: int
) -> None:
    random.seed(times)
    start, expiry = Barrier(2), Expiry()
    wins = 0

    def save_later(product: Product) -> bool:
        start.wait(DEADLINE_SECONDS)
        let_pass(random.uniform(0, LATEST_SECONDS))
        try:
            stores.products.insert(SITE, product)
        except TempImageExpired:
            return False
        return True

    def sweep_later() -> None:
        start.wait(DEADLINE_SECONDS)
        let_pass(random.uniform(0, LATEST_SECONDS))
        stores.sweeper.sweep()

    with Threads(2) as threads:
        for number in range(times):
            data = b"temporary picture %d" % number
            upload_result = unclaimed(stores, a_product(), data)
            stores.pictures.add_temporary(SITE, upload_result)
            kept = upload_result.new[0]
            product = a_product(Entry(asset=kept.id))
            expire_in(stores, kept, expiry.seconds())
            saving = threads.submit(save_later, product)
            threads.submit(sweep_later).result(DEADLINE_SECONDS)
            saved = saving.result(DEADLINE_SECONDS)
            wins += saved
            expiry.learn(won=saved)
            if saved:
                assert_whole_or_gone(stores, product, data, claimed=True)
            else:
                assert stores.products.get(SITE, product.id) is None
    assert 0 < wins < times
    expire_unclaimed(stores.raw)
    stores.sweeper.sweep()
    deployment = inspect(stores.raw)
    assert (deployment.claimed, deployment.stray, deployment.damage) == (wins, CLEAN, ())


def test_what_was_claimed_first_stays(stores: Stores) -> None:
    product = new_product(stores)
    upload_result = unclaimed(stores, product, b"picture")

    assert claim(stores, product, upload_result)

    expire_in(stores, upload_result.new[0], -0.001)  # as if it were still waiting for an owner
    stores.sweeper.sweep()
    assert_whole_or_gone(stores, product, b"picture", claimed=True)


def test_what_was_swept_first_is_not_claimed(stores: Stores) -> None:
    product = new_product(stores)
    upload_result = unclaimed(stores, product, b"picture")
    expire_in(stores, upload_result.new[0], -0.001)
    stores.sweeper.sweep()

    assert not claim(stores, product, upload_result)

    assert_whole_or_gone(stores, product, b"picture", claimed=False)
    assert inspect(stores.raw).stray_chunks == 0


@pytest.mark.parametrize(
    "times", [3, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)]
)
def test_a_sweep_goes_through_although_deleting_fails(
    mongod: Mongod, stores: Stores, times: int
) -> None:
    for number in range(3):
        product = new_product(stores)
        upload_result = unclaimed(stores, product, b"picture %d" % number)
        expire_in(stores, upload_result.new[0], -0.001)
    with fail_point(mongod.client, ["delete"], times, 11602, app_name="avenue") as point:
        stores.sweeper.sweep()

    assert point.hits == times
    deployment = inspect(stores.raw)
    assert (deployment.unclaimed, deployment.stray_files, deployment.stray_chunks) == (0, 0, 0)


def test_a_try_that_has_lost_its_lease_takes_nothing_from_the_one_that_goes_on(
    stores: Stores,
) -> None:
    product = new_product(stores)
    picture = Received(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(3_000_000))
    actor = Actor(site=Site(id=SITE, hosts=(), base_url="", name=""), id="seller", role=Role.SELLER)
    order = UploadRequest(
        policy=product_pictures(Settings(local=True)),
        target=product.id,
        key="the-key",
        room=5,
        no_room=TooManyImages(limit=5),
    )
    tries: list[UploadResult] = []
    with contextlib.ExitStack() as second_try:

        def be_overtaken() -> None:
            with stores.library.receiving(actor, order, [picture]) as first:
                end_leases(stores.raw)
                second = second_try.enter_context(stores.library.receiving(actor, order, [picture]))
                assert second.new[0].id == first.new[0].id
                tries.append(second)
                raise Unavailable

        with pytest.raises(Unavailable):
            be_overtaken()
        stores.pictures.add(SITE, product.claim, tries[0], limit=5)

    assert_whole_or_gone(stores, product, picture.data, claimed=True)
    deployment = inspect(stores.raw)
    assert (deployment.stray, deployment.damage) == (CLEAN, ())
