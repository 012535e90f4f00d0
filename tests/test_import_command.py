"""`python -m avenue import-products`, as an operator types it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from avenue.config import new_secret
from tests.http.application import a_picture, zipped
from tests.mongod import Mongod, client_of, fail_point
from tests.test_cli import ROOT, Run, run, said  # noqa: F401 - the fixture
from tests.waiting import DEADLINE_SECONDS, ending, wait_until

TABLE = "sku,nombre,precio\nZ1,Zapato,150000\nZ2,Bota,\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "precios.csv"
    file.write_text(TABLE)
    return file


def skus(uri: str) -> dict[str, str | None]:
    with client_of(uri) as client:
        found = client.get_default_database()["shop_products"].find()
        return {each["sku"]: each.get("owner") for each in found}


def test_there_and_back(run: Run, table: Path, migrated_uri: str) -> None:  # noqa: F811
    dry = run("import-products", str(table), "--dry-run")
    assert (dry.returncode, skus(migrated_uri)) == (0, {})
    assert "Dry run, nothing changed: 2 created" in dry.stdout
    assert "precio: – → 150000" in dry.stdout
    done = said(run("import-products", str(table), "--json"))
    assert (done["state"], done["name"], done["counts"]["created"]) == ("done", "precios.csv", 2)
    assert [each["row"] for each in done["rows"]] == [2, 3]
    assert skus(migrated_uri) == {"Z1": "command", "Z2": "command"}
    piped = run("import-products", "-", given="sku;precio\nZ1;165000\n")
    assert piped.stdout.splitlines() == [
        "~ row 2  Z1",
        "    precio: 150000 → 165000",
        "Imported: 0 created, 1 updated, 0 unchanged, 0 refused.",
    ]
    assert run("import-products", "--undo").stdout.startswith("Undone: 0 deleted, 1 restored")
    assert said(run("import-products", "--undo", "--json"))["state"] == "undone"
    assert skus(migrated_uri) == {}
    done = run("import-products", "--undo")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no import to undo" in done.stderr


def test_pictures_find_their_products(
    run: Run,  # noqa: F811
    table: Path,
    tmp_path: Path,
    migrated_uri: str,
) -> None:
    run("import-products", str(table))
    place = tmp_path / "fotos.zip"
    place.write_bytes(
        zipped({"Z1-1.jpg": a_picture(), "Z1-2.jpg": a_picture()[:200], "Z9.jpg": a_picture()})
    )
    dry = run("import-pictures", str(place), "--dry-run")
    assert dry.stdout.splitlines() == [
        "+ Z1-1.jpg  Z1",
        "+ Z1-2.jpg  Z1",
        "- Z9.jpg  no product has this SKU",
        "Dry run, nothing changed: 2 matched, 1 unmatched, 0 ambiguous, 0 left_out.",
    ]
    done = run("import-pictures", str(place))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "Imported: 1 added, 0 present, 1 refused; 1 unmatched, 0 ambiguous, 0 left_out."
    )
    again = run("import-pictures", str(place), "--json")
    assert json.loads(again.stdout)["counts"] == {"added": 0, "present": 1, "refused": 1}
    with client_of(migrated_uri) as client:
        assert client.get_default_database()["assets"].count_documents({}) == 1


def test_refused_rows_are_told_and_end_with_one(run: Run, table: Path) -> None:  # noqa: F811
    table.write_text("sku,nombre,precio,stock\nZ1,Zapato,free,1\nZ2,Bota,1,2\n")
    done = run("import-products", str(table))
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == [
        "Nobody reads these columns: stock.",
        (
            "! row 2  Z1  The price is not a number: enter only digits, like 150000 or "
            "150000.50. (bad_cell)"
        ),
    ]


def test_for_a_person(run: Run, table: Path, migrated_uri: str) -> None:  # noqa: F811
    added = said(run("users", "add", "ana@tienda.example", "--json"))
    run("users", "add", "leo@tienda.example", "--role", "client")
    run("import-products", str(table), "--as-user", "Ana@tienda.example")
    assert skus(migrated_uri) == {"Z1": added["id"], "Z2": added["id"]}
    for email, sentence in (("leo@tienda.example", "not allowed"), ("x@y.example", "No person")):
        done = run("import-products", str(table), "--as-user", email)
        assert done.returncode == 1
        assert sentence in done.stderr


@pytest.mark.long
def test_an_interrupted_one_is_handed_back_and_goes_on(
    mongod: Mongod,
    run: Run,  # noqa: F811
    table: Path,
    migrated_uri: str,
) -> None:
    rows = 3000
    table.write_text("sku,name\n" + "".join(f"Z{n},a\n" for n in range(rows)))
    with client_of(migrated_uri) as client:
        database = client.get_default_database()
        process = subprocess.Popen(
            [sys.executable, "-m", "avenue", "import-products", str(table)],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "MONGODB_URI": migrated_uri,
                "SECRET_KEY": new_secret(),
                "PUBLIC_BASE_URL": "https://shop.example",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        # A third of a second for each hundred rows: it is not over while a busy machine looks away.
        slowly = fail_point(
            mongod.client,
            ["update", "findAndModify"],
            None,
            block_ms=333,
            app_name="avenue",
            namespace=f"{database.name}.shop_imports",
        )
        with slowly as point, ending(process):
            wait_until(
                lambda: database["shop_imports"].find_one({"done": {"$gt": 0}}), "some rows are in"
            )
            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate(
                timeout=2 * DEADLINE_SECONDS
            )  # one that went on tells of every row
            assert process.returncode == 130, complaints
        assert point.hits
        assert [each["state"] for each in database["jobs"].find()] == ["queued"]
        assert database["shop_products"].count_documents({}) < rows
    done = said(run("import-products", str(table), "--json"))
    assert (done["state"], done["counts"]["created"]) == ("done", rows)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param((), "Give either a FILE or --undo", marks=pytest.mark.long),
        (("-", "--undo"), "Give either a FILE or --undo"),
        pytest.param(("nowhere.csv",), "nowhere.csv", marks=pytest.mark.long),
        (("-", "--site", "nowhere"), "no site"),
        pytest.param(("-",), "empty", marks=pytest.mark.long),
    ],
)
def test_mistakes_are_sentences(
    run: Run,  # noqa: F811
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    done = run("import-products", *arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
