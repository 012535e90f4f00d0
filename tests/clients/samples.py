"""The code blocks of docs/clients, made into pages a browser can open."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.server import ROOT
from tests.waiting import DEADLINE_SECONDS

DOCS = ROOT / "docs" / "clients"
MODULES = Path(__file__).parent / "node_modules"
BLOCK = re.compile(r"```(html|jsx?)\n(.*?)```", re.DOTALL)
HEADING = re.compile(r"^## ", re.MULTILINE)
OPTIONS = (
    "--bundle",
    "--format=esm",
    "--jsx=automatic",
    "--external:./avenue.js",
    "--log-level=error",
    '--define:process.env.NODE_ENV="production"',
    *(f"--loader:.{kind}=dataurl" for kind in ("svg", "png", "woff", "woff2", "ttf")),
)
NO_BROWSER = {"README", "react-native", "flutter", "generated"}
THEIRS = "https://files.example.com"


@dataclass(frozen=True, slots=True)
class Sample:
    """What one section of a page says to copy: HTML for the page, and a module."""

    html: str
    code: str


def samples() -> Mapping[str, Sample]:
    """Every sample by page and number, `grapesjs` first, then `grapesjs-2`."""
    found: dict[str, Sample] = {}
    for page in sorted(DOCS.glob("*.md")):
        if page.stem in NO_BROWSER:
            continue
        for number, section in enumerate(HEADING.split(page.read_text()), 1):
            blocks = BLOCK.findall(section)
            code = "\n".join(text for kind, text in blocks if kind != "html")
            if code and "import " in code:
                name = page.stem if number == 1 else f"{page.stem}-{number}"
                html = "\n".join(text for kind, text in blocks if kind == "html")
                found[name] = Sample(html, code)
    return found


def whereabouts() -> tuple[str, str]:
    """The two ways to say where Avenue is: on another origin, and on the page's own."""
    blocks = [text for _, text in BLOCK.findall((DOCS / "README.md").read_text())]
    elsewhere, here = (each for each in blocks if each.startswith("// avenue.js"))
    return elsewhere, here


def build(folder: Path) -> None:
    """Make a page of each sample in `folder`; `here.js` there is for Avenue's own origin."""
    _, here = whereabouts()
    folder.mkdir()
    (folder / "here.js").write_text(here)
    entries = []
    for name, sample in samples().items():
        page = folder / name
        page.mkdir()
        (page / "index.html").write_text(
            f'<!doctype html><meta charset="utf-8"><title>{name}</title>'
            '<link rel="icon" href="data:,"><link rel="stylesheet" href="app.css">'
            f'{sample.html}<script type="module" src="app.js"></script>'
        )
        (page / "app.css").touch()
        (page / "app.jsx").write_text(sample.code)
        entries.append(str(page / "app.jsx"))
    esbuild = (str(MODULES / ".bin" / "esbuild"), *entries, *OPTIONS)
    subprocess.run(
        [*esbuild, f"--outdir={folder}", f"--outbase={folder}"],
        check=True,
        timeout=DEADLINE_SECONDS,
        env={**os.environ, "NODE_PATH": str(MODULES)},
    )


def place(built: Path, folder: Path, avenue: str) -> None:
    """Put the pages that were built into `folder`, with the address of Avenue, which is all that
    is changed of a block.
    """
    shutil.copytree(built, folder, dirs_exist_ok=True)
    elsewhere, _ = whereabouts()
    for name in samples():
        (folder / name / "avenue.js").write_text(elsewhere.replace(THEIRS, avenue))
