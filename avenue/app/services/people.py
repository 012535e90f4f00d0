"""The services of accounts and sign-in."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from avenue.accounts.account_emails import QueuedEmails
from avenue.accounts.breaches import HashFile
from avenue.accounts.callers import Callers
from avenue.accounts.captchas import Captcha
from avenue.accounts.challenges import SEALED_FOR, Challenges
from avenue.accounts.models import POW
from avenue.accounts.oidc.groups import GroupRoles
from avenue.accounts.oidc.models import Policy
from avenue.accounts.oidc.provider import Client, Provider
from avenue.accounts.oidc.service import PURPOSE as SIGN_INS, OidcService
from avenue.accounts.passkeys import PURPOSE as CHALLENGES, Passkeys
from avenue.accounts.passwords import Passwords
from avenue.accounts.people import PeopleService
from avenue.accounts.recovery import RecoveryService
from avenue.accounts.second_factor import PURPOSE, SecondFactors
from avenue.accounts.service import AccountService
from avenue.accounts.store.links import LinkStore
from avenue.accounts.store.roles import RoleStore
from avenue.accounts.store.second_factors import FactorStore
from avenue.app.services.stores import Stores
from avenue.sealing import Sealing


@dataclass(frozen=True)
class People(Stores):
    """Accounts and sign-in."""

    @cached_property
    def passwords(self) -> Passwords:
        """Password hashing; shared, so that only a few are checked at a time."""
        path = self.settings.breached_passwords
        return Passwords(breached=HashFile(Path(path)) if path else None)

    @cached_property
    def accounts(self) -> AccountService:
        """Signs people in."""
        return AccountService(
            self.account_store,
            self.passwords,
            self.rate_limits,
            self.second_factors,
            self.callers,
            tries_per_minute=self.settings.max_logins_per_minute,
            token_days=self.settings.session_days,
        )

    @cached_property
    def callers(self) -> Callers:
        """Identifies the callers of requests."""
        return Callers(
            self.account_store,
            token_days=self.settings.session_days,
            second_factor_roles=self.settings.second_factor_roles,
        )

    @cached_property
    def second_factors(self) -> SecondFactors:
        """Sets up second factors, and checks them."""
        return SecondFactors(
            self.account_store,
            FactorStore(self.database),
            self.passwords,
            self.rate_limits,
            Sealing(self.settings.secret_key, PURPOSE),
            tries_per_minute=self.settings.max_logins_per_minute,
        )

    @cached_property
    def passkeys(self) -> Passkeys:
        """Registers passkeys, and checks them."""
        return Passkeys(
            self.account_store,
            FactorStore(self.database),
            self.rate_limits,
            Sealing(self.settings.secret_key, CHALLENGES),
            tries_per_minute=self.settings.max_logins_per_minute,
        )

    @cached_property
    def challenges(self) -> Challenges:
        """Asks for a challenge after failed attempts."""
        settings, kind = self.settings, self.settings.challenge
        is_ours = kind in {"off", POW}
        return Challenges(
            self.rate_limits,
            Sealing(settings.secret_key, SEALED_FOR),
            after=None if kind == "off" else settings.challenge_after,
            bits=settings.challenge_bits,
            captcha=None
            if is_ours
            else Captcha(kind, settings.challenge_site_key, settings.challenge_secret),
        )

    @cached_property
    def oidc(self) -> OidcService:
        """Signs people in with the identity provider, if there is one."""
        settings = self.settings
        client = Client(
            issuer=settings.oidc_issuer,
            id=settings.oidc_client_id,
            secret=settings.oidc_client_secret,
            scopes=settings.oidc_scopes,
            groups_claim=settings.oidc_groups_claim,
            email_verified_claim=settings.oidc_email_verified_claim,
        )
        return OidcService(
            self.account_store,
            RoleStore(self.database),
            Provider(client) if settings.oidc_issuer else None,
            self.rate_limits,
            Sealing(settings.secret_key, SIGN_INS),
            Policy(
                label=settings.oidc_label or urlsplit(settings.oidc_issuer).hostname or "",
                groups=GroupRoles(settings.group_roles),
                link=settings.oidc_link,
                second_factor=settings.oidc_second_factor,
            ),
            tries_per_minute=settings.max_logins_per_minute,
        )

    @cached_property
    def recovery(self) -> RecoveryService:
        """Password resets by email."""
        return RecoveryService(
            self.account_store,
            LinkStore(self.database),
            self.passwords,
            self.rate_limits,
            QueuedEmails(self.outbox) if self.settings.smtp_url else None,
            deployment_url=self.settings.base_url,
            tries_per_minute=self.settings.max_logins_per_minute,
        )

    @cached_property
    def people(self) -> PeopleService:
        """The people of a site, for its administrators."""
        roles, factors = RoleStore(self.database), FactorStore(self.database)
        return PeopleService(self.account_store, roles, factors, self.passwords, self.recovery)
