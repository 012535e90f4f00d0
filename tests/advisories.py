"""`make audit`: which pins have known holes, asked of the advisory databases of OSV and npm.

Ends with 0 when every pin was asked for and none has a hole, with 1 when one has, and with 2 when
none is known but not every pin could be asked for.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
LONGEST_SECONDS = 300

PIP_AUDIT = (str(BIN / "pip-audit"), "--vulnerability-service", "osv", "--format", "json")
PIP_OPTIONS = ("--disable-pip", "--no-deps", "--progress-spinner", "off", "--requirement")
NPM_AUDIT = ("npm", "audit", "--json", "--package-lock-only", "--prefix")
NPM_LOCKS = ("package-lock.json", "tests/clients/package-lock.json")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is known of the pins of one file."""

    file: str
    holes: Sequence[str] = ()
    """Package, version or range, and advisory of each, as one line."""

    not_asked: Sequence[str] = field(default=())
    """The packages for which there was no answer, or why there was none for any."""


def of_pip(file: str, text: str) -> Answer:
    """Return what pip-audit's JSON `text` says of the pins in `file`."""
    try:
        pins = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Answer(file=file, not_asked=["the advisory database gave no answer"])
    return Answer(
        file=file,
        holes=[
            f"{pin['name']} {pin['version']}: {hole['id']}, fixed in "
            f"{', '.join(hole['fix_versions']) or 'no version'}"
            for pin in pins
            for hole in pin.get("vulns", ())
        ],
        not_asked=[pin["name"] for pin in pins if "skip_reason" in pin],
    )


def of_npm(file: str, text: str) -> Answer:
    """Return what the JSON `text` of `npm audit` says of the lock file."""
    try:
        packages: dict[str, dict[str, Any]] = json.loads(text)["vulnerabilities"]
    except (ValueError, KeyError, TypeError):
        return Answer(file=file, not_asked=["the advisory database gave no answer"])
    return Answer(
        file=file,
        holes=[
            f"{name} {hole['range']}: {hole['url']}"
            for name, package in sorted(packages.items())
            for hole in package["via"]
            if isinstance(hole, dict)  # a name stands for the hole of a package it uses
        ],
    )


def exit_code(answers: Sequence[Answer]) -> int:
    """Return 1 for a hole, 2 for a pin that was not asked for, 0 otherwise."""
    if any(answer.holes for answer in answers):
        return 1
    return 2 if any(answer.not_asked for answer in answers) else 0


def said(answer: Answer) -> str:
    """Return the lines that are printed of one file."""
    lines = [f"  {hole}" for hole in answer.holes]
    if answer.not_asked:
        lines.append(f"  NOT ASKED: {', '.join(answer.not_asked)}")
    return "\n".join([f"{answer.file}:", *(lines or ["  no known holes"])])


def main() -> int:
    """Ask for every pin, print what is known, and return the exit code."""
    answers = [
        of_pip(file.name, _output(*PIP_AUDIT, *PIP_OPTIONS, str(file)))
        for file in sorted(ROOT.glob("requirements*.txt"))
    ]
    answers += [of_npm(lock, _output(*NPM_AUDIT, str((ROOT / lock).parent))) for lock in NPM_LOCKS]
    print("\n".join(map(said, answers)))
    code = exit_code(answers)
    if code == 2:
        print(
            "Not every pin could be asked for: this does not say that the others have no holes. "
            "The list of `python -m avenue doctor` is what remains."
        )
    return code


def _output(*command: str) -> str:
    path = os.pathsep.join([os.environ["PATH"], str(BIN)])
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
        env={**os.environ, "PATH": path},
    )
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
