"""A shop behind the edge: real nginx, real gunicorn, real mongod."""

from collections.abc import Iterator

import pytest

from tests import pictures
from tests.edge.house import House
from tests.mongod import Guard, Mongod, database_name
from tests.nginx import Nginx
from tests.server import Server, prepare


@pytest.fixture(scope="session")
def house(mongod: Mongod, guard: Guard) -> Iterator[House]:
    """One shop for everybody who does not break it."""
    uri = mongod.uri_of(database_name())
    prepare(uri)
    env = {"AVENUE_PROXY_HOPS": "1", "AVENUE_MAX_PRODUCT_IMAGE_MB": "20"}
    with Server(guard, uri, **env) as app, Nginx(guard, [app.port]) as edge:
        yield House.filled(app, edge, pictures.photo(1300, 900, format="PNG", seed=31))
