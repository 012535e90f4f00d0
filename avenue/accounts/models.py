"""Models of people and their tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from avenue.cursors import ListPage
from avenue.identity import Role, Scope

SIGNED_IN = ""
"""The name of tokens created by signing in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser session of a person, on one site.

    It has ended when the person's session epoch is no longer `epoch`. `used_at` is at most a few
    minutes old; `device` is a browser and a system, as far as known. `second_factor_shown`: the
    provider has checked a second factor, and that counts.
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
    """A person's second factor in addition to the password, and recovery codes.

    `secret` is that of an authenticator app (TOTP), encrypted; None with passkeys only. Of
    `recovery_codes` only the sha-256 are kept, and each works once. `last_step` is the time step of
    the last accepted code: that one and earlier ones are used. `wrong` counts wrong codes since the
    last right one.
    """

    secret: str | None = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)
    last_step: int
    wrong: int
    set_up_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorSetup:
    """An unfinished setup of a second factor, for the person who asked and for a limited time.

    `sealed` is sent back with the first code; `uri` is for an authenticator app.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A key pair of one person for one host; the private key never leaves their device.

    `credential` is its id on the device, `public_key` is COSE, both base64url. An answer to a
    challenge of `challenged_at` or before has already been used.
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
    """A person's identity at a provider: `subject` is permanent at this `issuer`."""

    issuer: str
    subject: str
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """The site that requests passkeys: `host` is the rpID, `origins` those of its own pages."""

    host: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a browser passes to a device: `options` as JSON, and `sealed`, to be sent back."""

    options: str
    sealed: str


POW = "pow"
"""Our own challenge: proof of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotChallenge:
    """A challenge to solve: a widget of `site_key` for `action`, or a number for `salt`.

    Without an answer the next attempt is possible in `seconds`.
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
        """Return the facts for programs."""
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
        """Minutes until the next attempt is possible without an answer."""
        return -(-self.seconds // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a person presents besides or instead of a password; missing parts are empty.

    `by_provider`: they have just signed in with the provider, which replaces the password of people
    without one.
    """

    password: str = field(default="", repr=False)
    otp: str = field(default="", repr=False)
    recovery_code: str = field(default="", repr=False)
    by_provider: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    """The first step of signing in: the password was right, on one site.

    `by_provider`: they have signed in with the provider instead. It ends when one of the person's
    epochs changes.
    """

    user: str
    site: str
    session_epoch: int
    token_epoch: int
    at: datetime
    by_provider: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person, known to the whole deployment; `roles` are their roles by site.

    `session_epoch` and `token_epoch` only grow; a session or token has the epoch under which it was
    created and ends when the person's is higher. Signing out raises the first; a new password and
    disabling raise both. `changed_at` is when password, roles or access were last changed.

    `password_is_own`: no administrator of a site has seen the password. Only a link in an email, or
    a command of the operator, sets it. Those who know a password can change it, so a change leaves
    this as it is (docs/adr/0014). An empty `password_hash` is no password: they sign in with a
    provider, as `oidc`.
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
        """Whether the person has a password."""
        return bool(self.password_hash)

    def role_on(self, site: str) -> Role | None:
        """Return the person's role on a site; a superuser is admin, None is no role."""
        return Role.ADMIN if self.superuser else self.roles.get(site)

    def reaches_beyond(self, site: str) -> bool:
        """Return whether this person may do anything that administrators of `site` may not."""
        return self.superuser or any(each != site for each in self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A Bearer token of one person for one site; only the sha-256 of its secret is kept.

    Tokens created by signing in have no `name`. `used_at` is at most a few minutes old, None before
    the first use; `device` is the client that used it, as far as known.
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
    """A new token: the only time its `secret` is known."""

    token: ApiToken
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLink:
    """A link to set one person's password on one site; only the sha-256 of its secret is kept.

    It is valid until `expires_at`, while the person's token epoch is `epoch`.
    """

    id: str
    user: str
    site: str
    epoch: int
    secret_sha256: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPage:
    """A page of a person's tokens, newest first.

    `next` is the cursor of the next page, None at the end.
    """

    items: tuple[ApiToken, ...]
    next: str | None
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A new user; `made_password` is set when none was given."""

    user: User
    made_password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person with a role on a site, as an administrator of it may see them.

    `role_is_fixed`: this administrator may not change the role. `managed_elsewhere`: nor the
    password, second factor and access; then the `name`, which was given elsewhere, is empty.
    `by_provider`: they sign in with a provider, whose groups decide the role.
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


PeoplePage = ListPage[Person, str]
"""A page of a site's people, by email."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A person who now has a role on the site; `made_password` when they are new and got one."""

    user: User
    made_password: str | None = field(repr=False)
    by_mail: bool
