"""The shape of the house: floors, rooms, and who may take more than a site."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "avenue"
MODULES = sorted(HOUSE.rglob("*.py"))
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "misc"}

# Everybody who takes the whole house instead of one site, and why that is right.
SEES_THE_WHOLE_HOUSE = {
    "accounts.store.MongoAccountStore.__init__": "people and tokens are looked up before a site is",
    "jobs.store.MongoJobStore.__init__": "one queue for all sites",
    "media.outbox.store.OutboxStore.__init__": "one queue of events for all sites",
    "ops.fsck.store.CheckStore._findings": "one report for all sites",
    "ops.fsck.store.CheckStore._files": "what belongs to no site is looked at, too",
    "ops.fsck.store.CheckStore._chunks": "what belongs to no site is looked at, too",
    "media.purging.store.PurgeStore.__init__": "one queue of notices for all sites",
    "media.renditions.store.SweptRenditions.__init__": "the sweeper goes through every site",
    "media.store.SweptStore.__init__": "the sweeper goes through every site",
    "media.store.SweptStore.purge": "the sweeper",
    "media.store.SweptStore.files_after": "the sweeper",
    "media.store.SweptStore.chunk_owners_after": "the sweeper",
    "media.store.SweptStore.existing_files": "the sweeper",
    "media.store.SweptStore.newest_chunk_at": "the sweeper",
    "media.store.SweptStore.delete_file": "the sweeper",
    "ops.alerts.store.MongoAlertStore.__init__": "alerts about the deployment and every site",
    "ops.snapshots.store.HouseCounts.__init__": "a snapshot counts what every site has",
    "ops.snapshots.store.SnapshotStore.__init__": "snapshots are of the whole deployment",
    "ops.traffic.store.MongoTrafficStore.__init__": "requests of all sites together",
    "sites.store.SiteStore.__init__": "the sites themselves",
    "storage.idempotency.Writes.release": "the sweeper asks whether a file is still being written",
    "storage.quotas.Ledger.count_all": "a job counts every site and person",
    "storage.rate_limits.RateLimits.__init__": "callers are counted before their site is known",
    "storage.sites.Sites.__init__": "the sites themselves",
    "uploads.retention.store.ExpiredUploads.__init__": "the sweeper goes through every site",
    "uploads.tus.store.SweptTusStore.__init__": "the sweeper goes through every site",
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the import rules of pyproject.toml on the package in `folder`."""
    code = (
        "import sys; from importlinter.cli import lint_imports as run; sys.exit(run(no_cache=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200", "PATH": ""},
    )


def test_every_import_goes_down():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "Contracts: 7 kept, 0 broken." in done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The house once more, to plant things in."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(HOUSE, folder / "avenue", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize(
    ("module", "planted", "broken"),
    [
        ("media/urls.py", "import avenue.shop.service", "Every floor"),
        ("media/urls.py", "import avenue.accounts.models", "Every floor"),
        ("errors.py", "import avenue.config", "Every floor"),
        ("storage/scope.py", "import avenue.media.models", "Every floor"),
        ("shop/service/products.py", "import flask", "Only routes, pages"),
        ("media/store.py", "import werkzeug.http", "Only routes, pages"),
        ("shop/service/products.py", "import pymongo", "Only stores"),
        ("media/library.py", "import bson", "Only stores"),
        ("media/library.py", "import PIL.Image", "Pictures are decoded"),
        ("sites/service.py", "import nh3", "Pages are cleaned"),
        ("webhooks/sender.py", "import avenue.outside.fetching", "Every floor"),
        ("ops/snapshots/models.py", "import avenue.shop.models", "Every floor"),
        ("ops/snapshots/models.py", "import avenue.ops.alerts.models", "The parts of operations"),
        ("outside/fetching.py", "import avenue.web.errors", "Every floor"),
        ("shop/routes/products.py", "import avenue.app", "Only the command line"),
    ],
)
def test_a_planted_import_is_caught(copy, module, planted, broken):
    file = copy / "avenue" / module
    text = file.read_text()
    file.write_text(f"{text}\n{planted}\n")
    try:
        done = lint_imports(copy)
    finally:
        file.write_text(text)
    assert done.returncode != 0
    found = re.search(rf"{re.escape(broken)}[^\n]* BROKEN", done.stdout)
    assert found, done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(module):
    told = ast.get_docstring(ast.parse(module.read_text()))
    assert told
    assert told.splitlines()[0].rstrip().endswith((".", "?", ":", "…")), told.splitlines()[0]


def test_no_room_is_named_for_nothing():
    parts = {part.removesuffix(".py") for path in MODULES for part in path.relative_to(HOUSE).parts}
    assert not {part for part in parts if set(part.split("_")) & NO_NAMES}


def test_who_sees_the_whole_house_is_listed_with_a_reason():
    assert set(callers_of("house")) == set(SEES_THE_WHOLE_HOUSE)


def test_only_storage_reaches_behind_the_scopes():
    """`Database.raw` and the scopes' own classes would be ways around `site(...)`."""
    for path in MODULES:
        if path.is_relative_to(HOUSE / "storage"):
            continue
        tree = ast.parse(path.read_text())
        raw = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        assert not [node.lineno for node in raw if node.attr in {"raw", "source"}], path
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not names & {"HouseScope", "SiteScope", "MongoClient"}, path


def test_nobody_uses_the_drivers_gridfs():
    """It holds 48 MB, leaves chunks behind and refuses transactions (docs/adr/0001)."""
    assert not [path for path in MODULES if "gridfs" in imported_by(path)]


def test_only_the_settings_read_the_environment():
    """The command line hands it to them, and gunicorn's workers their settings."""
    readers = {
        str(path.relative_to(HOUSE))
        for path in MODULES
        if re.search(r"\bos\.(environ|getenv|putenv)\b", path.read_text())
    }
    assert readers == {"config.py", "cli/context.py", "cli/serving.py"}


def test_the_check_for_the_environment_is_in_ruff_too():
    planted = "import os\n\nHOME = os.environ['HOME']\n"
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--stdin-filename", "avenue/shop/models.py", "-"],
        input=planted,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Only config.py reads the environment." in done.stdout


def callers_of(function: str) -> Iterator[str]:
    """Yield `module.Class.method` for each place that calls `function`."""
    for path in MODULES:
        module = ".".join(path.relative_to(HOUSE).with_suffix("").parts)
        for place, node in within(ast.parse(path.read_text()), module):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id == function:
                yield place
            if isinstance(called, ast.Attribute) and called.attr == function:
                yield place


def within(node: ast.AST, place: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node below `node` with the names of the definitions around it."""
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, ast.FunctionDef | ast.ClassDef)
        inside = f"{place}.{child.name}" if named else place
        yield inside, child
        yield from within(child, inside)


def imported_by(path: Path) -> set[str]:
    """Return the top-level packages a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {each.name.partition(".")[0] for each in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names
