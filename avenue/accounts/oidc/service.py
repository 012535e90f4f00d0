"""Finds or creates the account of a person whom a provider has authenticated, and sets the role.

A provider identifies a person by (`iss`, `sub`), permanently. The first time, the email that the
provider has verified is used: an existing account is linked, unless it has more rights than the
groups give (`AVENUE_OIDC_LINK`), and a password there that an administrator may have seen is voided
(docs/adr/0014). Otherwise an account without a password is created. Roles follow the groups at each
sign-in. The second factor is handled by the caller that starts the session.
"""

import hmac
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from avenue.accounts.email_addresses import checked_email, is_in_one_spelling
from avenue.accounts.errors import (
    EmailTaken,
    InvalidEmail,
    OidcAccountDisabled,
    OidcAccountTaken,
    OidcEmailUnverified,
    OidcFailed,
    OidcNoRole,
)
from avenue.accounts.models import OidcIdentity, User
from avenue.accounts.oidc.models import Begun, Claims, Policy, SignedIn
from avenue.accounts.oidc.provider import Going, Provider
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.accounts.store.roles import RoleStore
from avenue.accounts.tries import Tries
from avenue.bodies import LONGEST_NAME
from avenue.clock import utc_now
from avenue.errors import NotFound, required
from avenue.identity import Site, new_id
from avenue.sealing import Sealing, SecretLost
from avenue.storage.rate_limits import RateLimits

PURPOSE = "sign-ins with a provider"
CALLBACK = "/login/oidc/callback"
GOOD_FOR = timedelta(minutes=10)
SECRET_BYTES = 32
MOST_CODE_CHARACTERS = 4096
MFA = "mfa"  # RFC 8176
TIMES = 3
"""How often an account is read again that others change at the same moment."""

Note = Callable[[User, str, Mapping[str, str]], None]
"""Called with each change: the person, the action, and details."""

log = logging.getLogger(__name__)


class OidcService:
    """Signs people in with the provider, if there is one."""

    def __init__(
        self,
        store: MongoAccountStore,
        roles: RoleStore,
        provider: Provider | None,
        counter: RateLimits,
        sealing: Sealing,
        policy: Policy,
        *,
        tries_per_minute: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._roles = roles
        self._provider = provider
        self._tries = Tries(counter, "oidc", per_minute=tries_per_minute)
        self._sealing = sealing
        self._policy = policy
        self._groups = policy.groups
        self._now = now

    @property
    def label(self) -> str:
        """The name of the provider on the pages."""
        return self._policy.label

    def is_offered_on(self, site: Site) -> bool:
        """Return whether there is a provider, and groups that give roles on this site."""
        return self._provider is not None and self._groups.decides_on(site.id)

    def begin(self, site: Site, target: str, *, address: str, again: bool) -> Begun:
        """Return where to redirect a browser that wants to continue with `target`.

        `again`: the person must authenticate again. `address` is the caller's IP address. Raise
        `NotFound` where there is no provider, `TooManyRequests` or `OidcAway`.
        """
        provider = self._provider_for(site)
        self._tries.count_address(address)
        going = _going(site, *(secrets.token_urlsafe(SECRET_BYTES) for _ in range(3)))
        kept = {
            "site": site.id,
            "at": self._now().timestamp(),
            "state": going.state,
            "nonce": going.nonce,
            "verifier": going.verifier,
            "next": target,
        }
        url = provider.authorization_url(going, again=again)
        return Begun(url=url, sealed=self._sealing.sealed(json.dumps(kept)))

    def finish(
        self, site: Site, sealed: str, answer: Mapping[str, str], *, address: str, note: Note
    ) -> SignedIn:
        """Return the person who came back with `answer`, in the browser that has `sealed`.

        Raise `NotFound` where there is no provider, `TooManyRequests`, `OidcAway`, `OidcFailed`, or
        why the person may not sign in.
        """
        provider = self._provider_for(site)
        self._tries.count_address(address)
        kept = self._kept(site, sealed, answer.get("state", ""))
        if "error" in answer:
            log.warning("The identity provider sent somebody back: %r", answer["error"][:60])
            raise OidcFailed
        code = answer.get("code", "")
        if not 0 < len(code) <= MOST_CODE_CHARACTERS:
            raise OidcFailed
        going = _going(site, kept["state"], kept["nonce"], kept["verifier"])
        claims = provider.claims(going, code, answer.get("iss"))
        user = self._person(site, claims, note)
        return SignedIn(
            user=user,
            target=kept["next"],
            second_factor_shown=self._counts_as_second_factor(claims),
        )

    def _provider_for(self, site: Site) -> Provider:
        if self._provider is None or not self.is_offered_on(site):
            raise NotFound
        return self._provider

    def _kept(self, site: Site, sealed: str, state: str) -> dict[str, Any]:
        """Return the sign-in that this browser started on this site; raise `OidcFailed`."""
        try:
            kept: dict[str, Any] = json.loads(self._sealing.opened(sealed))
        except SecretLost:
            log.warning("A sign-in by the provider was refused: this browser has not begun it")
            raise OidcFailed from None
        is_late = self._now() - datetime.fromtimestamp(kept["at"], UTC) > GOOD_FOR
        is_same = hmac.compare_digest(kept["state"].encode(), state.encode("utf-8", "replace"))
        if kept["site"] != site.id or is_late or not is_same:
            log.warning("A sign-in by the provider was refused: another site, state or too late")
            raise OidcFailed
        return kept

    def _counts_as_second_factor(self, claims: Claims) -> bool:
        mode = self._policy.second_factor
        return mode == "provider" or (mode == "amr" and MFA in claims.methods)

    def _person(self, site: Site, claims: Claims, note: Note) -> User:
        """Return the person, with the roles that their groups give now."""
        for _ in range(TIMES):
            user = self._store.user_by_identity(claims.issuer, claims.subject)
            if user is None:
                self._join(site, claims, note)  # of several at once, one succeeds
            elif self._has_roles_of(site, user, claims, note):
                return self._let_in(site, user, claims)
        raise OidcFailed

    def _has_roles_of(self, site: Site, user: User, claims: Claims, note: Note) -> bool:
        """Set the roles that the groups give and remove the others; return whether it was done."""
        if user.disabled:
            raise OidcAccountDisabled
        changes = self._groups.changes(user.roles, site.id, claims.groups)
        if not changes:
            return True
        # An administrator of the earlier site may know the password: it is not valid for another
        # one.
        is_added = any(each not in user.roles and role for each, role in changes.items())
        void = is_added and not (user.password_is_own or user.superuser)
        under = user.token_epoch
        if not self._roles.set_roles(user.id, changes, under=under, void_password=void):
            return False
        if void:
            self._store.remove_tokens(user.id)
        for each, role in changes.items():
            if role is None:
                self._store.remove_tokens(user.id, site=each)
            where = {} if each == site.id else {"site": each}
            action = "user.role_changed" if role else "user.role_taken"
            note(user, action, {**where, "by": "oidc", **({"role": role.value} if role else {})})
        return True

    def _let_in(self, site: Site, user: User, claims: Claims) -> User:
        if self._groups.role_on(site.id, claims.groups) is None:
            raise OidcNoRole
        return required(self._store.user_by_id(user.id), OidcFailed)

    def _join(self, site: Site, claims: Claims, note: Note) -> None:
        """Link an existing account, or create one."""
        role = required(self._groups.role_on(site.id, claims.groups), OidcNoRole)
        try:
            email = checked_email(claims.email)
        except InvalidEmail:
            raise OidcEmailUnverified from None
        if not is_in_one_spelling(claims.email):  # the verified mailbox is another one
            raise OidcEmailUnverified
        now = self._now()
        identity = OidcIdentity(issuer=claims.issuer, subject=claims.subject, linked_at=now)
        known = self._store.user_by_email(email)
        if known is not None:
            self._link(known, identity, claims, note)
            return
        user = User(
            id=new_id(),
            email=email,
            name=claims.name[:LONGEST_NAME],
            password_hash="",
            password_is_own=True,  # no one has seen one
            roles={site.id: role},
            superuser=False,
            disabled=False,
            session_epoch=0,
            token_epoch=0,
            created_at=now,
            changed_at=now,
            oidc=identity,
        )
        try:
            self._store.add_user(user)
        except EmailTaken:  # created at this very moment
            return
        note(user, "user.added", {"role": role.value, "by": "oidc"})

    def _link(self, user: User, identity: OidcIdentity, claims: Claims, note: Note) -> None:
        if user.disabled:
            raise OidcAccountDisabled
        is_covered = not user.superuser and self._groups.cover(user.roles, claims.groups)
        mode = self._policy.link
        may = mode == "any" or (mode == "covered" and is_covered)
        is_linked = user.oidc is not None and user.oidc.issuer == identity.issuer
        # Anyone who has seen the password could have added something that signs in without it.
        others_may_know = not (user.password_is_own or user.superuser)
        has_more = user.second_factor is not None or bool(user.passkeys)
        if not may or is_linked or (others_may_know and has_more):
            raise OidcAccountTaken
        under = user.token_epoch
        if self._store.link(user.id, identity, under=under, void_password=others_may_know):
            if others_may_know:
                self._store.remove_tokens(user.id)
            note(user, "user.linked", {"by": "oidc"})


def _going(site: Site, state: str, nonce: str, verifier: str) -> Going:
    redirect_uri = f"{site.base_url}{CALLBACK}"
    return Going(redirect_uri=redirect_uri, state=state, nonce=nonce, verifier=verifier)
