"""One server, one browser, and the pages of all clients."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.deployment import PATIENCE_MS
from tests.clients.deployment import Deployment
from tests.clients.samples import build, place
from tests.mongod import Guard, Mongod

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of all clients, before it is known where Avenue is; made for all workers once."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "built"
    with (shared / "built.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=shared) as unfinished:
                build(Path(unfinished) / "pages")
                (Path(unfinished) / "pages").rename(folder)
    return folder


@pytest.fixture(scope="module")
def deployment(
    mongod: Mongod,
    shared_uri: str,
    guard: Guard,
    built: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("clients")
    deployment = Deployment(mongod, shared_uri, guard, folder)
    try:
        place(built, deployment.pages, deployment.url)
        yield deployment
    finally:
        deployment.close()
