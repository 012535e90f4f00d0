"""What `GET /api/ops/capacity` answers; bytes are bytes."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.health.views.capacity.models import Measure, Trend

DaysUntil = Annotated[
    dict[str, float | None],
    Field(description="By threshold in percent: 0 is reached, null is not in sight."),
]
ForAll = "A fact of the whole deployment: null for whoever answers for one site only."


class GrowthReply(TypedDict):
    """How something grew in the last days."""

    window_days: int
    history_days: float
    trend: Trend
    bytes_per_day: float | None
    days_until: DaysUntil


class ForecastReply(TypedDict):
    """When something will be full; `site` is null for the whole deployment."""

    measure: Measure
    site: str | None
    used_bytes: int
    limit_bytes: int
    percent: float
    growth: list[GrowthReply]


class MeasuredReply(TypedDict):
    """What products and their pictures take here; `enough` is false where averages say little."""

    products: int
    pictures: int
    pictures_per_product: float
    bytes_per_picture: float
    original_bytes: int
    rendition_bytes: int
    other_files: int
    other_bytes: int
    enough: bool


class StoringReply(TypedDict):
    """How the database keeps bytes, on each of the `members`."""

    compression: float
    index_bytes_per_file: float
    members: int | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None


class CostReply(TypedDict):
    """What a month costs; null is what the prices do not have."""

    disks: float | None
    backups: float | None
    members: float | None
    sent: float | None
    total: float


class ProjectionReply(TypedDict):
    """What a number of products needs."""

    products: int
    pictures: int
    content_bytes: int
    database_bytes: int | None
    disk_bytes: int | None
    fits: bool | None
    cost: CostReply | None


class PricesReply(TypedDict):
    """What the costs were computed by."""

    example: bool
    currency: str
    as_of: str
    source: str
    disk_gb_month: float | None
    backup_gb_month: float | None
    member_month: float | None
    sent_gb: float | None


class HourReply(TypedDict):
    """The hour with the most requests of the last seven days; `at` is its end."""

    at: str
    requests_per_second: float
    errors_percent: float
    p95_seconds: float | None


class ThroughputReply(TypedDict):
    """Requests a second: the busiest hour measured, the others estimated for one instance."""

    busiest: HourReply | None
    sent_bytes_month: int | None
    processes: int
    cores: int
    at_hand_per_second: int
    from_database_per_second: int


class ShortageReply(TypedDict):
    """What runs out first, when it is `percent` full, and the cure."""

    what: str
    percent: int | None
    days: float
    on: str
    cure: str


class CapacityReply(TypedDict):
    """How long what there is will do, and what more products need."""

    generated_at: str
    snapshot_at: Annotated[str | None, Field(description="Null before the first snapshot.")]
    site: Annotated[str | None, Field(description="Null for the whole deployment.")]
    thresholds: list[int]
    forecasts: list[ForecastReply]
    measured: MeasuredReply | None
    storing: Annotated[StoringReply | None, Field(description=ForAll)]
    projections: list[ProjectionReply]
    prices: Annotated[PricesReply | None, Field(description=ForAll)]
    throughput: Annotated[ThroughputReply | None, Field(description=ForAll)]
    next: Annotated[
        ShortageReply | None, Field(description="Null when nothing runs out within a year.")
    ]
    notes: list[str]
