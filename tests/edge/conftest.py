"""A shop behind the edge: real nginx, real gunicorn, real mongod."""

from collections.abc import Iterator

import pytest

from tests import pictures
from tests.edge.deployment import Deployment
from tests.mongod import Guard
from tests.nginx import Nginx
from tests.server import Server, prepare


@pytest.fixture(scope="module")
def deployment(shared_uri: str, guard: Guard) -> Iterator[Deployment]:
    """One shop for the tests of a module."""
    prepare(shared_uri)
    env = {"AVENUE_PROXY_HOPS": "1", "AVENUE_MAX_PRODUCT_IMAGE_MB": "20"}
    with Server(guard, shared_uri, **env) as app, Nginx(guard, [app.port]) as edge:
        yield Deployment.filled(app, edge, pictures.photo(1300, 900, format="PNG", seed=31))
