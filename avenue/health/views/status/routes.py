"""The two questions ops and administrators ask: `/api/shop/debug/…`, as JSON or as text."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.clock import iso
from avenue.errors import Invalid
from avenue.health.checks.advice import ADVICE, REPLACE, WEBSITE_ADVICE
from avenue.health.checks.models import BrokenReference
from avenue.health.views.status.replies import ProductsStatusReply, StorageStatusReply
from avenue.health.views.status.service import ProductsStatus, StatusService, StorageStatus
from avenue.identity import Role, Site
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.store.status import Counted
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.errors import InvalidQuery
from avenue.web.parsing import LARGEST_PAGE, PageQuery, page_asked_for
from avenue.web.plain import TEXT, json_or_text
from avenue.web.services import using

blueprint = Blueprint("shop_debug", __name__, url_prefix="/api/shop/debug")

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
    return json_or_text(products_json(actor.site, status))


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
    return json_or_text(storage_json(status))


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
            "damaged": status.assets.damaged,
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


def _problem(finding: BrokenReference) -> dict[str, Any]:
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


def _website_problem(finding: BrokenReference) -> dict[str, Any]:
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
