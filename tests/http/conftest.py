"""One application for all tests here, on one database: tests take names nobody else has."""

from collections.abc import Iterator

import pytest

from tests.http.application import Application, Caller
from tests.mongod import Mongod


@pytest.fixture(scope="session")
def application(mongod: Mongod) -> Iterator[Application]:
    """The application; every MongoDB command it sends is watched."""
    application = Application(mongod)
    yield application
    application.close()


@pytest.fixture(scope="session")
def nobody(application: Application) -> Caller:
    return application.caller("nobody")


@pytest.fixture(scope="session")
def as_admin(application: Application) -> Caller:
    return application.caller("admin")


@pytest.fixture(scope="session")
def as_seller(application: Application) -> Caller:
    return application.caller("seller")


@pytest.fixture(scope="session")
def as_other_seller(application: Application) -> Caller:
    return application.caller("other_seller")


@pytest.fixture(scope="session")
def as_client(application: Application) -> Caller:
    return application.caller("client")


@pytest.fixture(scope="session")
def as_editor(application: Application) -> Caller:
    return application.caller("editor")


@pytest.fixture(scope="session")
def as_ops(application: Application) -> Caller:
    return application.caller("ops")


@pytest.fixture(scope="session")
def on_other_site(application: Application) -> Caller:
    """A seller of another site of the same house."""
    return application.caller("seller_on_other_site")
