"""Models of the capacity report, as `GET /api/ops/capacity` returns it. GB are 10⁹ bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from avenue.health.models import Measure
from avenue.storage.mongo_facts import percent
from avenue.web.fields import Moment, Rounded1, Rounded2, Rounded3, Rounded4, shown

GB = 1_000_000_000
FEWEST_PRODUCTS, FEWEST_PICTURES = 30, 100

DaysUntil = Annotated[
    Mapping[int, Rounded2 | None],
    Field(description="By threshold in percent: 0 is reached, null is not in sight."),
]
FOR_ALL = Field(description="A fact of the whole deployment: null for operators of one site only.")


class Trend(StrEnum):
    """The direction of the growth."""

    GROWS = "grows"
    STEADY = "steady"  # no growth beyond chance
    SHRINKS = "shrinks"
    UNKNOWN = "unknown"  # too few measurements


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The growth of something in the last `window_days`; `history_days` of them were measured.

    `bytes_per_day` is None if too few were. `days_until` has each threshold in percent: 0 if it is
    reached, None if it will not be in sight: no growth, or more than ten years.
    """

    window_days: int
    history_days: float
    trend: Trend
    bytes_per_day: Rounded1 | None
    days_until: DaysUntil

    @property
    def rise(self) -> float:
        """The bytes added in a day; 0 if there is no growth."""
        return self.bytes_per_day if self.bytes_per_day and self.trend is Trend.GROWS else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When a disk or a quota will be full; `site` is None for the whole deployment.

    `cluster` is the cluster of the disk, None for a quota.
    """

    measure: Literal[Measure.DISK, Measure.QUOTA]
    site: str | None
    cluster: str | None
    used_bytes: int
    limit_bytes: int
    growth: tuple[Growth, ...]

    @shown
    def percent(self) -> Rounded2:
        """The used share."""
        return percent(self.used_bytes, self.limit_bytes) or 0.0

    @property
    def rise(self) -> float:
        """The fastest growth, in bytes a day; 0 if there is none."""
        return max(each.rise for each in self.growth)

    def days_to(self, percent: int) -> float | None:
        """Return the days until `percent` by the fastest growth, None for never."""
        known = [days for each in self.growth if (days := each.days_until[percent]) is not None]
        return min(known, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """How the database stores bytes, on each of the `members`.

    `compression` is the stored size of a byte of data, `index_bytes_per_file` the size of the
    indexes for each stored file. `members` each hold all data; None if unknown. Bytes and disks of
    several clusters are added, and `members` are those of home.
    """

    compression: Rounded4
    index_bytes_per_file: Rounded1
    members: int | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The storage of products and their pictures here, including older versions and trash.

    Renditions are divided between product pictures and the media library by their numbers of
    originals. `other_…` are all other files, with their renditions.
    """

    products: int
    pictures: int
    original_bytes: int
    rendition_bytes: int
    other_files: int
    other_bytes: int

    @shown
    def enough(self) -> bool:
        """Whether there is enough data for averages."""
        return self.products >= FEWEST_PRODUCTS and self.pictures >= FEWEST_PICTURES

    @shown
    def pictures_per_product(self) -> Rounded3:
        """The average pictures of a product; 0 without products."""
        return self.pictures / self.products if self.products else 0.0

    @shown
    def bytes_per_picture(self) -> Rounded1:
        """The average size of an original and its renditions; 0 without pictures."""
        return (
            (self.original_bytes + self.rendition_bytes) / self.pictures if self.pictures else 0.0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The monthly cost, in the currency of the prices; None where they have no price."""

    disks: float | None
    backups: float | None
    members: float | None
    sent: float | None

    @shown
    def total(self) -> Rounded2:
        """The sum of the priced parts."""
        return sum(filter(None, (self.disks, self.backups, self.members, self.sent)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What a number of products needs, if everything else stays as it is.

    `content_bytes` are originals and renditions. `database_bytes` is the disk space that each
    member uses for it, `disk_bytes` the disk to buy for each; `fits` whether today's disk is
    enough.
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
    """Monthly prices, in `currency`; None is not counted. `example`: the built-in examples.

    `origin` is their source, `as_of` the date they were read.
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
    """An hour between two snapshots, `at` its end, as answered by all instances together."""

    at: Moment
    requests_per_second: Rounded3
    errors_percent: Rounded3
    p95_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Current and possible load: measured here, and estimated from docs/performance.md.

    `busiest` is the hour with the most requests among the stored snapshots of the last seven days.
    `sent_bytes_month` are the bytes sent in 30 days, by the measurements of the last 30. The
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
    """What is `percent` full in `days`, on date `on`, and the remedy; None: does not apply."""

    what: str
    percent: int | None
    days: Rounded2
    on: Moment
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How long the present resources will last, and what more products need.

    `site` is None for the whole deployment. `snapshot_at` is None before the first snapshot; then
    there are only `notes`. `next` is None if nothing runs out within a year.
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
