"""The image without an engine: the Dockerfile's steps in a folder, and what runs from there.

Where this test may (as root on Linux), that folder's processes get what `compose.yaml` and the
manifests give them: a read-only root, a user who is nobody, no capability and no way to one.
Elsewhere they are whoever tests, and the files' own permissions must do.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import psutil
import pytest

from tests.deploy.reading import ROOT, environment_of, reaches_builder, stages
from tests.mongod import Guard, free_port
from tests.pictures import noise_png
from tests.server import BROKEN, PASSWORD, SELLER, Client, path_of, prepare
from tests.waiting import DEADLINE_SECONDS, wait_until

BUILD, FINAL = stages()
USER = int(next(each.text for each in FINAL if each.name == "USER").split(":")[0])
PLACES = ("/opt/avenue", "/srv/avenue", "/var/spool/avenue", "/build", "/usr/local")
PYTHON = Path(sys.base_prefix)
OWN_MOUNTS = ["unshare", "--mount", "--propagation", "private"]
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - every container has it
SEALED = (
    'mount --bind "$1" "$1"; mount --bind "$2" "$3"; mount -o remount,ro,bind /; shift 3; '
    "exec setpriv "
    f"--reuid {USER} --regid {USER} --clear-groups --no-new-privs --bounding-set -all -- "
    '"$@"'
)


@cache
def may_seal() -> bool:
    """Whether this process may make mounts of its own."""
    if os.geteuid() or not all(map(shutil.which, ("unshare", "setpriv"))):
        return False
    tried = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "mount",
        "-o",
        "remount,ro,bind",
        "/",
    ]
    return not subprocess.run(
        tried, capture_output=True, check=False, timeout=DEADLINE_SECONDS
    ).returncode


class Image:
    """A folder with what the image has at `PLACES`, and commands run from it."""

    def __init__(self, *, installed: bool) -> None:
        """Install what requirements.txt names, or copy it from here, which is quicker."""
        self.root = Path(tempfile.mkdtemp(prefix="avenue-image-"))
        self.root.chmod(0o755)
        for place in PLACES:
            self.at(place).mkdir(parents=True)
        try:
            self._build(installed=installed)
        except BaseException:
            self.remove()
            raise
        self.environment = {
            name: self._here(value) for name, value in environment_of(FINAL).items()
        }
        self.environment["PATH"] = self.environment["PATH"].replace("$PATH", os.environ["PATH"])
        if may_seal():
            self._take_python_along()
        self._belongs_to_nobody()

    def at(self, place: str) -> Path:
        return self.root / place.lstrip("/")

    @property
    def spool(self) -> Path:
        return Path(self.environment["AVENUE_TMP_DIR"])

    def _here(self, text: str) -> str:
        places = "|".join(map(re.escape, PLACES))
        return re.sub(rf"(?<![\w/])({places})\b", lambda found: f"{self.at(found[1])}", text)

    def _build(self, *, installed: bool) -> None:
        for each in BUILD:
            if each.name == "COPY":
                self._copy(each.words)
            elif each.name == "RUN":
                self._run(each.text, installed=installed)

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        into = Path(self._here(target)) if target.startswith("/") else self.at("/build")
        for source in sources:
            if (ROOT / source).is_file():
                shutil.copy2(ROOT / source, into)
                continue
            for path in (ROOT / source).rglob("*"):
                name = path.relative_to(ROOT).as_posix()
                if path.is_file() and reaches_builder(name):
                    copy = into / path.relative_to(ROOT / source)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, copy)

    def _run(self, text: str, *, installed: bool) -> None:
        """Run a step in the builder's folder; what needs the registries only when `installed`."""
        if not installed:
            if "/bin/pip install" in text:
                self._stand_in()
            text = " && ".join(c for c in text.split("&&") if "pip " not in c and "npm " not in c)
            text = text.replace("python -m venv node", "true").replace(
                "python -m venv /opt/avenue", "true"
            )
        # Debian's Python is called `python3` only.
        text = text.replace("python -m venv", f"{PYTHON / 'bin/python3'} -m venv")
        ran = subprocess.run(
            ["sh", "-ec", self._here(text)],
            cwd=self.at("/build"),
            env={**os.environ, "PATH": f"{PYTHON / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def _stand_in(self) -> None:
        """What is installed here of requirements.txt, and nothing else; node_modules as it is."""
        venv = self.at("/opt/avenue")
        if (venv / "bin").exists():
            if not (self.at("/build") / "node_modules").exists():
                (self.at("/build") / "node_modules").symlink_to(ROOT / "node_modules")
            return
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", venv],
            check=True,
            timeout=DEADLINE_SECONDS,
        )
        (packages,) = venv.glob("lib/python*/site-packages")
        pinned = (ROOT / "requirements.txt").read_text()
        names = re.findall(r"^([\w.-]+)==[^;\\]*(?:;([^\\]*))?\\", pinned, re.MULTILINE)
        for name, marker in names:
            if "win32" not in marker:
                self._copy_distribution(name, packages)

    def _copy_distribution(self, name: str, packages: Path) -> None:
        for file in distribution(name).files or []:
            source = Path(str(distribution(name).locate_file(file)))
            target = packages / file
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        gunicorn = packages.parents[2] / "bin/gunicorn"
        if gunicorn.exists():
            gunicorn.write_text(
                f"#!{gunicorn.parent / 'python'}\n" + gunicorn.read_text().partition("\n")[2]
            )

    def _take_python_along(self) -> None:
        """Have the interpreter at its place in the image: here it may be in somebody's home."""
        bin_folder, config = self.at("/opt/avenue/bin"), self.at("/opt/avenue/pyvenv.cfg")
        mounted = str(self.at("/usr/local"))
        config.write_text(config.read_text().replace(str(PYTHON), mounted))
        for link in bin_folder.glob("python*"):
            target = os.readlink(link)
            if target.startswith("/"):
                link.unlink()
                link.symlink_to(target.replace(str(PYTHON), mounted))
        self.environment["LD_LIBRARY_PATH"] = f"{mounted}/lib"

    def _belongs_to_nobody(self) -> None:
        """As COPY and `install -d` leave it: root's, for all to read; the spool is the user's."""
        for path in [self.root, *self.root.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444)
        self.spool.chmod(0o700)
        if may_seal():
            os.chown(self.spool, USER, USER)

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        """Start `command` as a container of this image would."""
        words = ["env", *command]  # found by the image's PATH
        if may_seal():
            mounts = [str(each) for each in (self.spool, PYTHON, self.at("/usr/local"))]
            words = [*OWN_MOUNTS, "sh", "-ec", SEALED, "sh", *mounts, *words]
        return subprocess.Popen(
            words,
            cwd=self.at("/srv/avenue"),
            env={**self.environment, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str, **env: str) -> tuple[int, str]:
        """Run `command` to its end; return its exit code and all it said."""
        with self.start(*command, **env) as process:
            said, _ = process.communicate(timeout=DEADLINE_SECONDS)
            return process.returncode, said

    def everything_in_it(self) -> dict[str, tuple[int, int]]:
        """Each file but those of the spool, with its size and when it was written."""
        files = [path for path in self.root.rglob("*") if self.spool not in path.parents]
        stats = {str(path): path.lstat() for path in files if path != self.spool}
        return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}

    def remove(self) -> None:
        for path in self.root.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(self.root)


@pytest.fixture(
    scope="module",
    params=[False, pytest.param(True, marks=pytest.mark.long)],
    ids=["copied", "installed"],
)
def image(request: pytest.FixtureRequest) -> Iterator[Image]:
    image = Image(installed=request.param)
    yield image
    image.remove()


def settings(uri: str, port: int) -> dict[str, str]:
    return {
        "MONGODB_URI": uri,
        "SECRET_KEY": "dfGh38-kLmnb_Qwe92zXcvB71-plOkmIjn",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }


def health_check() -> list[str]:
    (check,) = [each.text for each in FINAL if each.name == "HEALTHCHECK"]
    words: list[str] = json.loads(check.partition("CMD ")[2])
    return words


def is_ready(port: int) -> bool:
    try:
        return Client(port).get("/readyz").status == 200
    except BROKEN:
        return False


def written_elsewhere(started: psutil.Process, spool: Path) -> set[str]:
    """What processes of the image have open for writing outside of the spool, now."""
    found = set()
    for process in [started, *started.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            files = [each.path for each in process.open_files() if each.mode != "r"]
            found |= {path for path in files if not path.startswith((str(spool), SHARED_MEMORY))}
    return found


def test_the_image_serves_as_nobody_and_writes_nothing_but_bodies_and_copies(
    image: Image, database_uri: str, guard: Guard
) -> None:
    env = settings(database_uri, port := free_port())
    before = image.everything_in_it()
    code, said = image.run("python", "-m", "avenue", "migrate", **env)
    assert code == 0, said
    prepare(database_uri)
    command = json.loads(next(each.text for each in FINAL if each.name == "CMD"))
    process = image.start(*command, **env)
    guard.watch(process.pid, image.root)
    try:
        wait_until(
            lambda: is_ready(port), "the image serves", failed=lambda: process.poll() is not None
        )
        assert image.run(*health_check(), **env)[0] == 0
        picture = noise_png(900, 900)  # 2.4 MB: spooled
        stranger = Client(port)
        login = {"email": SELLER, "password": PASSWORD}
        answer = stranger.send_json("POST", "/api/auth/login", login)
        seller = Client(port, answer.json["token"])
        product = seller.create_product()
        kept = seller.upload(product, picture)
        assert kept.status == 201, kept
        assert stranger.get(path_of(kept.json["url"])).body == picture
        thumb = kept.json["file"]["variants"]["thumb"]["url"]
        assert stranger.get(path_of(thumb)).status == 200
        assert stranger.get("/login").status == 200
        assert written_elsewhere(psutil.Process(process.pid), image.spool) == set()
        vendored = sorted((image.at("/srv/avenue") / "avenue/static/vendor").iterdir())
        assert [each.name for each in vendored] == [
            "fflate.esm.js",
            "fonts",
            "grapes.es.js",
            "grapes.min.css",
            "grapes.min.js",
            "sortable.esm.js",
            "tus.min.js",
        ]
    finally:
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0
    assert not re.search(r"Traceback|Read-only file system|Permission denied", log), log
    assert image.everything_in_it() == before
    (left,) = image.spool.iterdir()
    assert left.name.startswith("avenue-cache-")  # copies of public files, for the next start
    assert {each.stat().st_uid for each in left.iterdir()} <= {USER}
    assert image.run(*health_check(), **env)[0] != 0


def test_the_image_has_its_own_python_and_nothing_of_the_tests(image: Image) -> None:
    look = (
        "import importlib.util, json, shutil, sys; print(json.dumps({"
        "'prefix': sys.prefix, 'gunicorn': shutil.which('gunicorn'), 'more': [name for name in "
        "('pytest', 'tests', 'pip', 'mypy', 'deploy') if importlib.util.find_spec(name)]}))"
    )
    code, said = image.run("python", "-c", look)
    assert code == 0, said
    venv = image.at("/opt/avenue")
    assert json.loads(said) == {
        "prefix": str(venv),
        "gunicorn": str(venv / "bin/gunicorn"),
        "more": [],
    }


@pytest.mark.long
def test_the_image_says_what_is_missing(image: Image) -> None:
    code, said = image.run("gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
    assert code == 1
    assert "MONGODB_URI is missing" in said
    assert "Traceback" not in said
