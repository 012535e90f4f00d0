"""People and their tokens, as the rest of Avenue sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from avenue.identity import Role, Scope

SIGNED_IN = ""
"""The name of tokens from signing in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that somebody has signed in with, on one site.

    It is over when the person's session epoch is no longer `epoch`. `used_at` is a few minutes
    old at most; `device` is a browser and a system, as far as they are known, and no more.
    `second_factor_shown`: a provider has asked for one, and that counts.
    """

    id: str
    site: str
    epoch: int
    began_at: datetime
    used_at: datetime
    device: str
    second_factor_shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """What somebody has to show besides the password, and the codes for emergencies.

    `secret` is the one of an app (TOTP), sealed; it is None where there are passkeys only. Of
    `recovery_codes` only the sha-256 are kept, and each works once.
    `last_step` is the time step of the last code that was taken: it and those before are used up.
    `wrong` counts wrong codes since the last right one.
    """

    secret: str | None = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)
    last_step: int
    wrong: int
    set_up_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorSetup:
    """A second factor that is not set up yet: for the person who asks, and no longer than a while.

    `sealed` is what comes back with the first code; `uri` is for an authenticator app.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A key pair of one person for one host; the private key never leaves their device.

    `credential` is what the device knows it by, `public_key` is COSE, both base64url. An answer to
    a challenge of `challenged_at` or before was used already.
    """

    id: str
    host: str
    credential: str
    public_key: str = field(repr=False)
    sign_count: int
    name: str
    added_at: datetime
    used_at: datetime | None
    challenged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcIdentity:
    """Whom a provider knows somebody as: `subject` is theirs for ever, at this `issuer`."""

    issuer: str
    subject: str
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Where passkeys are asked for: `host` is their rpID, `origins` those of its own pages."""

    host: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a browser hands to a device: `options` as JSON, and `sealed`, to come back with it."""

    options: str
    sealed: str


POW = "pow"
"""A challenge of our own: proof of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotChallenge:
    """What is to be solved: a widget of `site_key` for `action`, or a number for `salt`.

    Without an answer the next try is possible in `seconds`.
    """

    kind: str
    action: str
    seconds: int
    site_key: str = ""
    token: str = ""
    salt: str = ""
    difficulty: int = 0

    @property
    def facts(self) -> dict[str, str | int]:
        """What a program is told."""
        if self.kind == POW:
            return {
                "kind": self.kind,
                "token": self.token,
                "salt": self.salt,
                "difficulty": self.difficulty,
            }
        return {"kind": self.kind, "site_key": self.site_key, "action": self.action}

    @property
    def minutes(self) -> int:
        """In how many minutes the next try is possible without an answer."""
        return -(-self.seconds // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What somebody shows besides or instead of a password; what is empty is not shown.

    `by_provider`: they have just signed in with the provider, which counts as the password of who
    has none.
    """

    password: str = field(default="", repr=False)
    otp: str = field(default="", repr=False)
    recovery_code: str = field(default="", repr=False)
    by_provider: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    """Somebody who has shown a password and nothing else yet, on one site.

    `by_provider`: they have signed in with the provider instead. It ends when one of the person's
    epochs is another one.
    """

    user: str
    site: str
    session_epoch: int
    token_epoch: int
    at: datetime
    by_provider: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person, known to the whole house; `roles` says what they are on which site.

    `session_epoch` and `token_epoch` only grow; a session or token carries the one it was made
    under and ends when the person's is higher. Signing out raises the first; a new password and
    disabling raise both. `changed_at` is when password, roles or access were last changed.

    `password_is_own`: no administrator of a site has seen the password. Only a link in a letter
    makes it so, and whoever runs the house by a command. Who knows a password can change it, so
    a change leaves this as it is (docs/adr/0014). An empty `password_hash` is no password: they
    sign in with a provider, as `oidc`.
    """

    id: str
    email: str = field(repr=False)
    name: str = field(repr=False)
    password_hash: str = field(repr=False)
    password_is_own: bool
    roles: Mapping[str, Role]
    superuser: bool
    disabled: bool
    session_epoch: int
    token_epoch: int
    created_at: datetime
    changed_at: datetime
    sessions: tuple[Session, ...] = field(default=(), repr=False)
    second_factor: SecondFactor | None = field(default=None, repr=False)
    passkeys: tuple[Passkey, ...] = field(default=(), repr=False)
    oidc: OidcIdentity | None = field(default=None, repr=False)

    @property
    def has_password(self) -> bool:
        """Whether there is a password at all."""
        return bool(self.password_hash)

    def role_on(self, site: str) -> Role | None:
        """Return what this person is on a site; a superuser is its admin, None is nothing."""
        return Role.ADMIN if self.superuser else self.roles.get(site)

    def reaches_beyond(self, site: str) -> bool:
        """Tell whether this person may do anything that administrators of `site` may not."""
        return self.superuser or any(each != site for each in self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A Bearer token of one person for one site; only the sha-256 of its secret is kept.

    Tokens from signing in have no `name`. `used_at` is a few minutes old at most, None before the
    first use; `device` is what used it, as far as that is known.
    """

    id: str
    user: str
    site: str
    name: str
    scopes: frozenset[Scope]
    epoch: int
    secret_sha256: str = field(repr=False)
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token just made: the only moment its `secret` is known."""

    token: ApiToken
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLink:
    """A way to set one person's password on one site; only the sha-256 of its secret is kept.

    It is good until `expires_at`, while the person's token epoch is `epoch`.
    """

    id: str
    user: str
    site: str
    epoch: int
    secret_sha256: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPage:
    """Some of a person's tokens, newest first; `next` is where to go on, None at the end."""

    items: tuple[ApiToken, ...]
    next: str | None
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A person just added; `made_password` when no password was given."""

    user: User
    made_password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a role on a site, as one of its administrators may see them.

    `role_is_fixed`: this administrator may not change the role. `managed_elsewhere`: nor the
    password, second factor and whether they may sign in; then the `name`, which was given
    elsewhere, is empty. `by_provider`: they sign in with a provider, whose groups decide the role.
    """

    id: str
    email: str = field(repr=False)
    name: str = field(repr=False)
    role: Role
    disabled: bool
    changed_at: datetime
    is_oneself: bool
    role_is_fixed: bool
    managed_elsewhere: bool
    has_second_factor: bool
    by_provider: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """Some people of a site, by e-mail; `next` is where to go on, None at the end.

    `total` is None where they are too many to count.
    """

    items: tuple[Person, ...]
    next: str | None
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """Somebody who has a role on the site now; `made_password` when they are new and got one."""

    user: User
    made_password: str | None = field(repr=False)
    by_mail: bool
