"""The two questions ops and administrators ask: `/api/shop/debug/…`, as JSON or as text."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.clock import iso
from avenue.errors import Invalid
from avenue.identity import Role, Site
from avenue.media.inspection.models import Finding, Kind
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.service.status import ProductsStatus, StatusService, StorageStatus
from avenue.shop.status_replies import ProductsStatusReply, StorageStatusReply
from avenue.shop.store.status import Counted
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.errors import InvalidQuery
from avenue.web.parsing import LARGEST_PAGE, PageQuery, page_asked_for
from avenue.web.services import using

blueprint = Blueprint("shop_debug", __name__, url_prefix="/api/shop/debug")

TEXT = "text/plain"
UPLOAD_AGAIN = "Upload the same picture to it again: that mends the stored one."
UPLOAD_ANY = "Upload the picture to it again; the entry that leads nowhere goes with that."
NEVER_LASTED = (
    "Only the disk of a machine had it. Upload the picture and remove this entry, by its URL."
)
ADVICE: Mapping[Kind, str] = {
    Kind.ASSET_MISSING: UPLOAD_ANY,
    Kind.ASSET_IN_TRASH: "Restore the picture, or upload it again.",
    Kind.ASSET_PURGING: UPLOAD_ANY,
    Kind.FILE_MISSING: UPLOAD_AGAIN,
    Kind.WRONG_LENGTH: UPLOAD_AGAIN,
    Kind.CHUNK_MISSING: UPLOAD_AGAIN,
    Kind.CHUNK_SHORT: UPLOAD_AGAIN,
    Kind.CHUNK_LONG: UPLOAD_AGAIN,
    Kind.CHUNK_SURPLUS: UPLOAD_AGAIN,
    Kind.WRONG_HASH: UPLOAD_AGAIN,
    Kind.MALFORMED_ENTRY: "Another program wrote this entry; it shows nothing. Remove it there.",
    Kind.LOCAL_PATH: NEVER_LASTED,
    Kind.LOCALHOST: NEVER_LASTED,
    Kind.NOT_OWNED: "The picture can vanish with its owner. Upload it to this one as well.",
}
"""What people can do about each kind."""

CHOOSE_ANOTHER = "Choose another picture there; nobody has this one any more."
REPLACE = "Replace the file in the media library by the same picture."
WEBSITE_ADVICE: Mapping[Kind, str] = {
    Kind.ASSET_MISSING: CHOOSE_ANOTHER,
    Kind.ASSET_PURGING: CHOOSE_ANOTHER,
    Kind.ASSET_IN_TRASH: "Restore the picture in the media library, or choose another there.",
    Kind.NOT_OWNED: "The picture will vanish by itself. Upload it to the media library.",
    Kind.MALFORMED_ENTRY: "Another program wrote this. Choose a picture there.",
}
"""The same for pages and logos, where it is not `REPLACE`."""

Deep = Annotated[Literal["0", "1"], Field(description="1: look now, as far as time goes.")]


class StorageStatusQuery(TypedDict, total=False):
    """How to look."""

    deep: Deep


class ProductsStatusQuery(PageQuery, total=False):
    """How to look, and which problems to show; 100 if `limit` is left out."""

    deep: Deep


@blueprint.get("/products-status")
@require(Role.OPS)
@described(
    query=ProductsStatusQuery,
    replies={200: Reply({JSON: ProductsStatusReply, TEXT: str})},
    refuses=(Invalid, InvalidQuery),
)
def products_status() -> Response:
    """Tell whether every picture of the shop is there: `?deep=1 ?after ?limit`."""
    actor, page = current_actor(), page_asked_for(default=LARGEST_PAGE)
    status = using(StatusService).products(
        actor, deep=_wants_deep(), after=page.after or "", limit=page.limit
    )
    return _answer(products_json(actor.site, status))


@blueprint.get("/storage-status")
@require(Role.OPS)
@described(
    query=StorageStatusQuery,
    replies={200: Reply({JSON: StorageStatusReply, TEXT: str})},
    refuses=(Invalid,),
)
def storage_status() -> Response:
    """Tell where the bytes are, and whether they would survive: `?deep=1`."""
    actor = current_actor()
    status = using(StatusService).storage(actor, deep=_wants_deep())
    return _answer(storage_json(status))


def products_json(site: Site, status: ProductsStatus) -> dict[str, Any]:
    """Return the state of the shop's pictures as JSON."""
    return {
        "generated_at": iso(status.generated_at),
        "checked_at": iso(status.checked_at) if status.checked_at else None,
        "coverage": status.coverage,
        "site": site.id,
        "verdict": status.verdict,
        "products": {
            "total": status.products.total,
            "published": status.products.published,
            "draft": status.products.total - status.products.published,
            **_pictured(status.products),
        },
        "groups": {"total": status.groups.total, **_pictured(status.groups)},
        "images": asdict(status.images),
        "temp_images": {
            "active": status.temporary[0],
            "expired": status.temporary[1],
        },
        "problems": [_problem(each) for each in status.problems],
        "problems_total": status.problems_total,
        "next": status.next,
    }


def storage_json(status: StorageStatus) -> dict[str, Any]:
    """Return the state of the storage as JSON."""
    mongodb, database = status.mongodb, status.database
    return {
        "generated_at": iso(status.generated_at),
        "checked_at": iso(status.checked_at) if status.checked_at else None,
        "verdict": status.verdict,
        "persistent": status.persistent,
        "mongodb": {
            "version": mongodb.version,
            "topology": mongodb.topology,
            "members": (
                None if mongodb.members is None else [asdict(each) for each in mongodb.members]
            ),
            "primary": mongodb.primary,
            "write_concern": {"w": "majority", "j": True},
            "storage_engine": mongodb.storage_engine,
            "oplog_window_hours": mongodb.oplog_hours,
        },
        "buckets": {
            name: {
                **asdict(totals),
                "orphan_chunks": status.tally.orphan_chunks[name] if status.tally else None,
                "incomplete_files": status.tally.incomplete_files[name] if status.tally else None,
            }
            for name, totals in status.buckets.items()
        },
        "renditions": {"count": status.renditions[0], "bytes": status.renditions[1]},
        "assets": {
            "live": status.assets.live,
            "trash": status.assets.trash,
            "unclaimed": status.assets.unclaimed,
            "expired": status.assets.expired,
        },
        "database": {
            "data_bytes": database.data_bytes if database else None,
            "storage_bytes": database.storage_bytes if database else None,
            "index_bytes": database.index_bytes if database else None,
        },
        "disk": {
            "used_bytes": status.disk_used_bytes,
            "total_bytes": status.disk_total_bytes,
            "percent": status.disk_percent,
        },
        "website": {
            "problems": [_website_problem(each) for each in status.website],
            "problems_total": status.website_total,
        },
        "filesystem": {
            "paths_checked": list(status.paths_checked),
            "files_found": status.files_found,
        },
        "advice": list(status.advice),
    }


def _pictured(counted: Counted) -> dict[str, int]:
    return {
        "with_images": counted.with_images,
        "without_images": counted.total - counted.with_images,
    }


def _problem(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON; `product` and `group`: the one it is, the other null."""
    return {
        "product": finding.referrer if finding.referrer_kind == PRODUCT else None,
        "group": finding.referrer if finding.referrer_kind == GROUP else None,
        "sku": finding.sku,
        "image": finding.image,
        "kind": finding.fault.kind,
        "detail": finding.fault.detail,
        "advice": ADVICE[finding.fault.kind],
    }


def _website_problem(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON; `page` is null where it is about the logo."""
    is_page = finding.referrer_kind == "page"
    return {
        "page": finding.referrer if is_page else None,
        "image": finding.image,
        "kind": finding.fault.kind,
        "detail": finding.fault.detail,
        "advice": WEBSITE_ADVICE.get(finding.fault.kind, REPLACE),
    }


def _wants_deep() -> bool:
    text = request.args.get("deep", "0")
    if text not in {"0", "1"}:
        raise Invalid("`deep` must be 1 or 0.")
    return text == "1"


def _answer(facts: Mapping[str, Any]) -> Response:
    """Answer in the form that was asked for; JSON where both would do."""
    if request.accept_mimetypes.best_match([JSON, TEXT], default=JSON) == TEXT:
        text = "\n".join(_lines(facts)) + "\n"
        response = Response(text, content_type=f"{TEXT}; charset=utf-8")
    else:
        response = jsonify(facts)
    response.vary.add("Accept")
    return response


def _lines(facts: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield `facts` as lines for people, what is inside something further in."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name}:"
            yield from _lines(value, indent + "  ")
        elif isinstance(value, list):
            yield f"{indent}{name}: {len(value)}"
            yield from (f"{indent}  - {_one_line(each)}" for each in value)
        else:
            yield f"{indent}{name}: {_word(value)}"


def _one_line(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_word(each)}" for name, each in value.items())
    return _word(value)


def _word(value: object) -> str:
    """Return a value as text on one line, whatever it holds."""
    words = {None: "-", True: "yes", False: "no"}
    if value is None or isinstance(value, bool):
        return words[value]
    return "".join(each if each.isprintable() else " " for each in str(value))
