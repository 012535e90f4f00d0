"""Models of a provider's answer, and of a sign-in in progress."""

from dataclasses import dataclass, field

from avenue.accounts.models import User
from avenue.accounts.oidc.groups import GroupRoles


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """A person's identity from a verified token; `methods` are how they authenticated (amr).

    `email` is empty unless the provider says that it has verified it.
    """

    issuer: str
    subject: str
    email: str = field(repr=False)
    name: str = field(repr=False)
    groups: frozenset[str]
    methods: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How far a provider is trusted; `link` and `second_factor` as in the settings.

    `label` is the name of the provider on the pages.
    """

    label: str
    groups: GroupRoles
    link: str
    second_factor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The URL for the browser, and what it sends back: encrypted, for it alone."""

    url: str = field(repr=False)
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The account, and the page to continue with.

    `second_factor_shown`: the provider's second factor counts.
    """

    user: User
    target: str
    second_factor_shown: bool
