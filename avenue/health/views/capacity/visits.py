"""What a number of visits a month needs and costs, by assumptions that are all reported."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from avenue.errors import filled, sentence
from avenue.health.sentences import size
from avenue.health.views.capacity.advising import BUSY_SHARE
from avenue.health.views.capacity.models import GB
from avenue.health.views.capacity.prices import (
    Hosting,
    Kind,
    Plan,
    WrongPrices,
    is_old,
    read_hosting,
)
from avenue.health.views.capacity.projecting import ROOM_PERCENT
from avenue.health.views.capacity.throughput import FROM_DATABASE, MONTH_SECONDS

KB = 1_000
INDEX_BYTES = 2_440
"""Of a picture with four sizes, in all indexes: measured with 100,000 pictures of 20 sites."""
FEWEST_INSTANCES = 2  # one answers while the other is replaced
SHORT_NUMBER = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([KMBkmb])")
THOUSANDS = {"K": 10**3, "M": 10**6, "B": 10**9}
TARGETS = (
    (1, 50_000, 34.0),
    (1, 200_000, 34.0),
    (3, 2_000_000, 90.0),
    (7, 10_000_000, 200.0),
    (20, 50_000_000, 350.0),
    (20, 200_000_000, 600.0),
)
"""Sites, their total visits a month, and the USD a month that Avenue should cost at most."""


def _in_full(text: object) -> object:
    """Return the number that `10M` or `50K` stand for; other input as it is."""
    found = SHORT_NUMBER.fullmatch(text.strip()) if isinstance(text, str) else None
    return round(float(found[1]) * THOUSANDS[found[2].upper()]) if found else text


class Assumptions(BaseModel):
    """The assumptions; KB are 1,000 bytes.

    `visits` are those of all sites in a month. `hit_ratio` is the share of picture requests that
    the CDN answers. `peak` is the ratio of the busiest hour to the mean.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    visits: Annotated[int, BeforeValidator(_in_full), Field(ge=1, le=10**12)]
    sites: int = Field(default=1, ge=1, le=10_000)
    hit_ratio: float = Field(default=0.95, ge=0, le=1)
    pictures_per_visit: float = Field(default=16.0, ge=0, le=10_000)
    picture_kb: float = Field(default=25.0, ge=0, le=100_000)
    pictures_per_site: int = Field(default=50_000, ge=0, le=10**9)
    original_kb: float = Field(default=400.0, ge=0, le=10**6)
    variants_kb: float = Field(default=150.0, ge=0, le=10**6)
    peak: float = Field(default=3.0, ge=1, le=1_000)

    def other(self, **facts: float) -> "Assumptions":
        """Return the same with some of them replaced."""
        return self.model_copy(update=facts)


Note = tuple[str, Mapping[str, object]]
"""A sentence with `{places}`, and the words for them."""

OLD_PRICES = sentence(
    "Hosting prices are from {day}, more than a year ago: write today's prices into a file "
    "of your own and set AVENUE_PRICES to it."
)
EXAMPLES = sentence("Hosting prices are examples: set yours under [hosting] in AVENUE_PRICES.")
WRONG_FILE = sentence("AVENUE_PRICES cannot be used, so the example prices apply: {reason}")
NO_PLAN = sentence("No {kind} plan in the price list is large enough.")
WHAT_COUNTS = sentence(
    "Only images are counted: no email, taxes or labor. Disks are filled to {percent} %."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The picture traffic of a month: at the edge, and the part that comes from Avenue."""

    requests: float
    edge_bytes: float
    origin_requests: float
    origin_bytes: float
    origin_per_second: float
    busiest_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A hosting offer; each part of its cost is monthly."""

    plan: Plan
    instances: int
    database: float
    application: float
    edge: float
    origin: float
    backups: float

    @property
    def parts(self) -> dict[str, float]:
        """The parts of the cost by name."""
        names = ("database", "application", "edge", "origin", "backups")
        return {name: round(getattr(self, name), 2) for name in names}

    @property
    def total(self) -> float:
        """The monthly cost."""
        return round(sum(self.parts.values()), 2)

    @property
    def largest(self) -> str:
        """The most expensive part."""
        return max(self.parts, key=lambda name: self.parts[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """The cost of the cheapest offer if one assumption were different."""

    name: str
    value: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A row of the targets, and the cheapest offer for it by the same other assumptions."""

    sites: int
    visits: int
    most: float
    total: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitsPlan:
    """The result; `offers` has the cheapest of each kind, cheapest first."""

    assumptions: Assumptions
    traffic: Traffic
    pictures: int
    database_bytes: int
    disk_bytes: int
    offers: tuple[Offer, ...]
    levers: tuple[Lever, ...]
    targets: tuple[Target, ...]
    hosting: Hosting
    currency: str
    notes: tuple[Note, ...]


def plan_of(assumed: Assumptions, own_prices: str, today: date) -> VisitsPlan:
    """Return the needs and cost of `assumed` by the hosting prices in the file `own_prices`.

    If that file has none, or cannot be used, the examples apply, and a note says so.
    """
    hosting, currency, problem = _hosting_prices(own_prices)
    offers = _offers(assumed, hosting)
    database = _database_bytes(assumed)
    return VisitsPlan(
        assumptions=assumed,
        traffic=traffic(assumed),
        pictures=assumed.sites * assumed.pictures_per_site,
        database_bytes=database,
        disk_bytes=_disk_bytes(database),
        offers=tuple(offers),
        levers=tuple(_levers(assumed, hosting)),
        targets=tuple(_targets(assumed, hosting)),
        hosting=hosting,
        currency=currency,
        notes=(*problem, *_notes(offers, hosting, today)),
    )


def _hosting_prices(own: str) -> tuple[Hosting, str, tuple[Note, ...]]:
    """Return the prices, their currency, and why the examples are used."""
    problem: Note = (EXAMPLES, {})
    if own:
        try:
            found = read_hosting(own)
        except WrongPrices as error:
            problem = (WRONG_FILE, {"reason": str(error)})
        else:
            if found:
                return *found, ()
    examples = read_hosting("")
    assert examples  # noqa: S101 - the package has them
    return *examples, (problem,)


def traffic(assumed: Assumptions) -> Traffic:
    """Return the picture requests and bytes of a month."""
    requests = assumed.visits * assumed.pictures_per_visit
    missed = requests * (1 - assumed.hit_ratio)
    return Traffic(
        requests=requests,
        edge_bytes=requests * assumed.picture_kb * KB,
        origin_requests=missed,
        origin_bytes=missed * assumed.picture_kb * KB,
        origin_per_second=missed / MONTH_SECONDS,
        busiest_per_second=missed / MONTH_SECONDS * assumed.peak,
    )


def _database_bytes(assumed: Assumptions) -> int:
    """Return the bytes that each member stores: pictures hardly compress."""
    each = (assumed.original_kb + assumed.variants_kb) * KB + INDEX_BYTES
    return round(assumed.sites * assumed.pictures_per_site * each)


def _disk_bytes(database: int) -> int:
    return -(-database * 100 // ROOM_PERCENT)


def _offers(assumed: Assumptions, hosting: Hosting) -> list[Offer]:
    """Return the cheapest offer of each kind, cheapest first."""
    found = [_cheapest(kind, assumed, hosting) for kind in Kind]
    return sorted((each for each in found if each), key=lambda offer: offer.total)


def _cheapest(kind: Kind, assumed: Assumptions, hosting: Hosting) -> Offer | None:
    moved = traffic(assumed)
    originals = assumed.sites * assumed.pictures_per_site * assumed.original_kb * KB
    disk_gb = _disk_bytes(_database_bytes(assumed)) / GB
    is_managed = kind is Kind.MANAGED
    busy = math.ceil(moved.busiest_per_second / (FROM_DATABASE * BUSY_SHARE))
    instances = max(FEWEST_INSTANCES, busy)
    sent_gb = max(moved.origin_bytes / GB - hosting.instance_sent_free_gb, 0.0)
    months = [(each.month_with(disk_gb), each) for each in hosting.plans if each.kind is kind]
    fitting = [(month, each) for month, each in months if month is not None]
    if not fitting:
        return None
    month, plan = min(fitting, key=lambda found: found[0])
    return Offer(
        plan=plan,
        instances=instances,
        database=month,
        application=instances * hosting.instance_month if is_managed else 0.0,
        edge=hosting.edge_month(moved.edge_bytes / GB),
        origin=sent_gb * hosting.instance_sent_gb if is_managed else 0.0,
        backups=originals / GB * hosting.object_gb_month,
    )


def _levers(assumed: Assumptions, hosting: Hosting) -> Iterator[Lever]:
    """Yield the effect of changing the most expensive assumptions."""
    for name, values in (
        ("picture_kb", (assumed.picture_kb / 2, assumed.picture_kb * 2)),
        ("hit_ratio", (0.8, 0.9, 0.98)),
        ("pictures_per_visit", (assumed.pictures_per_visit / 2, assumed.pictures_per_visit * 2)),
        ("pictures_per_site", (assumed.pictures_per_site // 2, assumed.pictures_per_site * 2)),
    ):
        for value in values:
            offers = _offers(assumed.other(**{name: value}), hosting)
            if offers and value != getattr(assumed, name):
                yield Lever(name=name, value=value, total=offers[0].total)


def _targets(assumed: Assumptions, hosting: Hosting) -> Iterator[Target]:
    for sites, visits, most in TARGETS:
        offers = _offers(assumed.other(sites=sites, visits=visits), hosting)
        total = offers[0].total if offers else None
        yield Target(sites=sites, visits=visits, most=most, total=total)


def _notes(offers: Sequence[Offer], hosting: Hosting, today: date) -> Iterator[Note]:
    if is_old(hosting.as_of, today):
        yield OLD_PRICES, {"day": hosting.as_of.isoformat()}
    for kind in Kind:
        if all(each.plan.kind is not kind for each in offers):
            yield NO_PLAN, {"kind": kind.value}
    yield WHAT_COUNTS, {"percent": ROOM_PERCENT}


def visits_json(found: VisitsPlan) -> dict[str, object]:
    """Return the result as JSON. Costs are monthly, in the currency of the prices."""
    return {
        "assumptions": found.assumptions.model_dump(),
        "traffic": {name: round(value, 2) for name, value in asdict(found.traffic).items()},
        "pictures": found.pictures,
        "database_bytes": found.database_bytes,
        "disk_bytes": found.disk_bytes,
        "offers": [
            {
                "kind": each.plan.kind,
                "plan": each.plan.name,
                "instances": each.instances,
                "parts": each.parts,
                "total": each.total,
                "largest": each.largest,
            }
            for each in found.offers
        ],
        "levers": [asdict(each) for each in found.levers],
        "targets": [asdict(each) for each in found.targets],
        "currency": found.currency,
        "prices": {"as_of": found.hosting.as_of.isoformat(), "source": found.hosting.origin},
        "notes": [filled(text, words) for text, words in found.notes],
    }


def visits_text(found: VisitsPlan) -> str:
    """Return the result as lines for people."""
    return "\n".join(_lines(found))


def _lines(found: VisitsPlan) -> Iterator[str]:
    assumed, moved, currency = found.assumptions, found.traffic, found.currency
    yield f"{assumed.visits:,} visits a month on {assumed.sites:,} sites"
    yield (
        f"Assumed: {assumed.pictures_per_visit:g} pictures a visit of {assumed.picture_kb:g} KB, "
        f"{assumed.hit_ratio:.1%} of them answered by the CDN; {assumed.pictures_per_site:,} "
        f"pictures a site of {assumed.original_kb:g} KB with {assumed.variants_kb:g} KB of other "
        f"sizes; the busiest hour has {assumed.peak:g} times the mean"
    )
    yield ""
    yield (
        f"Pictures sent by the CDN: {moved.requests:,.0f} a month, {size(moved.edge_bytes)}; by "
        f"Avenue: {moved.origin_requests:,.0f}, {size(moved.origin_bytes)}, "
        f"{moved.origin_per_second:,.1f} a second, {moved.busiest_per_second:,.1f} in the busiest "
        "hour"
    )
    yield (
        f"Stored: {found.pictures:,} pictures, {size(found.database_bytes)} on each member; "
        f"disks of {size(found.disk_bytes)}"
    )
    for each in found.offers:
        parts = ", ".join(f"{name} {cost:,.2f}" for name, cost in each.parts.items() if cost)
        yield ""
        yield (
            f"{each.plan.kind}: {each.plan.name}, {each.instances} instances of Avenue: "
            f"{each.total:,.2f} {currency} a month ({parts}); most is for {each.largest}"
        )
    if found.offers:
        yield ""
        yield f"If something else were assumed, the cheapest in {currency} a month:"
        for lever in found.levers:
            yield f"  {lever.name} {lever.value:g}: {lever.total:,.2f}"
    yield ""
    yield f"{'sites':>8}{'visits a month':>18}{'to stay below':>16}{'cheapest':>12}"
    for row in found.targets:
        total = "-" if row.total is None else f"{row.total:,.2f}"
        yield f"{row.sites:>8}{row.visits:>18,}{row.most:>16,.2f}{total:>12}"
    yield ""
    yield f"Prices: {found.hosting.origin}, read on {found.hosting.as_of.isoformat()}"
    for text, words in found.notes:
        yield f"Note: {filled(text, words)}"
