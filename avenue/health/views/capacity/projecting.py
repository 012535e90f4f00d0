"""What more products would need, projected from the present ones."""

from collections.abc import Iterator

from avenue.health.history.snapshots.models import Snapshot
from avenue.health.views.capacity.models import GB, Cost, Measured, Prices, Projection, Storing

PRODUCTS = "product_images"
LIBRARY = "builder_media"
ROOM_PERCENT = 70  # of a new disk, so that it raises no alert at first


def measured(snapshot: Snapshot, site: str | None) -> Measured:
    """Return the storage of products, on `site` or on all of them."""
    stored = [each for each in snapshot.stored if site in {None, each.site}]
    pictures = [each for each in stored if each.bucket == PRODUCTS]
    others = [each for each in stored if each.bucket != PRODUCTS]
    library = sum(each.files for each in others if each.bucket == LIBRARY)
    files = sum(each.files for each in pictures)
    renditions = sum(each.bytes for each in snapshot.renditions if site in {None, each.site})
    share = files / (files + library) if files else 0.0
    return Measured(
        products=sum(n for name, n in snapshot.products.items() if site in {None, name}),
        pictures=files,
        original_bytes=sum(each.bytes for each in pictures),
        rendition_bytes=round(renditions * share),
        other_files=sum(each.files for each in others),
        other_bytes=sum(each.bytes for each in others) + renditions - round(renditions * share),
    )


def storing(snapshot: Snapshot, members: int | None) -> Storing | None:
    """Return how the database stores bytes; None if it does not report it, or has none."""
    data, storage, index = map(snapshot.together, ("data_bytes", "storage_bytes", "index_bytes"))
    if not data or storage is None or index is None:
        return None
    files = sum(each.files for each in snapshot.stored)
    return Storing(
        compression=storage / data,
        index_bytes_per_file=index / files if files else 0.0,
        members=members,
        disk_used_bytes=snapshot.together("disk_used_bytes"),
        disk_total_bytes=snapshot.together("disk_total_bytes"),
    )


def projections(
    seen: Measured,
    kept: Storing | None,
    prices: Prices | None,
    sent_bytes_month: int | None,
    numbers: tuple[int, ...],
) -> Iterator[Projection]:
    """Yield what each of `numbers` of products needs; nothing if there are no pictures."""
    if not (seen.products and seen.pictures):
        return
    today = _database_bytes(seen, kept, seen.products) if kept else 0
    for number in numbers:
        pictures = round(number * seen.pictures_per_product)
        content = round(pictures * seen.bytes_per_picture) + seen.other_bytes
        if kept is None:
            yield Projection(
                products=number,
                pictures=pictures,
                content_bytes=content,
                database_bytes=None,
                disk_bytes=None,
                fits=None,
                cost=None,
            )
            continue
        database = _database_bytes(seen, kept, number)
        disk = -(-database * 100 // ROOM_PERCENT)
        yield Projection(
            products=number,
            pictures=pictures,
            content_bytes=content,
            database_bytes=database,
            disk_bytes=disk,
            fits=_fits(kept, database - today),
            cost=_cost(prices, kept.members or 1, disk, database, sent_bytes_month),
        )


def _database_bytes(seen: Measured, kept: Storing, products: int) -> int:
    pictures = products * seen.pictures_per_product
    content = pictures * seen.bytes_per_picture + seen.other_bytes
    indexes = (pictures + seen.other_files) * kept.index_bytes_per_file
    return round(content * kept.compression + indexes)


def _fits(kept: Storing, more_bytes: int) -> bool | None:
    """Return whether today's disk stays below `ROOM_PERCENT` with so much more on it."""
    if kept.disk_used_bytes is None or not kept.disk_total_bytes:
        return None
    return (kept.disk_used_bytes + more_bytes) * 100 <= kept.disk_total_bytes * ROOM_PERCENT


def _cost(
    prices: Prices | None, members: int, disk: int, database: int, sent: int | None
) -> Cost | None:
    if prices is None:
        return None

    def priced(price: float | None, amount: float | None) -> float | None:
        return None if price is None or amount is None else round(price * amount, 2)

    return Cost(
        disks=priced(prices.disk_gb_month, members * disk / GB),
        backups=priced(prices.backup_gb_month, database / GB),
        members=priced(prices.member_month, members),
        sent=priced(prices.sent_gb, None if sent is None else sent / GB),
    )
