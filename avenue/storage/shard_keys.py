"""The shard key of each collection of sites, for MongoDB's own sharding (docs/sharding.md).

Nothing here checks whether it is used: commands contain the key anyway, which the tests check.
Collections of the deployment are not sharded.
"""

from collections.abc import Mapping

from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS

ShardKey = tuple[str, ...]
"""Fields, each of them ascending."""
OF_SITE: ShardKey = ("site",)
OF_RECORD: ShardKey = ("site", "_id")
OF_FILE: ShardKey = ("_id",)
OF_CHUNK: ShardKey = ("files_id", "n")

UNDIVIDED: Mapping[str, str] = {
    "shop_products": "no two products of a site have the same SKU",
    "page_content": "no two pages of a site have the same address",
    "page_history": "no two versions of a page have the same number",
    "media_folders": "no two folders beside each other have the same name",
    "shop_imports": "a table is imported once at a time, a request once",
    "shop_picture_imports": "a request is followed once",
    "notifications": "of a key one message waits at a time",
}
"""Collections in which all records of a site are on one shard, and their unique fields.

A server can only guarantee uniqueness for keys that begin with the whole shard key."""

SHARD_KEYS: Mapping[str, ShardKey] = {
    **{name: OF_SITE if name in UNDIVIDED else OF_RECORD for name in sorted(SITE_COLLECTIONS)},
    **{f"{bucket}.files": OF_FILE for bucket in BUCKETS},
    **{f"{bucket}.chunks": OF_CHUNK for bucket in BUCKETS},
}
"""Ids of files begin with their site, so that a site is one range of each collection."""
