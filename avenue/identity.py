"""The caller (actor) and the site of a request."""

import base64
import hashlib
import ipaddress
import itertools
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from avenue.errors import Forbidden, Unauthenticated
from avenue.theme import Link, Theme

COMMAND = "command"
"""Stands for `python -m avenue` where people are named by id; it is not an id."""

DEFAULT_SITE = "default"
"""The id of the first site; its administrators operate the deployment."""

HOME_CLUSTER = "home"
"""The cluster of MONGODB_URI."""

IPV6_CALLER_BITS = 64
"""The smallest network a customer gets; they choose the rest (RFC 6177)."""

ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{22}")


def new_id() -> str:
    """Return 22 URL-safe random characters (128 bits) that do not begin with a dash.

    On the command line such an id would be taken for an option.
    """
    while (drawn := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return drawn


def derived_id(*parts: str) -> str:
    """Return an id as `new_id` does, always the same for the same parts."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    made = base64.urlsafe_b64encode(digest).decode()[:22]
    return "a" + made[1:] if made.startswith("-") else made


def address_key(address: str) -> str:
    """Return a key for an email address, a chat or a secret where that must not be stored itself.

    It must stay the same when SECRET_KEY changes, so it has no key: it confirms a guessed address.
    """
    return hashlib.sha256(address.encode()).hexdigest()[:16]


def network_of(address: str) -> str:
    """Return an IP address; of IPv6 its network, because its owner chooses the rest.

    Anything else is "unknown".
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_CALLER_BITS), strict=False))


class NumberedIds:
    """Generates ids of the same form, unique but not secret: twelve random characters and a number.

    For ids that every request needs: random bytes for each id require a system call, and Python's
    threads then wait for one another (10 % of the worker's time at full load).
    """

    def __init__(self) -> None:
        self._beginning = new_id()[:12]
        self._numbers = itertools.count(10**10)  # so that the last ten digits are zero-padded

    def __next__(self) -> str:
        """Return the next id; thread-safe."""
        return self._beginning + str(next(self._numbers))[-10:]


def is_id(text: str) -> bool:
    """Return whether `text` has the form of an id."""
    return ID_PATTERN.fullmatch(text) is not None


class Role(StrEnum):
    """Roles of a person on one site."""

    ADMIN = "admin"  # everything on a site
    EDITOR = "editor"  # the website builder and the media library
    STAFF = "staff"  # all products, groups and imports
    SELLER = "seller"  # own products and their pictures
    CLIENT = "client"  # own uploads
    OPS = "ops"  # status, metrics, alerts

    def covers(self, other: "Role") -> bool:
        """Return whether this role includes `other`: admin includes all, staff includes seller."""
        return self in {other, Role.ADMIN} or (self is Role.STAFF and other is Role.SELLER)


class Scope(StrEnum):
    """Scopes of a token; a session has all."""

    READ = "read"  # GET and HEAD
    WRITE = "write"  # all changes of shops, pages and files
    ACCOUNT = "account"  # tokens and passwords


class Limit(StrEnum):
    """Limits that a site may lower; the setting is `max_` and this."""

    IMAGES_PER_PRODUCT = "images_per_product"
    PRODUCT_IMAGE_MB = "product_image_mb"
    MEDIA_MB = "media_mb"
    UPLOAD_MB = "upload_mb"


class SiteState(StrEnum):
    """The state of a site."""

    OPEN = "open"
    PREPARING = "preparing"  # closed: it is being cloned
    REMOVED = "removed"  # closed; it can be restored
    DELETING = "deleting"  # closed for good


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A shop or website: its `hosts` belong to it, its URLs begin with `base_url`.

    `quota_bytes` and `quota_files` are the quotas of the site, `user_quota_…` those of one person;
    None stands for the default of the deployment, 0 for no quota. `colors` are `#rrggbb` by name,
    `limits` the site's own; `upload_categories` are changed fields of categories, by name and
    field. `theme`, `menu`, `legal` and `contact` define the appearance of its public pages;
    `edge_seconds` are how long shared caches may keep them, by kind. `sizes` are its own picture
    sizes in addition to the usual ones, by name, as `600x800 cover`. `revision` grows with each
    change of these. `shows_variants`: its pictures are available in other sizes than the original,
    too. `has_status_page`: the status page is public. People with one of `second_factor_roles` must
    sign in with a second factor. `cluster` is where all its data is kept.
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
        """Whether its hosts are served."""
        return self.state is SiteState.OPEN

    @property
    def language(self) -> str:
        """The language of `locale`, as `es` of `es-PY`."""
        return self.locale.partition("-")[0]

    def limit(self, limit: Limit, deployment: int) -> int:
        """Return a limit in force: the site's own, but at most `deployment`, the deployment's."""
        return min(self.limits.get(limit, deployment), deployment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The caller, with the rights on one site. `id` is None for an anonymous caller.

    An actor who `needs_second_factor` can do nothing until one has been set up.
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
        """Whether this actor may do everything on the site."""
        return self.superuser or self.role is Role.ADMIN

    @property
    def runs_shop(self) -> bool:
        """Whether this actor may work on every product, group and import of the site."""
        return self.has_role(Role.STAFF)

    @property
    def runs_deployment(self) -> bool:
        """Whether this actor may see and control what concerns the deployment and all its sites."""
        return self.superuser or (self.site.id == DEFAULT_SITE and self.has_role(Role.OPS))

    def has_role(self, *roles: Role) -> bool:
        """Return whether the actor has one of `roles`, or one that includes it."""
        role = self.role
        return self.is_admin or (role is not None and any(role.covers(each) for each in roles))

    def must_have(self, *roles: Role) -> None:
        """Raise `Forbidden` unless the actor `has_role`."""
        if not self.has_role(*roles):
            raise Forbidden

    def must_be_signed_in(self, *roles: Role) -> None:
        """Raise `Unauthenticated` for a visitor, `Forbidden` unless the actor `has_role`."""
        if self.id is None:
            raise Unauthenticated
        self.must_have(*roles)

    def must_be_superuser(self) -> None:
        """Raise `Forbidden` unless the actor is a superuser."""
        if not self.superuser:
            raise Forbidden

    def must_run_deployment(self) -> None:
        """Raise `Forbidden` unless the actor `runs_deployment`."""
        if not self.runs_deployment:
            raise Forbidden


def command_actor(site: Site) -> Actor:
    """Return the actor of a command on `site`: no person, with an administrator's rights."""
    return Actor(site=site, id=COMMAND, role=Role.ADMIN)
