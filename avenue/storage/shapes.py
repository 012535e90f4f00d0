"""The shapes of records: the fields of each collection, their types and known values.

A shape has two parts. `needed` are the fields that readers need: without them the record cannot be
shown. `kept` are further fields, for lists, notices and other passes; errors in them are reported,
and the record is shown all the same. Other fields may be anything. Files and chunks of the buckets
are not here: inspections check them by the bytes of their assets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

from bson import Decimal128
from pydantic_core import CoreSchema, core_schema as cs

from avenue.storage.directory import Phase

Fields = Mapping[str, Any]
"""A field's type by its name: a type, a list with that of its entries, fields, or one of `Maybe`,
`Either`, `Values`, `Like`, `Of`."""


@dataclass(frozen=True, slots=True)
class Maybe:
    """A field that may be missing, or also be null if it is `null`."""

    type: Any
    null: bool = True
    missing: bool = True

    def schema(self) -> CoreSchema:
        """Return the schema for validation."""
        inner = _schema(self.type)
        return cs.nullable_schema(inner) if self.null else inner


@dataclass(frozen=True, slots=True)
class Of:
    """A mapping with values of one type; or a list of `some`, with at least `least`."""

    type: Any
    least: int | None = None

    def schema(self) -> CoreSchema:
        """Return the schema for validation."""
        if self.least is None:
            return cs.dict_schema(_plain(str), _schema(self.type))
        return cs.list_schema(_schema(self.type), strict=True, min_length=self.least)


@dataclass(frozen=True, slots=True)
class Values:
    """One of these texts."""

    texts: tuple[str, ...]

    def schema(self) -> CoreSchema:
        """Return the schema for validation."""
        return cs.literal_schema(list(self.texts))


@dataclass(frozen=True, slots=True)
class Either:
    """One of these types."""

    types: tuple[Any, ...]

    def schema(self) -> CoreSchema:
        """Return the schema for validation."""
        some: list[CoreSchema | tuple[CoreSchema, str]] = [_schema(each) for each in self.types]
        return cs.union_schema(some, custom_error_type="type", custom_error_message="type")


@dataclass(frozen=True, slots=True)
class Like:
    """A text with this pattern."""

    pattern: str

    def schema(self) -> CoreSchema:
        """Return the schema for validation."""
        return cs.str_schema(strict=True, pattern=self.pattern)


@dataclass(frozen=True, slots=True)
class Shape:
    """See the module."""

    needed: Fields
    kept: Fields = field(default_factory=dict)


COLOUR: Final = Like("^#[0-9a-fA-F]{6}$")
NUMBER: Final = (int, float)
ANYTHING: Final = object


def maybe(what: Any) -> Maybe:
    """Return the type of a field that may be missing or null."""
    return Maybe(what)


def unless_missing(what: Any) -> Maybe:
    """Return the type of a field that may be missing, but not null."""
    return Maybe(what, null=False)


def or_null(what: Any) -> Maybe:
    """Return the type of a field that is required, but may be null."""
    return Maybe(what, missing=False)


def values(*texts: str) -> Values:
    """Return the type of a text with known values."""
    return Values(texts)


IDS: Fields = {"_id": str, "site": str}
POINT = maybe(Of(NUMBER, least=2))
FAULTS = (
    "asset_missing",
    "asset_in_trash",
    "asset_purging",
    "file_missing",
    "wrong_length",
    "chunk_missing",
    "chunk_duplicate",
    "chunk_short",
    "chunk_long",
    "chunk_surplus",
    "wrong_hash",
    "malformed_entry",
    "local_path",
    "localhost",
    "not_owned",
    "asset_unreadable",
    "malformed_record",
)
MEDIA_TYPES = (
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/heic",
    "image/svg+xml",
    "application/pdf",
    "application/zip",
    "image/bmp",
    "image/tiff",
    "text/plain",
    "text/html",
    "application/xml",
    "application/octet-stream",
    "application/gzip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
    "application/epub+zip",
    "application/rtf",
    "application/x-7z-compressed",
    "application/vnd.rar",
    "application/x-tar",
    "application/x-bzip2",
    "application/x-xz",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/flac",
    "audio/aac",
    "audio/mp4",
    "audio/amr",
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "video/x-matroska",
    "video/x-msvideo",
    "video/3gpp",
    "video/ogg",
    "video/mpeg",
)
"""Of stored files."""
SHA256 = Like("^([0-9a-f]{2})+$")
VERSION: Fields = {
    "file": str,
    "sha256": SHA256,
    "source_sha256": str,
    "bytes": int,
    "media_type": Values(MEDIA_TYPES),
    "width": or_null(int),
    "height": or_null(int),
    "at": datetime,
    "by": or_null(str),
    "color": maybe(str),
    "placeholder": maybe(bytes),
    "has_alpha": unless_missing(bool),
    "focal": POINT,
    "removed": unless_missing([str]),
    "scan": unless_missing(
        {
            "state": values("pending", "unscanned", "clean", "quarantined", "released"),
            "at": datetime,
            "database": unless_missing(str),
            "signature": unless_missing(str),
            "by": maybe(str),
            "reason": unless_missing(str),
        }
    ),
}
ASSET: Fields = {
    **IDS,
    "bucket": values("product_images", "builder_media", "uploads"),
    "owner": or_null(str),
    "name": str,
    "visibility": values("public", "private"),
    "state": values("live", "trash", "purging"),
    "claim": maybe({"kind": str, "id": str}),
    "versions": Of(VERSION, least=1),
    "revision": int,
    "created_at": datetime,
    "alt": maybe(Of(str)),
    "decorative": unless_missing(bool),
    "focal": POINT,
    "expires_at": maybe(datetime),
    "category": maybe(str),
    "reference": maybe(str),
    "hold": unless_missing(bool),
    "folder": maybe(str),
    "tags": unless_missing([str]),
    "trash": unless_missing({"at": maybe(datetime), "position": unless_missing(int)}),
    "link_epoch": unless_missing(int),
    "visibility_epoch": unless_missing(int),
}
OWNER: Fields = {
    **IDS,
    "owner": maybe(str),
    "name": str,
    "name_key": unless_missing(str),
    "images": [ANYTHING],  # inspections check each entry
    "revision": int,
    "created_at": datetime,
    "updated_at": datetime,
}
PRODUCT: Fields = {
    **OWNER,
    "sku": maybe(str),
    "description": str,
    "price": maybe(Decimal128),
    "currency": str,
    "status": values("draft", "published"),
    "group": maybe(str),
    "category": maybe(str),
    "attributes": unless_missing([{"name": str, "values": [str]}]),
}
FOUND_BY: Fields = {
    "words": unless_missing([str]),
    "category_keys": unless_missing([str]),
    "attribute_keys": unless_missing([str]),
    "attribute_set": maybe(str),
}
REFUSAL: Fields = {
    "code": str,
    "message": str,
    "field": maybe(str),
    "words": unless_missing(Of(ANYTHING)),
}
JOB_STATES = values("queued", "running", "paused", "done", "failed", "cancelled")
LEVEL = values("notice", "warning", "critical")
ALERTED: Fields = {
    "level": LEVEL,
    "value": NUMBER,
    "threshold": NUMBER,
    "changed_at": datetime,
    "recovered_at": or_null(datetime),
}
TRAFFIC: Fields = {
    "requests": unless_missing(int),
    "errors": unless_missing(int),
    "sent_bytes": unless_missing(int),
    "took": unless_missing(Of(int)),
    "sites": unless_missing(Of(Of(int))),
}
TEXTS: Fields = {
    "html": maybe(str),
    "css": maybe(str),
    "seo": maybe({"title": maybe(str), "description": maybe(str), "image": maybe(str)}),
    "is_cleaned": maybe(bool),
    "themed": maybe(bool),
    "translation_of": maybe(str),
}
PAGE: Fields = {"title": maybe(str), "locale": maybe(str)}
COUNTS = unless_missing(Of(int))
OF_A_CLUSTER: Fields = dict.fromkeys(
    (
        "data_bytes",
        "storage_bytes",
        "index_bytes",
        "disk_used_bytes",
        "disk_total_bytes",
        "connections_current",
        "connections_available",
        "oplog_hours",
    ),
    or_null(NUMBER),
)

MESSAGE = Shape(
    {
        **IDS,
        "channel": values("mail", "webhook", "chat", "push", "purge", "audit"),
        "kind": str,
        "about": or_null(str),
        "to": or_null(str),
        "content": unless_missing(Of(ANYTHING)),
        "attempts": int,
        "created_at": datetime,
        "receiver": str,
        "state": values("pending", "delivered", "given_up", "dropped"),
        "error": maybe(str),
        "delivered_at": maybe(datetime),
    },
    {
        "due_at": datetime,
        "give_up_at": datetime,
        "turn": maybe(str),
        "batch": maybe(str),
    },
)

SHAPES: Mapping[str, Shape | Callable[[Mapping[str, Any]], str]] = {
    # Of sites
    "assets": Shape(
        ASSET,
        {
            "damaged": maybe({"file": str, "kind": Values(FAULTS), "detail": str}),
            "words": unless_missing([str]),
            "listed": unless_missing({"name": str, "bytes": int, "media_type": str}),
            "temporary": maybe(bool),
            "holds": unless_missing(int),
            "shown_anew_at": unless_missing(datetime),
        },
    ),
    "renditions": Shape(
        {
            **IDS,
            "asset": str,
            "file": str,
            "width": int,
            "height": int,
            "sha256": SHA256,
            "made_at": datetime,
            "data": bytes,
        },
        {"variant": str, "media_type": str, "bytes": int},
    ),
    "shop_products": Shape(PRODUCT, FOUND_BY),
    "shop_products_trashed": Shape(
        {**PRODUCT, "trash": {"at": datetime, "by": or_null(str)}}, FOUND_BY
    ),
    "shop_products_grouped": Shape(
        {**OWNER, "model": str, "options": unless_missing([{"name": str, "images": [str]}])},
        FOUND_BY,
    ),
    # Another program may have stored a page: missing fields count as empty, and so do those that
    # are not texts.
    "page_content": Shape(
        {
            **IDS,
            "flagged": unless_missing([{"url": str, "reason": str}]),
            "revision": maybe(int),
            "updated_by": maybe(str),
            "old_slugs": unless_missing([str]),
            "history": unless_missing(int),
            "series": maybe({"by": or_null(str), "at": datetime}),
        },
        {
            **PAGE,
            "slug": maybe(str),
            "title_key": maybe(str),
            "status": maybe(values("draft", "published", "changed")),
            "created_at": maybe(datetime),
            "updated_at": maybe(datetime),
            "draft": maybe(TEXTS),
            "published": maybe({**PAGE, **TEXTS, "at": maybe(datetime), "by": maybe(str)}),
            "assets": maybe([str]),
            "words": maybe([str]),
            "mark": maybe(str),
            "was_published": maybe(bool),
            "publish_at": unless_missing(datetime),
        },
    ),
    "page_history": Shape(
        {**IDS, "page": str, "number": int, "bytes": int, "published": bool, "by": maybe(str)},
        {**PAGE, **TEXTS, "at": maybe(datetime)},
    ),
    "writes": lambda found: "turns" if found.get("state") == "turn" else "uploads_on_their_way",
    "turns": Shape({**IDS, "state": str, "turns": int, "expires_at": datetime}),
    "uploads_on_their_way": Shape(
        {
            **IDS,
            "fingerprint": str,
            "assets": [str],
            "files": [str],
            "attempt": str,
            "state": values("open", "done"),
            "lease_until": datetime,
            "expires_at": datetime,
            "answer": unless_missing(Of(ANYTHING)),
        }
    ),
    "findings": Shape(
        {
            **IDS,
            "referrer": {"kind": str, "id": str},
            "sku": or_null(str),
            "position": int,
            "image": or_null(str),
            "standing": values("stored", "missing", "external", "ephemeral"),
            "kind": Values(FAULTS),
            "detail": str,
            "collection": maybe(str),
        }
    ),
    "inspections": lambda found: (
        "scrubs" if str(found.get("_id", "")).endswith("/scrub") else "passes"
    ),
    "scrubs": Shape({**IDS, "began_at": datetime, "after": str, "read_bytes": int}),
    "passes": Shape(
        {
            **IDS,
            "began_at": datetime,
            "ended_at": datetime,
            "references": Of(int),
            "incomplete_files": Of(int),
            "unowned_files": Of(int),
            "orphan_chunks": Of(int),
        }
    ),
    "audit_logs": Shape(
        {
            **IDS,
            "at": datetime,
            "actor": {
                "kind": values("person", "command", "job"),
                "id": or_null(str),
                "name": str,
            },
            "action": str,
            "object": {"kind": maybe(str), "id": or_null(str)},
            "request_id": or_null(str),
            "details": Of(Either((str, int, bool, [str]))),
        },
        {"about": [str], "expires_at": datetime},
    ),
    "adopted": Shape(
        {
            **IDS,
            "collection": str,
            "key": str,
            "kind": str,
            "keys": [str],
            "target": str,
            "print": str,
            "revision": int,
            "is_whole": bool,
        },
        {"at": maybe(datetime)},
    ),
    "legacy_urls": Shape({**IDS, "path": str, "asset": str}, {"at": maybe(datetime)}),
    "link_keys": Shape(
        {
            **IDS,
            "made": int,
            "keys": [
                {"id": str, "salt": bytes, "made_at": datetime, "retired_at": maybe(datetime)}
            ],
        }
    ),
    "shop_imports": Shape(
        {
            **IDS,
            "by": str,
            "is_admin": bool,
            "name": str,
            "layout": {
                "format": values("csv", "json", "xlsx"),
                "encoding": str,
                "delimiter": or_null(str),
                "unknown": [str],
            },
            "sha256": str,
            "dry_run": bool,
            "key": or_null(str),
            "total": int,
            "stage": values("receiving", "applying", "done", "undoing", "undone"),
            "job": or_null(str),
            "done": int,
            "counts": Of(int),
            "undo": or_null(
                {
                    "job": or_null(str),
                    "done": int,
                    "total": int,
                    "counts": Of(int),
                    "cursor": str,
                    "finished_at": maybe(datetime),
                }
            ),
            "created_at": datetime,
            "finished_at": or_null(datetime),
            "fetch_images": unless_missing(bool),
            "images_job": maybe(str),
        },
        {"cursor": str, "forget_at": maybe(datetime)},
    ),
    "shop_import_rows": Shape(
        {
            **IDS,
            "number": int,
            "sku": or_null(str),
            "values": Of(ANYTHING),
            "error": or_null(REFUSAL),
            "has_cents": maybe(bool),
            "outcome": or_null(values("created", "updated", "unchanged", "refused")),
            "product": maybe(str),
            "changes": unless_missing(Of(Of(ANYTHING, least=2))),
            "group_names": unless_missing(Of(str)),
            "new_group": maybe(str),
            "undone": maybe(
                {"reversal": values("deleted", "restored", "kept", "gone"), "kept": [str]}
            ),
        },
        {"forget_at": maybe(datetime)},
    ),
    "move_reports": Shape({**IDS, "lines": str}, {"forget_at": datetime}),
    "shop_samples": Shape(
        {**IDS, "by": or_null(str), "products": Of(str), "groups": Of(str), "job": or_null(str)}
    ),
    "shop_picture_imports": Shape(
        {
            **IDS,
            "by": str,
            "is_admin": bool,
            "name": str,
            "sha256": str,
            "archive": str,
            "key": or_null(str),
            "stage": values("planned", "applying", "done"),
            "job": or_null(str),
            "done": int,
            "found": Of(int),
            "counts": Of(int),
            "created_at": datetime,
            "expires_at": datetime,
            "finished_at": or_null(datetime),
        },
        {"role": maybe(values("admin", "staff", "seller")), "forget_at": maybe(datetime)},
    ),
    "shop_picture_import_files": Shape(
        {
            **IDS,
            "number": int,
            "file": {"path": str, "key": str, "length": int, "why_not": maybe(str)},
            "finding": values("matched", "unmatched", "ambiguous", "left_out"),
            "shelf": or_null({"product": str, "sku": str, "name": str, "pictures": int}),
            "position": or_null(int),
            "candidates": [str],
            "reason": or_null(str),
            "outcome": or_null(values("added", "present", "refused")),
            "failure": or_null(
                {"code": str, "message": str, "words": unless_missing(Of(ANYTHING))}
            ),
        },
        {"by_hand": maybe(bool), "forget_at": maybe(datetime)},
    ),
    "tus_uploads": Shape(
        {
            **IDS,
            "owner": str,
            "file": str,
            "length": int,
            "metadata": or_null(str),
            "name": str,
            "category": str,
            "reference": or_null(str),
            "offset": int,
            "tail": bytes,
            "epoch": int,
            "is_done": bool,
            "expires_at": datetime,
        },
        {"created_at": maybe(datetime)},
    ),
    "upload_tickets": Shape(
        {
            **IDS,
            "owner": str,
            "secret_sha256": str,
            "category": str,
            "reference": or_null(str),
            "max_bytes": int,
            "types": or_null([str]),
            "expires_at": datetime,
            "upload": or_null(str),
            "sha256": or_null(str),
        },
        {"created_at": maybe(datetime)},
    ),
    "media_folders": Shape(
        {**IDS, "name": str, "parent": or_null(str)},
        {"name_key": str, "created_at": maybe(datetime), "holds": unless_missing(int)},
    ),
    "site_profiles": Shape(
        {
            **IDS,
            "logo": maybe(str),
            "import_columns": unless_missing([{"name": str, "field": or_null(str)}]),
        },
    ),
    "site_counts": Shape({**IDS, "name": str, "numbers": Of(int), "at": datetime}),
    "quotas": Shape(
        {
            **IDS,
            "bytes": int,
            "files": int,
            "held": [{"id": str, "bytes": int, "files": int, "until": datetime}],
            "counted_at": maybe(datetime),
            "took_ms": unless_missing(int),
        },
        {
            "counts": unless_missing(int),
            "asked_at": maybe(datetime),
            "count_began_at": maybe(datetime),
            "is_large": unless_missing(bool),
        },
    ),
    "notifications": MESSAGE,
    # Of the deployment
    "house_notifications": MESSAGE,
    "sites": Shape(
        {
            "_id": str,
            "hosts": unless_missing([str]),
            "base_url": maybe(str),
            "cluster": maybe(str),
            "name": maybe(str),
            "locale": unless_missing(str),
            "quotas": unless_missing(
                {name: maybe(int) for name in ("bytes", "files", "user_bytes", "user_files")}
            ),
            "colors": unless_missing(Of(COLOUR)),
            "limits": unless_missing(Of(int)),
            "theme": unless_missing(Of(str)),
            "menu": unless_missing([{"label": str, "to": str}]),
            "legal": unless_missing([{"label": str, "to": str}]),
            "contact": unless_missing(Of(str)),
            "edge_seconds": unless_missing(Of(int)),
            "sizes": unless_missing(Of(str)),
            "status_page": unless_missing(bool),
            "second_factor_roles": unless_missing(
                [values("admin", "editor", "staff", "seller", "client", "ops")]
            ),
            "upload_categories": unless_missing(
                Of(
                    {
                        "types": unless_missing([str]),
                        "max_mb": maybe(int),
                        "max_files": maybe(int),
                        "visibility": unless_missing(values("public", "private")),
                        "retention_days": maybe(int),
                        "readers": unless_missing(
                            [values("admin", "editor", "staff", "seller", "client", "ops")]
                        ),
                        "edge": unless_missing(bool),
                        "public_thumbs": unless_missing(bool),
                    }
                )
            ),
            "revision": unless_missing(int),
            "state": unless_missing(values("open", "preparing", "removed", "deleting")),
            "removal": unless_missing(
                {
                    "at": datetime,
                    "due_at": datetime,
                    "was": maybe(str),
                    "began_at": unless_missing(datetime),
                }
            ),
            "epoch": unless_missing(int),
            "move": unless_missing(
                {
                    "from": str,
                    "to": str,
                    "phase": values(*Phase),
                    "begun_at": datetime,
                    "mover": maybe(str),
                    "switched_at": maybe(datetime),
                    "until": maybe(datetime),
                    "note": maybe(str),
                }
            ),
        },
        {"created_at": maybe(datetime)},
    ),
    "users": Shape(
        {
            "_id": str,
            "email": str,
            "name": or_null(str),
            "password_hash": or_null(str),
            "roles": Of(values("admin", "editor", "staff", "seller", "client", "ops")),
            "superuser": bool,
            "disabled": bool,
            "session_epoch": int,
            "token_epoch": int,
            "created_at": datetime,
            "changed_at": maybe(datetime),
            "sessions": maybe(
                [
                    {
                        "id": str,
                        "site": str,
                        "epoch": int,
                        "began_at": datetime,
                        "used_at": datetime,
                        "device": str,
                        "second_factor_shown": maybe(bool),
                    }
                ]
            ),
            "oidc": maybe({"issuer": str, "subject": str, "linked_at": datetime}),
            "second_factor": maybe(
                {
                    "secret": or_null(str),
                    "recovery_codes": [str],
                    "last_step": int,
                    "wrong": int,
                    "set_up_at": datetime,
                }
            ),
            "passkeys": maybe(
                [
                    {
                        "id": str,
                        "host": str,
                        "credential": str,
                        "public_key": str,
                        "sign_count": int,
                        "name": str,
                        "added_at": datetime,
                        "used_at": or_null(datetime),
                        "challenged_at": datetime,
                    }
                ]
            ),
        },
        {"password_is_own": maybe(bool), "sites": maybe([str])},
    ),
    "api_tokens": Shape(
        {
            **IDS,
            "user": str,
            "name": str,
            "scopes": [values("read", "write", "account")],
            "epoch": int,
            "secret_sha256": str,
            "created_at": datetime,
            "expires_at": datetime,
            "used_at": maybe(datetime),
            "device": maybe(str),
        }
    ),
    "password_links": Shape(
        {
            **IDS,
            "user": str,
            "epoch": int,
            "secret_sha256": str,
            "expires_at": datetime,
        }
    ),
    "jobs": Shape(
        {
            "_id": str,
            "kind": str,
            "site": or_null(str),
            "args": Of(ANYTHING),
            "state": JOB_STATES,
            "progress": {"done": int, "total": or_null(int)},
            "cursor": or_null(ANYTHING),
            "attempts": int,
            "result": or_null(Of(ANYTHING)),
            "error": or_null(str),
            "run_at": datetime,
            "every_seconds": or_null(NUMBER),
            "created_at": datetime,
            "started_at": or_null(datetime),
            "finished_at": or_null(datetime),
            "holder": or_null(str),
            "wish": maybe(values("pause", "cancel")),
            "place": maybe(str),
        },
        {"open_key": maybe(str), "forget_at": maybe(datetime)},
    ),
    "fsck_findings": Shape(
        {
            "_id": str,
            "kind": str,
            "site": or_null(str),
            "subject": str,
            "detail": str,
            "bucket": or_null(str),
            "asset": or_null(str),
            "mendable": bool,
            "advice": str,
            "outcome": values("found", "mended", "left"),
        },
        {"run": str, "forget_at": maybe(datetime)},
    ),
    "instances": Shape({"_id": str, "epochs": Of(int), "clusters": [str], "until": datetime}),
    "leases": Shape({"_id": str, "holder": str, "what": str, "since": datetime, "until": datetime}),
    "rate_limits": Shape({"_id": str, "count": int, "resets_at": datetime, "at": datetime}),
    "infra_metrics": Shape(
        {
            "_id": str,
            "created_at": datetime,
            **OF_A_CLUSTER,
            "data_members": maybe(NUMBER),
            "clusters": unless_missing(
                [{"name": str, "data_members": or_null(NUMBER), **OF_A_CLUSTER}]
            ),
            "backup_hours": maybe(NUMBER),
            "drill_days": maybe(NUMBER),
            "percents": unless_missing([int]),
            "stored": unless_missing([{"site": str, "bucket": str, "files": int, "bytes": int}]),
            "renditions": unless_missing(
                [{"site": str, "variant": str, "count": int, "bytes": int}]
            ),
            "missing": unless_missing([str]),
            "products": COUNTS,
            "damaged": COUNTS,
            "quotas": unless_missing(
                [
                    {
                        "site": str,
                        "bytes": int,
                        "most_bytes": int,
                        "files": int,
                        "most_files": int,
                    }
                ]
            ),
            "traffic": TRAFFIC,
        }
    ),
    "infra_alerts": Shape(
        {
            "_id": str,
            "measure": values(
                *("disk", "connections", "oplog", "quota", "errors", "damaged", "backup", "drill"),
                *("stopped", "late_jobs", "failed_jobs", "lost", "on_a_disk", "undelivered"),
                *("plan", "letters", "scanner", "unscanned", "quarantined"),
                *("certificate", "secrets", "requests", "pictures"),
            ),
            "site": or_null(str),
            "unit": values("percent", "hours", "days", "files", "minutes", "jobs", "messages"),
            "opened_at": datetime,
            "acknowledged_at": or_null(datetime),
            "acknowledged_by": or_null(str),
            **ALERTED,
        },
        {
            "open_key": maybe(str),
            "forget_at": maybe(datetime),
            "recent": [or_null(LEVEL)],
            "told": Of(datetime),
            "checked_at": datetime,
            "acknowledged_level": maybe(LEVEL),
        },
    ),
    "alert_choices": Shape(
        {
            "_id": str,
            "levels": unless_missing(Of([LEVEL])),
            "webhook": unless_missing({"host": str, "sealed": str}),
        },
        {"site": or_null(str)},
    ),
    "push_subscriptions": Shape(
        {**IDS, "person": str, "host": str, "device": str, "sealed": str},
    ),
    "notification_receivers": Shape({"_id": str, "failures": int, "error": maybe(str)}),
    "infra_errors": Shape(
        {
            "_id": str,
            "route": str,
            "exception": str,
            "status": int,
            "count": int,
            "first_at": datetime,
            "last_at": datetime,
            "request_ids": [str],
            "traceback": str,
            "resolved_at": or_null(datetime),
            "resolved_by": or_null(str),
        }
    ),
    "backups": Shape(
        {
            "_id": str,
            "at": datetime,
            "snapshot": str,
            "findings": int,
            "good_at": maybe(datetime),
        }
    ),
    "infra_traffic": Shape(
        {"_id": str, **TRAFFIC},
        {"processes": unless_missing([{"id": str, "number": int, "at": datetime}])},
    ),
}


def shape_of(collection: str, document: Mapping[str, Any]) -> str | None:
    """Return the name of the shape of a record, None if its collection has none."""
    shape = SHAPES.get(collection)
    return collection if isinstance(shape, Shape) else shape(document) if shape else None


def compiled(name: str, *, is_whole: bool) -> CoreSchema:
    """Return the schema of a shape: of the whole record, or of what readers need."""
    shape = SHAPES[name]
    if not isinstance(shape, Shape):
        raise KeyError(name)
    return _fields({**shape.needed, **shape.kept} if is_whole else shape.needed)


PLAIN: Mapping[Any, Callable[[], CoreSchema]] = {
    str: lambda: cs.str_schema(strict=True),
    bytes: lambda: cs.bytes_schema(strict=True),
    bool: lambda: cs.bool_schema(strict=True),
    int: lambda: cs.int_schema(strict=True),
    NUMBER: lambda: cs.float_schema(strict=True),
    datetime: lambda: cs.is_instance_schema(datetime),
    Decimal128: lambda: cs.is_instance_schema(Decimal128),
    ANYTHING: cs.any_schema,
}


@cache
def _plain(what: Any) -> CoreSchema:
    return PLAIN[what]()


def _schema(what: Any) -> CoreSchema:
    match what:
        case Maybe() | Either() | Like() | Of() | Values():
            return what.schema()
        case dict():
            return _fields(what)
        case list():
            return cs.list_schema(_schema(what[0]), strict=True)
        case _:
            return _plain(what)


def _fields(fields: Fields) -> CoreSchema:
    return cs.typed_dict_schema(
        {
            name: cs.typed_dict_field(
                _schema(what), required=not (isinstance(what, Maybe) and what.missing)
            )
            for name, what in fields.items()
        }
    )
