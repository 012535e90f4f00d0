"""The clients of docs/clients/generated.md: made by its commands, and its programs run."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.samples import DOCS, MODULES, THEIRS
from tests.mongod import Guard
from tests.pictures import noise_png
from tests.server import Server, prepare
from tests.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.long

BLOCKS = re.findall(
    r"^```(sh|python|ts)\n(.*?)^```", (DOCS / "generated.md").read_text(), re.DOTALL | re.MULTILINE
)
COMMANDS = [text.replace("\\\n", " ").splitlines()[0] for kind, text in BLOCKS if kind == "sh"]
PROGRAMS = {kind: text for kind, text in BLOCKS if kind != "sh"}
ENDED = 4 * DEADLINE_SECONDS
"""The compiler and the generators work for a while on 130 routes."""


@pytest.fixture(scope="module")
def server(guard: Guard, shared_uri: str) -> Iterator[Server]:
    prepare(shared_uri)
    with Server(guard, shared_uri) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "python-client.yaml").symlink_to(DOCS / "python-client.yaml")
    (tmp_path / "foto.png").write_bytes(noise_png(40, 30))
    return tmp_path


def run(folder: Path, *command: str, code: int = 0) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if command[0] == "npx":  # which would look for what it runs on the network
        command = (str(MODULES / ".bin" / command[1]), *command[2:])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder / "avenue-client")},
        capture_output=True,
        text=True,
        check=False,
        timeout=ENDED,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def url_of(server: Server) -> str:
    return f"http://localhost:{server.port}"


def made_and_run(server: Server, folder: Path, command: str, *program: str) -> None:
    """Make a client by the command of the page; then its program uploads, lists, and is refused."""
    run(folder, *command.split())
    seller = server.seller()
    listed = run(folder, *program, url_of(server), seller.token, "foto.png").split()
    newest = seller.get("/api/uploads").json["items"][0]
    assert listed[:3] == [newest["id"], "foto.png", newest["url"]]
    said = run(folder, *program, url_of(server), "guessed", "foto.png", code=1)
    assert "invalid_token: " in said


def test_the_python_client_uploads_and_lists(server: Server, folder: Path) -> None:
    (folder / "upload.py").write_text(PROGRAMS["python"])
    made_and_run(server, folder, COMMANDS[0].replace(THEIRS, url_of(server)), "python", "upload.py")


@pytest.mark.needs("client packages")
def test_the_typescript_client_uploads_and_lists(server: Server, folder: Path) -> None:
    (folder / "package.json").write_text('{"type": "module"}')
    program = PROGRAMS["ts"]
    (folder / "upload.ts").write_text(program)
    (folder / "wrong.ts").write_text(program.replace("reference:", "referenz:"))
    compile_ = ("npx", "tsc", "--strict", "--module", "nodenext", "--target", "es2022")
    run(folder, *COMMANDS[1].replace(THEIRS, url_of(server)).split())
    made_and_run(server, folder, " ".join((*compile_, "upload.ts")), "node", "upload.js")
    assert "referenz" in run(folder, *compile_, "--noEmit", "wrong.ts", code=2)
