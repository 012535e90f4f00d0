"""An application with accounts and nothing else, on a real database; two sites, three people."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from avenue.accounts import pages, routes
from avenue.accounts.account_emails import MailOrder
from avenue.accounts.callers import Callers
from avenue.accounts.passkeys import Passkeys
from avenue.accounts.passwords import Passwords
from avenue.accounts.people import PeopleService
from avenue.accounts.recovery import RecoveryService
from avenue.accounts.second_factor import PURPOSE, SecondFactors
from avenue.accounts.service import AccountService
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.accounts.store.links import LinkStore
from avenue.accounts.store.roles import RoleStore
from avenue.accounts.store.second_factors import FactorStore
from avenue.app.services import Services
from avenue.config import Settings
from avenue.identity import Role, Site
from avenue.sealing import Sealing
from avenue.storage.connection import Database
from avenue.storage.rate_limits import COUNTED, RateLimits
from avenue.web import (
    assets,
    auth,
    headers,
    hosts,
    language,
    pages as web_pages,
    parsing,
    problems,
    site_frame,
    stylesheet,
)
from avenue.web.services import provide

HERE = Site(id="default", hosts=(), base_url="https://shop.test", name="Zapatos Ana")
THERE = Site(id="other", hosts=(), base_url="https://other.test", name="Other", locale="en")
ADA, BEN, CYD = "ada@shop.test", "ben@shop.test", "cyd@other.test"
PASSWORD = "correct horse battery"


class CountingHasher(PasswordHasher):
    """argon2 with little memory, counting its checks."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checks = 0

    def verify(self, stored: str | bytes, password: str | bytes) -> bool:
        self.checks += 1
        return super().verify(stored, password)


class TwoSites:
    def by_host(self, host: str) -> Site | None:
        return {"shop.test": HERE, "other.test": THERE}.get(host)


class Emails(list[tuple[str, MailOrder]]):
    """Emails that wait, and never go."""

    def put(self, site_id: str, order: MailOrder, *, key: str) -> None:
        self.append((site_id, order))


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The application, and what stands behind it."""

    app: Flask
    accounts: AccountService
    database: Database
    hasher: CountingHasher
    emails: Emails
    recovery: RecoveryService

    def client(self) -> FlaskClient:
        """Return a browser or program that has not signed in."""
        return self.app.test_client()

    def with_cookie(self, value: str, site: Site = HERE) -> FlaskClient:
        """Return somebody else's browser that has got hold of a session cookie."""
        client = self.client()
        client.set_cookie("avenue_session", value, domain=site.base_url.removeprefix("https://"))
        return client

    def token(self, email: str = ADA, site: Site = HERE) -> str:
        """Return a Bearer header of somebody who signed in for a token."""
        answer = post(self.client(), "/api/auth/login", site=site, json=credentials(email))
        return f"Bearer {answer.json['token']}"

    def browser(self, email: str = ADA, site: Site = HERE) -> FlaskClient:
        """Return a browser of somebody who signed in on the page."""
        client = self.client()
        answer = post(
            client, "/login", site=site, data=credentials(email), headers={"Origin": site.base_url}
        )
        assert answer.status_code == 303
        return client


def make_app(
    settings: Settings, accounts: AccountService, callers: Callers, *more: object
) -> Flask:
    """Return the application under test."""
    app = Flask("avenue", static_folder=None)
    provide(app, settings, accounts, callers, *more)
    language.install(app)
    assets.install(app)
    problems.install(app)
    site_frame.install(app)
    stylesheet.install(app)
    hosts.install(app, TwoSites(), settings)
    auth.install(app, callers, settings)
    headers.install(app, settings)
    parsing.install(app)
    app.register_blueprint(routes.blueprint)
    for each in pages.BLUEPRINTS:
        app.register_blueprint(each)
    web_pages.install(app, pages.NAVIGATION)
    return app


@contextmanager
def open_deployment(uri: str, *, can_mail: bool = True, **changes: Any) -> Iterator[Deployment]:
    """Ada is admin here, Ben a superuser, Cyd a seller of the other site."""
    settings = Settings(
        local=True,
        mongodb_uri=uri,
        secret_key="k" * 40,
        public_base_url=HERE.base_url,
        **changes,
    )
    database = Database(settings)
    hasher = CountingHasher()
    store, passwords, tries = (
        MongoAccountStore(database),
        Passwords(hasher=hasher),
        RateLimits(database, Sealing(settings.secret_key, COUNTED)),
    )
    factors = SecondFactors(
        store,
        FactorStore(database),
        passwords,
        tries,
        Sealing(settings.secret_key, PURPOSE),
        tries_per_minute=settings.max_logins_per_minute,
    )
    callers = Callers(store, token_days=settings.session_days)
    accounts = AccountService(
        store,
        passwords,
        tries,
        factors,
        callers,
        tries_per_minute=settings.max_logins_per_minute,
        token_days=settings.session_days,
    )
    emails = Emails()
    recovery = RecoveryService(
        store,
        LinkStore(database),
        passwords,
        tries,
        emails if can_mail else None,
        deployment_url=settings.base_url,
        tries_per_minute=settings.max_logins_per_minute,
    )
    accounts.add_user(ADA, PASSWORD, name="Ada", roles={HERE.id: Role.ADMIN})
    accounts.add_user(BEN, PASSWORD, name="<Ben>", roles={}, superuser=True)
    accounts.add_user(CYD, PASSWORD, roles={THERE.id: Role.SELLER})
    people = PeopleService(store, RoleStore(database), FactorStore(database), passwords, recovery)
    passkeys = Passkeys(
        store,
        FactorStore(database),
        tries,
        Sealing(settings.secret_key),
        tries_per_minute=settings.max_logins_per_minute,
    )
    services = Services(settings, database)
    oidc, challenges = services.oidc, services.challenges
    app = make_app(
        settings, accounts, callers, recovery, people, factors, passkeys, oidc, challenges
    )
    yield Deployment(
        app=app,
        accounts=accounts,
        database=database,
        hasher=hasher,
        emails=emails,
        recovery=recovery,
    )
    database.close()


def credentials(email: str = ADA, password: str = PASSWORD) -> dict[str, str]:
    return {"email": email, "password": password}


def get(client: FlaskClient, path: str, *, site: Site = HERE, **more: object) -> TestResponse:
    return client.get(path, base_url=site.base_url, **more)  # type: ignore[arg-type]


def post(client: FlaskClient, path: str, *, site: Site = HERE, **more: object) -> TestResponse:
    return client.post(path, base_url=site.base_url, **more)  # type: ignore[arg-type]


def delete(client: FlaskClient, path: str, *, site: Site = HERE, **more: object) -> TestResponse:
    return client.delete(path, base_url=site.base_url, **more)  # type: ignore[arg-type]
