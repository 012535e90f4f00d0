"""What the two debug endpoints answer."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from avenue.health.models import Verdict
from avenue.health.views.status.service import ImageCounts
from avenue.media.references import Kind
from avenue.storage.status import Member

CheckedAt = Annotated[
    str | None, Field(description="When the last whole look ended; null before the first.")
]


class OwnerCounts(TypedDict):
    """Products or groups, by whether they have pictures."""

    total: int
    with_images: int
    without_images: int


class ProductCounts(OwnerCounts):
    """Products, also by status."""

    published: int
    draft: int


class TemporaryCounts(TypedDict):
    """Pictures that wait for their product."""

    active: int
    expired: int


class PictureProblem(TypedDict):
    """A reference that is not as it should be; one of `product` and `group` is null."""

    product: str | None
    group: str | None
    sku: str | None
    image: str | None
    kind: Kind
    detail: str
    advice: str


class ProductsStatusReply(TypedDict):
    """Whether every picture of the shop is there."""

    generated_at: str
    checked_at: CheckedAt
    coverage: Annotated[float, Field(description="Share of the references looked at, 0 to 1.")]
    site: str
    verdict: Verdict
    products: ProductCounts
    groups: OwnerCounts
    images: ImageCounts
    temp_images: TemporaryCounts
    problems: list[PictureProblem]
    problems_total: int
    next: Annotated[str | None, Field(description="For `?after=`; null at the end.")]


class WriteConcern(TypedDict):
    """How a write is acknowledged."""

    w: Literal["majority"]
    j: Literal[True]


class MongoStatus(TypedDict):
    """The deployment; null is what the database user or the reader may not know."""

    version: str | None
    topology: str
    members: list[Member] | None
    primary: str | None
    write_concern: WriteConcern
    storage_engine: str | None
    oplog_window_hours: float | None


class BucketStatus(TypedDict):
    """What one bucket of the site holds."""

    files: int
    bytes: int
    chunks: int
    orphan_chunks: int | None
    incomplete_files: int | None


class RenditionCounts(TypedDict):
    """Derived pictures."""

    count: int
    bytes: int


class AssetStatus(TypedDict):
    """Stored files, each counted once."""

    live: int
    trash: int
    unclaimed: int
    expired: int
    damaged: int


class DatabaseSizes(TypedDict):
    """What the database takes; null where it would tell of other sites."""

    data_bytes: int | None
    storage_bytes: int | None
    index_bytes: int | None


class DiskStatus(TypedDict):
    """The disk the database lies on; null for who does not run the deployment."""

    used_bytes: int | None
    total_bytes: int | None
    percent: float | None


class FilesystemStatus(TypedDict):
    """Files that lie in the container, where the next deployment loses them."""

    paths_checked: list[str]
    files_found: int


class WebsiteProblem(TypedDict):
    """A picture that a page, or the logo if `page` is null, names and that is not as it should."""

    page: str | None
    image: str | None
    kind: Kind
    detail: str
    advice: str


class WebsiteStatus(TypedDict):
    """What pages and the logo name that is not there; the first 100."""

    problems: list[WebsiteProblem]
    problems_total: int


class StorageStatusReply(TypedDict):
    """Where the bytes are, and whether they would survive."""

    generated_at: str
    checked_at: CheckedAt
    verdict: Verdict
    persistent: bool
    mongodb: MongoStatus
    buckets: dict[str, BucketStatus]
    renditions: RenditionCounts
    assets: AssetStatus
    database: DatabaseSizes
    disk: DiskStatus
    website: WebsiteStatus
    filesystem: FilesystemStatus
    advice: list[str]
