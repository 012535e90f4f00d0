"""`put`, `get`, `url`, `exists` and `rm`, as an operator types them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avenue.config import new_secret
from tests import pictures
from tests.commands import Commands
from tests.mongod import Mongod, client_of
from tests.prepared import emptied, prepared_uri
from tests.table import table
from tests.waiting import DEADLINE_SECONDS, ending, within

ROOT = Path(__file__).parent.parent.parent
BASE_URL = "https://shop.example"
LINE = re.compile(
    rf"([A-Za-z0-9_-]{{22}}) ({BASE_URL}/media/\1/[0-9a-f]{{12}}/original\.(jpg|png))"
)
Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def uri(mongod: Mongod) -> Iterator[str]:
    with prepared_uri(mongod) as uri:
        yield uri


@pytest.fixture
def environment(uri: str) -> Iterator[dict[str, str]]:
    """What a machine of the deployment has, its database prepared and empty."""
    with emptied(uri):
        yield {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "MONGODB_URI": uri,
            "SECRET_KEY": new_secret(),
            "PUBLIC_BASE_URL": BASE_URL,
            "PYTHONPATH": str(ROOT),
            # Many processes start one after another: a busy machine may need its time.
            "AVENUE_READ_SECONDS": "60",
        }


@pytest.fixture
def run(commands: Commands, environment: dict[str, str], tmp_path: Path) -> Run:
    """Run a command in a folder with two pictures and a text."""
    for name, seed in (("a.jpg", 1), ("b.png", 2)):
        kind = "PNG" if name.endswith("png") else "JPEG"
        (tmp_path / name).write_bytes(pictures.photo(40, 30, format=kind, seed=seed))
    (tmp_path / "notes.txt").write_text("Only words.")

    def run(*arguments: str, given: bytes = b"", **changes: str) -> subprocess.CompletedProcess:
        env = {**environment, **changes}
        return commands.run(*arguments, env=env, given=given, cwd=tmp_path)

    return run


def test_files_are_put_and_taken_out_again(run: Run, tmp_path: Path) -> None:
    done = run("put", "a.jpg", "notes.txt", "none.jpg", "b.png")
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    assert all(LINE.fullmatch(each) for each in lines), lines
    first, second = (each.split() for each in lines)
    assert "notes.txt: The file type is TXT" in done.stderr.decode()
    assert "none.jpg: The file cannot be read: No such file" in done.stderr.decode()
    assert b"Traceback" not in done.stderr

    data = (tmp_path / "b.png").read_bytes()
    again = run("put", "-", "--name", "Otra.png", "--json", given=data)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    (item,) = told["items"]
    assert (told["total"], told["refused"]) == (1, 0)
    assert (item["file"], item["id"], item["created"], item["name"]) == (
        "-",
        second[0],
        False,
        "b.png",
    )

    out = run("get", second[1], "-o", "-", "--json")
    assert (out.returncode, out.stdout) == (0, data)
    assert json.loads(out.stderr)["id"] == second[0]
    written = run("get", first[0], "-o", "c.jpg")
    assert written.stdout == b"c.jpg\n", written.stderr
    assert (tmp_path / "c.jpg").read_bytes() == (tmp_path / "a.jpg").read_bytes()
    refused = run("get", second[0])
    assert refused.returncode == 1
    assert b"b.png already exists" in refused.stderr
    (tmp_path / "b.png").write_text("lost")
    assert run("get", second[0], "--force").returncode == 0
    assert (tmp_path / "b.png").read_bytes() == data


def test_a_file_is_named_looked_for_and_removed(run: Run) -> None:
    found = json.loads(run("put", "a.jpg", "--json").stdout)["items"][0]
    assert run("url", found["id"]).stdout.decode() == f"{found['url']}\n"
    thumb = run("url", found["id"], "--variant", "thumb").stdout.decode()
    assert thumb.startswith(f"{BASE_URL}/media/{found['id']}/")
    assert thumb.endswith("/thumb.webp\n")
    huge = run("url", found["id"], "--variant", "huge")
    assert (huge.returncode, huge.stdout) == (1, b"")
    assert b"available: original, thumb, card" in huge.stderr
    path = found["url"].removeprefix(BASE_URL)
    assert [run("exists", which).returncode for which in (path, "/uploads/none.jpg")] == [0, 1]
    removed = run("rm", path, "nothing", "--json")
    assert removed.returncode == 1
    gone, unknown = json.loads(removed.stdout)["items"]
    assert (gone, unknown["code"]) == ({"file": path, "id": found["id"]}, "no_such_file")
    after = run("exists", found["id"], "--json")
    assert (after.returncode, json.loads(after.stdout)) == (1, {"exists": False})


@pytest.mark.long
def test_a_file_in_use_is_removed_by_force_only(run: Run, uri: str) -> None:
    kept = json.loads(run("put", "a.jpg", "--json").stdout)["items"][0]["id"]
    page = {"_id": "page-1", "site": "default", "title": "Inicio", "assets": [kept]}
    page["draft"] = {"html": f'<img src="avenue:{kept}/original">', "css": ""}
    with client_of(uri) as client:
        client.get_default_database()["page_content"].insert_one(page)
    refused = run("rm", kept)
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"page 'Inicio' (draft) https://shop.example/admin/website/page-1" in refused.stderr
    told = json.loads(run("rm", kept, "--json").stdout)
    (item,) = told["items"]
    assert (told["refused"], item["code"], item["total"]) == (1, "media_in_use", 1)
    assert (item["usage"][0]["kind"], item["usage"][0]["id"]) == ("page", "page-1")
    removed = run("rm", kept, "--force")
    assert (removed.returncode, removed.stdout.decode()) == (0, f"{kept}\n")


@table(
    "arguments, changes, code, sentence",
    [
        (("put",), {}, 2, "Missing argument"),
        (("put", "-"), {}, 2, "needs a --name"),
        (("put", "a.jpg", "b.png", "--name", "c"), {}, 2, "exactly one FILE"),
        (("put", "a.jpg", "--site", "none"), {}, 1, "no site with this name"),
        (("url", "none"), {}, 1, "does not exist"),
        (("exists", "none", "--site", "none"), {}, 2, "no site with this name"),
        (("exists", "none"), {"PUBLIC_BASE_URL": "shop"}, 2, "PUBLIC_BASE_URL"),
    ],
)
def test_mistakes_are_sentences(run: Run, arguments, changes, code, sentence) -> None:
    done = run(*arguments, **changes)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_reader_that_goes_away_ends_the_command_with_a_sentence(
    run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "big.png").write_bytes(pictures.noise_png(700, 500))
    asset_id = run("put", "big.png").stdout.split()[0].decode()
    process = subprocess.Popen(
        [sys.executable, "-m", "avenue", "get", asset_id, "-o", "-"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with ending(process):
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = within(process.stderr.read, "its complaint")
        assert process.wait(DEADLINE_SECONDS) == 1
    assert told == b"Error: stdout: Broken pipe\n"


def test_the_python_example_of_the_documents_runs(
    run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "a.jpg").rename(tmp_path / "zapato.jpg")
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert LINE.search(done.stdout)
    assert (tmp_path / "copia.jpg").read_bytes() == (tmp_path / "zapato.jpg").read_bytes()
    assert run("exists", done.stdout.split()[0]).returncode == 1
