"""What a provider says, and what is kept while somebody is there."""

from dataclasses import dataclass, field

from avenue.accounts.models import User
from avenue.accounts.oidc.groups import GroupRoles


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who somebody is, by a token that was verified; `methods` are how they have shown it (amr).

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
    """What a provider's word is good for; `link` and `second_factor` as the settings have them.

    `label` is what the provider is called on the pages.
    """

    label: str
    groups: GroupRoles
    link: str
    second_factor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where to send a browser, and what it brings back: sealed, for it alone."""

    url: str = field(repr=False)
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Whose account it is, and where they wanted to go on.

    `second_factor_shown`: the provider's second factor counts.
    """

    user: User
    target: str
    second_factor_shown: bool
