"""What is said about capacity. Bytes are bytes, GB are 10⁹ of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

GB = 1_000_000_000
FEWEST_PRODUCTS, FEWEST_PICTURES = 30, 100


class Trend(StrEnum):
    """Where something goes."""

    GROWS = "grows"
    STEADY = "steady"  # no growth that is more than chance
    SHRINKS = "shrinks"
    UNKNOWN = "unknown"  # too little was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How something grew in the last `window_days`; `history_days` of them were measured.

    `per_day` is None where too little was. `days_until` has each threshold in percent: 0 when it
    is reached, None when it is not in sight: no growth, or more than ten years.
    """

    window_days: int
    history_days: float
    trend: Trend
    per_day: float | None
    days_until: Mapping[int, float | None]

    @property
    def rise(self) -> float:
        """What is added in a day; 0 when nothing is."""
        return self.per_day if self.per_day and self.trend is Trend.GROWS else 0.0


class Measure(StrEnum):
    """What can run full."""

    DISK = "disk"  # of the database, on each member
    QUOTA = "quota"  # of a site


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When something will be full; `site` is None for the whole deployment."""

    measure: Measure
    site: str | None = None
    used_bytes: int
    limit_bytes: int
    growth: tuple[Growth, ...]

    @property
    def bytes_per_day(self) -> float:
        """The fastest growth there is; 0 when there is none."""
        return max(each.rise for each in self.growth)

    def days_until(self, percent: int) -> float | None:
        """Return the days until `percent` by the growth that gets there first, None for never."""
        known = [days for each in self.growth if (days := each.days_until[percent]) is not None]
        return min(known, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """How the database keeps bytes, on each member; a fact of the whole deployment.

    `compression` is what a byte of data takes of its files, `index_bytes_per_file` what the indexes
    take for each stored file. `members` hold all data each; None where nobody tells.
    """

    compression: float
    index_bytes_per_file: float
    members: int | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What products and their pictures take here, older versions and trash included.

    Of the renditions the product pictures have their share by number, beside those of the media
    library. `others` are all other files, their renditions in it.
    """

    products: int
    pictures: int
    original_bytes: int
    rendition_bytes: int
    other_files: int
    other_bytes: int

    @property
    def is_enough(self) -> bool:
        """Whether the averages mean anything."""
        return self.products >= FEWEST_PRODUCTS and self.pictures >= FEWEST_PICTURES

    @property
    def pictures_per_product(self) -> float:
        """How many pictures a product has; 0 without products."""
        return self.pictures / self.products if self.products else 0.0

    @property
    def bytes_per_picture(self) -> float:
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

    @property
    def total(self) -> float:
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
    database_bytes: int | None = None
    disk_bytes: int | None = None
    fits: bool | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a month costs, in `currency`; None is not counted. `is_example`: nobody's own.

    `origin` says where they are from, `as_of` when that was read.
    """

    is_example: bool
    currency: str
    as_of: date
    origin: str
    disk_gb_month: float | None = None
    backup_gb_month: float | None = None
    member_month: float | None = None
    sent_gb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """An hour between two snapshots, as all instances together answered it."""

    at: datetime
    requests_per_second: float
    errors_percent: float
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
    """Something that is `percent` full in `days`, and the cure; None: it is not counted so."""

    what: str
    percent: int | None
    days: float
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """All of it. `site` is None for the whole deployment.

    What is a fact of the whole deployment is None for whoever answers for one site only.
    `snapshot_at` is None before the first snapshot; then there is nothing but `notes`. `percents`
    are the thresholds. `next` is None when nothing runs out within a year.
    """

    generated_at: datetime
    snapshot_at: datetime | None
    site: str | None
    percents: tuple[int, ...]
    forecasts: tuple[Forecast, ...]
    measured: Measured | None
    storing: Storing | None
    projections: tuple[Projection, ...]
    prices: Prices | None
    throughput: Throughput | None
    next: Shortage | None
    notes: tuple[str, ...]
