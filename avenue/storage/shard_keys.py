"""By which key each collection of sites is sharded where MongoDB itself shards (docs/sharding.md).

Nothing here asks whether it is: commands name the key anyway, which the tests listen for. What is
of the house stays where MongoDB puts a collection that is not sharded.
"""

from collections.abc import Mapping

from avenue.storage.scope import BUCKETS, SITE_COLLECTIONS

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
"""Of which collections all that a site has is on one shard, and what is unique in it.

A server keeps unique only what begins with the whole shard key.
"""

SHARD_KEYS: Mapping[str, ShardKey] = {
    **{name: OF_SITE if name in UNDIVIDED else OF_RECORD for name in sorted(SITE_COLLECTIONS)},
    **{f"{bucket}.files": OF_FILE for bucket in BUCKETS},
    **{f"{bucket}.chunks": OF_CHUNK for bucket in BUCKETS},
}
"""Ids of files begin with their site, so that a site is one range of each collection."""
