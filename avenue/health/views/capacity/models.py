"""What is said about capacity, and `GET /api/ops/capacity` answers. GB are 10⁹ bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from avenue.health.models import Measure
from avenue.storage.status import percent
from avenue.web.fields import Moment, Rounded1, Rounded2, Rounded3, Rounded4, shown

GB = 1_000_000_000
FEWEST_PRODUCTS, FEWEST_PICTURES = 30, 100

DaysUntil = Annotated[
    Mapping[int, Rounded2 | None],
    Field(description="By threshold in percent: 0 is reached, null is not in sight."),
]
FOR_ALL = Field(
    description="A fact of the whole deployment: null for whoever answers for one site only."
)


class Trend(StrEnum):
    """Where something goes."""

    GROWS = "grows"
    STEADY = "steady"  # no growth that is more than chance
    SHRINKS = "shrinks"
    UNKNOWN = "unknown"  # too little was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How something grew in the last `window_days`; `history_days` of them were measured.

    `bytes_per_day` is None where too little was. `days_until` has each threshold in percent: 0 when
    it is reached, None when it is not in sight: no growth, or more than ten years.
    """

    window_days: int
    history_days: float
    trend: Trend
    bytes_per_day: Rounded1 | None
    days_until: DaysUntil

    @property
    def rise(self) -> float:
        """What is added in a day; 0 when nothing is."""
        return self.bytes_per_day if self.bytes_per_day and self.trend is Trend.GROWS else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When a disk or a quota will be full; `site` is None for the whole deployment.

    `cluster` is the one whose disk it is, None for a quota.
    """

    measure: Literal[Measure.DISK, Measure.QUOTA]
    site: str | None
    cluster: str | None
    used_bytes: int
    limit_bytes: int
    growth: tuple[Growth, ...]

    @shown
    def percent(self) -> Rounded2:
        """How full it is."""
        return percent(self.used_bytes, self.limit_bytes) or 0.0

    @property
    def rise(self) -> float:
        """The fastest growth there is, in bytes a day; 0 when there is none."""
        return max(each.rise for each in self.growth)

    def days_to(self, percent: int) -> float | None:
        """Return the days until `percent` by the growth that gets there first, None for never."""
        known = [days for each in self.growth if (days := each.days_until[percent]) is not None]
        return min(known, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """How the database keeps bytes, on each of the `members`.

    `compression` is what a byte of data takes of its files, `index_bytes_per_file` what the indexes
    take for each stored file. `members` hold all data each; None where nobody tells. Of several
    clusters bytes and disks are taken together, and `members` are those of home.
    """

    compression: Rounded4
    index_bytes_per_file: Rounded1
    members: int | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What products and their pictures take here, older versions and trash included.

    Of the renditions the product pictures have their share by number, beside those of the media
    library. `other_…` are all other files, their renditions in it.
    """

    products: int
    pictures: int
    original_bytes: int
    rendition_bytes: int
    other_files: int
    other_bytes: int

    @shown
    def enough(self) -> bool:
        """Whether the averages mean anything."""
        return self.products >= FEWEST_PRODUCTS and self.pictures >= FEWEST_PICTURES

    @shown
    def pictures_per_product(self) -> Rounded3:
        """How many pictures a product has; 0 without products."""
        return self.pictures / self.products if self.products else 0.0

    @shown
    def bytes_per_picture(self) -> Rounded1:
        """The original and its renditions; 0 without pictures."""
        return (
            (self.original_bytes + self.rendition_bytes) / self.pictures if self.pictures else 0.0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a month costs, in the currency of the prices; None is what they do not have."""

    disks: float | None
    backups: float | None
    members: float | None
    sent: float | None

    @shown
    def total(self) -> Rounded2:
        """The sum of what has a price."""
        return sum(filter(None, (self.disks, self.backups, self.members, self.sent)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What a number of products needs, everything else staying as it is.

    `content_bytes` are originals and renditions. `database_bytes` is what each member takes of its
    disk for it, `disk_bytes` the disk to buy for each; `fits` whether today's disk does it.
    """

    products: int
    pictures: int
    content_bytes: int
    database_bytes: int | None
    disk_bytes: int | None
    fits: bool | None
    cost: Cost | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a month costs, in `currency`; None is not counted. `example`: nobody's own.

    `origin` says where they are from, `as_of` when that was read.
    """

    example: bool
    currency: str
    as_of: date
    origin: Annotated[str, Field(serialization_alias="source")]
    disk_gb_month: float | None
    backup_gb_month: float | None
    member_month: float | None
    sent_gb: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """An hour between two snapshots, `at` its end, as all instances together answered it."""

    at: Moment
    requests_per_second: Rounded3
    errors_percent: Rounded3
    p95_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What is asked, and what could be: measured here, and estimated from docs/performance.md.

    `busiest` is the hour with the most requests among those that are kept, of the last seven days.
    `sent_bytes_month` is what is sent in 30 days, by all that was measured of the last 30. The
    estimates are requests a second of this instance, whose `processes` share `cores`.
    """

    busiest: Hour | None
    sent_bytes_month: int | None
    processes: int
    cores: int
    at_hand_per_second: int
    from_database_per_second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What is `percent` full in `days`, `on` that one, and the cure; None: it is not counted so."""

    what: str
    percent: int | None
    days: Rounded2
    on: Moment
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How long what there is will do, and what more products need.

    `site` is None for the whole deployment, `snapshot_at` before the first snapshot; then there is
    nothing but `notes`. `next` is None when nothing runs out within a year.
    """

    generated_at: Moment
    snapshot_at: Annotated[Moment | None, Field(description="Null before the first snapshot.")]
    site: Annotated[str | None, Field(description="Null for the whole deployment.")]
    thresholds: tuple[int, ...]
    forecasts: tuple[Forecast, ...]
    measured: Measured | None
    storing: Annotated[Storing | None, FOR_ALL]
    projections: tuple[Projection, ...]
    prices: Annotated[Prices | None, FOR_ALL]
    throughput: Annotated[Throughput | None, FOR_ALL]
    next: Annotated[Shortage | None, Field(description="Null when nothing runs out within a year.")]
    notes: tuple[str, ...]
