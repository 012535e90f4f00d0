"""Every MongoDB index, in one list."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from avenue.storage.connection import Database
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index: the collection, its keys in order, and further options."""

    collection: str
    keys: tuple[tuple[str, int], ...]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name MongoDB gives it."""
        return "_".join(f"{key}_{direction}" for key, direction in self.keys)


def _up(*keys: str) -> tuple[tuple[str, int], ...]:
    return tuple((key, ASCENDING) for key in keys)


IS_TEXT: dict[str, Any] = {"$type": "string"}
"""The filter of partial indexes of texts. A query must use the same condition: otherwise the server
does not recognise the index, and reads all documents of a site."""
IS_PUBLISHED: dict[str, Any] = {"status": "published"}
ORDERS = ("created_at", "updated_at", "name_key", "price", "sku")
"""The sort orders of products."""
NEWEST_FIRST = (("created_at", DESCENDING), ("_id", DESCENDING))
PRODUCTS = "shop_products"
TRASHED = "shop_products_trashed"
GROUPS = "shop_products_grouped"
PAGES = "page_content"
MARKED_AS_DAMAGED: dict[str, Any] = {"damaged.kind": {"$type": "string"}}
"""The condition for assets known to be damaged. Their index contains only those, so a query must
use the same condition; otherwise it would read all assets of a site."""
SHOWS_DAMAGED: dict[str, Any] = {
    "$expr": {
        "$eq": [
            "$damaged.file",
            {"$cond": [{"$isArray": "$versions"}, {"$first": "$versions.file"}, None]},
        ]
    }
}
"""A further condition: the mark is about one file, and another one may be current by now."""

INDEXES: tuple[Index, ...] = (
    Index(collection="users", keys=_up("email"), options={"unique": True}),
    # The people of a site, by e-mail.
    Index(collection="users", keys=_up("sites", "email")),
    Index(
        collection="users",
        keys=_up("oidc.subject", "oidc.issuer"),
        options={"unique": True, "partialFilterExpression": {"oidc.subject": IS_TEXT}},
    ),
    Index(collection="api_tokens", keys=_up("user", "site")),
    Index(collection="api_tokens", keys=_up("secret_sha256"), options={"unique": True}),
    # Expired tokens own no bytes, so a TTL index may take them.
    Index(collection="api_tokens", keys=_up("expires_at"), options={"expireAfterSeconds": 0}),
    Index(collection="password_links", keys=_up("user")),
    Index(collection="password_links", keys=_up("secret_sha256"), options={"unique": True}),
    Index(collection="password_links", keys=_up("expires_at"), options={"expireAfterSeconds": 0}),
    Index(collection="rate_limits", keys=_up("resets_at"), options={"expireAfterSeconds": 60}),
    Index(collection="sites", keys=_up("hosts"), options={"unique": True, "sparse": True}),
    Index(collection="assets", keys=_up("site", "claim.kind", "claim.id", "state")),
    # Walks and counts of inspections and the debug endpoints.
    Index(collection="assets", keys=_up("site", "_id")),
    Index(collection="assets", keys=_up("site", "state")),
    # Sums per owner.
    Index(collection="assets", keys=_up("site", "owner")),
    # Assets known to be damaged: only those have the mark.
    Index(
        collection="assets",
        keys=_up("site", "damaged.kind"),
        options={"partialFilterExpression": MARKED_AS_DAMAGED},
    ),
    Index(collection="findings", keys=_up("site", "standing", "referrer.kind", "kind")),
    # What was found against some of somebody's products?
    Index(collection="findings", keys=_up("site", "referrer.kind", "referrer.id")),
    # Sums of bytes by size, without reading them.
    Index(collection="renditions", keys=_up("site", "variant", "bytes")),
    # What one run of fsck found owns no bytes.
    Index(collection="fsck_findings", keys=_up("forget_at"), options={"expireAfterSeconds": 0}),
    Index(collection="move_reports", keys=_up("forget_at"), options={"expireAfterSeconds": 0}),
    *(
        Index(collection=name, keys=_up("site", key), options={"partialFilterExpression": some})
        for name in (PRODUCTS, GROUPS)
        for key, some in (
            ("_id", {"images.0": {"$exists": True}}),
            ("images.url", {"images.url": {"$exists": True}}),
            # Assets by owner.
            ("images.asset", {"images.asset": IS_TEXT}),
        )
    ),
    # Pictures without a text, newest first, in the languages most sites have. For other languages
    # all of a kind are read.
    *(
        Index(
            collection="assets",
            keys=(*_up("site", "claim.kind", f"alt.{language}"), *NEWEST_FIRST),
            options={"partialFilterExpression": {"state": "live"}},
        )
        for language in ("es", "en")
    ),
    # Products without pictures, in each sort order.
    *(
        Index(
            collection=PRODUCTS,
            keys=_up("site", key, "_id", "images"),
            options={"partialFilterExpression": {"images": []}},
        )
        for key in ORDERS
    ),
    # Files by the hash of their bytes.
    Index(collection="assets", keys=_up("site", "versions.source_sha256")),
    # Queries of the sweeper.
    Index(collection="assets", keys=_up("site", "versions.file")),
    Index(
        collection="assets",
        keys=_up("expires_at"),
        options={"partialFilterExpression": {"claim": None}},
    ),
    Index(
        collection="assets",
        keys=_up("trash.at"),
        options={"partialFilterExpression": {"state": "trash"}},
    ),
    Index(
        collection="assets",
        keys=_up("state"),
        options={"partialFilterExpression": {"state": "purging"}},
    ),
    # Files that wait for the scanner, and files in quarantine.
    Index(
        collection="assets",
        keys=_up("versions.scan.state", "site", "_id"),
        options={
            "partialFilterExpression": {
                "versions.scan.state": {"$in": ["pending", "unscanned", "quarantined"]}
            }
        },
    ),
    Index(collection="adopted", keys=_up("site", "kind", "keys")),
    Index(collection="legacy_urls", keys=_up("site", "asset", "path")),
    Index(collection="renditions", keys=_up("site", "asset", "file")),
    # Temporary pictures of a person, newest first.
    Index(
        collection="assets",
        keys=(("site", ASCENDING), ("owner", ASCENDING), ("created_at", DESCENDING)),
        options={"partialFilterExpression": {"temporary": True}},
    ),
    # General uploads, newest first: all, by owner, category, reference, type; by words.
    *(
        Index(
            collection="assets",
            keys=(
                *_up("site", "claim.kind", "state", *some),
                ("created_at", DESCENDING),
                ("_id", DESCENDING),
            ),
            options={"partialFilterExpression": {"claim.kind": "upload"}},
        )
        for some in ((), ("owner",), ("category",), ("reference",), ("versions.media_type",))
    ),
    Index(
        collection="assets",
        keys=_up("site", "claim.kind", "state", "words"),
        options={"partialFilterExpression": {"claim.kind": "upload"}},
    ),
    # The media library by each sort order, by folder and by tag; by words.
    *(
        Index(
            collection="assets",
            keys=(*_up("site", "claim.kind", "claim.id", "state", *some), *order),
            options={"partialFilterExpression": {"claim.kind": "library"}},
        )
        for some, order in (
            ((), NEWEST_FIRST),
            (("folder",), NEWEST_FIRST),
            (("tags",), NEWEST_FIRST),
            (("listed.media_type",), NEWEST_FIRST),
            ((), _up("listed.name", "_id")),
            ((), _up("listed.bytes", "_id")),
        )
    ),
    Index(
        collection="assets",
        keys=_up("site", "claim.kind", "claim.id", "state", "words"),
        options={"partialFilterExpression": {"claim.kind": "library"}},
    ),
    Index(
        collection="media_folders", keys=_up("site", "parent", "name_key"), options={"unique": True}
    ),
    # Uploads whose retention has ended.
    Index(
        collection="assets",
        keys=_up("claim.kind", "state", "hold", "expires_at"),
        options={
            "partialFilterExpression": {"claim.kind": "upload", "expires_at": {"$type": "date"}}
        },
    ),
    Index(collection="writes", keys=_up("expires_at"), options={"expireAfterSeconds": 0}),
    Index(collection="writes", keys=_up("files")),
    # Abandoned uploads.
    Index(
        collection="writes",
        keys=_up("lease_until"),
        options={"partialFilterExpression": {"state": "open"}},
    ),
    # Assets that may have outdated renditions.
    Index(
        collection="assets",
        keys=_up("shown_anew_at"),
        options={"partialFilterExpression": {"shown_anew_at": {"$exists": True}}},
    ),
    Index(
        collection=PRODUCTS,
        keys=_up("site", "sku"),
        options={"unique": True, "partialFilterExpression": {"sku": IS_TEXT}},
    ),
    # Products and, for each site, those in the trash: by words, and by each sort order.
    *(
        Index(collection=name, keys=_up("site", *keys))
        for name in (PRODUCTS, TRASHED)
        for keys in (
            ("words",),
            *((key, "_id") for key in ORDERS),
        )
    ),
    # Products that have been in the trash long enough.
    Index(collection=TRASHED, keys=_up("trash.at")),
    Index(
        collection=PRODUCTS,
        keys=(("site", ASCENDING), ("status", ASCENDING), ("created_at", DESCENDING)),
    ),
    # Sitemaps of parts of all published products.
    Index(
        collection=PRODUCTS,
        keys=_up("site", "_id", "status"),
        options={"partialFilterExpression": IS_PUBLISHED},
    ),
    # Products of a category, newest first; the categories.
    Index(
        collection=PRODUCTS,
        keys=(*_up("site", "status", "category_keys"), *NEWEST_FIRST),
        options={"partialFilterExpression": {"category_keys": IS_TEXT}},
    ),
    Index(collection=PRODUCTS, keys=_up("site", "status", "category")),
    # Products with an attribute, newest first; the attributes in a category.
    Index(
        collection=PRODUCTS,
        keys=(*_up("site", "status", "attribute_keys"), *NEWEST_FIRST),
        options={"partialFilterExpression": {"attribute_keys": IS_TEXT}},
    ),
    Index(
        collection=PRODUCTS,
        keys=_up("site", "status", "attribute_set"),
        options={"partialFilterExpression": {"attribute_set": {"$gt": ""}}},
    ),
    # Products of a seller, newest first.
    Index(collection=PRODUCTS, keys=_up("site", "owner", "created_at", "_id")),
    Index(
        collection=PRODUCTS,
        keys=_up("site", "group", "created_at"),
        options={"partialFilterExpression": {"group": IS_TEXT}},
    ),
    Index(collection=GROUPS, keys=_up("site", "words")),
    Index(collection=GROUPS, keys=_up("site", "owner", "created_at")),
    *(
        Index(collection=GROUPS, keys=_up("site", key, "_id"))
        for key in ("created_at", "updated_at", "name_key")
    ),
    Index(collection=GROUPS, keys=_up("site", "model")),
    Index(collection="shop_imports", keys=_up("site", "created_at", "_id")),
    # The same table, or the same request, does not begin a second import.
    *(
        Index(
            collection="shop_imports",
            keys=_up("site", key),
            options={"unique": True, "partialFilterExpression": {key: IS_TEXT}},
        )
        for key in ("open_key", "request_key")
    ),
    *(
        Index(collection=name, keys=_up("forget_at"), options={"expireAfterSeconds": 0})
        for name in (
            "shop_imports",
            "shop_import_rows",
            "shop_picture_imports",
            "shop_picture_import_files",
        )
    ),
    Index(collection="shop_picture_imports", keys=_up("site", "created_at", "_id")),
    Index(
        collection="shop_picture_imports",
        keys=_up("site", "request_key"),
        options={"unique": True, "partialFilterExpression": {"request_key": IS_TEXT}},
    ),
    # Pages by current or former address; pages by asset.
    Index(
        collection=PAGES,
        keys=_up("site", "slug"),
        options={"unique": True, "partialFilterExpression": {"slug": IS_TEXT}},
    ),
    Index(
        collection=PAGES,
        keys=_up("site", "old_slugs"),
        options={"partialFilterExpression": {"old_slugs": {"$exists": True}}},
    ),
    # Languages in which a page is published.
    Index(
        collection=PAGES,
        keys=_up("site", "published.translation_of"),
        options={"partialFilterExpression": {"published.translation_of": IS_TEXT}},
    ),
    # Pages that are due for publishing.
    Index(
        collection=PAGES,
        keys=_up("publish_at"),
        options={"partialFilterExpression": {"publish_at": {"$type": "date"}}},
    ),
    Index(collection=PAGES, keys=_up("site", "assets")),
    Index(collection=PAGES, keys=_up("site", "words")),
    *(
        Index(collection=PAGES, keys=_up("site", *some, key, "_id"))
        for some in ((), ("status",))
        for key in ("created_at", "updated_at", "title_key")
    ),
    Index(collection="page_history", keys=_up("site", "page", "number"), options={"unique": True}),
    # Owners of chunks; open uploads of a person, and expired ones.
    Index(collection="tus_uploads", keys=_up("site", "file")),
    Index(collection="tus_uploads", keys=_up("site", "is_done", "owner")),
    Index(collection="tus_uploads", keys=_up("expires_at")),
    # Open tickets of a person. They own no bytes; the reason of a refusal is available for a day.
    Index(collection="upload_tickets", keys=_up("site", "owner", "upload", "expires_at")),
    Index(
        collection="upload_tickets",
        keys=_up("expires_at"),
        options={"expireAfterSeconds": 24 * 60 * 60},
    ),
    *(
        Index(collection=name, keys=keys, options=options)
        for name in ("notifications", "house_notifications")
        for keys, options in (
            # Undelivered messages of each receiver, and those given up. Messages own no bytes.
            (_up("receiver", "state", "due_at"), {}),
            (_up("forget_at"), {"expireAfterSeconds": 0}),
            (_up("receiver", "state", "delivered_at"), {}),
            # The register of emails.
            (
                _up("site", "created_at", "_id"),
                {"partialFilterExpression": {"channel": "mail"}},
            ),
            # Messages that are sent together again.
            (_up("batch"), {"sparse": True}),
        )
    ),
    # Recent messages about alerts.
    Index(collection="house_notifications", keys=(*_up("site"), *NEWEST_FIRST)),
    Index(collection="push_subscriptions", keys=_up("site", "_id")),
    # One queued message per key.
    Index(
        collection="notifications",
        keys=_up("site", "open_key"),
        options={"unique": True, "partialFilterExpression": {"open_key": IS_TEXT}},
    ),
    Index(
        collection="house_notifications",
        keys=_up("open_key"),
        options={"unique": True, "sparse": True},
    ),
    Index(collection="jobs", keys=_up("state", "kind", "run_at")),
    # An unfinished job has a unique key; a finished one owns nothing and expires.
    Index(collection="jobs", keys=_up("open_key"), options={"unique": True, "sparse": True}),
    Index(collection="jobs", keys=_up("forget_at"), options={"expireAfterSeconds": 0}),
    Index(
        collection="audit_logs",
        keys=(("site", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)),
    ),
    Index(
        collection="audit_logs",
        keys=(
            ("site", ASCENDING),
            ("about", ASCENDING),
            ("at", DESCENDING),
            ("_id", DESCENDING),
        ),
    ),
    Index(collection="audit_logs", keys=_up("expires_at"), options={"expireAfterSeconds": 0}),
    # Leases of ended processes.
    Index(collection="instances", keys=_up("until"), options={"expireAfterSeconds": 60}),
    Index(collection="infra_metrics", keys=_up("created_at")),
    # One alert of a kind at a time; those that are over own nothing and expire.
    Index(
        collection="infra_alerts", keys=_up("open_key"), options={"unique": True, "sparse": True}
    ),
    Index(collection="infra_alerts", keys=(("opened_at", DESCENDING), ("_id", DESCENDING))),
    Index(collection="infra_alerts", keys=_up("forget_at"), options={"expireAfterSeconds": 0}),
    # The two of the GridFS specification.
    *(
        Index(collection=f"{bucket}.files", keys=_up("filename", "uploadDate"))
        for bucket in BUCKETS
    ),
    # So that the bytes of a site are summed without reading its file documents.
    *(Index(collection=f"{bucket}.files", keys=_up("_id", "length")) for bucket in BUCKETS),
    *(
        Index(collection=f"{bucket}.chunks", keys=_up("files_id", "n"), options={"unique": True})
        for bucket in BUCKETS
    ),
)


EXPIRY = "expireAfterSeconds"
FORMER = (
    ("shop_products", "site_1_images_1"),
    ("renditions", "site_1_bytes_1"),
    ("findings", "site_1_standing_1"),
    ("assets", "site_1_claim.kind_1_alt.es_1"),
    ("assets", "site_1_claim.kind_1_alt.en_1"),
)
"""Indexes of earlier versions that no query needs any more: collection and name."""
FORMER_OF_MESSAGES = (
    ("notifications", "open_key_1"),
    ("assets", "purges.at_1"),
    ("assets", "expiry_notice_1"),
)
"""The former unique key of messages, and the indexes of the outboxes before version 6."""


def indexes_for(database: Database, indexes: Iterable[Index] = INDEXES) -> list[Index]:
    """Return those of `indexes` that a database has: clusters other than home those of sites."""
    is_home = database.home is database
    return [each for each in indexes if is_home or _is_of_sites(each.collection)]


def create_indexes(database: Database, indexes: Iterable[Index] = INDEXES) -> None:
    """Create the missing ones of `indexes`; repeatable. Each collection is read once for all.

    Clusters other than home have those of sites only.
    """
    wanted: dict[str, list[IndexModel]] = {}
    for index in indexes_for(database, indexes):
        model = IndexModel(list(index.keys), name=index.name, **index.options)
        wanted.setdefault(index.collection, []).append(model)
    for name, models in wanted.items():
        database.raw[name].create_indexes(models)


def _is_of_sites(collection: str) -> bool:
    return collection in SITE_COLLECTIONS or collection.partition(".")[0] in BUCKETS


def drop_indexes(database: Database, former: Iterable[tuple[str, str]]) -> None:
    """Drop the indexes of earlier versions; repeatable."""
    for collection, name in former:
        if name in database.raw[collection].index_information():
            database.raw[collection].drop_index(name)


def missing_indexes(database: Database) -> list[str]:
    """Return the missing indexes of the database, as `collection.name`."""
    wanted = indexes_for(database)
    names = {index.collection for index in wanted}
    have = {name: set(database.raw[name].index_information()) for name in names}
    return [
        f"{index.collection}.{index.name}"
        for index in wanted
        if index.name not in have[index.collection]
    ]
