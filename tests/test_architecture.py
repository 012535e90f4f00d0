"""The shape of the deployment: floors, rooms, and who may take more than a site."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.table import table
from tests.waiting import DEADLINE_SECONDS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "avenue"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = [
    path
    for path in sorted((ROOT / "tests").rglob("*.py"))
    if "node_modules" not in path.relative_to(ROOT).parts
]
MOST_LINES = 400
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "misc"}

# Everybody who takes the whole deployment instead of one site, and why that is right.
SEES_THE_WHOLE_DEPLOYMENT = {
    "accounts.store.accounts.MongoAccountStore.__init__": "people are looked up before a site is",
    "accounts.store.links.LinkStore.__init__": "links are looked up before a site is",
    "accounts.store.roles.RoleStore.__init__": "people have roles on several sites",
    "accounts.store.second_factors.FactorStore.__init__": "people are the same for all sites",
    "backup.store.BackupStore.__init__": "backups are of the whole deployment",
    "jobs.store.MongoJobStore.__init__": "one queue for all sites",
    "health.checks.store.inspections.InspectionStore.__init__": "one walk over all sites",
    "health.checks.store.inspections.InspectionStore.malformed_after": "one walk over all sites",
    "health.checks.store.inspections.InspectionStore.malformed_after.look": "one over all clusters",
    "health.checks.store.findings.CheckStore._findings": "one report for all sites",
    "health.checks.store.findings._files": "what belongs to no site is looked at, too",
    "health.checks.store.findings._chunks": "what belongs to no site is looked at, too",
    "notifications.store.OutboxStore.__init__": "what receivers are like is the same for all sites",
    "notifications.store.OutboxStore._of_deployment": "what is told of the deployment",
    "notifications.store.OutboxStore._all": "who delivers goes through the messages of all sites",
    "media.renditions.store.SweptRenditions.__init__": "the sweeper goes through every site",
    "media.quarantine.store.ScanStore.__init__": "the job that scans goes through every site",
    "media.store.swept.SweptStore.__init__": "the sweeper goes through every site",
    "media.store.swept.SweptStore.is_backed_up": "the sweeper rests while a backup runs",
    "media.store.swept.SweptStore.bucket": "the sweeper and the check",
    "media.store.swept.SweptStore.walk": "the sweeper",
    "media.store.swept.SweptStore.existing_files": "the sweeper",
    "health.alerts.channels.store.BrowserStore.__init__": "they are looked up for every site",
    "health.alerts.channels.store.ChoiceStore.__init__": "who is told of the deployment and sites",
    "health.alerts.store.MongoAlertStore.__init__": "alerts about the deployment and every site",
    "health.facts.store.FactStore.__init__": "they are of the whole deployment",
    "health.history.failures.store.FailureStore.__init__": "errors of all sites together",
    "health.history.snapshots.store.DeploymentCounts._of_all": "a snapshot counts all sites",
    "health.history.snapshots.store.SnapshotStore.__init__": "they are of the whole deployment",
    "health.history.traffic.store.MongoTrafficStore.__init__": "requests of all sites together",
    "builder.website.store.due.DuePages.__init__": "the job asks every site for pages that are due",
    "shop.store.products.TrashedProducts.__init__": "the sweeper goes through every site",
    "sites.store.SiteStore.__init__": "the sites themselves",
    "storage.copying.reading.DatabaseSource._files": "a backup reads every site",
    "storage.idempotency.Writes.given_up": "the sweeper",
    "storage.idempotency.Writes.release": "the sweeper asks whether a file is still being written",
    "storage.leases.Leases.__init__": "leases are of the whole deployment",
    "storage.quotas.Ledger.count_all": "a job counts every site and person",
    "storage.rate_limits.RateLimits.__init__": "callers are counted before their site is known",
    "storage.site_moves.SiteMoveRecords.__init__": "on which cluster each site is",
    "storage.sites.Sites.__init__": "the sites themselves",
    "uploads.retention.store.ExpiredUploads._trash_next": "the sweeper goes through every site",
    "uploads.tus.store.SweptTusStore.__init__": "the sweeper goes through every site",
}

# Calls that may wait for ever when they are made without what bounds them: a second argument, or
# one of these by its name.
BOUNDED_BY_ANY = {"wait", "join", "get", "result", "acquire"}
BOUNDED_BY_NAME = {
    "communicate": {"timeout"},
    "subprocess.run": {"timeout"},
    "subprocess.check_output": {"timeout"},
    "HTTPConnection": {"timeout"},
    "create_connection": {"timeout"},
    "urlopen": {"timeout"},
    "Thread": {"daemon"},
    "MongoClient": {"timeoutMS", "socketTimeoutMS"},
}
NEVER = ("time.sleep", "ThreadPoolExecutor")
LAST_NAMES = BOUNDED_BY_ANY | {each.rpartition(".")[2] for each in (*BOUNDED_BY_NAME, *NEVER)}
# Where one of these calls may be: other files need not be parsed.
MAY_BE_UNBOUNDED = re.compile(
    rf"\.\s*({'|'.join(sorted(BOUNDED_BY_ANY))})\s*\(\s*\)|"
    rf"\b({'|'.join(re.escape(each) for each in (*BOUNDED_BY_NAME, *NEVER))})\b"
)
# Where a module of `tests/` may do what the others may not, and why that is right.
MAY_WAIT = {
    "waiting.py: time.sleep": "how the others wait",
    "mongod.py: MongoClient": "the deadlines of the clients of the others",
}
# Who lets time pass instead of waiting for something, and why there is nothing to wait for.
LETS_TIME_PASS = {
    "faults/test_claim_race.py": "who comes first is left to chance",
    "faults/test_killed_workers.py": "a kill comes at any moment",
    "faults/test_soak.py": "load lasts",
    "http/lane_app.py": "work takes its time",
    "http/test_fast_lane.py": "a thread is held for as long as a read may take",
    "http/test_hot_pictures.py": "a database that does not answer takes its time",
    "http/test_lane.py": "a body comes at a pace",
    "http/test_lane_stop.py": "a worker is late",
    "sites/test_moving_links.py": "a cut lasts",
    "sites/test_moving_load.py": "load lasts",
}


@cache
def text_of(path: Path) -> str:
    return path.read_text()


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file, which several tests go through."""
    return ast.parse(text_of(path))


def with_words(paths: list[Path], *words: str) -> list[Path]:
    """Those of `paths` in which one of `words` stands: parsing the others would be for nothing."""
    anywhere = re.compile("|".join(rf"\b{word}\b" for word in words))
    return [path for path in paths if anywhere.search(text_of(path))]


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
        timeout=DEADLINE_SECONDS,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200", "PATH": ""},
    )


def test_every_import_goes_down():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "Contracts: 10 kept, 0 broken." in done.stdout


# What nobody may import, and the contract that says so. They are looked for all at once.
FORBIDDEN = [
    ("media/urls.py", "avenue.shop.service", "Every floor"),
    ("media/urls.py", "avenue.accounts.models", "Every floor"),
    ("errors.py", "avenue.config", "Every floor"),
    ("storage/scope.py", "avenue.media.models", "Every floor"),
    ("shop/service/products.py", "flask", "Only routes, pages"),
    ("media/store/assets.py", "werkzeug.http", "Only routes, pages"),
    ("shop/service/products.py", "pymongo", "Only stores"),
    ("media/intake/library.py", "bson", "Only stores"),
    ("media/intake/library.py", "PIL.Image", "Pictures are decoded"),
    ("sites/service.py", "nh3", "Pages are cleaned"),
    ("webhooks/standard.py", "avenue.outside.fetching", "Every floor"),
    ("health/history/snapshots/models.py", "avenue.migration.models", "Every floor"),
    ("health/history/snapshots/models.py", "avenue.health.alerts.models", "Health asks"),
    ("shop/service/products.py", "avenue.health.models", "Every floor"),
    ("outside/fetching.py", "avenue.web.errors", "Every floor"),
    ("shop/routes/products.py", "avenue.app", "Only the command line"),
    ("backup/create.py", "boto3", "S3 is spoken to"),
    ("mcp/tools.py", "mcp_types", "The Model Context"),
    ("media/urls.py", "mcp", "The Model Context"),
    ("builder/library/service.py", "avenue.mcp.tools", "Every floor"),
    ("mcp/tools.py", "avenue.migration.models", "Every floor"),
    ("health/checks/models.py", "avenue.backup.models", "Every floor"),
]


@pytest.fixture(scope="module")
def broken_contracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What import-linter says of each contract, in a copy with every forbidden import planted."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(PACKAGE, folder / "avenue", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for module, imported, _ in FORBIDDEN:
        with (folder / "avenue" / module).open("a") as file:
            file.write(f"\nimport {imported}\n")
    done = lint_imports(folder)
    assert done.returncode != 0
    told, _, details = done.stdout.partition("Broken contracts\n")
    parts = re.split(r"\n(.+)\n-+\n", details)
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert said.keys() == set(re.findall(r"(.+) BROKEN", told))
    return said


@table("module, imported, contract", FORBIDDEN)
def test_a_planted_import_is_caught(broken_contracts, module, imported, contract):
    (said,) = (said for name, said in broken_contracts.items() if name.startswith(contract))
    importer = "avenue." + module.removesuffix(".py").replace("/", ".")
    named = imported if imported.startswith("avenue.") else imported.partition(".")[0]
    assert f"- {importer} -> {named} (l." in said


def test_every_module_says_what_it_is_for():
    first = {path: text_of(path).partition("\n")[0].removesuffix('"""') for path in MODULES}
    said = re.compile(r'"""\S.*[.?:…]')
    assert not {path for path, line in first.items() if not said.fullmatch(line)}


def test_only_tables_and_the_event_loop_are_long():
    """docs/architecture.md says why each of these files is longer than the others may be."""
    long = {
        str(path.relative_to(PACKAGE)) for path in MODULES if text_of(path).count("\n") > MOST_LINES
    }
    assert long == {"config.py", "server/worker.py", "storage/indexes.py", "storage/shapes.py"}


def test_no_room_is_named_for_nothing():
    parts = {
        part.removesuffix(".py") for path in MODULES for part in path.relative_to(PACKAGE).parts
    }
    assert not {part for part in parts if set(part.split("_")) & NO_NAMES}


def test_who_sees_the_whole_deployment_is_listed_with_a_reason():
    assert set(callers_of("deployment")) == set(SEES_THE_WHOLE_DEPLOYMENT)


def test_only_storage_reaches_behind_the_scopes():
    """`Database.raw` and the scopes' own classes would be ways around `site(...)`."""
    for path in with_words(MODULES, "raw", "source", "DeploymentScope", "SiteScope", "MongoClient"):
        if path.is_relative_to(PACKAGE / "storage"):
            continue
        tree = parsed(path)
        raw = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        assert not [node.lineno for node in raw if node.attr in {"raw", "source"}], path
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not names & {"DeploymentScope", "SiteScope", "MongoClient"}, path


def test_an_application_is_given_each_service_once():
    trees = [parsed(path) for path in with_words(list((PACKAGE / "app").glob("*.py")), "provide")]
    calls = (each for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Call))
    given = [
        ast.unparse(service)
        for call in calls
        if ast.unparse(call.func) == "provide"
        for service in call.args[1:]
    ]
    assert len(given) > 20
    assert sorted(set(given)) == sorted(given)


def test_nobody_uses_the_drivers_gridfs():
    """It holds 48 MB, leaves chunks behind and refuses transactions (docs/adr/0001)."""
    assert not [path for path in with_words(MODULES, "gridfs") if "gridfs" in imported_by(path)]


def test_only_the_settings_read_the_environment():
    """The command line hands it to them, and gunicorn's workers their settings."""
    readers = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if re.search(r"\bos\.(environ|getenv|putenv)\b", text_of(path))
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
        timeout=DEADLINE_SECONDS,
    )
    assert "Only config.py reads the environment." in done.stdout


def test_nothing_in_the_tests_waits_without_a_deadline() -> None:
    """`tests/waiting.py` and `tests/threads.py` are how; each wait is told where it is."""
    found = {
        f"{path.relative_to(ROOT / 'tests')}: {what}": line
        for path in TESTS
        if MAY_BE_UNBOUNDED.search(text_of(path))
        for line, what in unbounded(parsed(path))
    }
    assert {where: line for where, line in found.items() if where not in MAY_WAIT} == {}
    assert found.keys() == MAY_WAIT.keys()


@table(
    "planted",
    [
        *("event.wait()", "thread.join()", "queue.get()", "future.result()", "lock.acquire()"),
        *("process.communicate()", "process.communicate(b'')", "subprocess.run(['true'])"),
        *("socket.create_connection(address)", "HTTPConnection('localhost')", "MongoClient(uri)"),
        *("threading.Thread(target=work)", "time.sleep(1)", "ThreadPoolExecutor(2)"),
    ],
)
def test_a_wait_without_a_deadline_is_found(planted: str) -> None:
    assert MAY_BE_UNBOUNDED.search(planted)
    assert len(list(unbounded(ast.parse(planted)))) == 1


def test_a_wait_with_a_deadline_is_none() -> None:
    bounded = """
event.wait(1), thread.join(timeout=1), values.get("key"), ", ".join(words), future.result(1)
process.communicate(timeout=1), subprocess.run(["true"], timeout=1), MongoClient(uri, timeoutMS=1)
socket.create_connection(address, 1), threading.Thread(target=work, daemon=True)
"""
    assert list(unbounded(ast.parse(bounded))) == []


def test_who_lets_time_pass_is_listed_with_a_reason() -> None:
    found = {
        str(path.relative_to(ROOT / "tests"))
        for path in with_words(TESTS, "let_pass")
        if path.name != "waiting.py" and calls("let_pass", parsed(path))
    }
    assert found == LETS_TIME_PASS.keys()


def test_the_oplog_is_judged_in_one_file() -> None:
    """Others ask for it and show what was found."""
    judge = PACKAGE / "health/rules/oplog.py"
    numbers = with_words(MODULES, "OPLOG_HOURS", "OPLOG_MARGIN", "WANTED_OPLOG_HOURS")
    assert numbers == sorted([judge, PACKAGE / "health/thresholds.py"])
    judging = {
        path
        for path in with_words(MODULES, "oplog", "oplog_hours")
        for function in ast.walk(parsed(path))
        if isinstance(function, ast.FunctionDef)
        and says(function, r"\boplog(_hours)?\b")
        and says(function, r"\bFinding\(|\bLevel\.")
    }
    assert judging == {judge}


def says(function: ast.FunctionDef, pattern: str) -> bool:
    """Whether the body of a function has the pattern; its texts do not count."""
    body = [each for part in function.body for each in ast.walk(part)]
    code = [each for each in body if isinstance(each, ast.Attribute | ast.Name | ast.Call)]
    return any(re.search(pattern, ast.unparse(each)) for each in code)


def calls(function: str, tree: ast.AST) -> bool:
    """Whether `function` is called by its name."""
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(isinstance(each, ast.Name) and each.id == function for each in called)


def unbounded(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each call that may wait for ever, or sleeps."""
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        method = getattr(called, "attr", None) or getattr(called, "id", None)
        if not isinstance(node, ast.Call) or method not in LAST_NAMES:
            continue
        name = ast.unparse(node.func)
        given = {each.arg for each in node.keywords}
        bounds = BOUNDED_BY_NAME.get(name) or BOUNDED_BY_NAME.get(method)
        if method == "create_connection" and len(node.args) > 1:
            bounds = None
        if (
            name in NEVER
            or (method in BOUNDED_BY_ANY and "." in name and not node.args and not given)
            or (bounds and not bounds & given)
        ):
            yield node.lineno, name if name == "time.sleep" else method


def callers_of(function: str) -> Iterator[str]:
    """Yield `module.Class.method` for each place that calls `function`."""
    for path in with_words(MODULES, function):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for place, node in within(parsed(path), module):
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
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {each.name.partition(".")[0] for each in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names
