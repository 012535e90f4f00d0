"""Models of the replies of the two debug endpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PlainSerializer
from typing_extensions import TypedDict

from avenue.health.checks.advice import ADVICE, REPLACE, WEBSITE_ADVICE
from avenue.health.checks.models import AssetCounts, BrokenReference
from avenue.health.models import Verdict
from avenue.media.references import Kind
from avenue.shop.models import GROUP, PRODUCT
from avenue.storage.mongo_facts import Member
from avenue.web.fields import Moment

CheckedAt = Annotated[
    Moment | None, Field(description="When the last whole look ended; null before the first.")
]
CountedAt = Annotated[
    Moment | None, Field(description="When this was counted last; null for now: there are few.")
]
AtLeast = Annotated[
    int | None,
    Field(
        description="There are so many, and more; the numbers beside it are null until the job "
        "`count_sites` has counted them. Else null."
    ),
]


class PictureProblem(TypedDict):
    """A faulty reference; one of `product` and `group` is null."""

    product: str | None
    group: str | None
    sku: str | None
    image: str | None
    kind: Kind
    detail: str
    advice: str


class WebsiteProblem(TypedDict):
    """A faulty picture of a page, or of the logo if `page` is null."""

    page: str | None
    image: str | None
    kind: Kind
    detail: str
    advice: str


def _of_picture(found: BrokenReference) -> PictureProblem:
    return {
        "product": found.referrer if found.referrer_kind == PRODUCT else None,
        "group": found.referrer if found.referrer_kind == GROUP else None,
        "sku": found.sku,
        "image": found.image,
        "kind": found.fault.kind,
        "detail": found.fault.detail,
        "advice": ADVICE[found.fault.kind],
    }


def _of_website(found: BrokenReference) -> WebsiteProblem:
    return {
        "page": found.referrer if found.referrer_kind == "page" else None,
        "image": found.image,
        "kind": found.fault.kind,
        "detail": found.fault.detail,
        "advice": WEBSITE_ADVICE.get(found.fault.kind, REPLACE),
    }


if TYPE_CHECKING:
    OfPicture = BrokenReference
    OfWebsite = BrokenReference
else:
    OfPicture = Annotated[Any, PlainSerializer(_of_picture, return_type=PictureProblem)]
    OfWebsite = Annotated[Any, PlainSerializer(_of_website, return_type=WebsiteProblem)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerCounts:
    """Products or groups, by whether they have pictures."""

    total: int | None
    with_images: int | None
    without_images: int | None
    counted_at: CountedAt
    total_at_least: AtLeast


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCounts(OwnerCounts):
    """Products, also by status."""

    published: int | None
    draft: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCounts:
    """The references of a shop; `stored` and `missing` are None before the first pass.

    `total` is that of the last pass if it was not counted, None before that.
    """

    total: int | None
    stored: int | None
    external: int
    ephemeral: int
    missing: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryCounts:
    """Pictures that wait for their product."""

    active: int
    expired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductsStatus:
    """Whether all pictures of the shop are stored."""

    generated_at: Moment
    checked_at: CheckedAt
    coverage: Annotated[float, Field(description="Share of the references looked at, 0 to 1.")]
    site: str
    verdict: Verdict
    products: ProductCounts
    groups: OwnerCounts
    images: ImageCounts
    temp_images: TemporaryCounts
    problems: tuple[OfPicture, ...]
    problems_total: Annotated[
        int | None, Field(description="How many there are; null for more than 1,000.")
    ]
    problems_total_at_least: Annotated[
        int | None, Field(description="Beside a `problems_total` of null: 1001.")
    ]
    next: Annotated[str | None, Field(description="For `?after=`; null at the end.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteConcern:
    """How a write is acknowledged."""

    w: Literal["majority"] = "majority"
    j: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoStatus:
    """The deployment; null for what the database user or the reader may not know."""

    version: str | None
    topology: str
    members: tuple[Member, ...] | None
    primary: str | None
    write_concern: WriteConcern
    storage_engine: str | None
    oplog_window_hours: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketStatus:
    """The content of one bucket of the site."""

    files: int | None
    bytes: int | None
    chunks: int | None
    counted_at: CountedAt
    total_at_least: AtLeast
    orphan_chunks: int | None
    incomplete_files: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionCounts:
    """Derived pictures."""

    count: int | None
    bytes: int | None
    counted_at: CountedAt
    total_at_least: AtLeast


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSizes:
    """The sizes of the database; null where they would reveal other sites."""

    data_bytes: int | None
    storage_bytes: int | None
    index_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskStatus:
    """The disk of the database; null for readers who are no operators of the deployment."""

    used_bytes: int | None
    total_bytes: int | None
    percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebsiteStatus:
    """The missing pictures of pages and the logo; the first 100."""

    problems: tuple[OfWebsite, ...]
    problems_total: Annotated[int | None, Field(description="null for more than 1,000.")]
    problems_total_at_least: Annotated[
        int | None, Field(description="Beside a `problems_total` of null: 1001.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesystemStatus:
    """Files on the container's disk, which the next deployment deletes."""

    paths_checked: tuple[str, ...]
    files_found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageStatus:
    """Where the bytes are, and whether they would survive."""

    generated_at: Moment
    checked_at: CheckedAt
    verdict: Verdict
    persistent: bool
    mongodb: MongoStatus
    buckets: Mapping[str, BucketStatus]
    renditions: RenditionCounts
    assets: AssetCounts
    database: DatabaseSizes
    disk: DiskStatus
    website: WebsiteStatus
    filesystem: FilesystemStatus
    advice: tuple[str, ...]
