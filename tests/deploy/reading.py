"""The files a deployment is made of, read as the programs that take them would read them."""

import re
import shlex
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile: `COPY`, the flags before its words, and the rest."""

    name: str
    text: str

    @property
    def flags(self) -> dict[str, str]:
        words = self.text.split()
        flags = [word for word in words if word.startswith("--")]
        return dict(flag[2:].partition("=")[::2] for flag in flags)

    @property
    def words(self) -> list[str]:
        return [word for word in self.text.split() if not word.startswith("--")]


def stages() -> list[list[Instruction]]:
    """The instructions of each stage of the Dockerfile, its FROM first."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    found = [Instruction(*line.split(None, 1)) for line in lines if line]
    starts = [place for place, each in enumerate(found) if each.name == "FROM"]
    return [found[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]


def environment_of(stage: list[Instruction]) -> dict[str, str]:
    pairs = [pair for each in stage if each.name == "ENV" for pair in shlex.split(each.text)]
    return dict(pair.partition("=")[::2] for pair in pairs)


def reaches_builder(path: str) -> bool:
    """Whether `path` is in the build's context, by the rules of .dockerignore: the last wins."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            exception = pattern.startswith("!")
            if _matches(path, pattern.removeprefix("!")):
                kept = exception
    return kept


def _matches(path: str, pattern: str) -> bool:
    """Whether `pattern` names `path` or a folder it lies in."""
    names = path.split("/")
    if pattern.startswith("**/"):
        return any(fnmatchcase(name, pattern[3:]) for name in names)
    parts = pattern.split("/")
    return len(names) >= len(parts) and all(map(fnmatchcase, names, parts))


def new_env() -> dict[str, str]:
    """What deploy/new_env.sh makes, as a shell or compose reads it."""
    made = subprocess.run(
        ["sh", DEPLOY / "new_env.sh"], capture_output=True, text=True, check=True, timeout=20
    )
    lines = [line for line in made.stdout.splitlines() if line and not line.startswith("#")]
    return dict(line.partition("=")[::2] for line in lines)


def compose(env: dict[str, str] | None = None) -> dict[str, Any]:
    """compose.yaml with its variables filled in from `env`, new secrets unless told."""
    env = new_env() if env is None else env

    def value(found: re.Match[str]) -> str:
        name, kind, otherwise = found.groups()
        assert kind == ":-" or name in env, f"{name} is not made by deploy/new_env.sh"
        return env.get(name) or otherwise

    text = re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", value, (ROOT / "compose.yaml").read_text())
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def manifests() -> list[dict[str, Any]]:
    """Every object of deploy/kubernetes."""
    return [each for path in KUBERNETES for each in yaml.safe_load_all(path.read_text())]


def manifest(kind: str, name: str) -> dict[str, Any]:
    (found,) = [
        each for each in manifests() if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return found
