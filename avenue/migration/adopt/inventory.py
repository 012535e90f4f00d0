"""The contents of an earlier database by name: its pictures, their referrers, the refusals.

Memory does not grow with the number of pictures; see `ScratchTables`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from avenue.migration.adopt.models import Remark
from avenue.migration.scratch import Row, ScratchTables

_COLUMNS = "number, collection, bucket, handle, key, length, name, alt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of the earlier database: a document of `collection`, or a file of `bucket`."""

    number: int = 0
    collection: str
    bucket: str | None = None
    handle: bytes
    key: str
    length: int = 0
    name: str
    alt: Mapping[str, str] = field(default_factory=dict)


class Inventory(ScratchTables):
    """See the module."""

    TABLES = """
CREATE TABLE pictures (number INTEGER PRIMARY KEY, collection TEXT, bucket TEXT, handle BLOB,
                       key TEXT, length INT, name TEXT, product TEXT, position REAL,
                       alt TEXT NOT NULL DEFAULT '{}', used INT NOT NULL DEFAULT 0);
CREATE INDEX pictures_of_product ON pictures (product, position, number);
CREATE TABLE names (called TEXT, picture INT, is_id INT,
                    PRIMARY KEY (called, picture)) WITHOUT ROWID;
CREATE INDEX names_of_picture ON names (picture, is_id);
CREATE TABLE members (product TEXT PRIMARY KEY, grouped TEXT) WITHOUT ROWID;
CREATE TABLE skus (sku TEXT PRIMARY KEY, product TEXT) WITHOUT ROWID;
CREATE TABLE remarks (collection TEXT, record TEXT, code TEXT, message TEXT,
                      UNIQUE (collection, record, code, message));
CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID;
"""

    def clear(self) -> None:
        """Delete everything, to start again."""
        with self._lock:
            for table in ("pictures", "names", "members", "skus", "remarks", "seen"):
                self._rows.execute(f"DELETE FROM {table}")  # noqa: S608 - ours

    def add_picture(
        self,
        picture: Picture,
        *,
        ids: Sequence[str],
        names: Sequence[str],
        product: str | None,
        position: float | None,
    ) -> None:
        """Add a picture, without its number, with the ids and names it may be referred to by.

        `product` is its product by its own record, at `position`.
        """
        with self._lock:
            number = self._rows.execute(
                "INSERT INTO pictures (collection, bucket, handle, key, length, name, product,"
                " position, alt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    picture.collection,
                    picture.bucket,
                    picture.handle,
                    picture.key,
                    picture.length,
                    picture.name,
                    product,
                    position,
                    json.dumps(dict(picture.alt)),
                ),
            ).lastrowid
            self._rows.executemany(
                "INSERT OR IGNORE INTO names VALUES (?, ?, ?)",
                [
                    *((each, number, 1) for each in ids),
                    *((each, number, 0) for each in names),
                ],
            )

    def picture(self, name: str, *, by_name: bool) -> Picture | None:
        """Return the picture with this id, or (`by_name`) the only one with this name."""
        rows = self._all(
            f"SELECT is_id, {_COLUMNS} FROM pictures JOIN names ON picture = number"  # noqa: S608 - ours
            " WHERE called = ? ORDER BY is_id DESC, number LIMIT 2",
            name,
        )
        if not rows:
            return None
        if rows[0][0]:
            return _picture(rows[0][1:])
        return _picture(rows[0][1:]) if by_name and len(rows) == 1 else None

    def ids_of(self, picture: Picture) -> list[str]:
        """Return the ids of a picture, except those that find another one."""
        rows = self._all(
            "SELECT called FROM names AS own WHERE picture = ? AND is_id AND NOT EXISTS"
            " (SELECT 1 FROM names WHERE called = own.called AND is_id AND picture < own.picture)",
            picture.number,
        )
        return [str(each) for (each,) in rows]

    def pictures_of(self, products: Sequence[str]) -> Iterator[Picture]:
        """Yield the pictures whose own records name one of these products, in their order."""
        for each in products:
            for row in self._all(
                f"SELECT {_COLUMNS} FROM pictures WHERE product = ?"  # noqa: S608 - ours
                " ORDER BY position IS NULL, position, number",
                each,
            ):
                yield _picture(row)

    def use(self, picture: Picture) -> None:
        """Mark a picture as used by a record."""
        self._do("UPDATE pictures SET used = 1 WHERE number = ?", picture.number)

    def unused(self) -> Iterator[Picture]:
        """Yield the pictures that no record uses."""
        query = (
            f"SELECT {_COLUMNS} FROM pictures WHERE number > ?"  # noqa: S608 - ours
            " AND NOT used ORDER BY number LIMIT ?"
        )
        yield from map(_picture, self._paged(query, keys=1, first=0))

    def add_member(self, product: str, group: str) -> bool:
        """Add a product to a group; return False if it is in another one already."""
        self._do("INSERT OR IGNORE INTO members VALUES (?, ?)", product, group)
        return self.group_of([product]) == group

    def group_of(self, products: Sequence[str]) -> str | None:
        """Return the group of the product with one of these ids."""
        for each in products:
            found = self._all("SELECT grouped FROM members WHERE product = ?", each)
            if found:
                return str(found[0][0])
        return None

    def see(self, keys: Sequence[str]) -> None:
        """Add the ids of an existing product."""
        with self._lock:
            self._rows.executemany(
                "INSERT OR IGNORE INTO seen VALUES (?)", [(each,) for each in keys]
            )

    def add_sku(self, sku: str, product: str) -> None:
        """Add the SKU of a product; the first of several products keeps it."""
        self._do("INSERT OR IGNORE INTO skus VALUES (?, ?)", sku, product)

    def owner_of_sku(self, sku: str) -> str | None:
        """Return the product with this SKU, or None."""
        found = self._all("SELECT product FROM skus WHERE sku = ?", sku)
        return str(found[0][0]) if found else None

    def is_seen(self, keys: Sequence[str]) -> bool:
        """Return whether a product with one of these ids exists."""
        return any(self._all("SELECT 1 FROM seen WHERE key = ?", each) for each in keys)

    def refuse(self, remark: Remark) -> None:
        """Add a refusal; repeatable."""
        self._do(
            "INSERT OR IGNORE INTO remarks VALUES (?, ?, ?, ?)",
            remark.collection,
            remark.record,
            remark.code,
            remark.message,
        )

    def refused(self) -> Iterator[Remark]:
        """Yield the refusals."""
        query = (
            "SELECT rowid, collection, record, code, message FROM remarks WHERE rowid > ?"
            " ORDER BY rowid LIMIT ?"
        )
        for _, collection, record, code, message in self._paged(query, keys=1, first=0):
            yield Remark(collection=collection, record=record, code=code, message=message)

    def count_refused(self) -> int:
        """Return the number of refusals."""
        return self._number("SELECT count(*) FROM remarks")


def _picture(row: Row) -> Picture:
    number, collection, bucket, handle, key, length, name, alt = row
    return Picture(
        number=number,
        collection=collection,
        bucket=bucket,
        handle=bytes(handle),
        key=key,
        length=length,
        name=name,
        alt=json.loads(alt),
    )
