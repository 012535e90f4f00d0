"""Who asks, and for which site."""

import hashlib
import itertools
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from avenue.errors import Forbidden
from avenue.theme import Link, Theme

COMMAND = "command"
"""Stands for whoever runs `python -m avenue` where people stand with their id; it is no id."""

HOUSE = "default"
"""The id of the first site, the house's own: who operates it operates the deployment."""

HOME_CLUSTER = "home"
"""The cluster that MONGODB_URI names."""

ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{22}")


def new_id() -> str:
    """Return 22 URL-safe random characters (128 bits) that do not begin with a dash.

    Such an id would be an option on the command line.
    """
    while (drawn := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return drawn


def address_key(address: str) -> str:
    """Return what an address is known by where it must not be written."""
    return hashlib.sha256(address.encode()).hexdigest()[:16]


class NumberedIds:
    """Makes ids of the same shape, unique but no secret: twelve random characters and a number.

    For what is needed for each request: drawing all of an id asks the kernel, and Python's threads
    then wait for one another (10 % of the worker's time at full load).
    """

    def __init__(self) -> None:
        self._beginning = new_id()[:12]
        self._numbers = itertools.count(10**10)  # so that the last ten digits have their zeros

    def __next__(self) -> str:
        """Return the next id; any thread may ask."""
        return self._beginning + str(next(self._numbers))[-10:]


def is_id(text: str) -> bool:
    """Tell whether `text` has the shape of one of our ids."""
    return ID_PATTERN.fullmatch(text) is not None


class Role(StrEnum):
    """What somebody may do on one site."""

    ADMIN = "admin"  # everything of a site
    EDITOR = "editor"  # the builder and its media
    STAFF = "staff"  # all products, groups and imports
    SELLER = "seller"  # own products and their pictures
    CLIENT = "client"  # own uploads
    OPS = "ops"  # status, metrics, alerts

    def covers(self, other: "Role") -> bool:
        """Tell whether this role may do what `other` may: administrators all, staff as sellers."""
        return self in {other, Role.ADMIN} or (self is Role.STAFF and other is Role.SELLER)


class Scope(StrEnum):
    """What a token may be used for; a session may do all."""

    READ = "read"  # GET and HEAD
    WRITE = "write"  # everything that changes shops, pages and files
    ACCOUNT = "account"  # tokens and passwords


class Limit(StrEnum):
    """What a site may bound more tightly than the house; the setting is `max_` and this."""

    IMAGES_PER_PRODUCT = "images_per_product"
    PRODUCT_IMAGE_MB = "product_image_mb"
    MEDIA_MB = "media_mb"
    UPLOAD_MB = "upload_mb"


class SiteState(StrEnum):
    """Who may come to a site."""

    OPEN = "open"
    PREPARING = "preparing"  # nobody yet: it is being cloned
    REMOVED = "removed"  # nobody any more; it can be taken back
    DELETING = "deleting"  # nobody ever again


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One shop or website: its `hosts` lead to it, its URLs begin with `base_url`.

    `quota_bytes` and `quota_files` are what it may store, `user_quota_…` what one person may; None
    stands for the house's default, 0 for no quota. `colors` are `#rrggbb` by name, `limits` the
    site's own; of `upload_categories` what the site says of its own, by name and field. `theme`,
    `menu`, `legal` and `contact` are how its public pages look and what stands around them;
    `edge_seconds` are how long shared caches may keep them, by kind. `sizes` are those of its own
    that its pictures come in besides the usual ones, by name, as `600x800 cover`.
    `revision` grows with each change of these.
    `shows_variants`: its pictures come in other sizes than their own, too. `has_status_page`:
    everybody may see whether it works. Who has one of
    `second_factor_roles` must sign in with a second factor. `cluster` is where all that it has is
    kept.
    """

    id: str
    hosts: tuple[str, ...]
    base_url: str
    name: str
    locale: str = "es"
    quota_bytes: int | None = None
    quota_files: int | None = None
    user_quota_bytes: int | None = None
    user_quota_files: int | None = None
    colors: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[Limit, int] = field(default_factory=dict)
    upload_categories: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    theme: Theme = field(default_factory=Theme)
    menu: tuple[Link, ...] = ()
    legal: tuple[Link, ...] = ()
    contact: Mapping[str, str] = field(default_factory=dict)
    edge_seconds: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    has_status_page: bool = False
    revision: int = 1
    shows_variants: bool = True
    second_factor_roles: frozenset[Role] = frozenset()
    state: SiteState = SiteState.OPEN
    cluster: str = HOME_CLUSTER

    @property
    def is_open(self) -> bool:
        """Whether its hosts lead to it."""
        return self.state is SiteState.OPEN

    @property
    def language(self) -> str:
        """The language of `locale`, as `es` of `es-PY`."""
        return self.locale.partition("-")[0]

    def limit(self, limit: Limit, house: int) -> int:
        """Return a limit in force: the site's own, and never more than the `house` allows."""
        return min(self.limits.get(limit, house), house)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks, seen from one site. `id` is None for somebody who has not signed in.

    Who `needs_second_factor` can do nothing until they have set one up.
    """

    site: Site
    id: str | None = None
    email: str = field(default="", repr=False)
    role: Role | None = None
    superuser: bool = False
    scopes: frozenset[Scope] = frozenset(Scope)
    needs_second_factor: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether this actor may do everything of the site."""
        return self.superuser or self.role is Role.ADMIN

    @property
    def runs_shop(self) -> bool:
        """Whether this actor may work on every product, group and import of the site."""
        return self.has_role(Role.STAFF)

    @property
    def runs_house(self) -> bool:
        """Whether this actor may see and stop what concerns the deployment and all its sites."""
        return self.superuser or (self.site.id == HOUSE and self.has_role(Role.OPS))

    def has_role(self, *roles: Role) -> bool:
        """Tell whether the actor has one of `roles`, or one that covers it."""
        role = self.role
        return self.is_admin or (role is not None and any(role.covers(each) for each in roles))

    def must_have(self, *roles: Role) -> None:
        """Raise `Forbidden` unless the actor `has_role`."""
        if not self.has_role(*roles):
            raise Forbidden

    def must_run_house(self) -> None:
        """Raise `Forbidden` unless the actor `runs_house`."""
        if not self.runs_house:
            raise Forbidden


def command_actor(site: Site) -> Actor:
    """Return who acts in a command on `site`: nobody by name, with an administrator's rights."""
    return Actor(site=site, id=COMMAND, role=Role.ADMIN)
