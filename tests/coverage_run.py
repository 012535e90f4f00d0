"""`make coverage`: which lines and branches of avenue/ the tests reach, in every process.

Servers, commands and decoders are started with environments of their own, so a `.pth` file in the
virtual environment tells each Python there to measure itself while this runs. What SIGKILL ends
writes nothing down.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".coverage"
LEAST_COVERED = 10
LONGEST_SECONDS = 3600
STARTER = """import os, sys; exec('''
os.environ.update(COVERAGE_PROCESS_START={config!r}, COVERAGE_FILE={data!r})
import coverage
coverage.process_startup()
del os.environ["COVERAGE_PROCESS_START"], os.environ["COVERAGE_FILE"]
''')
"""


def coverage(*arguments: str) -> str:
    """Run a command of coverage.py and return what it prints."""
    command = [sys.executable, "-m", "coverage", *arguments, f"--data-file={DATA}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
    )
    return done.stdout + done.stderr


def main(options: list[str]) -> int:
    """Run the tests with `options` of pytest; return what pytest returned."""
    coverage("erase")
    starter = Path(sysconfig.get_path("purelib")) / "avenue_coverage.pth"
    text = STARTER.format(config=str(ROOT / "pyproject.toml"), data=str(DATA))
    starter.write_text(text.replace("\n", "\\n", text.count("\n") - 1))
    try:
        command = [sys.executable, "-m", "pytest", "tests", "-m", "not long and not alone"]
        code = subprocess.run(
            [*command, *options], cwd=ROOT, check=False, timeout=LONGEST_SECONDS
        ).returncode
    finally:
        starter.unlink()
    coverage("combine", "--quiet")
    for left in DATA.parent.glob(f"{DATA.name}.*"):  # of what was killed while it wrote them
        left.unlink()
    report = coverage("report", "--sort=cover", "--skip-empty", "--precision=1").splitlines()
    total = next(line for line in report if line.startswith("TOTAL"))
    print("\n".join([*report[: 2 + LEAST_COVERED], "…", total]))
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
